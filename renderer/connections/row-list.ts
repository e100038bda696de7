// The loaded part of the log, newest first, and how new heads and older pages join it. Pure; not for asking (feed).
import type { ConnectionsAnswer } from '../../electron/contract/routes.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';

/** `rows`: by falling id. `next`: what to ask for more with; null when the end is here. */
export type RowList = ConnectionsAnswer;

/**
 * The list with a newer head in place of its own. Rows of the old list inside the head's range go when the head lacks them.
 * Null when head and list do not meet, so that rows between them would be missing: take the head's page alone then.
 */
export function joinHead(list: RowList, head: readonly ConnectionRow[]): RowList | null {
  const newest = list.rows[0];
  const oldestOfHead = head.at(-1);
  if (oldestOfHead === undefined) return list;
  if (newest === undefined || newest.id < oldestOfHead.id) return null;
  return { rows: [...head, ...list.rows.filter((row) => row.id < oldestOfHead.id)], next: list.next };
}

/** The list with an older page at its end; rows it already has are not repeated. */
export function addPage(list: RowList, page: RowList): RowList {
  const last = list.rows.at(-1);
  const older = last === undefined ? page.rows : page.rows.filter((row) => row.id < last.id);
  return { rows: [...list.rows, ...older], next: page.next };
}

/** The list with rows of the same id replaced by their newer state; the same object when nothing changed. */
export function renewRows(list: RowList, changed: readonly ConnectionRow[]): RowList {
  let rows: ConnectionRow[] | null = null;
  for (const row of changed) {
    const index = findRow(list.rows, row.id);
    if (index < 0 || list.rows[index] === row) continue;
    rows ??= [...list.rows];
    rows[index] = row;
  }
  return rows === null ? list : { rows, next: list.next };
}

/** Where the row of this id stands; -1 when it is not loaded. Halves the range at each step, because lists are long. */
export function findRow(rows: readonly ConnectionRow[], id: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = rows[middle]?.id ?? 0;
    if (at === id) return middle;
    if (at > id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** How many of these are newer than the whole list. */
export function countNewer(list: RowList, rows: readonly ConnectionRow[]): number {
  const newest = list.rows[0]?.id ?? 0;
  return rows.filter((row) => row.id > newest).length;
}

/** The list without its oldest rows where it has more than `most`; they can be asked for again. */
export function keepNewest(list: RowList, most: number): RowList {
  if (list.rows.length <= most) return list;
  const rows = list.rows.slice(0, most);
  return { rows, next: String(rows.at(-1)?.id ?? '') };
}

/** The list without its newest rows where it has more than `most`. */
export function keepOldest(list: RowList, most: number): RowList {
  return list.rows.length <= most ? list : { rows: list.rows.slice(-most), next: list.next };
}
