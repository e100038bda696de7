// Remembers how each app took our certificate at each host, asks core for verdicts, and keeps learned exclusions and pass-throughs.
// Not for deciding a connection (core/policy/decide) and not for judging (core/pinning): this is the memory between the two.
import { randomBytes } from 'node:crypto';
import { explainVerdict } from '../../core/explain.ts';
import { appWideLifetime, earnsPassThrough, exclusionLifetime, siblingWindowMs, withinPassThroughBudget, type AppHostState } from '../../core/pinning/exclusion-terms.ts';
import { compileHostPattern, exclusionNames, normaliseHost } from '../../core/policy/host-pattern.ts';
import { attemptWindowMs, judgePinning } from '../../core/pinning/verdict.ts';
import type { AppIdentity, AppTest, ConnectionOutcome, Exclusion, History, Observation, Verdict } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { Store } from '../store/store.ts';
import { createAppTests } from './app-tests.ts';
import { createCrowd } from './crowd.ts';
import { createExclusionBook, type BookEvents } from './exclusion-book.ts';
import { createPairMemory, type AppRecord, type Pair } from './pair-memory.ts';
import { createSiblings } from './siblings.ts';

export type { AppRecord, Pair } from './pair-memory.ts';

/** A success is written again only after this time: one a host and ten minutes says as much as a thousand. */
const successEveryMs = 10 * 60_000;
/** One failing navigation made 2 to 4 connections in Chromium, 2 in Firefox (measured). */
const sharedPasses = 3;
/** Tests of one app in a day: each may let a connection through beyond the automatic budget. */
export const testsPerAppDay = 10;

export type MonitorEvents = BookEvents & {
  /** Something people see about an app changed. */
  appChanged(app: AppRecord): void;
  /** Late data of a sibling has explained a refusal. */
  outcomeAmended(connection: number): void;
};

export type PinningMonitor = ReturnType<typeof createPinningMonitor>;

