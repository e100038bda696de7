// The criteria that can be checked, and how a run of them becomes a table and a document. A file in rows/ that exports `rows` is all a new one needs.
// Not for the checks themselves.
import { readdirSync } from 'node:fs';
import type { Grade } from './grade.ts';

/** What the rows of one run share. */
export type CheckRun = {
  /** Criteria that were asked for. */
  readonly ids: readonly string[];
  /** Fewer repetitions of what is random or many; no row is left out for it but those with `slow`. */
  readonly quick: boolean;
  /** One line about what is going on. */
  readonly progress: (text: string) => void;
};

export type RowResult = {
  readonly tried: number;
  readonly failed: number;
  /** One or more sentences: what was tried with what, what failed, what deviates by design. */
  readonly detail: string;
  /** Locally signed leaves where Chromium refuses the server. */
  readonly laundered?: number;
  /** A leg's grade, from the row that has measured it. */
  readonly grade?: { readonly upstream: Grade } | { readonly downstream: Grade };
  /** Why this machine or this version cannot try it; the row is then neither passed nor failed. */
  readonly skipped?: string;
};

export type Row = {
  /** Of SECURITY.md, such as A1. */
  readonly id: string;
  readonly title: string;
  /** Where the criterion comes from; SECURITY.md spells the short names out. */
  readonly source: string;
  /** Takes half a minute or more even where little is repeated: left out of a quick run. */
  readonly slow?: true;
  run(run: CheckRun): Promise<RowResult>;
};

export type CheckDocument = {
  readonly rows: readonly (Omit<RowResult, 'laundered' | 'grade'> & { readonly id: string; readonly title: string; readonly pass: boolean })[];
  /** Over the rows that counted them; null where none did in this run. */
  readonly laundered: number | null;
  /** By the published cipher table (SIHI), from rows B1 and B2; null where the leg was not measured in this run. */
  readonly grade: { readonly upstream: Grade | null; readonly downstream: Grade | null };
};

/** All rows of the files in rows/, in the order of their ids. */
export async function loadRows(): Promise<readonly Row[]> {
  const files = readdirSync(new URL('rows', import.meta.url)).filter((name) => name.endsWith('.ts'));
  const modules = await Promise.all(files.map((name) => import(new URL(`rows/${name}`, import.meta.url).href) as Promise<{ rows: readonly Row[] }>));
  return modules.flatMap(({ rows }) => rows).sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/** The rows that were asked for, by id or by the letter of a group; `unknown`: what is neither. No wish = every row. */
export function chooseRows(all: readonly Row[], wishes: readonly string[]): { readonly rows: readonly Row[]; readonly unknown: readonly string[] } {
  const fits = (wish: string) => (row: Row): boolean => row.id === wish || row.id.replace(/\d+$/, '') === wish;
  return {
    rows: wishes.length === 0 ? all : all.filter((row) => wishes.some((wish) => fits(wish)(row))),
    unknown: wishes.filter((wish) => !all.some(fits(wish))),
  };
}

/** A result without a try: what stands in the way. */
export function skip(why: string): RowResult {
  return { tried: 0, failed: 0, detail: `skipped: ${why}`, skipped: why };
}

/** Runs rows one after another. A row that throws has failed, and says why. */
export async function runRows(rows: readonly Row[], progress: (text: string) => void, quick = false): Promise<CheckDocument> {
  const run: CheckRun = { ids: rows.map(({ id }) => id), quick, progress };
  const done: CheckDocument['rows'][number][] = [];
  let laundered: number | null = null;
  let grade: CheckDocument['grade'] = { upstream: null, downstream: null };
  for (const row of rows) {
    progress(`${row.id} ${row.title}`);
    const result = await row.run(run).catch((error: unknown): RowResult => ({ tried: 0, failed: 1, detail: `not run: ${error instanceof Error ? error.message : String(error)}` }));
    if (result.laundered !== undefined) laundered = (laundered ?? 0) + result.laundered;
    grade = { ...grade, ...result.grade };
    const { laundered: _laundered, grade: _grade, ...told } = result;
    done.push({ id: row.id, title: row.title, ...told, pass: result.skipped === undefined && result.failed === 0 && result.tried > 0 });
  }
  return { rows: done, laundered, grade };
}

/** Every row that could be tried here has passed, and one could. */
export function allHeld({ rows }: CheckDocument): boolean {
  return rows.some(({ pass }) => pass) && rows.every(({ pass, skipped, failed }) => pass || (skipped !== undefined && failed === 0));
}

/** For people: one line a row, then what there is to say about them. */
export function asTable({ rows, laundered, grade }: CheckDocument): string {
  const width = Math.max(...rows.map(({ title }) => title.length));
  const lines = rows.map((row) => `${row.id.padEnd(4)} ${row.title.padEnd(width)} ${String(row.tried).padStart(6)} tried ${String(row.failed).padStart(4)} failed  ${row.pass ? 'pass' : row.skipped === undefined || row.failed > 0 ? 'FAIL' : 'SKIP'}`);
  const notes = rows.filter(({ detail }) => detail !== '').map(({ id, detail }) => `${id}: ${detail}`);
  return [...lines, '', ...notes, '', `laundered certificates: ${laundered ?? 'not measured'}`, `grade: upstream ${grade.upstream ?? 'not measured'}, downstream ${grade.downstream ?? 'not measured'}`].join('\n');
}
