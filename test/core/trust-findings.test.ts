// What native/trust-store says about stores is known again, so that windows in other languages need not show it in English.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileModeOnly } from '../../electron/core/ca/secret-store.ts';
import { say } from '../../electron/core/sentence.ts';
import { findingSentence } from '../../electron/core/trust-findings.ts';
import { repository } from '../support/agent.ts';

test.each([
  ['a plain one', 'NSS database', 'found.nss'],
  ['one with values', 'SSL_CERT_FILE names /etc/a b.pem', 'found.names-place'],
  ['one with a semicolon of its own', 'keychain; Safari, Chromium, Firefox and most programs read it', 'found.keychain'],
  ['two', 'a root of an earlier installation is in it; NSS database', 'found.two'],
  ['three, one of them with a semicolon of its own', 'the next root is not in it yet; keychain; Safari, Chromium, Firefox and most programs read it', 'found.two'],
  ['the key, by file mode', fileModeOnly.words, 'found.file-mode'],
  ['the key, under Windows', 'sealed by Windows for the account that runs the agent (DPAPI)', 'found.dpapi'],
  ['what is set and what that means', '-k is set, so it verifies nothing', 'found.verifies-nothing'],
  ['what is set', 'GIT_SSL_NO_VERIFY is set', 'found.set'],
  ['what is not set', 'GIT_SSL_CAINFO is not set; http.sslCAInfo was not read', 'found.two'],
  ['values that look like places for values', 'SSL_CERT_FILE names {place}', 'found.names-place'],
  ['what no program of ours says', 'lorem ipsum', null],
  ['a known one with an unknown one', 'NSS database; lorem ipsum', null],
  ['a root that is too many', '2 roots of Pinlight\'s are in it', 'found.our-roots'],
  ['English that happens to be like one', 'the answer is 42', null],
  ['nothing', '', null],
  ['as many as fit', 'NSS database; '.repeat(140).slice(0, -2), 'found.two'],
  ['a text without end', `${'NSS database; '.repeat(100_000)}x`, null],
])('%s', (_name, text, key) => {
  const found = findingSentence(text);
  expect(found?.key ?? null).toBe(key);
  // Its English is the very text: whoever reads English sees no difference.
  if (found !== null) expect(say(found)).toBe(text);
});

test('every text that is written about a store, a key or a lost agent is known', () => {
  // Rows of a change are printed by the command alone, in English: doctor.ts.
  const folder = join(repository, 'native', 'trust-store');
  const literal = String.raw`(?:'((?:[^'\\]|\\.)*)'|\x60([^\x60]*)\x60)`;
  const texts = readdirSync(folder).filter((name) => name !== 'doctor.ts').flatMap((name) => {
    const source = readFileSync(join(folder, name), 'utf8');
    return [...source.matchAll(/(?:detail|because)(?::| =) ([^\n]*)/gu)].flatMap(([, rest = '']) => [...rest.matchAll(new RegExp(String.raw`(?:^|[?:] )${literal}`, 'gu'))]
      .map(([, plain, template]) => plain?.replaceAll("\\'", "'") ?? template?.replaceAll(/\$\{(?:choice|base)\.because\}/gu, 'SSL_CERT_FILE is not set').replaceAll(/\$\{[^}]*\}/gu, 'X') ?? ''));
  }).filter((text) => text.length > 4);
  const keys = readdirSync(join(repository, 'native', 'secret-store'))
    .flatMap((name) => [...readFileSync(join(repository, 'native', 'secret-store', name), 'utf8').matchAll(/'(sealed (?:by|under) [^']+)'/gu)].map(([, words = '']) => words));
  expect(keys.length).toBeGreaterThan(3);
  texts.push(...keys);
  for (const watcher of ['electron/client/watch-events.ts', 'renderer/bridge-http.ts']) {
    const whys = [...readFileSync(join(repository, watcher), 'utf8').matchAll(/why: ['`]([^'`]+)['`]/gu)].map(([, words = '']) => words.replaceAll(/\$\{(?:[^{}]|\{[^}]*\})*\}/gu, '8'));
    expect(whys.length, watcher).toBeGreaterThan(2);
    texts.push(...whys);
  }
  expect(texts.length).toBeGreaterThan(40);
  expect(texts.filter((text) => findingSentence(text) === null)).toEqual([]);
});
