// Open inspected connections and last data, per app and host (and process, for tools whose trust is chosen per call): the siblings of
// an attempt. Not for what they mean (core/pinning).
import { siblingWindowMs } from '../../core/pinning/exclusion-terms.ts';
import type { AppIdentity } from '../../core/model.ts';
import { createRecentMap } from './recent-map.ts';

/** More than any machine has open at once. */
const limit = 20_000;

export type Siblings = ReturnType<typeof createSiblings>;

export function createSiblings(now: () => number) {
  const live = createRecentMap<string, { open: number; dataAt: number }>(limit);
  const entryOf = (key: string): { open: number; dataAt: number } => {
    const known = live.get(key);
    if (known !== undefined) return known;
    const entry = { open: 0, dataAt: -Infinity };
    live.set(key, entry);
    return entry;
  };
  return {
    opened: (app: AppIdentity, host: string, pid: number): void => {
      entryOf(keyOf(app, host, pid)).open += 1;
    },
    sawData: (app: AppIdentity, host: string, pid: number): void => {
      entryOf(keyOf(app, host, pid)).dataAt = now();
    },
    closed: (app: AppIdentity, host: string, pid: number): void => {
      const key = keyOf(app, host, pid);
      const entry = live.peek(key);
      if (entry === undefined) return;
      entry.open -= 1;
      if (entry.open <= 0 && now() - entry.dataAt > siblingWindowMs) live.delete(key);
    },
    /** One is open, or carried data a moment ago. */
    alive: (app: AppIdentity, host: string, pid: number): boolean => {
      const entry = live.peek(keyOf(app, host, pid));
      return entry !== undefined && (entry.open > 0 || Math.abs(now() - entry.dataAt) <= siblingWindowMs);
    },
  };
}

/** Ids and numbers hold no line break, so no host can be spelt into another app's key. */
function keyOf(app: AppIdentity, host: string, pid: number): string {
  return `${app.id}\n${app.perCallTrust ? pid : ''}\n${host}`;
}
