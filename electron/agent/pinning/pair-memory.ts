// Apps and their hosts as far as memory holds them: what was used last is here, everything else on disk and loaded when asked for.
// Not for judging or learning (pinning-monitor.ts).
import { passThroughPerHostMs } from '../../core/pinning/exclusion-terms.ts';
import { successMemoryMs } from '../../core/pinning/verdict.ts';
import type { AppIdentity, Observation, TrustView, Verdict } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { Granted, Store, StoredApp, StoredPair } from '../store/store.ts';
import { createRecentMap } from './recent-map.ts';

/** What memory holds at most. A laptop has some hundred pairs; all of it full costs some 30 MB. */
export const memoryLimits = { apps: 2_000, pairs: 5_000, histories: 2_000, observations: 16, elsewhereApps: 300, elsewhereHosts: 50 } as const;
/** Longest time that something granted counts against the next: a day for tests, twelve hours for pass-throughs. */
export const grantedMs = Math.max(24 * 3600_000, passThroughPerHostMs);

export type Remembered = { readonly connection: number; observation: Observation };
export type Pair = {
  readonly appId: string;
  readonly host: string;
  /** Oldest first; null = on disk. */
  observations: Remembered[] | null;
  /** The next connection may pass untouched. */
  passThroughDue: boolean;
  /** A pass-through that was just used: a browser's other connections of that attempt share it. Not kept on disk. */
  shared: { readonly until: number; left: number } | null;
  /** A learned exclusion ended by time: the next refusal is its canary's, and the old evidence still counts. */
  renewable: boolean;
  verdict: Verdict;
  attempts: number;
  firstSeen: number;
  lastSeen: number;
  /** Counters that are not on disk yet. */
  unsaved: boolean;
  /** Which list knows the host, under this policy. */
  listed: { readonly policy: Policy; readonly name: string | null } | null;
};
export type AppRecord = {
  identity: AppIdentity;
  user: string | null;
  trust: TrustView | null;
  inspected: number;
  bypassed: number;
  blocked: number;
  lastSeen: number;
  /** The hosts that memory holds. */
  readonly pairs: Map<string, Pair>;
  /** Pass-throughs and tests of the last day, at any host. */
  granted: Granted[];
  /** An exclusion for the whole app ended by time, and no canary has answered yet. */
  widenedOnce: boolean;
};

type Elsewhere = { readonly established: Map<string, Observation>; readonly refused: Map<string, Observation> };

export type PairMemory = ReturnType<typeof createPairMemory>;

