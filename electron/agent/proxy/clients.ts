// The clients that are connected: how many there is room for, and how they come to their end when the agent does. Not for serving one
// (serve-connection.ts).
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type Clients = {
  /** Takes a client in; false = there is no room, and it was turned away. */
  admit(client: Socket): boolean;
  /** Waits until all have ended, `limitMs` at most. One that moved nothing for a second is idle and closed. */
  drain(limitMs: number): Promise<void>;
  destroy(): void;
};

/**
 * Descriptors for store, log, control API, workers and look-ups into /proc: they must not starve with the clients. Where there are many, a service has
 * users, whose checks of handshakes (control/handshake-check.ts) take some hundreds.
 */
const reserved = (files: number): number => Math.max(96, Math.floor(files / 16));
/** A client and its server; a name with two addresses may have two for a moment, which the reserve bears. */
const perClient = 2;
/** An answer that a server thinks about for longer is rare; a connection kept for later says nothing at all. */
const idleMs = 1_000;

/** How many clients may be connected at once; no end where the system does not tell its limit of open files. */
export function clientRoom(limits: string | null = readLimits()): number {
  const files = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1];
  return files === undefined ? Number.POSITIVE_INFINITY : Math.max(8, Math.floor((Number(files) - reserved(Number(files))) / perClient));
}

/** `onFull(true)` when the first client is turned away, `onFull(false)` when half of the room is free again. */
export function createClients(room: number, onFull: (full: boolean) => void): Clients {
  const connected = new Set<Socket>();
  let full = false;
  const setFull = (now: boolean): void => {
    if (full !== now) onFull(now);
    full = now;
  };
  return {
    admit: (client) => {
      if (connected.size >= room) {
        // At once and without a word: an answer would hold the descriptor that is missing. Node has no way to leave it in the queue.
        client.resetAndDestroy();
        setFull(true);
        return false;
      }
      connected.add(client);
      client.once('close', () => {
        connected.delete(client);
        if (connected.size < room / 2) setFull(false);
      });
      return true;
    },
    drain: async (limitMs) => {
      const end = performance.now() + limitMs;
      let before = new Map<Socket, number>();
      while (connected.size > 0 && performance.now() < end) {
        const moved = new Map([...connected].map((client) => [client, client.bytesRead + client.bytesWritten]));
        for (const [client, bytes] of moved) if (before.get(client) === bytes) client.destroy();
        before = moved;
        // Looks again soon, so that the last one to end is not waited for; idle is only who was so for a whole second.
        const next = performance.now() + idleMs;
        while (connected.size > 0 && performance.now() < Math.min(next, end)) await delay(50);
      }
    },
    destroy: () => {
      for (const client of connected) client.destroy();
    },
  };
}

/** Node raises its own limit to the hard one at start; this is what came of it. Linux only. */
function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