export function createPinningMonitor(options: {
  store: Store; policy: () => Policy; now: () => number; events: MonitorEvents;
}) {
  const { store, policy, now, events } = options;
  const memory = createPairMemory({ store, now, judge: judgeAnew });
  const crowd = createCrowd(memory.acceptsElsewhere);
  const siblings = createSiblings(now);
  const changed = (appId: string): void => {
    const app = memory.app(appId);
    if (app !== undefined) events.appChanged(app);
  };
  const book = createExclusionBook({ store, now, events, changed, timeOver: awaitCanary });
  const tests = createAppTests({ now, changed });
  memory.load();

  /** What decide() wants to know about this app at this host. An exclusion that has ended goes here. */
  function factsFor(app: AppIdentity | null, host: string): { exclusion: Exclusion | null; passThroughDue: boolean } {
    const exclusion = book.find(app, host);
    if (app === null) return { exclusion, passThroughDue: false };
    const wanted = tests.wants(app.id, host);
    if (wanted !== null) return { exclusion, passThroughDue: wanted === 'pass' };
    const record = memory.app(app.id);
    const pair = record === undefined ? null : memory.findPair(record, host);
    if (record === undefined || pair === null) return { exclusion, passThroughDue: false };
    if (sharesPassThrough(app, pair)) return { exclusion, passThroughDue: true };
    if (!pair.passThroughDue) return { exclusion, passThroughDue: false };
    return { exclusion, passThroughDue: withinPassThroughBudget({ ...givenTo(record, host), learning: policy().learning, now: now() }) };
  }

  /** The pass-through is being used now. */
  function takePassThrough(identity: AppIdentity, host: string): void {
    const app = memory.appOf(identity);
    const pair = memory.pairOf(app, host);
    if (sharesPassThrough(identity, pair) && pair.shared !== null) {
      pair.shared.left -= 1;
      return;
    }
    pair.passThroughDue = false;
    pair.shared = { until: now() + attemptWindowMs, left: sharedPasses };
    memory.save(pair);
    memory.grant(app, { host, kind: 'pass-through', at: now() });
    tests.passTaken(identity.id, host);
    store.audit(now(), 'pass-through', { app: identity.id, name: identity.name, path: identity.path, host });
  }

  /** A browser's page may come over any connection of its attempt: those that follow at once go the way of the first. */
  function sharesPassThrough(identity: AppIdentity, { shared }: Pair): boolean {
    if (identity.runtime !== 'chromium' && identity.runtime !== 'firefox') return false;
    return shared !== null && shared.left > 0 && now() < shared.until && shared.until - now() <= attemptWindowMs;
  }

  /** The app's first byte on an inspected connection: explains siblings that were closed unused just before. */
  function sawData(identity: AppIdentity, host: string, pid: number): void {
    siblings.sawData(identity, host, pid);
    const app = memory.app(identity.id);
    const pair = app?.pairs.get(host);
    if (app === undefined || pair === undefined || identity.perCallTrust) return;
    let explained = false;
    // What is no longer in memory is older than the window.
    for (const remembered of pair.observations ?? []) {
      const { observation } = remembered;
      if (observation.outcome.kind !== 'refused' || observation.outcome.sign === 'alert' || Math.abs(now() - observation.at) > siblingWindowMs) continue;
      memory.reword(app, remembered, { ...observation, outcome: { kind: 'unused' } });
      events.outcomeAmended(remembered.connection);
      explained = true;
    }
    if (!explained) return;
    crowd.withdraw(app.user, host, identity);
    pair.passThroughDue = false;
    pair.verdict = judgePinning(historyOf(app, pair), now());
    memory.save(pair);
    events.appChanged(app);
  }

  /** Counts a connection for its app; every disposition, once, when it ends. */
  function countConnection(identity: AppIdentity, user: string | null, disposition: 'inspect' | 'bypass' | 'block'): void {
    const app = memory.appOf(identity);
    app.user = user;
    app.lastSeen = now();
    if (disposition === 'inspect') app.inspected += 1;
    else if (disposition === 'bypass') app.bypassed += 1;
    else app.blocked += 1;
    const { trust, lastSeen, inspected, bypassed, blocked } = app;
    store.putApp({ identity, user, trust, lastSeen, inspected, bypassed, blocked });
    events.appChanged(app);
  }

  /** One finished observation: history, verdict, then what it earns. `user`: who ran the app; null = not known. */
  function observeOutcome(identity: AppIdentity, user: string | null, pid: number, connection: number, observation: Observation): void {
    const { host, outcome } = observation;
    const app = memory.appOf(identity);
    const pair = memory.pairOf(app, host);
    app.user = user;
    app.trust = observation.trust ?? app.trust;
    pair.lastSeen = observation.at;
    pair.attempts += 1;
    pair.unsaved = true;
    if (outcome.kind === 'established') crowd.accepted(user, host, identity, observation.at);
    else if (outcome.kind === 'refused') crowd.refused(user, host, identity, observation.at);
    const siblingAlive = siblings.alive(identity, host, pid);
    const last = memory.historyOf(pair).at(-1)?.observation;
    if (last === undefined || !repeats(observation, last)) {
      memory.remember(app, pair, connection, observation);
      judge(app, pair, observation, siblingAlive);
      memory.save(pair);
      events.appChanged(app);
    }
    if (outcome.kind === 'refused') judgeCrowd(user, host, identity);
    tests.step(identity.id, observation, pair.verdict.kind, siblingAlive);
  }

  /** One refusal more at this host may show that what looked like the pin of another app of this user is the host's own trouble. */
  function judgeCrowd(user: string | null, host: string, newest: AppIdentity): void {
    for (const { id } of crowd.refusersAt(user, host, now())) {
      const app = id === newest.id ? undefined : memory.app(id);
      const pair = app?.pairs.get(host);
      if (app === undefined || pair?.verdict.kind !== 'pinned') continue;
      pair.verdict = judgePinning(historyOf(app, pair), now());
      memory.save(pair);
      events.appChanged(app);
    }
  }

  function judge(app: AppRecord, pair: Pair, { outcome }: Observation, siblingAlive: boolean): void {
    const history = historyOf(app, pair);
    const { identity } = app;
    pair.verdict = judgePinning(history, now());
    const refused = outcome.kind === 'refused';
    if (refused) pair.passThroughDue = earnsPassThrough({ history, app: identity, siblingAlive, ...givenTo(app, pair.host), learning: policy().learning, now: now() });
    if (outcome.kind === 'established') app.widenedOnce = false;
    // The canary at an exclusion's end was refused: a known app need not fail until a new pass-through is due.
    const renews = pair.renewable && refused && identity.known && !siblingAlive;
    if (renews || outcome.kind === 'passed') learn(app, pair, history, renews);
    pair.renewable &&= outcome.kind === 'unused';
  }

  /** After a pass-through: an exclusion, if the verdict and policy give one; for the whole app where core says that its hosts are alike. */
  function learn(app: AppRecord, pair: Pair, history: History, renews: boolean): void {
    const { verdict, host } = pair;
    const { identity } = app;
    const { learning, defaults } = policy();
    if (verdict.kind === 'private-trust-store' && defaults.onPrivateTrustStore === 'inspect') return;
    // A name like `*.example` would cover more than this host, and one that is no name nothing.
    if (host.includes('*') || compileHostPattern(host, 'exclusion').kind === 'invalid') return;
    if (book.find(identity, host) !== null) return;
    // What is renewed was earned once; the tunnel that earned it may be older than what memory counts.
    const givenHere = renews ? store.loadGranted(identity.id, 0).filter((granted) => app.widenedOnce || granted.host === host).map(({ at }) => at) : givenTo(app, host).givenHere;
    const lifetime = exclusionLifetime({ verdict, history, app: identity, givenHere, learning });
    if (lifetime === null || (!renews && book.learnedLately(identity.id) >= learning.perAppPerHour)) return;
    const at = now();
    const one: Exclusion = {
      id: `learned-${randomBytes(4).toString('hex')}`, kind: 'learned', host, appId: identity.id, appName: identity.name,
      appHash: identity.hash, reason: explainVerdict(verdict, identity.name, host), verdict: verdict.kind,
      createdAt: at, expiresAt: at + lifetime,
    };
    const everywhere = verdict.kind === 'pinned' || verdict.kind === 'private-trust-store';
    const wide = !everywhere ? null : renews && app.widenedOnce ? lifetime : appWideLifetime(hostStates(app, one), identity, at);
    app.widenedOnce = false;
    if (wide === null) book.add(one);
    else book.add({ ...one, host: '*', reason: `${identity.name} refuses inspection at every host where it was tried`, expiresAt: at + wide }, ...book.learnedOf(identity.id));
  }

  /** The app's hosts as they would stand with one exclusion more. */
  function hostStates(app: AppRecord, more: Exclusion): AppHostState[] {
    const learned = new Map([...book.learnedOf(app.identity.id), more].map((exclusion) => [exclusion.host, exclusion]));
    for (const host of learned.keys()) memory.findPair(app, host);
    const states = [...app.pairs.values()].map(({ host, verdict }) => ({ host, verdict, exclusion: learned.get(host) ?? null }));
    // A host that accepted us long ago may be on disk only.
    const accepted = memory.elsewhere(app, more.host).filter(({ outcome, host }) => outcome.kind === 'established' && !app.pairs.has(host));
    return [...states, ...accepted.map(({ host }): AppHostState => ({ host, verdict: { kind: 'inspectable', because: [] }, exclusion: null }))];
  }

  function awaitCanary(exclusion: Exclusion, identity: AppIdentity, host: string): void {
    const app = memory.app(identity.id);
    const pair = app === undefined ? null : memory.findPair(app, host);
    if (app === undefined || pair === null) return;
    if (exclusion.host === '*') app.widenedOnce = true;
    pair.renewable = true;
    memory.save(pair);
  }

  /** A pair whose verdict an earlier version did not keep: what a refusal had earned counts as well. */
  function judgeAnew(app: AppRecord, pair: Pair): void {
    const history = historyOf(app, pair);
    pair.verdict = judgePinning(history, now());
    pair.passThroughDue = earnsPassThrough({ history, app: app.identity, siblingAlive: false, ...givenTo(app, pair.host), learning: policy().learning, now: now() });
    memory.save(pair);
  }

  function historyOf(app: AppRecord, pair: Pair): History {
    const here = memory.historyOf(pair).map(({ observation }) => observation);
    const refused = here.some(({ outcome }) => outcome.kind === 'refused');
    return {
      host: pair.host, here, elsewhere: memory.elsewhere(app, pair.host),
      others: refused ? crowd.othersAt(app.user, pair.host, app.identity, now()) : { refusing: 0, accepted: false },
      listed: refused ? listedAs(pair) : null,
    };
  }

  /** The list that knows the host to break under inspection; it did not keep this connection from being inspected. */
  function listedAs(pair: Pair): string | null {
    const current = policy();
    if (pair.listed?.policy !== current) {
      const host = normaliseHost(pair.host);
      const found = current.exclusions.find((exclusion) => (exclusion.kind === 'predefined' || exclusion.kind === 'managed') && exclusionNames(exclusion, host));
      pair.listed = { policy: current, name: found?.id ?? null };
    }
    return pair.listed.name;
  }

  /** Begins a test of the app's next connections to a host. Null when the app had its tests for today. */
  function startTest(app: AppRecord, host: string, mayPass: boolean): AppTest | null {
    const { identity } = app;
    const today = app.granted.filter(({ kind, at }) => kind === 'test' && Math.abs(now() - at) < 24 * 3600_000);
    if (today.length >= testsPerAppDay) return null;
    const pair = memory.pairOf(app, host);
    pair.passThroughDue = false;
    pair.renewable = false;
    memory.save(pair);
    memory.grant(app, { host, kind: 'test', at: now() });
    store.audit(now(), 'test-started', { app: identity.id, name: identity.name, path: identity.path, host });
    book.removeLearned(identity.id, host, 'test-started');
    return tests.start(identity.id, host, mayPass);
  }

  /** What was observed of this app at this host, oldest first; brings it back into memory. Null = never seen there. */
  function recall(app: AppRecord, host: string): Observation[] | null {
    const pair = memory.findPair(app, host);
    return pair === null ? null : memory.historyOf(pair).map(({ observation }) => observation);
  }

  return {
    factsFor, takePassThrough, connectionOpened: siblings.opened, sawData, connectionClosed: siblings.closed, countConnection, observeOutcome,
    addExclusion: book.add, identified: book.identified, hasLearned: (appId: string) => book.learnedOf(appId).length > 0,
    removeExclusion: book.remove, exclusions: book.list, findExclusion: book.find,
    startTest, test: tests.at, cancelTest: tests.cancel, recall,
    apps: memory.apps,
    verdictAt: (appId: string, host: string): Verdict | null => memory.app(appId)?.pairs.get(host)?.verdict ?? null,
  };
}

/** Only what recently was said already; a refusal is never a repetition. */
function repeats(observation: Observation, last: Observation): boolean {
  return sameOutcome(observation.outcome, last.outcome) && observation.appHash === last.appHash && observation.disposition === last.disposition
    && observation.circumstances.clientCertificateAsked === last.circumstances.clientCertificateAsked
    && observation.circumstances.unanswerable === last.circumstances.unanswerable
    && Math.abs(observation.at - last.at) < successEveryMs;
}

function sameOutcome(a: ConnectionOutcome, b: ConnectionOutcome): boolean {
  switch (a.kind) {
    case 'refused': return false;
    case 'passed': return b.kind === 'passed' && a.data === b.data;
    case 'incompatible': return b.kind === 'incompatible' && a.alert === b.alert;
    case 'agent-fault': case 'upstream': return b.kind === a.kind && a.code === b.code;
    default: return a.kind === b.kind;
  }
}

function givenTo(app: AppRecord, host: string): { given: number[]; givenHere: number[] } {
  const passed = app.granted.filter(({ kind }) => kind === 'pass-through');
  return { given: passed.map(({ at }) => at), givenHere: passed.filter((granted) => granted.host === host).map(({ at }) => at) };
}
