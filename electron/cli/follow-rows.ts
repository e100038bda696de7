// `log --follow`: connections that end from now on and match a filter, each once.
// Not for matching: the agent's own query decides, so that following finds exactly what searching finds.
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionRow } from '../contract/snapshot.ts';
import type { CliContext } from './context.ts';

export type FollowFrom = {
  /** Empty = every connection. */
  readonly filter: string;
  /** ms since the epoch: what ended before is history and not followed. */
  readonly since: number;
  /** Ids of ended rows that the person has seen already. */
  readonly shown: readonly number[];
};

/** Calls `show` per matching connection, until the person interrupts. Rejects with PinlightError. */
export async function followRows(context: CliContext, { filter, since, shown }: FollowFrom, show: (row: ConnectionRow) => void): Promise<void> {
  const stopped = new AbortController();
  const signal = AbortSignal.any([context.interruption(), stopped.signal]);
  const known = createKnownIds(shown);
  const pending = new Set<number>();
  let asking = false;
  const failures: unknown[] = [];

  const askPending = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      while (pending.size > 0 && !signal.aborted) {
        await delay(gatherMs, undefined, { signal }).catch(() => undefined);
        const wanted = new Set(pending);
        pending.clear();
        if (!signal.aborted) for (const row of await matching(context, filter, wanted)) show(row);
      }
    } catch (thrown) {
      failures.push(thrown);
      stopped.abort();
    } finally {
      asking = false;
    }
  };
  const take = (row: ConnectionRow): void => {
    if (row.durationMs === null || row.startedAt + row.durationMs < since || !known.add(row.id)) return;
    if (filter === '') show(row);
    else {
      pending.add(row.id);
      void askPending();
    }
  };
  await context.client.watch((event) => {
    if (event.kind === 'disconnected') context.output.note(`Agent lost: ${event.why} Waiting for it to come back.`);
    else if (event.kind === 'connection') take(event.row);
    // After a reconnect the snapshot holds what ended meanwhile.
    else if (event.kind === 'snapshot') for (const row of event.snapshot.recent.toReversed()) take(row);
  }, { signal });
  if (failures.length > 0) throw failures[0];
}

// A page load ends dozens of connections at once: one query for all of them, and still no wait that a person notices.
const gatherMs = 200;

/** Remembers the latest ids; a row comes again when later knowledge amends it, which happens to the newest few hundred only. */
function createKnownIds(first: readonly number[]): { add(id: number): boolean } {
  const ids = new Set(first);
  return {
    add(id) {
      if (ids.has(id)) return false;
      ids.add(id);
      if (ids.size > 2_000) for (const oldest of [...ids].slice(0, 1_000)) ids.delete(oldest);
      return true;
    },
  };
}

async function matching(context: CliContext, filter: string, wanted: ReadonlySet<number>): Promise<readonly ConnectionRow[]> {
  const found: ConnectionRow[] = [];
  const query = `(${filter}) and id >= ${Math.min(...wanted)}`;
  let before: string | null = null;
  do {
    const answer: { rows: readonly ConnectionRow[]; next: string | null } = await context.client.call('connections', { filter: query, limit: '500', before: before ?? undefined }, {});
    found.push(...answer.rows.filter((row) => wanted.has(row.id)));
    before = answer.rows.length === 0 ? null : answer.next;
  } while (before !== null);
  return found.toReversed();
}
