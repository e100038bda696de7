// The short cut of a filter may never lose a row: whatever matches the filter meets its bounds and its condition.
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { narrow } from '../../../electron/core/log-query/narrow.ts';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';
import { toSql, utcClock } from '../../../electron/core/log-query/to-sql.ts';
import { migrations } from '../../../electron/agent/store/migrations.ts';
import { connectionColumns } from '../../../electron/agent/store/stored-connection.ts';
import { benchRow, createDice } from '../../bench/log-store.ts';
import { filterText } from './filter-text.ts';
import { say } from '../../../electron/core/sentence.ts';

const now = Date.UTC(2026, 10, 21);
let database: Database.Database;

beforeAll(() => {
  database = new Database(':memory:');
  for (const step of migrations) database.exec(step);
  const insert = database.prepare(`INSERT INTO connections (${connectionColumns.join(', ')}) VALUES (${connectionColumns.map(() => '?').join(', ')})`);
  const dice = createDice(3);
  for (let id = 1; id <= 400; id += 1) {
    // The clock goes back an hour in the middle, and back again.
    const row = benchRow(id, now - (400 - id) * 60_000 - (id > 200 && id < 220 ? 3_600_000 : 0), dice);
    const nobody = id % 11 === 0 ? { app_id: null, app_name: null, app_path: null } : {};
    const silent = row['outcome'] === 'refused' && id % 2 === 0 ? { alert: null, sign: 'silent-late' } : id % 13 === 0 ? { outcome: 'incompatible', alert: 70, sign: null } : {};
    insert.run(connectionColumns.map((column) => ({ ...row, ...nobody, ...silent } as Record<string, unknown>)[column] ?? null));
  }
  database.exec('INSERT INTO connection_apps SELECT DISTINCT app_id, app_name, app_path FROM connections WHERE app_id IS NOT NULL');
});
afterAll(() => database.close());

function ids(where: string, params: readonly (string | number)[]): number[] {
  return database.prepare(`SELECT id FROM connections WHERE ${where} ORDER BY id`).pluck().all(...params) as number[];
}

/** Ids that match, and those that also pass the short cut. */
function both(text: string): { matching: number[]; passing: number[]; short: ReturnType<typeof narrow> } {
  const read = parseFilter(text);
  if (read.kind === 'invalid') throw new Error(`${text}: ${say(read.complaint)}`);
  const { where, params } = toSql(read.tree, utcClock(now));
  const short = narrow(read.tree, utcClock(now));
  const cut = [
    short.from === null ? null : { where: 'started_at >= ?', params: [short.from] }, short.to === null ? null : { where: 'started_at < ?', params: [short.to] },
    short.lowest === null ? null : { where: 'id >= ?', params: [short.lowest] }, short.highest === null ? null : { where: 'id <= ?', params: [short.highest] }, short.condition,
  ].filter((part) => part !== null);
  return {
    matching: ids(where, params), short,
    passing: ids([`(${where})`, ...cut.map((part) => part.where)].join(' AND '), [...params, ...cut.flatMap((part) => [...part.params])]),
  };
}

test.each([
  ['an app by a part of its name', 'app:slack', true],
  ['an app by exact name in another case', 'app == FIREFOX', true],
  ['a word', 'api-1', true],
  ['a host by pattern', 'host matches api-?.*', true],
  ['an alert', 'alert:48', true],
  ['refusals without an alert', 'error == NoAlert', true],
  ['any error at all', 'error matches *', true],
  ['a sign', 'sign:silent-late', true],
  ['either of two apps', 'app:slack or app:curl', true],
  ['a name or a number of bytes, which no index knows', 'app:slack or bytes > 1M', false],
  ['the opposite of an app', 'not app:slack', false],
  ['an app and more', 'app:firefox disposition:inspect', true],
])('%s is found by way of an index: %s', (_, text, indexed) => {
  const { matching, passing, short } = both(text);
  expect(matching.length).toBeGreaterThan(0);
  expect(passing).toEqual(matching);
  expect(short.condition !== null).toBe(indexed);
});

test('no filter loses a row to its short cut', () => {
  fc.assert(fc.property(filterText, (text) => {
    const { matching, passing } = both(text);
    expect(passing).toEqual(matching);
  }), { numRuns: 2_000 });
});

test('side by side, the tightest bounds of time and number hold', () => {
  const { short } = both('time >= 2026-11-20T20:00Z time < 2026-11-20T22:00Z since:1d id > 10 id <= 390');
  expect(short).toMatchObject({ from: Date.UTC(2026, 10, 20, 20), to: Date.UTC(2026, 10, 20, 22), lowest: 11, highest: 390 });
});
