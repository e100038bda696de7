// The feed of the Connections screen over an agent of values: filters, older pages, live heads, holding back, late answers.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PinlightError } from '../../electron/contract/errors.ts';
import type { ConnectionsAnswer, RouteQuery } from '../../electron/contract/routes.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { createFeed, windowRows } from '../../renderer/connections/feed.ts';
import type { ReadPage } from '../../renderer/connections/feed.ts';
import { fixtureApps, fixtureRow } from './fixture-data.ts';

const apps = fixtureApps(0);
const row = (id: number): ConnectionRow => fixtureRow(id, 100_000, 0, apps);
const newestFirst = (from: number, count: number): ConnectionRow[] => Array.from({ length: count }, (_, index) => row(from - index));

type Query = RouteQuery<'connections'>;

/** A reader of pages that keeps what it was asked. */
function reader(answer: (query: Query) => ConnectionsAnswer | Promise<ConnectionsAnswer>): { read: ReadPage; asked: Query[] } {
  const asked: Query[] = [];
  return {
    asked,
    read: async (query) => {
      asked.push(query);
      return answer(query);
    },
  };
}

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

test('the first page is asked for with its filter, older ones with the cursor, and the end is asked for once', async () => {
  const { read, asked } = reader(({ before }) => (before === undefined ? { rows: newestFirst(10, 3), next: '8' } : { rows: newestFirst(7, 2), next: null }));
  const feed = createFeed(read);
  await feed.ask('disposition:bypass');
  await feed.older();
  await feed.older();
  expect(feed.store.getState().list?.rows.map(({ id }) => id)).toEqual([10, 9, 8, 7, 6]);
  expect(asked).toEqual([
    { limit: '200', filter: 'disposition:bypass' },
    { limit: '200', filter: 'disposition:bypass', before: '8' },
  ]);
});

test('a refused filter leaves the rows and the filter in force, and shows the complaint', async () => {
  const { read } = reader(({ filter }) => {
    if (filter === 'hots:x') throw new PinlightError('bad-filter', 'there is no field "hots"');
    return { rows: newestFirst(3, 3), next: null };
  });
  const feed = createFeed(read);
  await feed.ask('');
  await feed.ask('hots:x');
  expect(feed.store.getState()).toMatchObject({ filter: '', busy: null, error: { code: 'bad-filter', message: 'there is no field "hots"' } });
  expect(feed.store.getState().list?.rows).toHaveLength(3);
  await feed.ask('');
  expect(feed.store.getState().error).toBeNull();
});

test('an answer that comes after a newer question is dropped', async () => {
  let answerLate: (answer: ConnectionsAnswer) => void = raise;
  const late = new Promise<ConnectionsAnswer>((resolve) => { answerLate = resolve; });
  const { read } = reader(({ filter }) => (filter === 'slow' ? late : { rows: newestFirst(5, 1), next: null }));
  const feed = createFeed(read);
  const slow = feed.ask('slow');
  await feed.ask('fast');
  answerLate({ rows: newestFirst(900, 9), next: null });
  await slow;
  expect(feed.store.getState()).toMatchObject({ filter: 'fast', list: { rows: [{ id: 5 }] } });
});

test('without a filter new rows join at the top; paused they do not, and going live catches up', async () => {
  const { read } = reader(() => ({ rows: newestFirst(10, 10), next: null }));
  const feed = createFeed(read);
  await feed.ask('');
  feed.observe(newestFirst(12, 12));
  expect(feed.store.getState().list?.rows[0]?.id).toBe(12);
  feed.setLive(false);
  feed.observe(newestFirst(14, 14));
  expect(feed.store.getState().list?.rows[0]?.id).toBe(12);
  feed.setLive(true);
  feed.observe(newestFirst(14, 14));
  expect(feed.store.getState().list?.rows.map(({ id }) => id).slice(0, 3)).toEqual([14, 13, 12]);
});

test('further down new rows are held and counted, and the top releases them', async () => {
  const { read } = reader(() => ({ rows: newestFirst(10, 10), next: null }));
  const feed = createFeed(read);
  await feed.ask('');
  feed.setAtTop(false);
  feed.observe(newestFirst(13, 13));
  expect(feed.store.getState()).toMatchObject({ held: 3, list: { rows: expect.objectContaining({ length: 10 }) } });
  feed.setAtTop(true);
  expect(feed.store.getState()).toMatchObject({ held: 0, list: { rows: expect.objectContaining({ length: 13 }) } });
});

