// Feeds the Connections screen: first page, older pages, and what is new while it is live. Filters are judged by the agent, never
// here; so with a filter the head is asked for again, at most once a second. Not for drawing.
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { RouteQuery } from '../../electron/contract/routes.ts';
import { recentLimit } from '../../electron/contract/snapshot.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { errorOf } from '../state/error-of.ts';
import { addPage, countNewer, joinHead, renewRows } from './row-list.ts';
import type { RowList } from './row-list.ts';

export type FeedState = {
  /** Null until the first answer has come. */
  readonly list: RowList | null;
  /** The filter that `list` answers. */
  readonly filter: string;
  readonly busy: 'first' | 'more' | null;
  readonly error: ErrorBody | null;
  readonly live: boolean;
  /** Rows that came while the person was reading further down. */
  readonly held: number;
};

/** Asks the agent for one page (route `connections`); rejects with PinlightError. */
export type ReadPage = (query: RouteQuery<'connections'>) => Promise<RowList>;

export type Feed = {
  readonly store: StoreApi<FeedState>;
  /** Asks for the first page under this filter. A filter that is refused leaves the old rows in place. */
  readonly ask: (filter: string) => Promise<void>;
  /** Asks for the next older page, unless one is on its way. */
  readonly more: () => Promise<void>;
  /** Tells of the newest rows of the snapshot. */
  readonly observe: (recent: readonly ConnectionRow[]) => void;
  readonly setLive: (live: boolean) => void;
  /** While the person is not at the top, new rows are held back, so that nothing moves under the eyes. */
  readonly setAtTop: (atTop: boolean) => void;
  readonly close: () => void;
};

const pageSize = '200';
/** A filtered head costs the agent a query; people do not read faster than this. */
const headMs = 1_000;

/** A feed of the pages that `read` gets; `close` ends its timer and drops late answers, and a closed one may be asked again. */
export function createFeed(read: ReadPage): Feed {
  const store = createStore<FeedState>(() => ({ list: null, filter: '', busy: null, error: null, live: true, held: 0 }));
  let generation = 0;
  let atTop = true;
  let recent: readonly ConnectionRow[] = [];
  let headTimer: ReturnType<typeof setTimeout> | null = null;

  return { store, ask, more, observe, setLive, setAtTop, close };

  async function ask(filter: string): Promise<void> {
    const mine = (generation += 1);
    store.setState({ busy: 'first' });
    try {
      const list = await read(query(filter));
      if (mine !== generation) return;
      store.setState({ list, filter, busy: null, error: null, held: 0 });
      observe(recent);
    } catch (thrown) {
      if (mine === generation) store.setState({ busy: null, error: errorOf(thrown) });
    }
  }

  async function more(): Promise<void> {
    const { list, filter, busy } = store.getState();
    if (busy !== null || list === null || list.next === null) return;
    const mine = generation;
    store.setState({ busy: 'more' });
    try {
      const page = await read({ ...query(filter), before: list.next });
      if (mine !== generation) return;
      store.setState(({ list: present }) => ({ list: present === null ? page : addPage(present, page), busy: null, error: null }));
    } catch (thrown) {
      if (mine === generation) store.setState({ busy: null, error: errorOf(thrown) });
    }
  }

  function observe(rows: readonly ConnectionRow[]): void {
    recent = rows;
    const { list, live, filter } = store.getState();
    if (list === null || !live) return;
    const renewed = renewRows(list, rows);
    if (renewed !== list) store.setState({ list: renewed });
    if (!atTop) store.setState({ held: countNewer(renewed, rows) });
    else if (filter === '') takeRecent(renewed);
    else headTimer ??= setTimeout(() => void askHead(), headMs);
  }

  function takeRecent(list: RowList): void {
    if (countNewer(list, recent) === 0) return;
    const joined = joinHead(list, recent);
    if (joined !== null) store.setState({ list: joined, held: 0 });
    else if (recent.length < recentLimit) store.setState({ list: { rows: [...recent, ...list.rows], next: list.next }, held: 0 });
    else void ask('');
  }

  async function askHead(): Promise<void> {
    headTimer = null;
    const { filter, busy } = store.getState();
    if (busy !== null || !atTop) return;
    const mine = generation;
    try {
      const head = await read(query(filter));
      if (mine !== generation) return;
      store.setState(({ list }) => ({ list: list === null || head.next === null ? head : joinHead(list, head.rows) ?? head, held: 0 }));
    } catch (thrown) {
      if (mine === generation) store.setState({ error: errorOf(thrown) });
    }
  }

  function setLive(live: boolean): void {
    store.setState({ live, held: 0 });
    if (live) catchUp();
  }

  function setAtTop(value: boolean): void {
    if (value === atTop) return;
    atTop = value;
    if (value && store.getState().live) catchUp();
  }

  function catchUp(): void {
    const { list, filter } = store.getState();
    if (list === null) return;
    if (filter === '') takeRecent(renewRows(list, recent));
    else void askHead();
  }

  function close(): void {
    generation += 1;
    if (headTimer !== null) clearTimeout(headTimer);
    headTimer = null;
  }
}

function query(filter: string): { limit: string; filter?: string } {
  return filter === '' ? { limit: pageSize } : { limit: pageSize, filter };
}
