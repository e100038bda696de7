// Every code of every union has its sentence: nothing undefined in it, and a full stop where it is a sentence.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adviseVerdict, duration, explainDecision, explainExclusion, explainFact, explainOutcome, explainReason, explainVerdict,
} from '../../electron/core/explain.ts';
import type { Exclusion, FactCode, ReasonCode } from '../../electron/core/model.ts';
import { facts, outcomes, reasonCodes, verdicts } from './every-code.ts';

const holes = /undefined|null|NaN|\?|\[object/;

const allReasons = Object.keys(reasonCodes).filter((code): code is ReasonCode => code in reasonCodes);
const allFacts = Object.keys(facts).filter((code): code is FactCode => code in facts).map((code) => [code, facts[code]] as const);
const named = <K extends string, V>(table: Record<K, readonly V[]>): [string, V][] =>
  Object.entries<readonly V[]>(table).flatMap(([key, values]) => values.map((value, index): [string, V] => [`${key} ${index + 1}`, value]));

describe('sentences', () => {
  test.each(allReasons)('reason %s, with and without detail, under each disposition', (code) => {
    for (const disposition of ['inspect', 'bypass', 'block'] as const) {
      for (const detail of [null, 'the detail']) {
        const text = explainDecision({ disposition, reason: { code, detail }, rule: 'r1' });
        expect(text).toMatch(/^(Inspected|Bypassed|Blocked): \S.*[^.]\.$/);
        expect(text).not.toMatch(holes);
        expect(explainReason({ code, detail }, 'r1')).not.toMatch(/\.$/);
      }
    }
  });

  test.each(named(outcomes))('outcome %s', (_, outcome) => {
    expect(explainOutcome(outcome)).toMatch(/^[A-Z].*[^.]\.$/);
    expect(explainOutcome(outcome)).not.toMatch(holes);
  });

  test.each(allFacts)('fact %s', (code, values) => {
    for (const count of [1, 2, 17]) {
      const text = explainFact({ code, speaks: 'for', values: { ...values, ...('count' in values ? { count } : {}), ...('hosts' in values ? { hosts: count } : {}) } });
      expect(text).toMatch(/^\S.*[^.]\.$/);
      expect(text).not.toMatch(holes);
      if (count === 1) expect(text).not.toMatch(/\b1 (times|hosts|other hosts)\b/);
    }
  });

  test.each(named(verdicts))('verdict %s, with its advice', (_, verdict) => {
    const text = explainVerdict(verdict, 'curl', 'a.example');
    expect(text).toMatch(/^\S.*[^.]\.$/);
    expect(text).toContain('curl');
    expect(text).not.toMatch(holes);
    expect(adviseVerdict(verdict)).toMatch(/^[A-Z].*\.$/);
  });

  test('no two outcomes, reasons or verdicts share a sentence', () => {
    const all = [
      ...named(outcomes).map(([, outcome]) => explainOutcome(outcome)),
      ...allReasons.map((code) => explainReason({ code, detail: null }, 'r1')),
      ...allFacts.map(([code, values]) => explainFact({ code, speaks: 'for', values })),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  const exclusion: Exclusion = {
    id: 'e1', kind: 'learned', host: 'a.example', appId: 'x', appName: 'curl', appHash: null, reason: 'it refused', verdict: 'pinned', createdAt: 0, expiresAt: 3_600_000,
  };
  test.each<[string, Partial<Exclusion>, number, string]>([
    ['an hour left', {}, 0, 'curl at a.example: it refused (learned, ends in 1 h)'],
    ['no end', { expiresAt: null }, 0, 'curl at a.example: it refused (learned, no end)'],
    ['every app', { appId: null, appName: null, kind: 'managed' }, 0, 'every app at a.example: it refused (managed, ends in 1 h)'],
    ['long over', {}, 9e9, 'curl at a.example: it refused (learned, ends in 0 s)'],
  ])('an exclusion: %s', (_, change, now, expected) => {
    expect(explainExclusion({ ...exclusion, ...change }, now)).toBe(expected);
  });

  test.each([
    [-5, '0 s'], [0, '0 s'], [499, '0 s'], [59_400, '59 s'], [59_600, '1 min'], [60_000, '1 min'], [3_599_000, '59 min'], [3_600_000, '1 h'], [3_900_000, '1 h 5 min'],
    [86_400_000, '1 d'], [100_800_000, '1 d 4 h'], [604_800_000, '7 d'], [9.5 * 86_400_000, '9 d 12 h'], [728.96 * 86_400_000, '728 d'],
  ])('%i ms are %s', (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });

  test('any duration is in words', () => {
    fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e13 }), (ms) => { expect(duration(ms)).toMatch(/^\d+ (s|min|h|d)( \d+ (min|h))?$/); }), { numRuns: 1_000 });
  });
});
