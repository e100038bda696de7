// The lab's arithmetic: confusion matrix, precision and recall per verdict kind, attempts until a program works. Pure.
// Not for driving programs (lab.ts) and not for the ground truth (situations.ts).
import type { VerdictKind } from '../../electron/core/model.ts';

export const verdictKinds = ['inspectable', 'pinned', 'private-trust-store', 'client-certificate', 'incompatible', 'undetermined'] as const satisfies readonly VerdictKind[];

/** What one run of a situation has shown. `workedAt`: number of the first visit that worked, from 1; null = none did. */
export type Judged = {
  readonly truth: VerdictKind;
  readonly verdict: VerdictKind;
  /** By which visit the program must work; null = not asked. */
  readonly worksAt: number | null;
  readonly workedAt: number | null;
};

/** `precision` is null where nothing was called so, `recall` where nothing is so; `n` = runs whose truth it is. */
export type ClassFigures = { readonly precision: number | null; readonly recall: number | null; readonly n: number };

/** Counts by truth, then verdict; cells without a run are left out. */
export type Matrix = Partial<Record<VerdictKind, Partial<Record<VerdictKind, number>>>>;

export function matrixOf(runs: readonly Judged[]): Matrix {
  const matrix: Matrix = {};
  for (const { truth, verdict } of runs) {
    const row = (matrix[truth] ??= {});
    row[verdict] = (row[verdict] ?? 0) + 1;
  }
  return matrix;
}

export function figuresOf(runs: readonly Judged[]): Record<VerdictKind, ClassFigures> {
  const figures = verdictKinds.map((kind) => {
    const called = runs.filter((run) => run.verdict === kind);
    const true_ = runs.filter((run) => run.truth === kind);
    const hits = called.filter((run) => run.truth === kind).length;
    return [kind, { precision: ratio(hits, called.length), recall: ratio(hits, true_.length), n: true_.length }] as const;
  });
  return Object.fromEntries(figures) as Record<VerdictKind, ClassFigures>;
}

/** Over the runs that must work at some visit: median and worst; a run that never worked makes `max` null and counts as `never`. */
export function attemptsUntilWorks(runs: readonly Judged[]): { readonly p50: number | null; readonly max: number | null; readonly never: number } {
  const asked = runs.filter((run) => run.worksAt !== null).map((run) => run.workedAt ?? Infinity).sort((a, b) => a - b);
  const finite = (value: number | undefined): number | null => (value === undefined || value === Infinity ? null : value);
  return { p50: finite(asked[Math.floor((asked.length - 1) / 2)]), max: finite(asked.at(-1)), never: asked.filter((value) => value === Infinity).length };
}

/** Runs called pinned whose truth is another. */
export function falsePinnedIn(runs: readonly Judged[]): number {
  return runs.filter((run) => run.verdict === 'pinned' && run.truth !== 'pinned').length;
}

/** What keeps a lab from passing, in words; empty = passed. A class without a run asks for nothing. */
export function failuresOf(runs: readonly Judged[], falsePinned: number): string[] {
  const failures: string[] = [];
  if (falsePinned > 0) failures.push(`${falsePinned} called pinned that are not`);
  const late = runs.filter((run) => run.truth === 'pinned' && run.worksAt !== null && (run.workedAt ?? Infinity) > 2).length;
  if (late > 0) failures.push(`${late} pinned runs did not work at their second attempt`);
  const figures = figuresOf(runs);
  for (const kind of ['pinned', 'private-trust-store'] as const) {
    const { recall, n } = figures[kind];
    if (recall !== null && recall < 1) failures.push(`recall of ${kind} is ${recall.toFixed(3)} over ${n} runs`);
  }
  return failures;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
