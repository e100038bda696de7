// The feed of the Connections screen over an agent of values: filters, older pages, live heads, holding back, late answers.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PinlightError } from '../../electron/contract/errors.ts';
import type { ConnectionsAnswer, RouteQuery } from '../../electron/contract/routes.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { createFeed } from '../../renderer/connections/feed.ts';
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
  await feed.more();
  await feed.more();
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

function raise(): never {
  throw new Error('answered before it was asked');
}
