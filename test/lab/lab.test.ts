// The lab as a command, over two quick programs, and its arithmetic and synthetic histories as tables. The whole lab is `npm run lab`.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, test } from 'vitest';
import { judgePinning } from '../../electron/core/pinning/verdict.ts';
import { findCommand } from '../support/find-command.ts';
import { repository } from '../support/agent.ts';
import { attemptsUntilWorks, failuresOf, falsePinnedIn, figuresOf, matrixOf, type Judged } from './matrix.ts';
import { noiseHistory, noiseKinds, noiseNow, seeded } from './noise.ts';
import type { LabResult } from './report.ts';
import { hostOf, hostsOf, situations } from './situations.ts';

const ran = (truth: Judged['truth'], verdict: Judged['verdict'], worksAt: Judged['worksAt'] = null, workedAt: number | null = null): Judged => ({ truth, verdict, worksAt, workedAt });

describe('the arithmetic', () => {
  const runs = [ran('pinned', 'pinned'), ran('pinned', 'undetermined'), ran('inspectable', 'inspectable'), ran('undetermined', 'pinned'), ran('private-trust-store', 'private-trust-store')];

  test('the matrix counts by truth and verdict', () => {
    expect(matrixOf(runs)).toEqual({
      pinned: { pinned: 1, undetermined: 1 }, inspectable: { inspectable: 1 }, undetermined: { pinned: 1 }, 'private-trust-store': { 'private-trust-store': 1 },
    });
  });

  test('precision over what was called so, recall over what is so, null where there is nothing', () => {
    const figures = figuresOf(runs);
    expect(figures.pinned).toEqual({ precision: 0.5, recall: 0.5, n: 2 });
    expect(figures.undetermined).toEqual({ precision: 0, recall: 0, n: 1 });
    expect(figures['private-trust-store']).toEqual({ precision: 1, recall: 1, n: 1 });
    expect(figures.incompatible).toEqual({ precision: null, recall: null, n: 0 });
    expect(falsePinnedIn(runs)).toBe(1);
  });

  test.each<[string, Judged[], ReturnType<typeof attemptsUntilWorks>]>([
    ['nothing asked', [ran('inspectable', 'inspectable', null, 1)], { p50: null, max: null, never: 0 }],
    ['the middle and the worst', [1, 2, 2, 3].map((n) => ran('pinned', 'pinned', 2, n)), { p50: 2, max: 3, never: 0 }],
    ['one that never worked', [ran('pinned', 'pinned', 2, 2), ran('pinned', 'pinned', 2, null)], { p50: 2, max: null, never: 1 }],
  ])('attempts until it works: %s', (_, some, expected) => expect(attemptsUntilWorks(some)).toEqual(expected));

  test.each<[string, Judged[], number, RegExp | null]>([
    ['all right', [ran('pinned', 'pinned', 2, 2), ran('private-trust-store', 'private-trust-store', 2, 2)], 0, null],
    ['a class without a run asks for nothing', [ran('inspectable', 'inspectable', 1, 1)], 0, null],
    ['an inspectable app judged undetermined is no failure of the lab', [ran('inspectable', 'undetermined')], 0, null],
    ['a false pinned', [ran('pinned', 'pinned', 2, 2)], 1, /1 called pinned/],
    ['a pinned app that works at its third attempt only', [ran('pinned', 'pinned', 2, 3)], 0, /second attempt/],
    ['a pinned app missed', [ran('pinned', 'undetermined', 2, 2)], 0, /recall of pinned is 0.000/],
    ['a private store missed', [ran('private-trust-store', 'undetermined', 2, 2)], 0, /recall of private-trust-store/],
  ])('passed or not: %s', (_, some, falsePinned, expected) => {
    const failures = failuresOf(some, falsePinned);
    if (expected === null) expect(failures).toEqual([]);
    else expect(failures.join('\n')).toMatch(expected);
  });
});

describe('synthetic histories without a pin', () => {
  test.each(noiseKinds.map((kind, index) => [kind, index] as const))('%s: never pinned', (_, index) => {
    const random = seeded(index + 1);
    for (let n = 0; n < 300; n += 1) {
      const { history } = noiseHistory(random, index);
      const verdict = judgePinning(history, noiseNow);
      expect(verdict.kind, JSON.stringify(history)).not.toBe('pinned');
    }
  });

  test('the same seed gives the same histories', () => {
    expect(noiseHistory(seeded(7), 3)).toEqual(noiseHistory(seeded(7), 3));
  });
});

describe('the situations', () => {
  test('have ids and hosts of their own, and a note each', () => {
    expect(new Set(situations.map((situation) => situation.id)).size).toBe(situations.length);
    const hosts = situations.flatMap((situation) => [...hostsOf(situation).keys()]);
    expect(new Set(hosts).size).toBe(hosts.length);
    for (const situation of situations) {
      expect(situation.note).not.toBe('');
      expect(situation.steps.some((step) => hostOf(situation, step.watch ?? step.at) === hostOf(situation, situation.judge ?? 'here'))).toBe(true);
    }
  });

  test('are enough: 30 runs of pinned and of private trust store over five repetitions at both versions', () => {
    for (const truth of ['pinned', 'private-trust-store'] as const) {
      const runs = situations.filter((situation) => situation.truth === truth).reduce((sum, { most, tls }) => sum + Math.min(5, most ?? 5) * (tls === undefined ? 2 : 1), 0);
      expect(runs).toBeGreaterThanOrEqual(30);
    }
  });
});

describe.skipIf(findCommand('curl') === null)('npm run lab (skipped without curl)', () => {
  it('drives two programs and prints one document on standard output', async () => {
    const done = await promisify(execFile)(process.execPath, [
      join(repository, 'build/run.mjs'), 'lab', '--repeat', '1', '--only', '^(curl-(trusts|pinned|own)|python-ssl-pinned|noise)$', '--noise', '200', '--json',
    ], { cwd: repository, maxBuffer: 16 * 1024 * 1024 }).catch((error: { code: number; stdout: string; stderr: string }) => error);
    const result = JSON.parse(done.stdout) as LabResult;
    expect(result.failures).toEqual([]);
    expect('code' in done ? done.code : 0).toBe(0);
    expect(result).toMatchObject({
      falsePinned: 0, ok: true, skipped: [], attemptsUntilWorks: { p50: 2, max: 2 }, noise: { histories: 200, pinned: 0 },
      classes: { pinned: { precision: 1, recall: 1, n: 4 }, 'private-trust-store': { precision: 1, recall: 1, n: 2 }, inspectable: { precision: 1, recall: 1, n: 2 } },
    });
    expect(result.runs.map((run) => `${run.situation} ${run.tls}`)).toHaveLength(8);
  }, 120_000);
});
