// Who else refused or accepted our certificate at a host just now: when unrelated apps refuse one host together, the host is at fault.
// Among one user's apps alone: what another user's do is nobody's to know, or to sway. Not for judging (core/pinning/verdict.ts), not for
// longer than minutes.
import { dirname } from 'node:path';
import type { AppIdentity, History } from '../../core/model.ts';
import { createRecentMap } from './recent-map.ts';

/** Refusals this close together are one crowd; an acceptance speaks for leaf and server for longer. */
const refusedForMs = 60_000;
const acceptedForMs = 10 * 60_000;
/** Hosts, and apps at one host, that are kept: a crowd of more is no more convincing. */
const hostLimit = 1_000;
const appLimit = 50;

type Seen = { readonly app: AppIdentity; readonly at: number };
type Host = { readonly refused: Map<string, Seen>; readonly accepted: Map<string, Seen> };

export type Crowd = ReturnType<typeof createCrowd>;

export function createCrowd(acceptsElsewhere: (appId: string, host: string) => boolean) {
  const hosts = createRecentMap<string, Host>(hostLimit);
  const hostOf = (user: string | null, host: string): Host | undefined => hosts.peek(keyOf(user, host));

  function note(kind: 'refused' | 'accepted', user: string | null, host: string, app: AppIdentity, at: number): void {
    let entry = hosts.get(keyOf(user, host));
    if (entry === undefined) {
      entry = { refused: new Map(), accepted: new Map() };
      hosts.set(keyOf(user, host), entry);
    }
    const seen = entry[kind];
    seen.delete(app.id);
    seen.set(app.id, { app, at });
    if (seen.size > appLimit) seen.delete(seen.keys().next().value as string);
  }

  /** What this user's other apps did at this host lately. */
  function othersAt(user: string | null, host: string, app: AppIdentity, now: number): History['others'] {
    const entry = hostOf(user, host);
    if (entry === undefined) return { refusing: 0, accepted: false };
    // Either side of now: a clock that was set must not freeze what was seen.
    const lately = (seen: Seen, forMs: number): boolean => seen.app.id !== app.id && Math.abs(now - seen.at) < forMs;
    const refusing = [...entry.refused.values()].filter((seen) => lately(seen, refusedForMs) && areUnrelated(seen.app, app) && acceptsElsewhere(seen.app.id, host));
    return { refusing: refusing.length, accepted: [...entry.accepted.values()].some((seen) => lately(seen, acceptedForMs)) };
  }

  function refusersAt(user: string | null, host: string, now: number): AppIdentity[] {
    return [...(hostOf(user, host)?.refused.values() ?? [])].filter(({ at }) => Math.abs(now - at) < refusedForMs).map(({ app }) => app);
  }

  return {
    refused: (user: string | null, host: string, app: AppIdentity, at: number): void => note('refused', user, host, app, at),
    accepted: (user: string | null, host: string, app: AppIdentity, at: number): void => note('accepted', user, host, app, at),
    /** The refusal was none. */
    withdraw: (user: string | null, host: string, app: AppIdentity): void => {
      hostOf(user, host)?.refused.delete(app.id);
    },
    othersAt,
    refusersAt,
  };
}

/** Users' names hold no line break, so no host can be spelt into another user's key. */
function keyOf(user: string | null, host: string): string {
  return `${user ?? ''}\n${host}`;
}

/** Programs of one package, or of one folder where a package is unknown, share what breaks them. */
function areUnrelated(a: AppIdentity, b: AppIdentity): boolean {
  if (a.package !== null && b.package !== null) return packageName(a.package) !== packageName(b.package);
  return dirname(a.script ?? a.path) !== dirname(b.script ?? b.path);
}

function packageName(name: string): string {
  return name.split(' ', 1)[0] ?? name;
}
