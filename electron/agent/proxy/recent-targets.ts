// Targets that answered a user's programs a moment ago, and what an app's ClientHello asked of them: lets the next tunnel be promised while it is dialled,
// and the server's handshake begin while the app still builds its hello (a JVM's first takes 100 ms).
// Not a cache of addresses or certificates: every connection resolves, checks, dials and verifies anew.
import type { AppIdentity, Target } from '../../core/model.ts';
import type { ClientHello } from '../../core/tls/client-hello.ts';

/** A server that answered within this time is very likely to answer again; when it does not, the next request hears it in words. */
const recentMs = 60_000;
const limit = 1_000;
/** TLS_FALLBACK_SCSV. */
const fallbackSignal = 0x5600;

/** What of a hello shapes the server leg. */
export type HelloShape = { readonly serverName: string | null; readonly alpn: readonly string[]; readonly postQuantum: boolean; readonly tls13: boolean };

/** For whom an answer is remembered: nobody may learn from a promise that another user was there. Null = not known; for them nothing is. */
export type Asker = string | null;

export type RecentTargets = {
  answeredLately(target: Target, asker: Asker): boolean;
  answered(target: Target, asker: Asker): void;
  failed(target: Target, asker: Asker): void;
  /** The shape of this app's last inspected hello there; null when there was none lately. */
  lastShape(target: Target, app: AppIdentity | null): HelloShape | null;
  inspected(target: Target, app: AppIdentity | null, shape: HelloShape): void;
  /** Forgets everything: after a sleep or in another network nothing of it holds. */
  clear(): void;
};

export function createRecentTargets(): RecentTargets {
  const times = createRecent<true>();
  const shapes = createRecent<HelloShape>();
  // An app's id is one user's.
  const key = (target: Target, whose: string): string => `${target.host} ${target.port} ${whose}`;
  return {
    answeredLately: (target, asker) => asker !== null && times.get(key(target, asker)) !== null,
    answered: (target, asker) => {
      if (asker !== null) times.set(key(target, asker), true);
    },
    failed: (target, asker) => {
      if (asker !== null) times.delete(key(target, asker));
    },
    lastShape: (target, app) => (app === null ? null : shapes.get(key(target, app.id))),
    inspected: (target, app, shape) => {
      if (app !== null) shapes.set(key(target, app.id), shape);
    },
    clear: () => {
      times.clear();
      shapes.clear();
    },
  };
}

/**
 * GREASE and unprintable protocol names never reach the server, so they make no difference. An app that has fallen back from TLS 1.3 says so
 * (RFC 7507); Node cannot say it for us, so the server is asked with TLS 1.3: one that has it gets the app's own hello then, and refuses it.
 */
export function shapeOf(hello: ClientHello): HelloShape {
  return { serverName: hello.serverName, alpn: hello.alpn.filter((name) => /^[\x21-\x7e]+$/.test(name)), postQuantum: hello.groups.includes(0x11ec), tls13: hello.versions.includes(0x0304) || hello.cipherSuites.includes(fallbackSignal) };
}

export function sameShape(a: HelloShape, b: HelloShape): boolean {
  return a.serverName === b.serverName && a.postQuantum === b.postQuantum && a.tls13 === b.tls13 && a.alpn.join(' ') === b.alpn.join(' ');
}

function createRecent<T>(): { get(key: string): T | null; set(key: string, value: T): void; delete(key: string): void; clear(): void } {
  const entries = new Map<string, { at: number; value: T }>();
  return {
    get: (key) => {
      const entry = entries.get(key);
      return entry !== undefined && performance.now() - entry.at < recentMs ? entry.value : null;
    },
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, { at: performance.now(), value });
      if (entries.size > limit) entries.delete(entries.keys().next().value as string);
    },
    delete: (key) => {
      entries.delete(key);
    },
    clear: () => entries.clear(),
  };
}
