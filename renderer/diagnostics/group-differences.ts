// The differences of two bundles by the things that differ, as people call them: an app, a store, an exclusion; the rest by its file.
// Not for finding them (core/diagnostics/diff-bundles).
import type { BundleDifference } from '../../electron/core/diagnostics/diff-bundles.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';

/** `new`, `gone`: the whole thing, without rows. `version`: the same app with another program file. `name`: null = the file as a whole. */
export type DifferenceGroup = { readonly file: string; readonly kind: 'new' | 'gone' | 'changed' | 'version'; readonly name: string | null; readonly rows: readonly BundleDifference[] };

/** A path of diff-bundles: file, key of an entry, place in it. */
const pathOf = /^(\S+)(?: (?:[\w.]*?)?\[((?:[^\]]|\](?!\.|$))*)\](?:\.(.*))?)?/su;

/** In the order of the differences; their rows have paths within the thing. */
export function groupDifferences(before: OpenedBundle, after: OpenedBundle, differences: readonly BundleDifference[]): DifferenceGroup[] {
  const entries = new Map<string, { readonly file: string; readonly key: string | null; readonly rows: BundleDifference[] }>();
  for (const { path, before: old, after: now } of differences) {
    const [, file = path, key = null, place] = pathOf.exec(path) ?? [];
    const id = key === null ? file : `${file} ${key}`;
    const entry = entries.get(id) ?? { file, key, rows: [] };
    entries.set(id, entry);
    entry.rows.push({ path: key === null ? path.slice(file.length + 1) : place ?? '', before: old, after: now });
  }
  const labels = new Map<string, ReadonlyMap<string, string>>();
  const labelOf = (file: string, key: string): string => {
    const known = labels.get(file) ?? new Map([...labelsOf(before.text(file)), ...labelsOf(after.text(file))]);
    labels.set(file, known);
    return known.get(key) ?? key;
  };
  const groups = [...entries.values()].map(({ file, key, rows }): DifferenceGroup => {
    if (key === null) return { file, kind: 'changed', name: null, rows: rows.filter((row) => row.before !== '[]' && row.after !== '[]') };
    const name = labelOf(file, key);
    // The value that an entry is known by is the same in both unless one of them lacks the entry.
    const whole = rows.find((row) => row.path === '' || (row.before ?? row.after) === JSON.stringify(key));
    if (whole !== undefined && (whole.before === null || whole.after === null)) return { file, kind: whole.before === null ? 'new' : 'gone', name, rows: [] };
    return { file, kind: file === 'apps.json' && rows.some((row) => row.path === 'hash') ? 'version' : 'changed', name, rows };
  });
  return groups.flatMap((group) => {
    // A list that became empty, or was: its entries say so.
    if (group.name === null && group.rows.length === 0) return [];
    const other = group.file === 'apps.json' ? groups.find((one) => one.file === group.file && one.name === group.name && one.kind !== group.kind && ['new', 'gone'].includes(one.kind)) : undefined;
    if (other === undefined || !['new', 'gone'].includes(group.kind)) return [group];
    return group.kind === 'new' ? [{ ...group, kind: 'version' as const }] : [];
  });
}

/** What people call the entries of a document's lists, by what diff-bundles knows them by. */
function labelsOf(text: string | null): Map<string, string> {
  const labels = new Map<string, string>();
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 2) return;
    if (!Array.isArray(value)) return Object.values(value).forEach((inner) => walk(inner, depth + 1));
    for (const one of value) {
      const fields: Readonly<Record<string, unknown>> = typeof one === 'object' && one !== null ? { ...one } : {};
      const first = (names: readonly string[]): string | undefined => names.map((name) => fields[name]).find((found) => typeof found === 'string');
      const key = first(['id', 'store', 'code', 'host', 'name']);
      if (key !== undefined) labels.set(key, first(['name', 'store', 'host', 'code']) ?? key);
    }
  };
  try {
    if (text !== null) walk(JSON.parse(text), 0);
  } catch {
    // No JSON: diff-bundles says so, and its entries keep their keys.
  }
  return labels;
}
