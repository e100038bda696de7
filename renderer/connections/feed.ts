// Feeds the Connections screen: a window of a few thousand rows into the log, moved older and newer by pages, and what is new while it
// is live. Filters are judged by the agent, never here; so with a filter the head is asked for again, at most once a second.
// Not for drawing.
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { RouteQuery } from '../../electron/contract/routes.ts';
import { recentLimit } from '../../electron/contract/snapshot.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { errorOf } from '../state/error-of.ts';
import { addPage, countNewer, joinHead, keepNewest, keepOldest, renewRows } from './row-list.ts';
import type { RowList } from './row-list.ts';

export type FeedState = {
  /** Null until the first answer has come. */
  readonly list: RowList | null;
  /** The filter that `list` answers. */
  readonly filter: string;
  readonly busy: 'first' | 'page' | null;
  readonly error: ErrorBody | null;
  readonly live: boolean;
  /** Newer rows that were loaded and let go; 0 = the list begins with the newest, null = it was entered from its old end. */
  readonly skipped: number | null;
  /** Rows that came while it was paused, or the person was reading further down; `heldMore`: at least so many. */
  readonly held: number;
  readonly heldMore: boolean;
};

/** Asks the agent for one page (route `connections`); rejects with PinlightError. */
export type ReadPage = (query: RouteQuery<'connections'>) => Promise<RowList>;

export type Feed = {
  readonly store: StoreApi<FeedState>;
  /** Asks for the newest page under this filter. A filter that is refused leaves the old rows in place. */
  readonly ask: (filter: string) => Promise<void>;
  /** Asks for the next older page, unless one is on its way. */
  readonly older: () => Promise<void>;
  /** Asks for the next newer page, where the list does not begin with the newest row. */
  readonly newer: () => Promise<void>;
  /** Goes to the very first rows of the log. */
  readonly oldest: () => Promise<void>;
  /** Back to the newest. */
  readonly newest: () => Promise<void>;
  /** Tells of the newest rows of the snapshot. */
  readonly observe: (recent: readonly ConnectionRow[]) => void;
  readonly setLive: (live: boolean) => void;
  /** While the person is not at the top, new rows are held back, so that nothing moves under the eyes. */
  readonly setAtTop: (atTop: boolean) => void;
  readonly close: () => void;
};

const pageSize = 200;
/** Rows kept at a time: 5,000 are some 5 MB and a minute of steady scrolling; the rest comes back by pages. */
export const windowRows = 5_000;
/** A filtered head costs the agent a query; people do not read faster than this. */
const headMs = 1_000;
/** Held rows under a filter are counted up to this many. */
const mostCounted = 1_000;

