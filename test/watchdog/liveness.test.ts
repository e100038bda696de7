// When an agent counts as hung, and what follows a crash: values only.
import { describe, expect, test } from 'vitest';
import { afterCrash, afterPing, isHung, started } from '../../electron/watchdog/liveness.ts';
import type { Liveness } from '../../electron/watchdog/liveness.ts';

/** Questions as [answered, ms since the start]. */
function after(...questions: readonly (readonly [boolean, number])[]): Liveness {
  return questions.reduce((live, [answered, now]) => afterPing(live, answered, now), started(0));
}

describe('an agent', () => {
  test.each<[string, Liveness, boolean]>([
    ['that has just started is waited for', after([false, 1_000], [false, 2_000], [false, 3_000], [false, 4_000]), false],
    ['that never answers is given a minute', after(...Array.from({ length: 60 }, (_, at) => [false, at * 1_000] as const)), false],
    ['that has not answered after a minute is hung', after(...Array.from({ length: 62 }, (_, at) => [false, at * 1_000] as const)), true],
    ['that answers is alive', after([true, 1_000], [true, 2_000]), false],
    ['that missed two is waited for', after([true, 1_000], [false, 2_000], [false, 3_000]), false],
    ['that missed three is hung', after([true, 1_000], [false, 2_000], [false, 3_000], [false, 4_000]), true],
    ['that answers in between is alive', after([true, 1_000], [false, 2_000], [false, 3_000], [true, 4_000], [false, 5_000]), false],
    ['is not blamed for a device that slept', after([true, 1_000], [false, 2_000], [false, 3_000], [false, 600_000]), false],
  ])('%s', (_name, live, hung) => {
    expect(isHung(live)).toBe(hung);
  });
});

describe('after a crash', () => {
  test.each<[string, readonly number[], number, 'start' | 'stay-off', number | null]>([
    ['the first starts again at once', [], 5_000, 'start', 100],
    ['the second within a minute waits a little', [5_000], 30_000, 'start', 1_000],
    ['the third within a minute stays off', [5_000, 30_000], 64_999, 'stay-off', null],
    ['what is older than a minute is forgotten', [5_000, 30_000], 65_000, 'start', 1_000],
    ['a crash an hour never adds up', [0], 3_600_000, 'start', 100],
  ])('%s', (_name, crashes, now, kind, delayMs) => {
    const next = afterCrash(crashes, now);
    expect([next.kind, next.kind === 'start' ? next.delayMs : null]).toEqual([kind, delayMs]);
  });
});
