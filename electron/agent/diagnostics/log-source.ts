// The log as a bundle reads it: page by page on a connection of its own, as it was at the first question. Not for opening it (store/open-for-reading) or for the choice (gather-connections).
import type Database from 'better-sqlite3';
import { PinlightError } from '../../contract/errors.ts';
import { runLogQuery, type LogAnswers, type LogQuery } from '../store/log-queries.ts';
import type { ConnectionSource } from './gather-connections.ts';

/** For one page; the whole has its own limit. */
const pageLimitMs = 5_000;

/** `uid`: rows of this user's programs only; null = everybody's. Every question throws what `open` throws. Leaves a transaction open. */
export function logSource(open: () => Database.Database, uid: number | null, now: number): ConnectionSource {
  let snapshot: Database.Database | null = null;
  const database = (): Database.Database => {
    if (snapshot === null) {
      const opened = open();
      // In WAL mode it keeps nobody from writing.
      opened.exec('BEGIN');
      snapshot = opened;
    }
    return snapshot;
  };
  const ask = <K extends LogQuery['kind']>(query: LogQuery & { readonly kind: K }): LogAnswers[K] => {
    const end = performance.now() + pageLimitMs;
    return runLogQuery(database(), query, () => {
      if (performance.now() > end) throw new PinlightError('query-too-slow', `the log was searched for ${pageLimitMs / 1000} s without an end`);
    }) as LogAnswers[K];
  };
  return {
    page: (filter, before, limit) => ask({ kind: 'page', filter, before, limit, after: null, uid, now }).rows,
    count: () => ask({ kind: 'count', uid, now }),
  };
}
