// The catalogue and the code name the same keys: none missing, none unused, plurals whole; German has every key with its values; and what
// the window says by code is what core says, word for word in English. What stands on the screens is languages.test.ts.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInstance } from 'i18next';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorAdvice } from '../../electron/contract/errors.ts';
import { adviceWords, englishSentences, faultWords, helpWords, ofI18next, sentenceNamespace, warningWords, word } from '../../electron/contract/sentences.ts';
import { ownCommands } from '../../electron/contract/own-command.ts';
import {
  adviceSentence, adviseVerdict, attemptSentence, decisionSentence, duration, durationSentence, exclusionSentence, explainDecision, explainFact, explainOutcome, explainVerdict,
  factSentence, outcomeSentence, verdictSentence,
} from '../../electron/core/explain.ts';
import { visibleWarnings, warningTable } from '../../electron/core/health/warnings.ts';
import type { WarningCode } from '../../electron/core/health/warnings.ts';
import { parseFilter } from '../../electron/core/log-query/parse-filter.ts';
import { suggest } from '../../electron/core/log-query/suggest.ts';
import { say, sentenceTexts } from '../../electron/core/sentence.ts';
import type { Sentence } from '../../electron/core/sentence.ts';
import { languageFor, pseudo } from '../../renderer/languages.ts';
import { facts, outcomes, reasonCodes, verdicts } from '../core/every-code.ts';
import { complaints } from '../core/log-query/complaints.ts';

const renderer = fileURLToPath(new URL('../../renderer', import.meta.url));
const plural = /_(?:zero|one|two|few|many|other)$/;

function keysOf(tree: unknown, path = ''): string[] {
  if (typeof tree === 'string') return [path];
  if (typeof tree !== 'object' || tree === null) throw new Error(`${path} is neither words nor a group`);
  return Object.entries(tree).flatMap(([name, value]) => keysOf(value, path === '' ? name : `${path}.${name}`));
}

async function readCatalogue(): Promise<string[]> {
  return keysOf(await readWords('en'));
}

async function readWords(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(renderer, name === 'sentences.de' ? '../resources' : '.', `locales/${name}.json`), 'utf8'));
}

/** Key → text, groups joined by a full stop. */
function textsOf(tree: unknown, path = ''): [key: string, text: string][] {
  if (typeof tree === 'string') return [[path, tree]];
  return Object.entries(tree ?? {}).flatMap(([name, value]) => textsOf(value, path === '' ? name : `${path}.${name}`));
}

