// Group A: what a server may present before a leaf of ours comes into being. Each row is a set of situations, judged by Chromium and by the issuance log.
import { compareWithBrowser, type Comparison, type SituationResult } from '../laundering.ts';
import type { CheckRun, Row, RowResult } from '../registry.ts';
import { tryRevocationLists } from '../revocation-lists.ts';

const criteria: readonly Omit<Row, 'run'>[] = [
  { id: 'A1', title: 'trust, signatures, dates, names', source: 'KbP SST BSL TA17' },
  { id: 'A2', title: 'authorities, constraints, extensions', source: 'SST KbP 5280' },
  { id: 'A3', title: 'nothing accepted that Chromium refuses', source: 'SIHI' },
  { id: 'A4', title: 'purposes of certificates', source: 'SST KbP STIP' },
  { id: 'A5', title: 'weak keys and hashes', source: 'KbP SST BSL' },
  { id: 'A6', title: 'our own root is not trusted upstream', source: 'KbP SST' },
  { id: 'A7', title: 'publicly broken keys', source: 'KbP BSL' },
  { id: 'A8', title: 'revocation: what the server itself shows, and lists that policy names', source: 'KbP SST STIP BSL' },
  { id: 'A10', title: 'incomplete, disordered and circular chains', source: 'BSL' },
  { id: 'A11', title: 'very large certificates', source: 'BSL' },
  { id: 'A12', title: 'addresses, IDN, underscores', source: '5280 BR' },
  { id: 'A13', title: 'another certificate on the next connection', source: 'TA17' },
];

export const rows: readonly Row[] = criteria.map((criterion) => ({ ...criterion, run: async (run) => {
  const compared = resultOf(criterion.id, await comparisonOf(run));
  return criterion.id === 'A8' ? together(compared, await tryRevocationLists(run)) : compared;
} }));

/** What cannot be tried here leaves the whole untried, unless something of it failed. */
function together(one: RowResult, other: RowResult): RowResult {
  const sum = { ...one, tried: one.tried + other.tried, failed: one.failed + other.failed, detail: `${one.detail}; ${other.detail}` };
  const skipped = one.skipped ?? other.skipped;
  return skipped === undefined || sum.failed > 0 ? sum : { ...sum, skipped };
}

/** All rows of a run are compared in one go: one browser, one agent. */
const comparisons = new WeakMap<CheckRun, Promise<Comparison>>();

function comparisonOf(run: CheckRun): Promise<Comparison> {
  const known = comparisons.get(run) ?? compareWithBrowser({ rows: run.ids, browser: true, progress: run.progress });
  comparisons.set(run, known);
  return known;
}

function resultOf(id: string, { results, laundered, stricter, unexpected }: Comparison): RowResult {
  const own = (list: readonly SituationResult[]): readonly SituationResult[] => list.filter(({ situation }) => situation.row === id);
  const failed = new Set([...own(laundered), ...own(unexpected)]);
  const refused = own(results).filter(({ browser }) => browser?.accepted === false).length;
  const detail = [
    `${own(results).length} servers, ${refused} of them refused by Chromium`,
    ...own(laundered).map(({ situation, browser }) => `LAUNDERED: ${situation.title} (${browser?.error})`),
    ...own(unexpected).map(({ situation, browser, leaves, why }) => `unexpected: ${situation.title} (Chromium: ${browser?.accepted === true ? 'accepts' : browser?.error}; Pinlight: ${leaves > 0 ? 'inspected' : why})`),
    ...own(stricter).map(({ situation, why }) => `stricter than Chromium: ${situation.title} (${why})`),
  ].join('; ');
  return { tried: own(results).length, failed: failed.size, laundered: own(laundered).length, detail };
}
