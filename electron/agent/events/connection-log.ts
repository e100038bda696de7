// The newest connections and the counts, as the snapshot shows them; tells the bus about each change.
// Not the history on disk (store).
import { recentLimit, type ConnectionRow, type Counts } from '../../contract/snapshot.ts';
import type { EventBus } from './event-bus.ts';

export type ConnectionLog = {
  opened(): void;
  /** A row whose outcome has just become known, or that has ended (`ended`). Each connection ends once. */
  record(row: ConnectionRow, ended: boolean): void;
  /** An outcome that later knowledge has changed. */
  amend(id: number, change: Partial<ConnectionRow>): void;
  counts(): Counts;
  /** Newest first. */
  recent(): ConnectionRow[];
};

export function createConnectionLog(bus: EventBus): ConnectionLog {
  const rows = new Map<number, ConnectionRow>();
  const total = { inspect: 0, bypass: 0, block: 0, open: 0 };
  const put = (row: ConnectionRow): void => {
    rows.set(row.id, row);
    if (rows.size > recentLimit) rows.delete(rows.keys().next().value as number);
    bus.publish({ kind: 'connection', row, counts: { ...total } });
  };
  return {
    opened: () => {
      total.open += 1;
    },
    record: (row, ended) => {
      if (ended) {
        total.open -= 1;
        // A server that could not be reached was neither inspected nor let through.
        if (row.outcome?.kind !== 'upstream') total[row.disposition] += 1;
      }
      put(row);
    },
    amend: (id, change) => {
      const row = rows.get(id);
      if (row !== undefined) put({ ...row, ...change });
    },
    counts: () => ({ ...total }),
    recent: () => [...rows.values()].sort((a, b) => b.id - a.id),
  };
}
