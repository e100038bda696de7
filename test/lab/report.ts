// The lab's result, and how people see it: a confusion matrix and what stands beside it. Not for making it (lab.ts).
import type { ForgerReport } from './forger/run-forger.ts';
import { verdictKinds, type attemptsUntilWorks, type figuresOf, type matrixOf } from './matrix.ts';
import type { Run } from './play.ts';

export type LabResult = {
  readonly classes: ReturnType<typeof figuresOf>;
  /** Runs and synthetic histories called pinned that are not. */
  readonly falsePinned: number;
  readonly attemptsUntilWorks: ReturnType<typeof attemptsUntilWorks>;
  /** Visits made again on a machine too busy to say whose they were. */
  readonly lateLookups: number;
  readonly skipped: readonly { readonly program: string; readonly why: string }[];
  readonly matrix: ReturnType<typeof matrixOf>;
  readonly noise: { readonly histories: number; readonly pinned: number };
  readonly forger: readonly ForgerReport[];
  /** Empty when the lab has passed. */
  readonly failures: readonly string[];
  readonly runs: readonly Run[];
  readonly ok: boolean;
};

export function printLab(result: LabResult, print: (line: string) => void): void {
  if (result.runs.length > 0) printMatrix(result, print);
  print(`Falsely called pinned: ${result.falsePinned}, over ${result.runs.length} runs and ${result.noise.histories} synthetic histories.`);
  for (const report of result.forger) {
    print(`Forger, ${report.hosts} host${report.hosts === 1 ? '' : 's'}: ${report.handshakes} handshakes, ${report.passThroughs} pass-throughs, ${report.exclusions} exclusions of at most ${Math.round(report.longestExclusionMinutes)} min, database ${(report.databaseBytes / 1024 ** 2).toFixed(1)} MB.`);
  }
  if (result.lateLookups > 0) print(`Visits made again because the machine was too busy to tell whose they were: ${result.lateLookups}.`);
  for (const { program, why } of result.skipped) print(`Not run: ${program}: ${why}.`);
  for (const failure of result.failures) print(`✗ ${failure}`);
  print(result.ok ? 'The lab has passed.' : 'The lab has not passed.');
}

function printMatrix(result: LabResult, print: (line: string) => void): void {
  const width = Math.max(...verdictKinds.map((kind) => kind.length)) + 2;
  const cell = (text: string | number): string => String(text).padStart(width);
  print(`\n${'what it is'.padEnd(width)}${verdictKinds.map(cell).join('')}${cell('recall')}`);
  for (const truth of verdictKinds) {
    const { recall, n } = result.classes[truth];
    print(`${truth.padEnd(width)}${verdictKinds.map((kind) => cell(result.matrix[truth]?.[kind] ?? '·')).join('')}${cell(n === 0 ? 'no run' : share(recall))}`);
  }
  print(`${'precision'.padEnd(width)}${verdictKinds.map((kind) => cell(share(result.classes[kind].precision))).join('')}\n`);
  const { p50, max, never } = result.attemptsUntilWorks;
  print(`Attempts until the program works: half by ${p50 ?? '–'}, worst ${max ?? '–'}${never === 0 ? '' : `; ${never} runs never`}.`);
}

const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
