// The reading thread: answers queries of the log one after another on a read-only connection, so that none of them holds up the proxy.
// Bundled into a file of its own (build/vite.agent.config.ts). Not for who may ask or for how long (log-reader.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { errorBody, PinlightError, type ErrorBody } from '../../contract/errors.ts';
import { openForReading } from './open-for-reading.ts';
import { runLogQuery, type LogAnswers, type LogQuery } from './log-queries.ts';

export type ReadRequest = {
  readonly id: number;
  readonly query: LogQuery;
  /** ms that it may take from its begin on. */
  readonly limitMs: number;
  /** One number, shared: not 0 = nobody waits for the answer any more. */
  readonly left: Int32Array<SharedArrayBuffer>;
};
export type ReadAnswer = { readonly id: number; readonly answer: LogAnswers[LogQuery['kind']] | null; readonly error: ErrorBody | null };

const database = openForReading(workerData as string);

parentPort?.on('message', ({ id, query, limitMs, left }: ReadRequest) => {
  const begun = performance.now();
  const check = (): void => {
    if (Atomics.load(left, 0) !== 0) throw new PinlightError('query-too-slow', 'nobody waits for the answer any more');
    if (performance.now() - begun > limitMs) throw new PinlightError('query-too-slow', `the log was searched for ${limitMs / 1000} s without an end`);
  };
  let reply: ReadAnswer;
  try {
    check();
    reply = { id, answer: runLogQuery(database, query, check), error: null };
  } catch (error) {
    reply = { id, answer: null, error: errorBody(error) };
  }
  parentPort?.postMessage(reply, []);
});
