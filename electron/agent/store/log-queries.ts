// The questions people ask of the log, as SQL on a read-only connection: a page, statistics, values that occur.
// Runs in the reading thread (read-worker.ts), in steps between which it can be stopped. Not for the language (core/log-query).
import type Database from 'better-sqlite3';
import { PinlightError } from '../../contract/errors.ts';
import type { ConnectionsAnswer, LogBucket } from '../../contract/routes.ts';
import { narrow, type Narrow } from '../../core/log-query/narrow.ts';
import { parseFilter, type FilterTree } from '../../core/log-query/parse-filter.ts';
import { storedFields, type StoredField } from '../../core/log-query/suggest.ts';
import { containsPattern, toSql, type Clock, type Sql } from '../../core/log-query/to-sql.ts';
import { say } from '../../core/sentence.ts';
import { fromStored, type StoredConnection } from './stored-connection.ts';

/** `uid`: only rows of this user's programs; null = everybody's. */
type Scoped = { readonly uid: number | null; readonly now: number };
export type PageQuery = { readonly filter: string; readonly limit: number; readonly before: number | null; readonly after: number | null };
export type StatisticsQuery = { readonly filter: string; readonly app: string | null; readonly from: number; readonly to: number; readonly bucketMs: number };
export type ValuesQuery = { readonly field: StoredField; readonly part: string; readonly limit: number };
export type LogQuery = Scoped & (
  | { readonly kind: 'page' } & PageQuery
  | { readonly kind: 'statistics' } & StatisticsQuery
  | { readonly kind: 'values' } & ValuesQuery
  | { readonly kind: 'count' }
);
export type LogAnswers = { readonly page: ConnectionsAnswer; readonly statistics: readonly LogBucket[]; readonly values: readonly string[]; readonly count: number };

/** Answers a query; `check` is called between its steps and throws to end it. Throws PinlightError `bad-filter`. */
export function runLogQuery(database: Database.Database, query: LogQuery, check: () => void): LogAnswers[LogQuery['kind']] {
  switch (query.kind) {
    case 'page': return page(database, query, check);
    case 'statistics': return statistics(database, query, check);
    case 'values': return values(database, query);
    case 'count': return countRows(database, query);
  }
}

type Asked = { readonly where: Sql; readonly short: Narrow };
/** Ids, both included. */
type Span = { readonly low: number; readonly high: number };

/** The first look is at this many of the newest rows: what is frequent fills its page there, in a few ms. */
const firstLook = 10_000;
/** Some 10 ms of reading, more with a long filter: how soon a query notices that it should end. */
const longestStep = 50_000;
/** An index that leaves more candidates than this saves nothing: reading rows in order is faster than picking them. */
const mostCandidates = 20_000;

function page(database: Database.Database, query: Extract<LogQuery, { kind: 'page' }>, check: () => void): ConnectionsAnswer {
  const { limit, before, after } = query;
  const asked = read(query.filter, query);
  const older = after === null;
  const found: StoredConnection[] = [];
  let span = spanOf(database, asked.short, { low: after === null ? 0 : after + 1, high: before === null ? Number.MAX_SAFE_INTEGER : before - 1 });
  for (let look = 0, size = firstLook; span !== null && found.length < limit; look += 1, size = Math.min(size * 2, longestStep)) {
    check();
    if (look === 1) {
      const few = isFrequent(found.length, limit) ? null : candidates(database, asked, span, limit - found.length, older);
      if (few !== null) {
        found.push(...few);
        break;
      }
      span = withinTime(database, asked.short, span);
      if (span === null) break;
    }
    const step: Span = older ? { low: Math.max(span.low, span.high - size + 1), high: span.high } : { low: span.low, high: Math.min(span.high, span.low + size - 1) };
    found.push(...rowsOf(database, step, asked.where, limit - found.length, older));
    span = older ? (step.low > span.low ? { low: span.low, high: step.low - 1 } : null) : (step.high < span.high ? { low: step.high + 1, high: span.high } : null);
  }
  const rows = found.map(fromStored);
  const last = rows.at(-1);
  return { rows: older ? rows : rows.toReversed(), next: rows.length === limit && last !== undefined ? String(last.id) : null };
}

/** Reads a filter into SQL that holds for rows of the scope only, and its short cut. */
function read(filter: string, { uid, now }: Scoped): Asked {
  const tree = treeOf(filter);
  const clock: Clock = { now, offsetAt };
  const { where, params } = toSql(tree, clock);
  return { where: uid === null ? { where, params } : { where: `uid IS ? AND (${where})`, params: [uid, ...params] }, short: narrow(tree, clock) };
}

function treeOf(filter: string): FilterTree {
  const result = parseFilter(filter);
  if (result.kind === 'filter') return result.tree;
  const { complaint, at, suggestion } = result;
  const message = say(complaint);
  throw new PinlightError('bad-filter', `${message} (at character ${at + 1})${suggestion === undefined || message.includes(suggestion) ? '' : `. Did you mean "${suggestion}"?`}`);
}

/** Minutes east of UTC at a moment that is written as local time. */
function offsetAt(at: number): number {
  const near = -new Date(at).getTimezoneOffset();
  return -new Date(at - near * 60_000).getTimezoneOffset();
}

/** The ids that can be meant at all; null = none. */
function spanOf(database: Database.Database, short: Narrow, asked: Span): Span | null {
  const { low, high } = database.prepare('SELECT (SELECT min(id) FROM connections) AS low, (SELECT max(id) FROM connections) AS high').get() as { low: number | null; high: number | null };
  if (low === null || high === null) return null;
  return overlap({ low, high }, { low: Math.max(asked.low, short.lowest ?? 0), high: Math.min(asked.high, short.highest ?? Number.MAX_SAFE_INTEGER) });
}