test('an open connection is renewed in place even further down', async () => {
  const { read } = reader(() => ({ rows: newestFirst(10, 10).map((one) => ({ ...one, durationMs: null })), next: null }));
  const feed = createFeed(read);
  await feed.ask('');
  feed.setAtTop(false);
  feed.observe([row(9)]);
  expect(feed.store.getState().list?.rows[1]?.durationMs).toBe(row(9).durationMs);
});

test('with a filter the head is asked for again, once a second at most', async () => {
  let newest = 10;
  const { read, asked } = reader(() => ({ rows: newestFirst(newest, 5), next: '5' }));
  const feed = createFeed(read);
  await feed.ask('app:curl');
  newest = 12;
  for (let id = 11; id <= 12; id += 1) feed.observe([row(id)]);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(asked).toHaveLength(2);
  expect(feed.store.getState().list?.rows.map(({ id }) => id)).toEqual([12, 11, 10, 9, 8, 7, 6]);
  feed.close();
});

test('more new rows than the snapshot keeps means a gap: the first page is asked for instead', async () => {
  let newest = 10;
  const { read, asked } = reader(() => ({ rows: newestFirst(newest, 10), next: '1' }));
  const feed = createFeed(read);
  await feed.ask('');
  newest = 5_000;
  feed.observe(newestFirst(5_000, 200));
  await vi.waitFor(() => expect(feed.store.getState().list?.rows[0]?.id).toBe(5_000));
  expect(asked).toHaveLength(2);
});

/** An agent with rows 1 to `newest`, paged as the real one pages. */
function log(newest: number): (query: Query) => ConnectionsAnswer {
  return ({ before, after, limit = '100' }) => {
    const size = Number(limit);
    const from = after === undefined ? Math.min(newest, before === undefined ? newest : Number(before) - 1) : Math.min(newest, Number(after) + size);
    const rows = newestFirst(from, Math.max(0, Math.min(size, after === undefined ? from : from - Number(after))));
    return { rows, next: rows.length === size ? String(rows.at(-1)?.id) : null };
  };
}

test('however far one reads on, the rows in memory stay few, and the way back leads through the same rows', async () => {
  const { read } = reader(log(20_000));
  const feed = createFeed(read);
  await feed.ask('');
  for (let page = 0; page < 60; page += 1) await feed.older();
  expect(feed.store.getState().list?.rows).toHaveLength(windowRows);
  expect(feed.store.getState()).toMatchObject({ skipped: 61 * 200 - windowRows });
  expect(feed.store.getState().list?.rows[0]?.id).toBe(20_000 - 61 * 200 + windowRows);
  for (let page = 0; feed.store.getState().skipped !== 0 && page < 100; page += 1) await feed.newer();
  const { list, skipped } = feed.store.getState();
  expect(skipped).toBe(0);
  expect(list?.rows.map(({ id }) => id)).toEqual(Array.from({ length: windowRows }, (_, index) => 20_000 - index));
  expect(list?.next).toBe(String(20_000 - windowRows + 1));
});

test('the oldest rows are one question away, and newer ones lead up again', async () => {
  const { read, asked } = reader(log(3_000));
  const feed = createFeed(read);
  await feed.ask('');
  await feed.oldest();
  expect(asked.at(-1)).toEqual({ limit: '200', after: '0' });
  expect(feed.store.getState()).toMatchObject({ skipped: null, list: { next: null } });
  expect(feed.store.getState().list?.rows.at(-1)?.id).toBe(1);
  await feed.newer();
  expect(feed.store.getState().list?.rows[0]?.id).toBe(400);
  await feed.newest();
  expect(feed.store.getState()).toMatchObject({ skipped: 0 });
  expect(feed.store.getState().list?.rows[0]?.id).toBe(3_000);
});

test('paused, what comes is counted: without a filter from the snapshot, with one by asking', async () => {
  let newest = 10;
  const { read, asked } = reader((query) => log(newest)(query));
  const feed = createFeed(read);
  await feed.ask('');
  feed.setLive(false);
  newest = 14;
  feed.observe(newestFirst(14, 14));
  expect(feed.store.getState()).toMatchObject({ held: 4, heldMore: false });
  feed.setLive(true);
  await feed.ask('app:curl');
  feed.setLive(false);
  newest = 16;
  feed.observe(newestFirst(16, 16));
  await vi.advanceTimersByTimeAsync(1_500);
  expect(asked.at(-1)).toEqual({ limit: '1000', filter: 'app:curl', after: '14' });
  expect(feed.store.getState()).toMatchObject({ held: 2, list: { rows: expect.objectContaining({ length: 14 }) } });
  feed.close();
});

function raise(): never {
  throw new Error('answered before it was asked');
}