export function createPairMemory(options: { store: Store; now: () => number; judge: (app: AppRecord, pair: Pair) => void }) {
  const { store, now } = options;
  const apps = new Map<string, AppRecord>();
  const pairs = createRecentMap<Pair, Pair>(memoryLimits.pairs, forget);
  const histories = createRecentMap<Pair, Pair>(memoryLimits.histories, (pair) => { pair.observations = null; });
  const elsewheres = createRecentMap<AppRecord, Elsewhere>(memoryLimits.elsewhereApps);
  /** Asked for and not on disk either, so that a host that is never inspected is not looked up at each connection. */
  const unknown = new Map<string, Set<string>>();
  let unknownSize = 0;

  /** The app's record, made when there is none. A hash that has become known later, or a new version, is taken over. */
  function appOf(identity: AppIdentity): AppRecord {
    let app = apps.get(identity.id);
    if (app === undefined) {
      const stored = store.loadApp(identity.id);
      app = recordOf(stored ?? { identity, user: null, trust: null, inspected: 0, bypassed: 0, blocked: 0, lastSeen: now() });
      if (apps.size >= memoryLimits.apps) forgetApp(oldest(apps));
      apps.set(identity.id, app);
    }
    app.identity = identity;
    return app;
  }

  function recordOf(stored: StoredApp): AppRecord {
    return { ...stored, pairs: new Map(), widenedOnce: false, granted: store.loadGranted(stored.identity.id, now() - grantedMs) };
  }

  function forgetApp(id: string): void {
    for (const pair of apps.get(id)?.pairs.values() ?? []) {
      forget(pair);
      pairs.delete(pair);
      histories.delete(pair);
    }
    apps.delete(id);
  }

  function forget(pair: Pair): void {
    if (pair.unsaved) save(pair);
    apps.get(pair.appId)?.pairs.delete(pair.host);
    histories.delete(pair);
  }

  /** Null where neither memory nor disk knows the app there. Counts as use. */
  function findPair(app: AppRecord, host: string): Pair | null {
    const pair = app.pairs.get(host);
    if (pair !== undefined) {
      pairs.set(pair, pair);
      return pair;
    }
    const { id } = app.identity;
    if (unknown.get(id)?.has(host) === true) return null;
    const stored = store.loadPair(id, host);
    if (stored !== null) return adopt(app, stored);
    if (unknownSize >= memoryLimits.pairs) {
      unknown.clear();
      unknownSize = 0;
    }
    unknownSize += 1;
    unknown.set(id, (unknown.get(id) ?? new Set()).add(host));
    return null;
  }

  function pairOf(app: AppRecord, host: string): Pair {
    const found = findPair(app, host);
    if (found !== null) return found;
    const pair: Pair = {
      appId: app.identity.id, host, observations: [], passThroughDue: false, shared: null, renewable: false, attempts: 0, firstSeen: now(), lastSeen: now(),
      verdict: noVerdict, unsaved: false, listed: null,
    };
    unknown.get(app.identity.id)?.delete(host);
    keep(app, pair);
    histories.set(pair, pair);
    return pair;
  }

  function adopt(app: AppRecord, stored: StoredPair): Pair {
    const pair: Pair = {
      appId: stored.appId, host: stored.host, observations: null, shared: null, passThroughDue: stored.due && Math.abs(now() - stored.lastSeen) < successMemoryMs, renewable: stored.renewable, attempts: stored.attempts,
      firstSeen: stored.firstSeen, lastSeen: stored.lastSeen, verdict: stored.verdict ?? noVerdict, unsaved: false, listed: null,
    };
    keep(app, pair);
    if (stored.verdict === null) options.judge(app, pair);
    return pair;
  }

  function keep(app: AppRecord, pair: Pair): void {
    app.pairs.set(pair.host, pair);
    pairs.set(pair, pair);
  }

  /** The pair's observations, oldest first: loaded when they are not here. */
  function historyOf(pair: Pair): Remembered[] {
    pair.observations ??= store.loadObservations(pair.appId, pair.host).map(({ connection, observation }) => ({ connection, observation }));
    histories.set(pair, pair);
    return pair.observations;
  }

  function remember(app: AppRecord, pair: Pair, connection: number, observation: Observation): void {
    const history = historyOf(pair);
    history.push({ connection, observation });
    if (history.length > memoryLimits.observations) history.shift();
    const { kind } = observation.outcome;
    if (kind === 'established' || kind === 'refused') note(elsewhereOf(app)[kind], observation);
    store.putObservation({ appId: pair.appId, connection, observation });
  }

  /** A refusal was explained: it is one no longer, here and for the app's other hosts. */
  function reword(app: AppRecord, remembered: Remembered, observation: Observation): void {
    const { refused } = elsewhereOf(app);
    if (refused.get(observation.host) === remembered.observation) refused.delete(observation.host);
    remembered.observation = observation;
    store.turnIntoUnused(remembered.connection, observation);
  }

  /** What the app did last at its other hosts, oldest first. */
  function elsewhere(app: AppRecord, host: string): Observation[] {
    const { established, refused } = elsewhereOf(app);
    return [...established.values(), ...refused.values()].filter((observation) => observation.host !== host).sort((a, b) => a.at - b.at);
  }

  function elsewhereOf(app: AppRecord): Elsewhere {
    const known = elsewheres.get(app);
    if (known !== undefined) return known;
    const loaded: Elsewhere = { established: new Map(), refused: new Map() };
    for (const kind of ['established', 'refused'] as const) {
      for (const observation of store.loadOutcomes(app.identity.id, kind, memoryLimits.elsewhereHosts)) note(loaded[kind], observation);
    }
    elsewheres.set(app, loaded);
    return loaded;
  }

  /** Has the app, as far as memory holds it, accepted our certificate anywhere but at this host? */
  function acceptsElsewhere(appId: string, host: string): boolean {
    const app = apps.get(appId);
    const known = app === undefined ? undefined : elsewheres.peek(app)?.established;
    return known !== undefined && (known.size > 1 || (known.size === 1 && !known.has(host)));
  }

  function grant(app: AppRecord, granted: Granted): void {
    app.granted = [...app.granted.filter(({ at }) => Math.abs(now() - at) < grantedMs), granted];
    store.grant(app.identity.id, granted);
  }

  function save(pair: Pair): void {
    pair.unsaved = false;
    const { appId, host, firstSeen, lastSeen, attempts, passThroughDue: due, renewable, verdict } = pair;
    store.putPair({ appId, host, firstSeen, lastSeen, attempts, due, renewable, verdict });
  }

  /** What was seen last, once, at the start; histories follow when they are asked for. */
  function load(): void {
    for (const stored of store.loadApps(memoryLimits.apps)) apps.set(stored.identity.id, recordOf(stored));
    // Least recent first, so that the order of use is the order of sight.
    for (const stored of store.newestPairs(memoryLimits.pairs).toReversed()) {
      const app = apps.get(stored.appId);
      if (app !== undefined) adopt(app, stored);
    }
  }

  return {
    appOf, findPair, pairOf, historyOf, remember, reword, elsewhere, acceptsElsewhere, grant, save, load,
    app: (id: string): AppRecord | undefined => apps.get(id),
    apps: (): AppRecord[] => [...apps.values()],
  };
}

const noVerdict: Verdict = { kind: 'undetermined', because: [{ code: 'no-evidence', speaks: 'neither', values: {} }] };

/** The newest of each host, newest last. */
function note(hosts: Map<string, Observation>, observation: Observation): void {
  hosts.delete(observation.host);
  hosts.set(observation.host, observation);
  if (hosts.size > memoryLimits.elsewhereHosts) hosts.delete(hosts.keys().next().value as string);
}

function oldest(apps: Map<string, AppRecord>): string {
  let key = '';
  let at = Infinity;
  for (const [id, value] of apps) {
    if (value.lastSeen < at) [key, at] = [id, value.lastSeen];
  }
  return key;
}
