// The app's leg of an inspected connection: hands the socket to a tls.Server whose leaf was chosen beforehand and collects the evidence.
// Not for relaying (relay.ts) and not for classifying (core/tls/handshake-outcome).
//
// A real tls.Server, because a bare TLSSocket loses alerts after Finished (measured); its events name no connection, so
// each handshake runs in an AsyncLocalStorage context that does. The raw socket is watched as well: a FIN in mid-handshake shows there.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type * as tls from 'node:tls';
import { alertOf, codeOf, ownAlertOf } from './tls-error.ts';
import type { LeafContext } from '../ca/leaf-contexts.ts';

export type DownstreamResult =
  | { readonly kind: 'finished'; readonly socket: tls.TLSSocket; readonly handshake: DownstreamHandshake }
  | {
      readonly kind: 'failed'; readonly handshake: DownstreamHandshake;
      readonly alert: number | null; readonly alertBy: 'client' | 'agent' | null;
      readonly closedBy: 'client' | 'agent' | 'deadline'; readonly closeKind: 'fin' | 'rst' | 'none';
      readonly fault: string | null;
    };

/** Times on the clock of performance.now(), ms. */
export type DownstreamHandshake = {
  readonly startedAt: number;
  /** When the certificate had been written. */
  readonly leafAt: number;
  readonly endedAt: number;
  /** As many bytes as our flight with its certificate has at least were accepted by the socket. */
  readonly leafSent: boolean;
  /** Bytes read from the app when its hello was answered, that included. A second hello, after a HelloRetryRequest, counts as later. */
  readonly readAtLeaf: number;
  /** The same when the handshake was over, one way or the other. */
  readonly readAtEnd: number;
};

type Slot = { settle(result: { socket: tls.TLSSocket } | { error: NodeJS.ErrnoException }): void };

const slots = new AsyncLocalStorage<Slot>();

/** Attach once to every server of ca/leaf-contexts. */
export function watchServer(server: tls.Server): void {
  server.on('secureConnection', (socket) => slots.getStore()?.settle({ socket }));
  server.on('tlsClientError', (error) => slots.getStore()?.settle({ error }));
}

/** Resolves when the app's handshake is over, one way or the other. `raw` still holds the ClientHello (peeked and put back). */
export function acceptDownstream(raw: Socket, context: LeafContext): Promise<DownstreamResult> {
  return new Promise((done) => {
    const startedAt = performance.now();
    const writtenBefore = raw.bytesWritten;
    const readAtLeaf = raw.bytesRead;
    let leafAt = startedAt;
    let settled = false;
    const handshake = (): DownstreamHandshake => ({
      startedAt, leafAt, endedAt: performance.now(), leafSent: raw.bytesWritten - writtenBefore > context.leaf.bytes,
      readAtLeaf, readAtEnd: raw.bytesRead,
    });
    const settle: Slot['settle'] = (result) => {
      if (settled) return;
      settled = true;
      raw.off('close', onClose);
      if ('socket' in result) {
        // Inherited as false, so that a FIN in mid-handshake ended it; from here on half-closed connections must live.
        result.socket.allowHalfOpen = true;
        done({ kind: 'finished', socket: result.socket, handshake: handshake() });
      } else done({ kind: 'failed', handshake: handshake(), ...failureOf(result.error) });
    };
    // Node reports some of these through tlsClientError too, outside our context; whoever comes first settles.
    const onClose = (): void => settle({ error: Object.assign(new Error('closed'), { code: 'PINLIGHT_CLOSED' }) });
    raw.on('close', onClose);
    raw.allowHalfOpen = false;
    slots.run({ settle }, () => context.server.emit('connection', raw));
    // Node reads the hello and writes our flight in the next tick.
    process.nextTick(() => { leafAt = performance.now(); });
  });
}

function failureOf(error: NodeJS.ErrnoException): Omit<Extract<DownstreamResult, { kind: 'failed' }>, 'kind' | 'handshake'> {
  const alert = alertOf(error);
  if (alert !== null) return { alert, alertBy: 'client', closedBy: 'client', closeKind: 'none', fault: null };
  const own = ownAlertOf(error);
  if (own !== null) return { alert: own, alertBy: 'agent', closedBy: 'agent', closeKind: 'none', fault: null };
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return { alert: null, alertBy: null, closedBy: 'deadline', closeKind: 'none', fault: null };
  if (error.code === 'PINLIGHT_CLOSED') return { alert: null, alertBy: null, closedBy: 'client', closeKind: 'fin', fault: null };
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    return { alert: null, alertBy: null, closedBy: 'client', closeKind: /hang up/.test(error.message) ? 'fin' : 'rst', fault: null };
  }
  return { alert: null, alertBy: null, closedBy: 'agent', closeKind: 'none', fault: codeOf(error) };
}