/** A feed of the pages that `read` gets; `close` ends its timer and drops late answers, and a closed one may be asked again. */
export function createFeed(read: ReadPage): Feed {
  const store = createStore<FeedState>(() => ({ list: null, filter: '', busy: null, error: null, live: true, skipped: 0, held: 0, heldMore: false }));
  let generation = 0;
  let atTop = true;
  let recent: readonly ConnectionRow[] = [];
  let headTimer: ReturnType<typeof setTimeout> | null = null;
  /** The newest row the person was shown: what is newer is held. */
  let newestShown = 0;
  /** The snapshot's rows that the agent has judged by the filter already. */
  let judged: readonly ConnectionRow[] = [];

  return { store, ask, older, newer, oldest, newest: () => ask(store.getState().filter), observe, setLive, setAtTop, close };

  /** One question to the agent; a later one, or the end of the feed, makes its answer void. */
  async function get(query: Partial<RouteQuery<'connections'>>, busy: FeedState['busy'], mine: number, take: (page: RowList) => void): Promise<void> {
    if (busy !== null) store.setState({ busy });
    try {
      const page = await read({ limit: String(pageSize), ...query });
      if (mine !== generation) return;
      if (busy !== null) store.setState({ busy: null, error: null });
      take(page);
    } catch (thrown) {
      if (mine === generation) store.setState({ ...(busy === null ? {} : { busy: null }), error: errorOf(thrown) });
    }
  }

  function filtered(filter: string): { filter?: string } {
    return filter === '' ? {} : { filter };
  }

  /** The list that begins with the newest row, as far as is known. */
  function show(list: RowList, change: Partial<FeedState> = {}): void {
    newestShown = Math.max(newestShown, list.rows[0]?.id ?? 0);
    store.setState({ list: keepNewest(list, windowRows), skipped: 0, held: 0, heldMore: false, ...change });
  }

  async function ask(filter: string): Promise<void> {
    generation += 1;
    const asOf = recent;
    await get(filtered(filter), 'first', generation, (list) => {
      newestShown = 0;
      judged = asOf;
      show(list, { filter });
      observe(recent);
    });
  }

  async function older(): Promise<void> {
    const { list, filter, busy, skipped } = store.getState();
    if (busy !== null || list === null || list.next === null) return;
    await get({ ...filtered(filter), before: list.next }, 'page', generation, (page) => {
      const joined = addPage(store.getState().list ?? page, page);
      const kept = keepOldest(joined, windowRows);
      const dropped = joined.rows.length - kept.rows.length;
      store.setState({ list: kept, skipped: skipped === null ? null : skipped + dropped });
    });
  }

  async function newer(): Promise<void> {
    const { list, filter, busy, skipped } = store.getState();
    const first = list?.rows[0];
    if (busy !== null || list === null || first === undefined || skipped === 0) return;
    await get({ ...filtered(filter), after: String(first.id) }, 'page', generation, ({ rows }) => {
      const joined = keepNewest({ rows: [...rows, ...list.rows], next: list.next }, windowRows);
      // A page that is not full has met the newest row.
      if (rows.length < pageSize) show(joined);
      else store.setState({ list: joined, skipped: skipped === null ? null : Math.max(1, skipped - rows.length) });
    });
  }

  async function oldest(): Promise<void> {
    const { filter, list, skipped } = store.getState();
    if (list === null || list.next === null) return;
    generation += 1;
    await get({ ...filtered(filter), after: '0' }, 'page', generation, (page) => {
      // The whole log may be this one page.
      if (page.rows.length < pageSize && skipped === 0) show({ rows: page.rows, next: null });
      else store.setState({ list: { rows: page.rows, next: null }, skipped: null });
    });
  }

  function observe(rows: readonly ConnectionRow[]): void {
    recent = rows;
    const { list, live, filter, skipped } = store.getState();
    if (list === null) return;
    const renewed = live ? renewRows(list, rows) : list;
    if (renewed !== list) store.setState({ list: renewed });
    const moving = live && atTop && skipped === 0;
    if (filter !== '' && rows === judged) return;
    if (filter !== '') headTimer ??= setTimeout(() => void (isMoving() ? askHead() : countHeld()), headMs);
    else if (moving) takeRecent(renewed);
    else {
      const held = rows.filter(({ id }) => id > newestShown).length;
      store.setState({ held, heldMore: held >= recentLimit });
    }
  }

  function isMoving(): boolean {
    const { live, skipped } = store.getState();
    return live && atTop && skipped === 0;
  }

  function takeRecent(list: RowList): void {
    if (countNewer(list, recent) === 0) return;
    const joined = joinHead(list, recent);
    if (joined !== null) show(joined);
    else if (recent.length < recentLimit) show({ rows: [...recent, ...list.rows], next: list.next });
    else void ask('');
  }

  async function askHead(): Promise<void> {
    headTimer = null;
    const { filter, busy } = store.getState();
    if (busy !== null || !isMoving()) return;
    await get(filtered(filter), null, generation, (head) => {
      const { list } = store.getState();
      show(list === null || head.next === null ? head : joinHead(list, head.rows) ?? head);
    });
  }

  async function countHeld(): Promise<void> {
    headTimer = null;
    const { filter } = store.getState();
    await get({ ...filtered(filter), after: String(newestShown), limit: String(mostCounted) }, null, generation, ({ rows }) => {
      if (!isMoving()) store.setState({ held: rows.length, heldMore: rows.length === mostCounted });
    });
  }

  function setLive(live: boolean): void {
    store.setState({ live });
    if (live) catchUp();
  }

  function setAtTop(value: boolean): void {
    if (value === atTop) return;
    atTop = value;
    if (value) catchUp();
  }

  function catchUp(): void {
    const { list, filter } = store.getState();
    if (list === null || !isMoving()) return;
    store.setState({ held: 0, heldMore: false });
    if (filter === '') takeRecent(renewRows(list, recent));
    else void askHead();
  }

  function close(): void {
    generation += 1;
    if (headTimer !== null) clearTimeout(headTimer);
    headTimer = null;
  }
}
