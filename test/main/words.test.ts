// The shell's catalogues: every language has every key with the same values, plurals are whole, and the code names them all.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogues, shellWords } from '../../electron/main/words.ts';

const english = catalogues['en'] ?? {};
const main = join(import.meta.dirname, '..', '..', 'electron', 'main');
const sources = readdirSync(main).map((name) => readFileSync(join(main, name), 'utf8')).join('\n');
const holes = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort();

describe.each(Object.keys(catalogues))('%s', (language) => {
  const catalogue = catalogues[language] ?? {};
  test('has every key of English and no other, each with words', () => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(english).sort());
    expect(Object.entries(catalogue).filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  test('leaves the same places for values', () => {
    expect(Object.keys(catalogue).filter((key) => holes(catalogue[key] ?? '').join() !== holes(english[key] ?? '').join())).toEqual([]);
  });
});

test('every file of words is a language the shell knows', () => {
  const files = readdirSync(join(main, '..', '..', 'resources', 'locales')).filter((name) => name.startsWith('shell.'));
  expect(files.sort()).toEqual(Object.keys(catalogues).map((language) => `shell.${language}.json`).sort());
});

test('every plural has its singular and its rest', () => {
  const stems = new Set(Object.keys(english).filter((key) => /_(?:one|other)$/.test(key)).map((key) => key.replace(/_(?:one|other)$/, '')));
  for (const stem of stems) expect([`${stem}_one` in english, `${stem}_other` in english, stem in english]).toEqual([true, true, false]);
});

test('the code names every key', () => {
  const stems = Object.keys(english).map((key) => key.replace(/_(?:one|other)$/, ''));
  expect(stems.filter((key) => !/^(?:trust|why|notifications)\./.test(key) && !sources.includes(`'${key}'`))).toEqual([]);
});

test.each([
  ['German of Austria', 'de-AT', 'Jetzt fortsetzen'], ['English of anywhere', 'en-GB', 'Resume now'], ['a language without a catalogue', 'ja', 'Resume now'],
  ['a locale that is none', '', 'Resume now'],
])('%s', (_name, locale, shown) => expect(shellWords(locale)('tray.resume')).toBe(shown));
