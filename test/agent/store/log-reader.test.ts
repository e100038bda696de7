// The reading thread on a real store: what it answers, whose rows, for how long, and that it is there only while it is needed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { migrations } from '../../../electron/agent/store/migrations.ts';
import { openLogReader, type LogReader } from '../../../electron/agent/store/log-reader.ts';
import { openStore, type Store } from '../../../electron/agent/store/store.ts';
import { errorBody } from '../../../electron/contract/errors.ts';
import { row } from './rows.ts';

const now = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;
const many = 40_000;
let folder: string;
let path: string;
let store: Store;
let reader: ReturnType<typeof openLogReader>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-reader-'));
  path = join(folder, 'pinlight.db');
  store = openStore(path, now, () => undefined).store;
  for (let id = 1; id <= many; id += 1) {
    const pending = row(id, now - (many - id) * 1000, {
      disposition: id % 3 === 0 ? 'bypass' : 'inspect', host: id === 77 ? 'rare.pinlight.test' : `h${id % 50}.pinlight.test`,
      outcome: id % 3 === 0 ? { kind: 'passed', data: true } : id % 4 === 0 ? { kind: 'refused', sign: 'alert', alert: 48 } : { kind: 'established' },
    });
    store.putConnection({ ...pending, uid: id % 10 === 0 ? 1001 : 1000 });
  }
  reader = openLogReader({ path, now: () => now, flush: () => store.flush() });
});
afterAll(async () => {
  await reader.close();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const ids = async (filter: string, change: Partial<Parameters<LogReader['page']>[0]> = {}, from: LogReader = reader): Promise<number[]> =>
  (await from.page({ filter, limit: 5, before: null, after: null, ...change })).rows.map(({ id }) => id);
async function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(() => 'answered', (error: unknown) => errorBody(error).code);
}

describe('a page', () => {
  test.each<[string, string, Partial<Parameters<LogReader['page']>[0]>, number[]]>([
    ['the newest rows, those written a moment ago among them', '', {}, [many, many - 1, many - 2, many - 3, many - 4]],
    ['older than a row', '', { before: 1000 }, [999, 998, 997, 996, 995]],
    ['newer than a row, next to it, and newest first', '', { after: 1000 }, [1005, 1004, 1003, 1002, 1001]],
    ['the oldest page', '', { after: 0 }, [5, 4, 3, 2, 1]],
    ['nothing after the newest', '', { after: many }, []],
    ['a rare host far down', 'host contains rare', {}, [77]],
    ['a rare host from the other side', 'rare', { after: 10 }, [77]],
    ['one row by its number', 'id == 33', {}, [33]],
    ['an old span of time', `time >= 2026-11-21T01:00:00Z time < 2026-11-21T01:00:03Z`, {}, [402, 401, 400]],
    ['what has no index and is nowhere', 'alpn == h9', {}, []],
    ['refusals by alert before a row', 'alert:48', { before: 30 }, [28, 20, 16, 8, 4]],
  ])('%s', async (_, filter, change, expected) => {
    expect(await ids(filter, change)).toEqual(expected);
  });
  test('pages lead through everything once, older and newer', async () => {
    const seen: number[] = [];
    for (let before: number | null = null; ;) {
      const answer = await reader.page({ filter: 'disposition:bypass host == h3.pinlight.test', limit: 100, before, after: null });
      seen.push(...answer.rows.map(({ id }) => id));
      if (answer.next === null) break;
      before = Number(answer.next);
    }
    const expected = Array.from({ length: many }, (_, index) => many - index).filter((id) => id % 3 === 0 && id % 50 === 3);
    expect(seen).toEqual(expected);
    const back: number[] = [];
    for (let after = 0; ;) {
      const { rows } = await reader.page({ filter: 'disposition:bypass host == h3.pinlight.test', limit: 100, before: null, after });
      if (rows.length === 0) break;
      back.unshift(...rows.map(({ id }) => id));
      after = rows[0]?.id ?? 0;
    }
    expect(back).toEqual(expected);
  });
  test('a moment without a zone is in the device\'s own', async () => {
    const local = new Date(now - 10_000);
    const written = `${local.getFullYear()}/${String(local.getMonth() + 1).padStart(2, '0')}/${String(local.getDate()).padStart(2, '0')} ${local.toTimeString().slice(0, 8)}`;
    expect(await ids(`( time_generated geq '${written}' ) and id < ${many - 7}`)).toEqual([many - 8, many - 9, many - 10]);
  });
  test('a filter that is none is refused in words', async () => {
    await expect(reader.page({ filter: 'hots:a', limit: 5, before: null, after: null })).rejects.toMatchObject({ code: 'bad-filter', message: expect.stringContaining('did you mean "host"?') });
  });
});

describe('only the own account', () => {
  test('whatever the filter says, rows of others are not found, counted or offered', async () => {
    const own = reader.ofUser(1001);
    expect(await ids('', {}, own)).toEqual([many, many - 10, many - 20, many - 30, many - 40]);
    expect(await ids('uid == 1000 or id > 0', {}, own)).toEqual([many, many - 10, many - 20, many - 30, many - 40]);
    await expect(ids('1) or (1', {}, own)).rejects.toMatchObject({ code: 'bad-filter' });
    expect(await ids('rare', {}, own)).toEqual([]);
    expect(await own.values({ field: 'host', part: 'rare', limit: 20 })).toEqual([]);
    const buckets = await own.statistics({ filter: '', app: null, from: now - 48 * 60 * minute, to: now + 1, bucketMs: 60 * minute });
    expect(buckets.reduce((sum, { inspected, refused, bypassed }) => sum + inspected + refused + bypassed, 0)).toBe(many / 10);
    // A caller cannot widen it again.
    expect(await ids('', {}, own.ofUser(1000))).toEqual([many, many - 10, many - 20, many - 30, many - 40]);
  });
});

describe('statistics and values', () => {
  test('count what was done an hour, each connection once', async () => {
    const hour = 60 * minute;
    const buckets = await reader.statistics({ filter: '', app: 'a1', from: now - 2 * hour, to: now + hour, bucketMs: hour });
    expect(buckets).toEqual([
      { at: now - 2 * hour, inspected: 1800, refused: 600, bypassed: 1200, blocked: 0 },
      { at: now - hour, inspected: 1800, refused: 600, bypassed: 1200, blocked: 0 },
      { at: now, inspected: 1, refused: 0, bypassed: 0, blocked: 0 },
    ].map((bucket) => expect.objectContaining({ at: bucket.at })));
    expect(buckets.map(({ inspected, refused, bypassed, blocked }) => inspected + refused + bypassed + blocked)).toEqual([3600, 3600, 1]);
    expect(buckets[0]).toEqual({ at: now - 2 * hour, inspected: 1800, refused: 600, bypassed: 1200, blocked: 0 });
  });
  test('follow the filter', async () => {
    const buckets = await reader.statistics({ filter: 'host contains rare', app: null, from: now - 48 * 60 * minute, to: now, bucketMs: 60 * minute });
    expect(buckets).toEqual([{ at: expect.any(Number), inspected: 1, refused: 0, bypassed: 0, blocked: 0 }]);
  });
  test('values are the frequent ones of late that contain the part', async () => {
    expect(await reader.values({ field: 'app', part: 'fe', limit: 20 })).toEqual(['fetch']);
    expect(await reader.values({ field: 'host', part: 'h4', limit: 3 })).toHaveLength(3);
    expect(await reader.values({ field: 'host', part: '%', limit: 3 })).toEqual([]);
  });
});

describe('the thread', () => {
  test('one query that takes too long ends in words, and the next is answered', async () => {
    const short = openLogReader({ path, now: () => now, flush: () => undefined, limitMs: 0 });
    await expect(short.page({ filter: 'alpn == h9', limit: 5, before: null, after: null })).rejects.toMatchObject({ code: 'query-too-slow' });
    await short.close();
    expect(await ids('id == 3')).toEqual([3]);
  });
  test('a query whose asker has left is dropped', async () => {
    const gone = AbortSignal.abort();
    const leaving = new AbortController();
    const asked = reader.page({ filter: 'alpn == h9', limit: 5, before: null, after: null }, leaving.signal);
    leaving.abort();
    expect(await codeOf(asked)).toMatch(/query-too-slow|answered/);
    expect(await codeOf(reader.page({ filter: '', limit: 5, before: null, after: null }, gone))).toBe('query-too-slow');
  });
  test('ends after a time of quiet and starts again when asked', async () => {
    const threads = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length;
    const before = threads();
    const brief = openLogReader({ path, now: () => now, flush: () => undefined, quietMs: 10 });
    expect((await brief.page({ filter: '', limit: 1, before: null, after: null })).rows).toHaveLength(1);
    await vi.waitFor(() => expect(threads()).toBeLessThanOrEqual(before), 10_000);
    expect((await brief.page({ filter: '', limit: 1, before: null, after: null })).rows).toHaveLength(1);
    await brief.close();
  });
  test('thirty-two wait, the next is told so', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => codeOf(reader.page({ filter: '', limit: 1, before: null, after: null }))));
    expect(answers.filter((code) => code === 'answered')).toHaveLength(32);
    expect(answers.filter((code) => code === 'query-too-slow')).toHaveLength(8);
  });
  test('a database that is not there is an error in words', async () => {
    const lost = openLogReader({ path: join(folder, 'none.db'), now: () => now, flush: () => undefined });
    await expect(lost.page({ filter: '', limit: 1, before: null, after: null })).rejects.toMatchObject({ code: 'store-corrupt' });
    await lost.close();
  });
  test('the agent\'s end fails what waits', async () => {
    const ending = openLogReader({ path, now: () => now, flush: () => undefined });
    const asked = codeOf(ending.page({ filter: 'alpn == h9', limit: 5, before: null, after: null }));
    await ending.close();
    expect(await asked).toMatch(/agent-not-running|answered/);
  });
});

test('a store of the format before gains the names of its apps', () => {
  const old = join(folder, 'old.db');
  const before = new Database(old);
  for (const step of migrations.slice(0, 2)) before.exec(step);
  before.pragma('user_version = 2');
  before.exec("INSERT INTO connections (id, started_at, app_id, app_name, app_path, host, port, decided, disposition, reason, bytes_up, bytes_down) VALUES (1, 1, 'a', 'curl', '/usr/bin/curl', 'h', 443, 'inspect', 'inspect', 'rule', 0, 0)");
  before.close();
  openStore(old, now, () => undefined).store.close();
  const database = new Database(old);
  expect(database.prepare('SELECT * FROM connection_apps').all()).toEqual([{ app_id: 'a', app_name: 'curl', app_path: '/usr/bin/curl' }]);
  database.close();
});
