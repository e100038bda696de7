// What the bench prints: the JSON document and the table for people, with targets and ratios. Pure; judges nothing by itself.
import type { MeasuredRow } from './measure.ts';
import { ratio, rounded } from './stats.ts';
import type { WayName } from './workspace.ts';

/** Standard output of `npm run bench -- --json`. Figures are medians in `unit`; null = not measured, `notes` says why. */
export type BenchDocument = {
  readonly rows: readonly ({ readonly row: string; readonly unit: string } & Readonly<Record<WayName, number | null>>)[];
  /** Resident memory of the agent's process after the rows, in MB of 10^6 bytes; null = not measured. */
  readonly memoryMB: number | null;
  readonly notes: readonly string[];
};

type Target = { readonly unit: string; readonly against: WayName; readonly at: 'least' | 'most'; readonly factor: number };

const columns: readonly WayName[] = ['pinlight', 'sslsplit', 'squid', 'direct'];
const targets: readonly Target[] = [
  { unit: 'conn/s', against: 'sslsplit', at: 'least', factor: 1 },
  { unit: 'req/s', against: 'sslsplit', at: 'least', factor: 0.9 },
  { unit: 'MB/s', against: 'sslsplit', at: 'least', factor: 0.8 },
  { unit: 'ms', against: 'direct', at: 'most', factor: 2 },
];
const memoryTargetMB = 180;
/** Rows without a neighbour to be held against. */
const limits: Readonly<Record<string, number>> = { µs: 50 };

/** The document that `--json` prints. */
export function benchDocument(rows: readonly MeasuredRow[], memoryMB: number | null, notes: readonly string[]): BenchDocument {
  return {
    rows: rows.map((row) => ({
      row: row.row, pinlight: figure(row, 'pinlight'), sslsplit: figure(row, 'sslsplit'), squid: figure(row, 'squid'),
      direct: figure(row, 'direct'), unit: row.unit,
    })),
    memoryMB: rounded(memoryMB),
    notes,
  };
}

/** The table for people: a block for each row, targets beside the ratios, notes below. */
export function benchTable(rows: readonly MeasuredRow[], memoryMB: number | null, notes: readonly string[]): string {
  const head = ['', ...columns, 'unit', 'target', 'measured'];
  const lines = rows.map((row) => [row.row, ...columns.map((name) => cell(row, name)), row.unit, ...judged(row)]);
  const memory = [
    'memory of the agent after all rows', memoryMB === null ? 'n/a' : memoryMB.toFixed(0), '', '', '', 'MB', `<= ${memoryTargetMB} MB`,
    memoryMB === null ? 'n/a' : verdict(memoryMB <= memoryTargetMB),
  ];
  const table = [head, ...lines, memory];
  const widths = head.map((_title, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  const text = table.map((line) => line.map((value, column) => value.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
  return [...text, '', 'Medians of the rounds, ± half the range between the smallest and the largest round.', ...notes.map((note) => `- ${note}`)].join('\n');
}

function figure(row: MeasuredRow, name: WayName): number | null {
  return rounded(row.figures[name]?.value ?? null);
}

function cell(row: MeasuredRow, name: WayName): string {
  const value = figure(row, name);
  const half = row.figures[name]?.spread ?? null;
  if (value === null) return 'n/a';
  return half === null ? String(value) : `${value} ±${Math.round(half * 100)}%`;
}

function judged(row: MeasuredRow): [string, string] {
  const limit = limits[row.unit];
  const own = row.figures.pinlight?.value ?? null;
  if (limit !== undefined) return [`<= ${limit} ${row.unit}`, own === null ? 'n/a' : verdict(own <= limit)];
  const target = targets.find(({ unit }) => unit === row.unit);
  if (target === undefined) return ['', ''];
  const name = `${target.at === 'least' ? '>=' : '<='} ${target.factor.toFixed(1)}x ${target.against}`;
  const measured = ratio(own, row.figures[target.against]?.value ?? null);
  if (measured === null) return [name, 'n/a'];
  const met = target.at === 'least' ? measured >= target.factor : measured <= target.factor;
  return [name, `${measured.toFixed(2)}x, ${verdict(met)}`];
}

function verdict(met: boolean): string {
  return met ? 'met' : 'not met';
}
