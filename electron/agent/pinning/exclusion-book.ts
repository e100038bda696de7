// The stored exclusions: found for a connection, added, ended, listed; each change an audit row. Not for when one is earned (pinning-monitor.ts).
import { exclusionNames, normaliseHost } from '../../core/policy/host-pattern.ts';
import type { AppIdentity, Exclusion } from '../../core/model.ts';
import type { Store } from '../store/store.ts';
import { createRecentMap } from './recent-map.ts';

const hour = 3600_000;
/** Learned ones beyond this are more than any device needs; the oldest goes. */
const learnedLimit = 2_000;
/** Those that people made for one app beyond this are made by a program; that app's oldest goes. Ones for every app only administrators make. */
const madePerAppLimit = 200;
/** One whose time is over waits this long for its app's next connection, whose refusal may renew it; then it goes unseen. */
const waitForCanaryMs = 24 * hour;

export type BookEvents = {
  exclusionsChanged(exclusions: readonly Exclusion[]): void;
  /** An exclusion begins: idle intercepted connections of that app to the host are to be closed. */
  exclusionAdded(exclusion: Exclusion): void;
};

export type ExclusionBook = ReturnType<typeof createExclusionBook>;

/** `changed`: people see it at this app. `timeOver`: a learned one has ended by time, and this app's connection to the host came then. */
export function createExclusionBook(options: {
  store: Store; now: () => number; events: BookEvents; changed: (appId: string) => void; timeOver: (exclusion: Exclusion, app: AppIdentity, host: string) => void;
}) {
  const { store, now, events } = options;
  const all = new Map<string, Exclusion>();
  /** By app id; null = for every app. */
  const byApp = new Map<string | null, Set<Exclusion>>();
  /** When an app's learned exclusions of the last hour began. */
  const begun = new Map<string, number[]>();
  /** Of apps whose first connections began before their files were hashed, and may still be open. */
  const hashes = createRecentMap<string, string>(200);
  for (const exclusion of store.loadExclusions()) enter(exclusion);
  sweep();

  /** What covers this app at this host. One that has ended goes here. `kinds`: only these. */
  function find(app: AppIdentity | null, host: string, among: (exclusion: Exclusion) => boolean = () => true): Exclusion | null {
    const name = normaliseHost(host);
    for (const id of app === null ? [null] : [app.id, null]) {
      for (const exclusion of byApp.get(id) ?? []) {
        if (!exclusionNames(exclusion, name) || !among(exclusion)) continue;
        if (!isOver(exclusion, app, host)) return exclusion;
      }
    }
    return null;
  }

  function isOver(exclusion: Exclusion, app: AppIdentity | null, host: string): boolean {
    if (exclusion.expiresAt !== null && exclusion.expiresAt <= now()) {
      remove(exclusion.id, 'its time was over; the next connection is inspected again');
      if (exclusion.kind === 'learned' && app !== null) options.timeOver(exclusion, app, host);
      return true;
    }
    if (exclusion.kind === 'learned' && exclusion.appHash === null && app !== null && app.hash !== null) adopt(exclusion, app.hash);
    else if (exclusion.kind === 'learned' && app !== null && app.hash !== null && app.hash !== exclusion.appHash) {
      remove(exclusion.id, 'the app has changed');
      return true;
    }
    return false;
  }

  /** The file of this app has been hashed: what was learned meanwhile was of this version. */
  function identified(appId: string, hash: string): void {
    hashes.set(appId, hash);
    for (const exclusion of learnedOf(appId)) if (exclusion.appHash === null) adopt(exclusion, hash);
  }

  /** Learned while the file was still being hashed: the first hash that is known afterwards is that file's. */
  function adopt(exclusion: Exclusion, appHash: string): void {
    const known = { ...exclusion, appHash };
    all.set(known.id, known);
    const own = byApp.get(known.appId);
    own?.delete(exclusion);
    own?.add(known);
    store.putExclusion(known);
  }

  /** Adds it, in the place of others where they are named; told once. */
  function add(wanted: Exclusion, ...instead: readonly Exclusion[]): void {
    const exclusion = wanted.kind === 'learned' && wanted.appHash === null && wanted.appId !== null ? { ...wanted, appHash: hashes.peek(wanted.appId) ?? null } : wanted;
    for (const old of instead) drop(old, `replaced by ${exclusion.id === old.id ? 'a longer one' : exclusion.id}`);
    sweep();
    enter(exclusion);
    if (exclusion.appId !== null) for (const old of madeFor(exclusion.appId).slice(0, -madePerAppLimit)) drop(old, 'there were too many');
    store.putExclusion(exclusion);
    store.audit(now(), 'exclusion-added', { ...exclusion });
    events.exclusionAdded(exclusion);
    announce(exclusion);
  }

  /** Null when there is none of that id. `why` goes into the audit. */
  function remove(id: string, why: string): Exclusion | null {
    const exclusion = all.get(id);
    if (exclusion === undefined) return null;
    drop(exclusion, why);
    announce(exclusion);
    return exclusion;
  }

  /** Ends what was learned about this app at this host, exclusions for the whole app included. */
  function removeLearned(appId: string, host: string, why: string): void {
    const name = normaliseHost(host);
    for (const exclusion of learnedOf(appId)) if (exclusionNames(exclusion, name)) remove(exclusion.id, why);
  }

  function learnedOf(appId: string): Exclusion[] {
    return [...byApp.get(appId) ?? []].filter(({ kind }) => kind === 'learned');
  }

  /** Those that people made for this app, oldest first. */
  function madeFor(appId: string): Exclusion[] {
    return [...byApp.get(appId) ?? []].filter(({ kind }) => kind === 'user');
  }

  /** Learned exclusions of an app that began within the last hour, those that are gone included. */
  function learnedLately(appId: string): number {
    const lately = (begun.get(appId) ?? []).filter((at) => Math.abs(now() - at) < hour);
    if (lately.length === 0) begun.delete(appId);
    else begun.set(appId, lately);
    return lately.length;
  }

  function enter(exclusion: Exclusion): void {
    all.set(exclusion.id, exclusion);
    byApp.set(exclusion.appId, (byApp.get(exclusion.appId) ?? new Set()).add(exclusion));
    if (exclusion.kind === 'learned' && exclusion.appId !== null && Math.abs(now() - exclusion.createdAt) < hour) {
      begun.set(exclusion.appId, [...begun.get(exclusion.appId) ?? [], exclusion.createdAt]);
    }
  }

  function drop(exclusion: Exclusion, why: string): void {
    all.delete(exclusion.id);
    const own = byApp.get(exclusion.appId);
    own?.delete(exclusion);
    if (own?.size === 0) byApp.delete(exclusion.appId);
    store.deleteExclusion(exclusion.id);
    store.audit(now(), 'exclusion-removed', { id: exclusion.id, why, host: exclusion.host, app: exclusion.appId });
  }

  function sweep(): void {
    let learned = 0;
    for (const exclusion of [...all.values()].toReversed()) {
      const over = exclusion.expiresAt !== null && exclusion.expiresAt + waitForCanaryMs <= now();
      if (exclusion.kind === 'learned' && !over) learned += 1;
      if (over) drop(exclusion, 'its time was over');
      else if (exclusion.kind === 'learned' && learned >= learnedLimit) drop(exclusion, 'there were too many');
    }
    for (const appId of begun.keys()) learnedLately(appId);
  }

  function announce(exclusion: Exclusion): void {
    events.exclusionsChanged(list());
    if (exclusion.appId !== null) options.changed(exclusion.appId);
  }

  /** Newest first, without those whose time is over. */
  function list(): Exclusion[] {
    const at = now();
    return [...all.values()].filter((e) => e.expiresAt === null || e.expiresAt > at).sort((a, b) => b.createdAt - a.createdAt);
  }

  return { find, identified, add, remove, removeLearned, learnedOf, learnedLately, list };
}
