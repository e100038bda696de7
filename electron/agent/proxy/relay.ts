// Moves bytes between two legs, byte for byte, with backpressure and half-close, and says how it ended.
// Not for reading them: inspected plaintext and spliced ciphertext are the same to it.
import type { Socket } from 'node:net';
import type { Held } from '../../core/model.ts';

export type RelayEnd = {
  /** Which leg ended first. */
  readonly first: 'app' | 'server';
  /** When it did, on the clock of performance.now(), ms. */
  readonly firstAt: number;
  /** The app's leg failed with this error; null when it ended in order. */
  readonly appError: NodeJS.ErrnoException | null;
  readonly serverError: NodeJS.ErrnoException | null;
};

/**
 * No byte either way for two hours ends a relay: WebSockets and SSH tunnels may rest that long (RFC 5382 asks NATs for 2 h 4 min),
 * a peer that is gone shows no other sign.
 */
export const idleLimitMs = 2 * 3600_000;
/**
 * The same once one leg has ended: a program that gave up looks like one that has only said its last word, and a server that hangs
 * never says that it is over. Less than Linux keeps a closed program's end of a connection (tcp_fin_timeout, 60 s).
 */
const halfClosedLimitMs = 50_000;
/**
 * A leg whose bytes nobody takes is not read, and a socket that is not read shows no end: when nothing has moved for this long, the system is asked
 * whether the app is still there. Node lets the time pass twice where a write is under way.
 */
const unreadCheckMs = 25_000;
/** What was written before the other leg closed has this long to be taken. */
const drainLimitMs = 30_000;

/** `isHeld`: whether any process still holds the app's end of the app's leg. `limits`: for tests. */
export type RelayOptions = { readonly isHeld: () => Held; readonly limits?: { readonly halfClosedMs: number; readonly unreadCheckMs: number } };

/** Pipes both ways until both directions are over; then both legs are closed. Resolves once, never rejects. */
export function relay(app: Socket, server: Socket, { isHeld, limits = { halfClosedMs: halfClosedLimitMs, unreadCheckMs } }: RelayOptions): Promise<RelayEnd> {
  return new Promise((done) => {
    let first: RelayEnd['first'] | null = null;
    let firstAt = 0;
    const errors: { app: NodeJS.ErrnoException | null; server: NodeJS.ErrnoException | null } = { app: null, server: null };
    const closed = new Set<Socket>();
    const ended = (leg: RelayEnd['first']): void => {
      if (first !== null) return;
      first = leg;
      firstAt = performance.now();
      app.setTimeout(limits.halfClosedMs);
      server.setTimeout(limits.halfClosedMs);
    };
    // Whatever moves either way moves on the server's leg, what is only being sent included.
    const onQuiet = (): void => {
      if (first !== null) server.destroy();
      else if (app.isPaused() && isHeld() === 'nobody') app.destroy(Object.assign(new Error('the app is gone'), { code: 'ECONNABORTED' }));
      else server.setTimeout(limits.unreadCheckMs);
    };
    const watch = (leg: Socket, name: RelayEnd['first'], other: Socket): void => {
      const onClose = (): void => {
        if (closed.has(leg)) return;
        closed.add(leg);
        ended(name);
        if (closed.size === 2) done({ first: first ?? name, firstAt, appError: errors.app, serverError: errors.server });
        else closeOther(other, errors[name] !== null);
      };
      leg.once('end', () => ended(name));
      leg.on('error', (error: NodeJS.ErrnoException) => {
        errors[name] ??= error;
        ended(name);
        // Node reports an alert that comes after the handshake and leaves the socket open; nothing more will come over it.
        leg.destroy();
      });
      // A leg may have ended or failed before anyone relayed it.
      errors[name] = leg.errored;
      if (leg.readableEnded) ended(name);
      leg.once('close', onClose);
      if (leg.destroyed) onClose();
    };
    app.pipe(server);
    server.pipe(app);
    app.setTimeout(idleLimitMs, () => app.destroy());
    server.on('timeout', onQuiet).setTimeout(limits.unreadCheckMs);
    watch(app, 'app', server);
    watch(server, 'server', app);
  });
}

/** `failed`: the other leg broke off. Then this one must not end as if all had been said: the peer would take a part for the whole. */
function closeOther(leg: Socket, failed: boolean): void {
  if (leg.destroyed) return;
  leg.resume();
  if (failed || leg.writableFinished) {
    leg.destroy();
    return;
  }
  const timer = setTimeout(() => leg.destroy(), drainLimitMs);
  leg.once('close', () => clearTimeout(timer));
  leg.once('finish', () => leg.destroy());
  leg.end();
}
