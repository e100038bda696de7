// The event stream: snapshot first, then changes as newline JSON. A listener that does not read is cut, never buffered without bound.
// Not for what the events say.
import type { ServerResponse } from 'node:http';
import { errorAdvice } from '../../contract/errors.ts';
import type { Snapshot, StreamLine } from '../../contract/snapshot.ts';
import type { EventBus } from '../events/event-bus.ts';

/** Some thousand rows; a window that hangs for longer asks again. A user of the service may have many streams, and others' memory is not theirs. */
export const backlogLimit = { administrator: 4 * 1024 * 1024, user: 512 * 1024 };
/** Tells a dead stream from a quiet one. */
const heartbeatMs = 15_000;
/** A cut listener may still read what waits and why it was cut; then its buffer goes. */
const farewellMs = 30_000;

/** `mayWait`: bytes that are kept for a listener who does not read. */
export function streamEvents(response: ServerResponse, bus: EventBus, snapshot: () => Snapshot, mayWait: number): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  const write = (line: StreamLine): void => {
    if (response.destroyed) return;
    if (response.writableLength > mayWait) {
      const code = 'listener-too-slow';
      response.end(`${JSON.stringify({ kind: 'cut', error: { code, message: 'the stream was not read', advice: errorAdvice[code] } })}\n`);
      stop();
      const farewell = setTimeout(() => response.destroy(), farewellMs);
      response.once('close', () => clearTimeout(farewell));
      return;
    }
    response.write(`${JSON.stringify(line)}\n`);
  };
  const unsubscribe = bus.subscribe(write);
  const heartbeat = setInterval(() => write({ kind: 'heartbeat' }), heartbeatMs);
  const stop = (): void => {
    unsubscribe();
    clearInterval(heartbeat);
  };
  response.once('close', stop);
  write({ kind: 'snapshot', snapshot: snapshot() });
}