/** Numbers follow the clock but for its jumps: the index says exactly which ids lie in a span of time. */
function withinTime(database: Database.Database, { from, to }: Narrow, span: Span): Span | null {
  if (from === null && to === null) return span;
  const { low, high } = database.prepare('SELECT min(id) AS low, max(id) AS high FROM connections WHERE started_at >= ? AND started_at < ?')
    .get(from ?? 0, to ?? Number.MAX_SAFE_INTEGER) as { low: number | null; high: number | null };
  return low === null || high === null ? null : overlap(span, { low, high });
}

function overlap(one: Span, other: Span): Span | null {
  const low = Math.max(one.low, other.low);
  const high = Math.min(one.high, other.high);
  return low > high ? null : { low, high };
}

/** Reading on fills the page within some 200,000 rows, about 30 ms: faster than sorting out what an index knows. */
function isFrequent(found: number, limit: number): boolean {
  return found * 20 >= limit;
}

/** Rows by way of an index, where that leaves few; null where it does not. */
function candidates(database: Database.Database, { where, short }: Asked, span: Span, limit: number, older: boolean): StoredConnection[] | null {
  if (short.condition === null) return null;
  // The plus keeps SQLite from walking along the ids instead.
  const within = `${short.condition.where} AND +id >= ? AND +id <= ?`;
  const params = [...short.condition.params, span.low, span.high];
  const many = database.prepare(`SELECT count(*) FROM (SELECT 1 FROM connections WHERE ${within} LIMIT ${mostCandidates + 1})`).pluck().get(...params) as number;
  if (many > mostCandidates) return null;
  // Numbers first: sorting whole rows costs four times as much.
  const ids = `SELECT id FROM connections WHERE ${within} AND (${where.where}) ORDER BY +id ${older ? 'DESC' : 'ASC'} LIMIT ?`;
  return database.prepare(`SELECT * FROM connections WHERE id IN (${ids}) ORDER BY id ${older ? 'DESC' : 'ASC'}`).all(...params, ...where.params, limit) as StoredConnection[];
}

function rowsOf(database: Database.Database, { low, high }: Span, where: Sql, limit: number, older: boolean): StoredConnection[] {
  return database.prepare(`SELECT * FROM connections NOT INDEXED WHERE id >= ? AND id <= ? AND (${where.where}) ORDER BY id ${older ? 'DESC' : 'ASC'} LIMIT ?`)
    .all(low, high, ...where.params, limit) as StoredConnection[];
}

/** A step of statistics: a quarter of a day is at most some 10,000 rows of a busy device. */
const statisticsStepMs = 6 * 3_600_000;

function statistics(database: Database.Database, query: Extract<LogQuery, { kind: 'statistics' }>, check: () => void): LogBucket[] {
  const { from, to, bucketMs, app } = query;
  const { where } = read(query.filter, query);
  const count = database.prepare(`SELECT CAST(started_at / ? AS INTEGER) AS bucket, sum(disposition = 'inspect' AND outcome IS NOT 'refused') AS inspected, sum(disposition = 'inspect' AND outcome IS 'refused') AS refused,
    sum(disposition = 'bypass') AS bypassed, sum(disposition = 'block') AS blocked
    FROM connections WHERE started_at >= ? AND started_at < ? AND outcome IS NOT 'upstream' AND (${app === null ? '1' : 'app_id = ?'}) AND (${where.where}) GROUP BY 1`);
  const buckets = new Map<number, LogBucket>();
  for (let begin = from; begin < to; begin += statisticsStepMs) {
    check();
    const rows = count.all(bucketMs, begin, Math.min(begin + statisticsStepMs, to), ...(app === null ? [] : [app]), ...where.params) as ({ bucket: number } & Counted)[];
    for (const { bucket, inspected, refused, bypassed, blocked } of rows) {
      const at = bucket * bucketMs;
      const sum = buckets.get(at) ?? { at, inspected: 0, refused: 0, bypassed: 0, blocked: 0 };
      buckets.set(at, {
        at, inspected: sum.inspected + inspected, refused: sum.refused + refused, bypassed: sum.bypassed + bypassed, blocked: sum.blocked + blocked,
      });
    }
  }
  return [...buckets.values()].sort((a, b) => a.at - b.at);
}

type Counted = Omit<LogBucket, 'at'>;

/** Among this many of the newest rows: what people look for was there lately. */
const valuesAmong = 20_000;

function values(database: Database.Database, { field, part, limit, uid }: Extract<LogQuery, { kind: 'values' }>): string[] {
  const column = storedFields[field];
  const newest = `SELECT ${column} AS value FROM connections ${uid === null ? '' : 'WHERE uid = ?'} ORDER BY id DESC LIMIT ${valuesAmong}`;
  return database.prepare(`SELECT value FROM (${newest}) WHERE value IS NOT NULL AND value LIKE ? ESCAPE '\\' GROUP BY value ORDER BY count(*) DESC, value LIMIT ?`).pluck()
    .all(...(uid === null ? [] : [uid]), containsPattern(part), limit) as string[];
}

/** All rows of the scope, whatever they are. */
function countRows(database: Database.Database, { uid }: Scoped): number {
  return database.prepare(`SELECT count(*) FROM connections ${uid === null ? '' : 'WHERE uid = ?'}`).pluck().get(...(uid === null ? [] : [uid])) as number;
}
