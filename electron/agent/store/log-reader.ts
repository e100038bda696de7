// Asks the reading thread: starts it at the first query, ends it after a minute of quiet, gives each query a time limit, and forgets
// one whose asker has left. Not for SQL (log-queries.ts) and not for reading that verdicts need at once (store.ts).
import { Worker } from 'node:worker_threads';
import { PinlightError } from '../../contract/errors.ts';
import type { LogAnswers, LogQuery, PageQuery, StatisticsQuery, ValuesQuery } from './log-queries.ts';
import type { ReadAnswer, ReadRequest } from './read-worker.ts';

/** The log of the database at `path` as far as somebody may see it: rows of this user's programs; null = everybody's. */
export type LogPlace = { readonly path: string; readonly uid: number | null };

/** Every method rejects with PinlightError: `bad-filter`, `query-too-slow`, `bug`. `signal`: the asker has left. */
export type LogReader = {
  page(query: PageQuery, signal?: AbortSignal): Promise<LogAnswers['page']>;
  statistics(query: StatisticsQuery, signal?: AbortSignal): Promise<LogAnswers['statistics']>;
  values(query: ValuesQuery, signal?: AbortSignal): Promise<LogAnswers['values']>;
  /** How many rows there are. */
  count(signal?: AbortSignal): Promise<LogAnswers['count']>;
  /** For who reads it in a thread of its own. What has just happened is in it. */
  place(): LogPlace;
  /** The same for rows of one user's programs only. */
  ofUser(uid: number): LogReader;
};

export type LogReaderOptions = {
  /** The database; it must be there. */
  readonly path: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Called before each query, so that it finds what has just happened. */
  readonly flush: () => void;
  /** ms a query may take; 5 s: people narrow a search that takes longer. */
  readonly limitMs?: number;
  /** ms without a query after which the thread ends; a minute: its 25 MB are worth more than the 60 ms of starting it. */
  readonly quietMs?: number;
};

/** A reader and its end. Nothing runs until the first query. */
export function openLogReader({ path, now, flush, limitMs = 5_000, quietMs = 60_000 }: LogReaderOptions): LogReader & { close(): Promise<void> } {
  type Waiting = { readonly settle: (reply: ReadAnswer) => void; readonly fail: (error: PinlightError) => void; readonly left: Int32Array<SharedArrayBuffer> };
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let quiet: NodeJS.Timeout | null = null;
  let lastId = 0;

  const end = async (why: PinlightError): Promise<void> => {
    const ending = worker;
    worker = null;
    if (quiet !== null) clearTimeout(quiet);
    for (const { fail, left } of waiting.values()) {
      Atomics.store(left, 0, 1);
      fail(why);
    }
    waiting.clear();
    await ending?.terminate();
  };
  const start = (): Worker => {
    const started = new Worker(workerFile(), { workerData: path, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 } });
    started.unref();
    started.on('message', (reply: ReadAnswer) => {
      const asked = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (waiting.size === 0) quiet = setTimeout(() => void end(gone()), quietMs).unref();
      asked?.settle(reply);
    });
    // It could not open the database, ran out of its memory, or has a fault: the next query tries again.
    const lost = (error?: Error): void => {
      if (worker === started) void end(new PinlightError('store-corrupt', `the log cannot be read: ${error?.message ?? 'its reader ended'}`));
    };
    started.on('error', lost);
    started.on('exit', () => lost());
    return started;
  };

  const ask = <K extends LogQuery['kind']>(query: Extract<LogQuery, { kind: K }>, signal: AbortSignal | undefined): Promise<LogAnswers[K]> => new Promise((done, fail) => {
    if (waiting.size >= mostWaiting) throw new PinlightError('query-too-slow', `${mostWaiting} other queries wait already`);
    flush();
    if (quiet !== null) clearTimeout(quiet);
    lastId += 1;
    const id = lastId;
    const left = new Int32Array(new SharedArrayBuffer(4));
    // A single step of SQL cannot be stopped from outside; a thread that does not come back is ended whole.
    const stuck = setTimeout(() => void end(new PinlightError('query-too-slow', 'the log did not answer')), limitMs + stuckMs).unref();
    const leave = (): void => void Atomics.store(left, 0, 1);
    if (signal?.aborted === true) leave();
    signal?.addEventListener('abort', leave, { once: true });
    const settled = (): void => {
      clearTimeout(stuck);
      signal?.removeEventListener('abort', leave);
    };
    waiting.set(id, {
      left,
      settle: ({ answer, error }) => {
        settled();
        if (error === null) done(answer as LogAnswers[K]);
        else fail(new PinlightError(error.code, error.message));
      },
      fail: (error) => {
        settled();
        fail(error);
      },
    });
    worker ??= start();
    worker.postMessage({ id, query, limitMs, left } satisfies ReadRequest, []);
  });

  const reader = (uid: number | null): LogReader => ({
    page: (query, signal) => ask({ ...query, kind: 'page', uid, now: now() }, signal),
    statistics: (query, signal) => ask({ ...query, kind: 'statistics', uid, now: now() }, signal),
    values: (query, signal) => ask({ ...query, kind: 'values', uid, now: now() }, signal),
    count: (signal) => ask({ kind: 'count', uid, now: now() }, signal),
    place: () => {
      flush();
      return { path, uid };
    },
    // Once narrowed it stays so.
    ofUser: (other) => reader(uid ?? other),
  });
  return { ...reader(null), close: () => end(gone()) };
}

/** A window asks for three things at once; more than this is a program that does not wait for its answers. */
const mostWaiting = 32;
/** Longer than any wait in the queue of those who do wait, shorter than the client's own 30 s. */
const stuckMs = 20_000;

function gone(): PinlightError {
  return new PinlightError('agent-not-running', 'the agent is ending');
}

/** The sources run as they are; the bundle has the thread's code beside its own. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? 'read-worker.ts' : 'read-worker.mjs', import.meta.url);
}
