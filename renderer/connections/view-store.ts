// How a person likes to see the log: columns, saved filters, the span of time. Columns and filters are kept in this browser or app.
// Not for rows (feed.ts) and not for the filter in force (state/ui-store).
import { create } from 'zustand';

export const columnIds = ['time', 'app', 'host', 'disposition', 'outcome', 'reason', 'user', 'ip', 'rule', 'tls', 'alpn', 'up', 'down', 'lasted'] as const;
export type ColumnId = (typeof columnIds)[number];
const usual: readonly ColumnId[] = ['time', 'app', 'host', 'disposition', 'outcome', 'reason'];

/** A span back from now in the filter's words, or from one moment to another (ms since the epoch; `to` not included). */
export type TimeRange = { readonly kind: 'any' } | { readonly kind: 'last'; readonly span: LastSpan } | { readonly kind: 'between'; readonly from: number | null; readonly to: number | null };
export const lastSpans = ['1h', '1d', '7d', '30d'] as const;
export type LastSpan = (typeof lastSpans)[number];

type View = { readonly columns: readonly ColumnId[]; readonly saved: readonly string[]; readonly range: TimeRange; readonly chart: boolean };

const storageKey = 'pinlight-log-view';
/** As many chips as a person still finds something in. */
const mostSaved = 20;

export const useView = create<View>(() => ({ ...read(), range: { kind: 'any' }, chart: false }));

/** Shows these columns, in the table's own order; at least one. */
export function setColumns(columns: readonly ColumnId[]): void {
  if (columns.length > 0) keep({ columns: columnIds.filter((id) => columns.includes(id)) });
}

/** Keeps a filter under its own text; the oldest of too many goes. */
export function saveFilter(filter: string): void {
  keep({ saved: [...useView.getState().saved.filter((one) => one !== filter), filter].slice(-mostSaved) });
}

/** Takes a saved filter away; the answer puts it back in its place. */
export function dropFilter(filter: string): () => void {
  const before = useView.getState().saved;
  keep({ saved: before.filter((one) => one !== filter) });
  return () => {
    const now = useView.getState().saved;
    if (!now.includes(filter)) keep({ saved: now.toSpliced(before.indexOf(filter), 0, filter) });
  };
}

/** Shows the list from one moment to another (ms since the epoch; `to` not included). */
export function showSpan(from: number, to: number): void {
  useView.setState({ range: { kind: 'between', from, to }, chart: false });
}

/** The filter with the span of time in it. */
export function withRange(filter: string, range: TimeRange): string {
  if (range.kind === 'any') return filter;
  const parts = filter === '' ? [] : [`(${filter})`];
  if (range.kind === 'last') parts.push(`since:${range.span}`);
  if (range.kind === 'between') {
    if (range.from !== null) parts.push(`time >= ${moment(range.from)}`);
    if (range.to !== null) parts.push(`time < ${moment(range.to)}`);
  }
  return parts.join(' and ');
}

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function keep(change: Partial<Pick<View, 'columns' | 'saved'>>): void {
  useView.setState(change);
  const { columns, saved } = useView.getState();
  try {
    localStorage.setItem(storageKey, JSON.stringify({ columns, saved }));
  } catch {
    // Storage may be full or forbidden; then it lasts as long as the window.
  }
}

function read(): Pick<View, 'columns' | 'saved'> {
  let found: { columns?: unknown; saved?: unknown } = {};
  try {
    found = JSON.parse(localStorage.getItem(storageKey) ?? '{}') ?? {};
  } catch {
    // Spoilt or forbidden: as at first.
  }
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const columns = columnIds.filter((id) => list(found.columns).includes(id));
  const saved = list(found.saved).filter((one) => typeof one === 'string').slice(-mostSaved);
  return { columns: columns.length > 0 ? columns : usual, saved };
}
