// Remembers how each app took our certificate at each host, asks core for verdicts, and keeps learned exclusions and pass-throughs.
// Not for deciding a connection (core/policy/decide) and not for judging (core/pinning): this is the memory between the two.
import { randomBytes } from 'node:crypto';
import { explainVerdict } from '../../core/explain.ts';
import { earnsPassThrough, exclusionLifetime, passThroughPerHostMs, siblingWindowMs, withinPassThroughBudget } from '../../core/pinning/exclusion-terms.ts';
import { compileHostPattern, normaliseHost } from '../../core/policy/host-pattern.ts';
import { judgePinning, successMemoryMs } from '../../core/pinning/verdict.ts';
import type { AppIdentity, Exclusion, History, Observation, TrustView, Verdict } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { Store } from '../store/store.ts';

/** Bounds of the memory: observations of one app at one host, hosts of an app, apps. The rest is in the store. */
const perPair = 16;
const hostsPerApp = 500;
const appLimit = 2_000;
/** How many other hosts of the app a verdict looks at. */
const elsewhereLimit = 100;
/** A success is written again only after this time: one a host and ten minutes says as much as a thousand. */
const successEveryMs = 10 * 60_000;

type Remembered = { connection: number; observation: Observation };
export type Pair = {
  readonly host: string;
  observations: Remembered[];
  passThroughDue: boolean;
  /** A learned exclusion ended by time: the next refusal is its canary's, and the old evidence still counts. */
  renewable: boolean;
  given: number[];
  verdict: Verdict;
  attempts: number;
  firstSeen: number;
  lastSeen: number;
};
export type AppRecord = {
  identity: AppIdentity;
  user: string | null;
  trust: TrustView | null;
  inspected: number;
  bypassed: number;
  blocked: number;
  lastSeen: number;
  readonly pairs: Map<string, Pair>;
};

export type MonitorEvents = {
  /** Something people see about an app changed. */
  appChanged(app: AppRecord): void;
  exclusionsChanged(exclusions: readonly Exclusion[]): void;
  /** An exclusion begins: idle intercepted connections of that app to the host are to be closed (decision 9). */
  exclusionAdded(exclusion: Exclusion): void;
  /** Late data of a sibling has explained a refusal. */
  outcomeAmended(connection: number): void;
};

export type PinningMonitor = ReturnType<typeof createPinningMonitor>;

