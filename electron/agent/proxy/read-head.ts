// Collects the head of a proxy request from a fresh client socket and puts back what lies behind it.
// Not a parser (core/http/request-head).
import type { Socket } from 'node:net';
import { readRequestHead, type RequestHeadRead } from '../../core/http/request-head.ts';
import { waitForBytes } from './wait-for-bytes.ts';

/** A local program sends its head at once; 16 s is slow-loris territory. */
const headDeadlineMs = 16_000;

export type HeadResult =
  | Exclude<RequestHeadRead, { kind: 'incomplete' }>
  /** The client left, never said anything (browsers keep such connections in reserve), or began and did not end in time. */
  | { readonly kind: 'gone'; readonly why: 'closed' | 'deadline' | 'begun' };

/** The head, with every byte behind it (all bytes for `absolute`) back in the socket. */
export async function readHead(socket: Socket): Promise<HeadResult> {
  const deadline = performance.now() + headDeadlineMs;
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const more = await waitForBytes(socket, deadline);
    if (typeof more === 'string') return { kind: 'gone', why: more === 'deadline' && bytes.length > 0 ? 'begun' : more };
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    const read = readRequestHead(bytes);
    if (read.kind === 'incomplete') continue;
    if (read.kind === 'connect' && bytes.length > read.bytes) socket.unshift(bytes.subarray(read.bytes));
    else if (read.kind === 'absolute') socket.unshift(bytes);
    return read;
  }
}