/** Names of the values and commands in a text. */
function partsOf(text: string): string[] {
  return [...new Set(text.match(/\{+\w+\}+|`[^`]+`/gu))].sort();
}

/** What a German text has wrong beside its English one. */
function faultsOf(english: readonly (readonly [key: string, text: string])[], german: ReadonlyMap<string, string>): string[] {
  return english.flatMap(([key, text]) => {
    const worded = german.get(key);
    if (worded === undefined) return [`${key} is missing`];
    if (worded === '') return [`${key} is empty`];
    return String(partsOf(text)) === String(partsOf(worded)) || text === '' ? [] : [`${key}: ${String(partsOf(text))} became ${String(partsOf(worded))}`];
  });
}

async function readSources(): Promise<string> {
  const entries = await readdir(renderer, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name));
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))).join('\n');
}

test('every key that the code names is in the catalogue, and every key in the catalogue is named by the code', async () => {
  const catalogue = new Set((await readCatalogue()).map((key) => key.replace(plural, '')));
  const groups = new Set([...catalogue].map((key) => key.split('.')[0]));
  const named = [...(await readSources()).matchAll(/'([a-z][a-zA-Z0-9]*)\.([a-zA-Z0-9]+)'/g)]
    // Files of a bundle look like keys.
    .filter(([, group, name]) => groups.has(group) && !(/^(?:nd)?json$/.test(name ?? '') && group !== 'export')).map(([, group, name]) => `${group}.${name}`);
  expect(named.filter((key) => !catalogue.has(key)), 'named but missing').toEqual([]);
  expect([...catalogue].filter((key) => !named.includes(key)), 'there but never named').toEqual([]);
  expect(named.length).toBeGreaterThan(100);
});

test('every plural has its singular and its rest, as English wants', async () => {
  const keys = await readCatalogue();
  const stems = new Set(keys.filter((key) => plural.test(key)).map((key) => key.replace(plural, '')));
  expect(stems.size).toBeGreaterThan(0);
  for (const stem of stems) expect(keys.filter((key) => key.replace(plural, '') === stem && key !== stem).sort()).toEqual([`${stem}_one`, `${stem}_other`]);
});

test('no text stands in the screens themselves: between tags there are expressions only', async () => {
  const texts = [...(await readSources()).matchAll(/<(?:p|h[1-4]|span|Button|Label|dt|th|strong|ToggleButton)(?: [^<>]*)?>\s*([A-Za-z][^<{}]*)</g)].map(([, text]) => text);
  expect(texts).toEqual([]);
});

describe('German', () => {
  test('has every key of the window\'s words and no other, with the same values and commands', async () => {
    const [english, german] = [textsOf(await readWords('en')), textsOf(await readWords('de'))];
    expect(faultsOf(english, new Map(german))).toEqual([]);
    expect(german.map(([key]) => key)).toEqual(english.map(([key]) => key));
  });

  test('has every sentence of the agent and no other, with the same values and commands', async () => {
    const german = textsOf(await readWords('sentences.de'));
    expect(faultsOf(Object.entries(englishSentences), new Map(german))).toEqual([]);
    expect(german.map(([key]) => key).filter((key) => !(key in englishSentences))).toEqual([]);
  });
});

describe('what the window says by code', () => {
  const i18n = createInstance();
  const t = i18n.t.bind(i18n);
  beforeAll(async () => {
    const german = Object.fromEntries(textsOf(await readWords('sentences.de')));
    const resources = { en: ofI18next(englishSentences), de: ofI18next(german), 'en-XA': pseudo(ofI18next(englishSentences)) };
    await i18n.init({
      lng: 'en', interpolation: { escapeValue: false },
      resources: Object.fromEntries(Object.entries(resources).map(([language, texts]) => [language, { [sentenceNamespace]: texts }])),
    });
  });

  const said: readonly (readonly [name: string, words: Sentence, english: string])[] = [
    ...Object.keys(reasonCodes).flatMap((code) => (['inspect', 'bypass', 'block'] as const).flatMap((disposition) => [null, '{reason} $t(times) {{rule}}'].map((detail) => {
      const decision = { disposition, reason: { code: code as keyof typeof reasonCodes, detail }, rule: 'own {detail}' };
      return [`${disposition} because of ${code}`, decisionSentence(decision), explainDecision(decision)] as const;
    }))),
    ...Object.values(outcomes).flat().flatMap((outcome) => [
      [`outcome ${outcome.kind}`, outcomeSentence(outcome), explainOutcome(outcome)] as const,
      [`attempt ${outcome.kind}`, attemptSentence({ disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'r' }, outcome), `Inspected: policy rule "r" says so. ${explainOutcome(outcome)}`] as const,
    ]),
    ...Object.entries(facts).flatMap(([code, values]) => [1, 2].map((count) => {
      const fact = { code: code as keyof typeof facts, speaks: 'for', values: { ...values, ...('count' in values ? { count } : {}), ...('hosts' in values ? { hosts: count } : {}) } } as const;
      return [`fact ${code}`, factSentence(fact), explainFact(fact)] as const;
    })),
    ...Object.values(verdicts).flat().flatMap((verdict) => [
      [`verdict ${verdict.kind}`, verdictSentence(verdict, 'curl {host}', 'a.example'), explainVerdict(verdict, 'curl {host}', 'a.example')] as const,
      [`advice ${verdict.kind}`, adviceSentence(verdict), adviseVerdict(verdict)] as const,
    ]),
    ...[0, 90_000, 3_900_000, 86_400_000, 100_800_000].map((ms) => [`duration ${ms}`, durationSentence(ms), duration(ms)] as const),
    ...complaints.flatMap(([name, filter]) => {
      const read = parseFilter(filter);
      return read.kind === 'filter' ? [] : [[`complaint about ${name}`, read.complaint, say(read.complaint)] as const];
    }),
    ...Object.entries(sentenceTexts).filter(([key]) => /^(?:found|bundle|named|predefined|problem|pattern|proxy|what)\./u.test(key) && key !== 'found.two' && key !== 'problem.at').map(([key, text]) => {
      const words: Sentence = { key, values: Object.fromEntries([...text.matchAll(/\{(\w+)\}/gu)].map(([, name]) => [name, '/a/b'])) };
      return [`finding ${key}`, words, say(words)] as const;
    }),
    ...(['predefined', 'managed', 'user', 'learned'] as const).flatMap((kind) => [null, 60_000].map((expiresAt) => {
      const words = exclusionSentence({ id: '', kind, host: '*', appId: null, appName: null, appHash: null, reason: 'why', verdict: null, createdAt: 0, expiresAt }, 0);
      return [`exclusion ${kind}`, words, say(words)] as const;
    })),
  ];

  test('is in English what core says, word for word, values that look like placeholders included', async () => {
    await i18n.changeLanguage('en');
    expect(said.map(([name, words]) => [name, word(t, words)])).toEqual(said.map(([name, , english]) => [name, english]));
    const warnings = visibleWarnings((Object.keys(warningTable) as WarningCode[]).map((code) => ({ code, key: '', since: 0, values: { place: 'p', message: 'm', kind: 'network', until: '10:00', why: 'the network changed' } })));
    for (const warning of warnings) for (const part of ['title', 'text', 'advice'] as const) {
      // A value that is not there stays as a placeholder in both, each in its own spelling.
      expect(warningWords(t, warning, part).replaceAll('{{', '{').replaceAll('}}', '}')).toBe(warning[part]);
    }
    for (const [code, advice] of Object.entries(errorAdvice)) expect(adviceWords(t, { code: code as keyof typeof errorAdvice, message: '', advice }, ownCommands.packaged)).toBe(advice);
  });

  test.each(['de', 'en-XA'])('has no English left in %s, and no placeholder', async (language) => {
    await i18n.changeLanguage(language);
    for (const [name, words, english] of said) {
      const text = word(t, words);
      if (!/^[\d\s]+(?:s|min|h)/u.test(english)) expect(text, name).not.toBe(english);
      expect(text.replaceAll(/curl \{host\}|\{reason\} \$t\(times\) \{\{rule\}\}|own \{detail\}/gu, ''), name).not.toMatch(/[{}]|undefined/u);
    }
    const error = { code: 'bug', message: 'broken', advice: errorAdvice.bug } as const;
    if (language === 'de') expect(faultWords(t, error)).toBe('In Pinlight ist ein Fehler aufgetreten.');
    // Every help that the filter box can show, but for names of alerts.
    for (const text of ['', 'a', 'app ', 'since:', 'time ', 'error ', '(host == x ', 'bytes ', 'ip ', 'reason:']) {
      for (const { help } of suggest(text, text.length).options) {
        if (help !== '' && !/^(?:alert \d+|[a-z_]+)$/u.test(help)) expect(helpWords(t, help), help).not.toBe(help);
      }
    }
  });

  test('every English sentence is one that core can say', () => {
    const keys = new Set<string>();
    const collect = ({ key, values }: Sentence): void => {
      keys.add(key);
      for (const value of Object.values(values)) if (typeof value === 'object') collect(value);
    };
    for (const [, words] of said) collect(words);
    const elsewhere = /^(?:control\.|disturbance\.|verdict\.none|next\.unseen|next\.once|outcome\.open|manner\.|todo\.|found\.two|problem\.at)/u;
    expect(Object.keys(sentenceTexts).map((key) => key.replace(plural, '')).filter((key) => !keys.has(key) && !elsewhere.test(key))).toEqual([]);
  });
});

test.each([
  { wishes: ['de-AT', 'en'], language: 'de', locale: 'de-AT' }, { wishes: ['fr', 'en-GB'], language: 'en', locale: 'en-GB' },
  { wishes: ['en-XA'], language: 'en-XA', locale: 'en-XA' }, { wishes: ['fr'], language: 'en', locale: 'en' }, { wishes: [], language: 'en', locale: 'en' },
])('whoever wishes $wishes reads $language with the numbers of $locale', ({ wishes, language, locale }) => {
  expect(languageFor(wishes)).toEqual({ language, locale });
});
