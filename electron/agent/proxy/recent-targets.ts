// Targets that answered a moment ago: their next tunnel is promised while it is being dialled, which saves a round trip's wait.
// Not a cache of addresses: every connection resolves, checks and dials anew.
import type { Target } from '../../core/model.ts';

/** A server that answered within this time is very likely to answer again; when it does not, the next request hears it in words. */
const recentMs = 60_000;
const limit = 1_000;

export type RecentTargets = {
  answeredLately(target: Target): boolean;
  answered(target: Target): void;
  failed(target: Target): void;
};

export function createRecentTargets(): RecentTargets {
  const times = new Map<string, number>();
  const key = (target: Target): string => `${target.host} ${target.port}`;
  return {
    answeredLately: (target) => performance.now() - (times.get(key(target)) ?? -Infinity) < recentMs,
    answered: (target) => {
      times.delete(key(target));
      times.set(key(target), performance.now());
      if (times.size > limit) times.delete(times.keys().next().value as string);
    },
    failed: (target) => {
      times.delete(key(target));
    },
  };
}
