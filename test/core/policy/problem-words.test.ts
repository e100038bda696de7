// Every word about a wrong policy, and every reason of a predefined exclusion, is known again: other languages have theirs by its key.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { predefinedExclusions } from '../../../electron/core/policy/exclusions.ts';
import { placeOf } from '../../../electron/core/policy/policy.ts';
import { parsePolicyFile } from '../../../electron/core/policy/parse.ts';
import { detailSentence, placeSentence, predefinedSentence, problemSentence } from '../../../electron/core/policy/problem-words.ts';
import { readPolicyRegistry } from '../../../electron/core/policy/tree.ts';
import { say } from '../../../electron/core/sentence.ts';
import type { Sentence } from '../../../electron/core/sentence.ts';
import { invalidPolicies } from './invalid-policies.ts';

const rule = (change: object): object => ({ version: 1, rules: [{ id: 'x', do: 'block', ...change }] });
const host = (pattern: string): object => rule({ when: { host: pattern } });
const proxy = (upstreamProxy: string): object => ({ version: 1, network: { upstreamProxy } });

const more: readonly (readonly [name: string, policy: object])[] = [
  ...['', 'a'.repeat(254), 'https://a.example/', 'a.example:443', 'a..b', `${'a'.repeat(64)}.example`, 'a.*.example', 'a*b*.example', 'müller.example', '(a|b).example', '*x', '1.2.3']
    .map((pattern): [string, object] => [`the host ${pattern.slice(0, 20)}`, host(pattern)]),
  ...['ftp://p', 'http://p:99999', 'a b', 'http://u:p@proxy.example'].map((address): [string, object] => [`the proxy ${address}`, proxy(address)]),
  ['an empty text', rule({ reason: '' })], ['a long text', rule({ reason: 'x'.repeat(1_001) })], ['a long id', rule({ id: 'x'.repeat(101) })],
  ['conditions that are no object', rule({ when: 5 })], ['an app that is no text', rule({ when: { app: { path: 5, package: [], signer: {} } } })], ['a user that is none', rule({ when: { user: true } })],
  ['an unknown system', rule({ when: { os: 'beos' } })], ['hosts that are none', rule({ when: { host: { a: 1 } } })], ['a reason that is none', rule({ reason: 4 })],
  ['a rule that is text', { version: 1, rules: ['x'] }], ['too many rules', { version: 1, rules: Array.from({ length: 5_001 }, () => 1) }],
  ['local targets of other kinds', { version: 1, network: { localTargets: { 'A:443': '127.0.0.1:1', 'b.example:443': 'name:1', 'c.example:443': 7 } } }],
  ['too many local targets', { version: 1, network: { localTargets: Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`h${index}.example:443`, '127.0.0.1:1'])) } }],
  ['lists that are none', { version: 1, network: { upstreamRoots: 'a', upstreamBypass: 5, upstreamCredentials: 5, upstreamProxy: 5 } }],
  ['too many files', { version: 1, network: { upstreamRoots: Array.from({ length: 1_001 }, () => '/a') } }],
  ['a pause without sense', { version: 1, pause: { mode: 'perhaps', maxMinutes: 'all', keyFile: 'here' } }], ['a notice that is none', { version: 1, notice: { text: 5 } }],
  ['a key that is none', { version: 1, diagnostics: { sealTo: 'abc' } }], ['a manager without a name', { version: 1, managedBy: { url: 'http://a', caption: 5 } }],
  ['nested too deep', JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) as object],
];

const texts: readonly (readonly [name: string, text: string])[] = [
  ...invalidPolicies.map(({ name, policy }): [string, string] => [name, JSON.stringify(policy)]),
  ...more.map(([name, policy]): [string, string] => [name, JSON.stringify(policy)]),
  ...['', '  ', '{', '[', '{"version":1,}', '{"version" 1}', '{"version":1 "a":2}', '{"version":1}x', '{/*a*/}', '{"version":"1}', '{"version":"\\u12"}', '{"version":"\\q"}', '{"version":"\u0001"}', '{"version":1e}', '{version:1}', '{"version":nul}', '{"version":1', '{"version":1,"version":1}', '{"__proto__":1}', '{"rules":[1'].map((text): [string, string] => [`the text ${text}`, text]),
];

/** The values of a sentence and of those in it that are still words. */
function leftOver({ values }: Sentence): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === 'object') return leftOver(value);
    return ['what', 'why', 'problem'].includes(name) && !/^(?:"[^"]*"|\d+)$/u.test(String(value)) ? [`${name}: ${value}`] : [];
  });
}

describe('a problem', () => {
  test.each(texts)('%s', (_name, text) => {
    const read = parsePolicyFile(text, 'a.json');
    if (read.kind === 'policy') throw new Error('this policy is valid');
    for (const { message, path } of read.problems) {
      const known = problemSentence(message);
      expect(known === null ? null : [say(known), leftOver(known)], message).toEqual([message, []]);
      if (path !== '' && !/[\s:]/u.test(path)) expect(problemSentence(`${path}: ${message}`)).toEqual({ key: 'problem.at', values: { path, problem: known } });
    }
  });

  test('of the registry, whose rules are text', () => {
    const read = readPolicyRegistry({ rules: '[' }, 'HKLM');
    expect(read.kind === 'invalid' && read.problems.map(({ message }) => problemSentence(message)?.key)).toEqual(['problem.json-because']);
  });

  test.each(['', 'something else', 'a: b', `must be ${'x, not '.repeat(500)}`])('that is none of ours stays as it is: %.30s', (text) => expect(problemSentence(text)).toBeNull());
});

test('every reason of the shipped exclusions is known, vendor and all', () => {
  const seed: unknown = JSON.parse(readFileSync(new URL('../../../resources/exclusions.json', import.meta.url), 'utf8'));
  const reasons = (['linux', 'macos', 'windows'] as const).flatMap((os) => predefinedExclusions(seed, os).map(({ reason }) => reason));
  expect(new Set(reasons).size).toBeGreaterThan(5);
  for (const reason of reasons) {
    const known = predefinedSentence(reason);
    expect(known === null ? null : say(known)).toBe(reason);
  }
  expect(predefinedSentence('apps of several vendors are reported to break here under inspection')?.values).toEqual({ vendor: { key: 'predefined.various', values: {} } });
  expect(predefinedSentence('Update service of the vendor')).toBeNull();
});

test.each([
  'predefined "apple-push"', 'learned "ex-1", private-trust-store', 'user "a "b" c"', 'managed "x", something-new',
  'HTTPS of your own programs is inspected, as long as no policy file says otherwise',
])('a decision\'s detail is known: %s', (detail) => {
  const known = detailSentence(detail);
  expect(known === null ? null : say(known)).toBe(detail);
});

test('the organisation\'s own reason is its own', () => expect(detailSentence('learned the hard way')).toBeNull());

test.each([[7, { key: 'problem.place', values: { file: '/etc/a, b.json', number: '7' } }], [null, null]])('a place in line %s', (line, known) => {
  expect(placeSentence(placeOf({ file: '/etc/a, b.json', line, column: 1, path: '', message: '' }))).toEqual(known);
});