export function createPinningMonitor(options: {
  store: Store; policy: () => Policy; now: () => number; events: MonitorEvents;
}) {
  const { store, policy, now, events } = options;
  const apps = new Map<string, AppRecord>();
  const exclusions = new Map<string, Exclusion>();
  /** Open inspected connections and last data, per app, host and (for per-call tools) process: the siblings of an attempt. */
  const live = new Map<string, { open: number; dataAt: number }>();
  load();

  /** What decide() wants to know about this app at this host. An exclusion that has ended goes here. */
  function factsFor(app: AppIdentity | null, host: string): { exclusion: Exclusion | null; passThroughDue: boolean } {
    const exclusion = findExclusion(app, host);
    const record = app === null ? undefined : apps.get(app.id);
    const pair = record?.pairs.get(host);
    if (record === undefined || pair === undefined || !pair.passThroughDue) return { exclusion, passThroughDue: false };
    return { exclusion, passThroughDue: withinPassThroughBudget({ given: givenTo(record), givenHere: pair.given, now: now() }) };
  }

  /** The pass-through is being used now. */
  function takePassThrough(app: AppIdentity, host: string): void {
    const pair = pairOf(appOf(app), host);
    pair.passThroughDue = false;
    pair.given.push(now());
    store.audit(now(), 'pass-through', { app: app.id, name: app.name, path: app.path, host });
  }

  function connectionOpened(app: AppIdentity, host: string, pid: number): void {
    const entry = live.get(liveKey(app, host, pid)) ?? { open: 0, dataAt: 0 };
    entry.open += 1;
    live.set(liveKey(app, host, pid), entry);
  }

  /** The app's first byte on an inspected connection: explains siblings that were closed unused just before (decision 2). */
  function sawData(app: AppIdentity, host: string, pid: number): void {
    const key = liveKey(app, host, pid);
    const entry = live.get(key) ?? { open: 0, dataAt: 0 };
    entry.dataAt = now();
    live.set(key, entry);
    const record = apps.get(app.id);
    const pair = record?.pairs.get(host);
    if (record === undefined || pair === undefined || app.perCallTrust) return;
    let explained = false;
    for (const remembered of pair.observations) {
      const { observation } = remembered;
      if (observation.outcome.kind !== 'refused' || observation.outcome.sign === 'alert' || now() - observation.at > siblingWindowMs) continue;
      remembered.observation = { ...observation, outcome: { kind: 'unused' } };
      store.turnIntoUnused(remembered.connection, remembered.observation);
      events.outcomeAmended(remembered.connection);
      pair.passThroughDue = false;
      explained = true;
    }
    if (!explained) return;
    pair.verdict = judgePinning(historyOf(record, pair), now());
    events.appChanged(record);
  }

  function connectionClosed(app: AppIdentity, host: string, pid: number): void {
    const key = liveKey(app, host, pid);
    const entry = live.get(key);
    if (entry === undefined) return;
    entry.open -= 1;
    if (entry.open <= 0 && now() - entry.dataAt > siblingWindowMs) live.delete(key);
    if (live.size > 20_000) live.delete(live.keys().next().value as string);
  }

  /** Counts a connection for its app; every disposition, once, when it ends. */
  function countConnection(identity: AppIdentity, user: string | null, disposition: 'inspect' | 'bypass' | 'block'): void {
    const app = appOf(identity);
    app.identity = identity;
    app.user = user;
    app.lastSeen = now();
    if (disposition === 'inspect') app.inspected += 1;
    else if (disposition === 'bypass') app.bypassed += 1;
    else app.blocked += 1;
    persist(app);
    events.appChanged(app);
  }

  /** One finished observation: history, verdict, then what it earns. */
  function observeOutcome(identity: AppIdentity, pid: number, connection: number, observation: Observation): void {
    const app = appOf(identity);
    const pair = pairOf(app, observation.host);
    app.trust = observation.trust ?? app.trust;
    pair.lastSeen = observation.at;
    pair.attempts += 1;
    if (!remember(pair, identity, connection, observation)) return;
    pair.verdict = judgePinning(historyOf(app, pair), now());
    const sibling = live.get(liveKey(identity, observation.host, pid));
    const siblingAlive = sibling !== undefined && (sibling.open > 0 || now() - sibling.dataAt <= siblingWindowMs);
    if (observation.outcome.kind === 'refused') {
      pair.passThroughDue = earnsPassThrough({
        history: historyOf(app, pair), app: identity, siblingAlive, given: givenTo(app), givenHere: pair.given, now: now(),
      });
    }
    // The canary at an exclusion's end was refused: a known app need not fail until a new pass-through is due (decisions 2 and 3).
    const canaryRefused = pair.renewable && observation.outcome.kind === 'refused' && identity.known && !siblingAlive;
    if (observation.outcome.kind === 'passed' || canaryRefused) learn(app, pair);
    pair.renewable &&= observation.outcome.kind === 'unused';
    events.appChanged(app);
  }

  /** Keeps the observation; answers false where it only repeats a recent success. */
  function remember(pair: Pair, identity: AppIdentity, connection: number, observation: Observation): boolean {
    const last = pair.observations.at(-1);
    const repeats = last !== undefined && observation.outcome.kind !== 'refused' && JSON.stringify(last.observation.outcome) === JSON.stringify(observation.outcome)
      && last.observation.appHash === observation.appHash && last.observation.disposition === observation.disposition
      && observation.at - last.observation.at < successEveryMs;
    if (repeats) return false;
    pair.observations.push({ connection, observation });
    if (pair.observations.length > perPair) pair.observations.shift();
    store.putObservation({ appId: identity.id, connection, observation });
    return true;
  }

  /** After a pass-through: an exclusion, if the verdict and policy give one. */
  function learn(app: AppRecord, pair: Pair): void {
    const { verdict } = pair;
    // Let through by a list or a person: that says nothing about what the app would have done with our certificate.
    if (pair.given.length === 0) return;
    if (verdict.kind === 'private-trust-store' && policy().defaults.onPrivateTrustStore === 'inspect') return;
    if (findExclusion(app.identity, pair.host) !== null) return;
    const lifetime = exclusionLifetime(verdict, historyOf(app, pair), app.identity);
    if (lifetime === null) return;
    putExclusion({
      id: `learned-${randomBytes(4).toString('hex')}`, kind: 'learned', host: pair.host, appId: app.identity.id, appName: app.identity.name,
      appHash: app.identity.hash, reason: explainVerdict(verdict, app.identity.name, pair.host), verdict: verdict.kind,
      createdAt: now(), expiresAt: now() + lifetime,
    });
  }

  function putExclusion(exclusion: Exclusion): void {
    exclusions.set(exclusion.id, exclusion);
    store.putExclusion(exclusion);
    store.audit(now(), 'exclusion-added', { ...exclusion });
    events.exclusionAdded(exclusion);
    announce(exclusion);
  }

  /** Null when there is none of that id. `why` goes into the audit. */
  function removeExclusion(id: string, why: string): Exclusion | null {
    const exclusion = exclusions.get(id);
    if (exclusion === undefined) return null;
    exclusions.delete(id);
    store.deleteExclusion(id);
    store.audit(now(), 'exclusion-removed', { id, why, host: exclusion.host, app: exclusion.appId });
    announce(exclusion);
    return exclusion;
  }

  function announce(exclusion: Exclusion): void {
    events.exclusionsChanged(listExclusions());
    const app = exclusion.appId === null ? undefined : apps.get(exclusion.appId);
    if (app !== undefined) events.appChanged(app);
  }

  function findExclusion(app: AppIdentity | null, host: string): Exclusion | null {
    for (const exclusion of exclusions.values()) {
      if (exclusion.appId !== null && exclusion.appId !== app?.id) continue;
      if (!hostMatches(exclusion, host)) continue;
      if (exclusion.expiresAt !== null && exclusion.expiresAt <= now()) {
        removeExclusion(exclusion.id, 'its time was over; the next connection is inspected again');
        const pair = exclusion.kind === 'learned' && app !== null ? apps.get(app.id)?.pairs.get(host) : undefined;
        if (pair !== undefined) pair.renewable = true;
        continue;
      }
      if (exclusion.kind === 'learned' && exclusion.appHash !== null && app !== null && app.hash !== null && app.hash !== exclusion.appHash) {
        removeExclusion(exclusion.id, 'the app has changed');
        continue;
      }
      return exclusion;
    }
    return null;
  }

  function listExclusions(): Exclusion[] {
    const at = now();
    return [...exclusions.values()].filter((e) => e.expiresAt === null || e.expiresAt > at).sort((a, b) => b.createdAt - a.createdAt);
  }

  function historyOf(app: AppRecord, pair: Pair): History {
    const others = [...app.pairs.values()].filter((other) => other !== pair).slice(-elsewhereLimit);
    return {
      host: pair.host,
      here: pair.observations.map((remembered) => remembered.observation),
      elsewhere: others.flatMap((other) => other.observations.slice(-3).map((remembered) => remembered.observation)).sort((a, b) => a.at - b.at),
    };
  }

  function appOf(identity: AppIdentity): AppRecord {
    let app = apps.get(identity.id);
    if (app === undefined) {
      app = { identity, user: null, trust: null, inspected: 0, bypassed: 0, blocked: 0, lastSeen: now(), pairs: new Map() };
      apps.set(identity.id, app);
      if (apps.size > appLimit) apps.delete(oldest(apps));
    }
    // A hash that has become known later, or a new version.
    app.identity = identity;
    return app;
  }

  function pairOf(app: AppRecord, host: string): Pair {
    let pair = app.pairs.get(host);
    if (pair === undefined) {
      pair = {
        host, observations: [], passThroughDue: false, renewable: false, given: [], attempts: 0, firstSeen: now(), lastSeen: now(),
        verdict: { kind: 'undetermined', because: [{ code: 'no-evidence', speaks: 'neither', values: {} }] },
      };
      app.pairs.set(host, pair);
      // What was given must not be forgotten with the pair, or a run over many hosts would renew the budget.
      const spent = (other: Pair): boolean => other.given.some((at) => now() - at < passThroughPerHostMs);
      if (app.pairs.size > hostsPerApp) app.pairs.delete(oldest(new Map([...app.pairs].filter(([, other]) => !spent(other)))));
    }
    return pair;
  }

  function persist(app: AppRecord): void {
    store.putApp({
      identity: app.identity, user: app.user, trust: app.trust, lastSeen: app.lastSeen,
      inspected: app.inspected, bypassed: app.bypassed, blocked: app.blocked,
    });
  }

  function load(): void {
    const since = now() - successMemoryMs;
    for (const stored of store.loadApps().slice(0, appLimit)) {
      apps.set(stored.identity.id, { ...stored, pairs: new Map() });
    }
    for (const { appId, connection, observation } of store.loadObservations(since, perPair)) {
      const app = apps.get(appId);
      if (app === undefined) continue;
      const pair = pairOf(app, observation.host);
      pair.observations.push({ connection, observation });
      pair.attempts += 1;
      pair.firstSeen = Math.min(pair.firstSeen, observation.at);
      pair.lastSeen = observation.at;
    }
    for (const { at, detail } of store.loadAudit('pass-through', now() - passThroughPerHostMs)) {
      const app = apps.get(String(detail.app));
      if (app !== undefined) pairOf(app, String(detail.host)).given.push(at);
    }
    for (const app of apps.values()) {
      for (const pair of app.pairs.values()) {
        const history = historyOf(app, pair);
        pair.verdict = judgePinning(history, now());
        // What a refusal had earned before the restart; a sibling's data would have turned it into unused.
        pair.passThroughDue = earnsPassThrough({ history, app: app.identity, siblingAlive: false, given: givenTo(app), givenHere: pair.given, now: now() });
      }
    }
    for (const exclusion of store.loadExclusions()) exclusions.set(exclusion.id, exclusion);
  }

  return {
    factsFor, takePassThrough, connectionOpened, sawData, connectionClosed, countConnection, observeOutcome,
    addExclusion: putExclusion, removeExclusion, exclusions: listExclusions, findExclusion,
    apps: (): AppRecord[] => [...apps.values()],
    verdictAt: (appId: string, host: string): Verdict | null => apps.get(appId)?.pairs.get(host)?.verdict ?? null,
  };
}

const matchers = new WeakMap<Exclusion, (host: string) => boolean>();

/** A pattern that does not compile (an old database, say) matches nothing. */
function hostMatches(exclusion: Exclusion, host: string): boolean {
  let matches = matchers.get(exclusion);
  if (matches === undefined) {
    const pattern = compileHostPattern(exclusion.host, 'exclusion');
    matches = pattern.kind === 'pattern' ? pattern.matches : () => false;
    matchers.set(exclusion, matches);
  }
  return matches(normaliseHost(host));
}

function givenTo(app: AppRecord): number[] {
  return [...app.pairs.values()].flatMap((pair) => pair.given);
}

function liveKey(app: AppIdentity, host: string, pid: number): string {
  return `${app.id} ${host} ${app.perCallTrust ? pid : ''}`;
}

function oldest<T extends { lastSeen: number }>(map: Map<string, T>): string {
  let key = '';
  let at = Infinity;
  for (const [id, value] of map) {
    if (value.lastSeen < at) [key, at] = [id, value.lastSeen];
  }
  return key;
}
