// The memory between handshakes and decisions: pass-throughs, exclusions, late sibling data, restarts. Real store, a clock of the test's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPinningMonitor, type PinningMonitor } from '../../../electron/agent/pinning/pinning-monitor.ts';
import { openStore, type Store } from '../../../electron/agent/store/store.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import type { AppIdentity, ConnectionOutcome, Exclusion, Observation } from '../../../electron/core/model.ts';
import type { Policy } from '../../../electron/core/policy/policy.ts';
import { app as anApp, calm } from '../store/rows.ts';

const hour = 3600_000;
const minute = 60_000;
const host = 'api.pinlight.test';
const begin = Date.UTC(2026, 10, 20, 12);

let folder: string;
let clock: number;
let store: Store;
let monitor: PinningMonitor;
let policy: Policy;
let connection: number;
let added: Exclusion[];
let amended: number[];
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-monitor-'));
  clock = begin;
  connection = 0;
  policy = mergePolicy([{ origin: 'embedded', file: null, layer: embeddedLayer('user') }], []);
  start();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(): void {
  added = [];
  amended = [];
  changes = 0;
  store = openStore(join(folder, 'pinlight.db'), clock, () => undefined).store;
  monitor = createPinningMonitor({ store, policy: () => policy, now: () => clock, events: {
    appChanged: () => { changes += 1; }, exclusionsChanged: () => undefined, exclusionAdded: (exclusion) => added.push(exclusion), outcomeAmended: (id) => amended.push(id),
  } });
}
function restart(): void {
  store.close();
  start();
}

const app = (change: Partial<AppIdentity> = {}): AppIdentity => ({ ...anApp, ...change });
const alert = (number: number): ConnectionOutcome => ({ kind: 'refused', sign: 'alert', alert: number });
const silent: ConnectionOutcome = { kind: 'refused', sign: 'silent-late', alert: null };
const passed: ConnectionOutcome = { kind: 'passed', data: true };

/** One connection with its count, as serve-connection tells it. */
function tell(outcome: ConnectionOutcome, options: { app?: AppIdentity; host?: string; pid?: number; at?: Partial<Observation> } = {}): number {
  const who = options.app ?? app();
  connection += 1;
  const disposition = outcome.kind === 'passed' ? 'bypass' : 'inspect';
  monitor.observeOutcome(who, 'root', options.pid ?? 7, connection, {
    at: clock, host: options.host ?? host, disposition, outcome, appHash: who.hash, runtime: who.runtime, perCallTrust: who.perCallTrust, trust: null, ja4: null,
    evidence: null, circumstances: calm, ...options.at,
  });
  monitor.countConnection(who, 'root', disposition);
  return connection;
}
const due = (who: AppIdentity | null = app(), at = host): boolean => monitor.factsFor(who, at).passThroughDue;
const excluded = (who: AppIdentity | null = app(), at = host): Exclusion | null => monitor.factsFor(who, at).exclusion;
/** Refused once, let through once, with data. */
function passThrough(who = app(), at = host, how = alert(42)): void {
  tell(how, { app: who, host: at });
  expect(due(who, at)).toBe(true);
  monitor.takePassThrough(who, at);
  tell(passed, { app: who, host: at });
}

const lifetime = (): number => (added[0]?.expiresAt ?? 0) - (added[0]?.createdAt ?? 0);

const byPerson = (change: Partial<Exclusion> = {}): Exclusion => ({
  id: 'user-1', kind: 'user', host: '*.pinlight.test', appId: null, appName: null, appHash: null, reason: 'said so', verdict: null, createdAt: clock, expiresAt: null, ...change,
});

describe('the pass-through', () => {
  test('one refusal earns one, it is taken once, and each is an audit row', () => {
    expect(due()).toBe(false);
    tell(alert(42));
    expect(due()).toBe(true);
    monitor.takePassThrough(app(), host);
    expect(due()).toBe(false);
    store.flush();
    expect(store.loadAudit('pass-through', 0)).toMatchObject([{ at: begin, detail: { app: 'a1', host } }]);
  });
  test('another one for the same host only after 12 hours', () => {
    tell(alert(42));
    monitor.takePassThrough(app(), host);
    clock += 12 * hour - 1;
    tell(alert(42));
    expect(due()).toBe(false);
    clock += 1;
    tell(alert(42));
    expect(due()).toBe(true);
  });
  test('five hosts of an app in an hour, the sixth waits for the next hour', () => {
    for (let i = 1; i <= 5; i += 1) {
      tell(alert(42), { host: `h${i}.test` });
      expect(due(app(), `h${i}.test`)).toBe(true);
      monitor.takePassThrough(app(), `h${i}.test`);
      clock += minute;
    }
    tell(alert(42), { host: 'h6.test' });
    expect(due(app(), 'h6.test')).toBe(false);
    clock = begin + hour;
    tell(alert(42), { host: 'h6.test' });
    expect(due(app(), 'h6.test')).toBe(true);
  });
  test('refusals at many hosts at once do not earn more than the hour allows', () => {
    for (let i = 1; i <= 20; i += 1) tell(alert(42), { host: `h${i}.test` });
    let taken = 0;
    for (let i = 1; i <= 20; i += 1) {
      if (!due(app(), `h${i}.test`)) continue;
      monitor.takePassThrough(app(), `h${i}.test`);
      taken += 1;
    }
    expect(taken).toBe(5);
  });
  test('another app, another host, and another user of the program earn their own', () => {
    tell(alert(42));
    expect(due(app({ id: 'a2' }))).toBe(false);
    expect(due(app(), 'other.test')).toBe(false);
    expect(monitor.factsFor(null, host).passThroughDue).toBe(false);
  });
  test.each<[string, ConnectionOutcome]>([
    ['unused', { kind: 'unused' }], ['abandoned', { kind: 'abandoned' }], ['incompatible', { kind: 'incompatible', alert: 70 }],
    ['a fault of ours', { kind: 'agent-fault', code: 'x' }], ['a failure upstream', { kind: 'upstream', code: 'ECONNRESET' }], ['established', { kind: 'established' }],
  ])('%s earns none', (_, outcome) => {
    tell(outcome);
    expect(due()).toBe(false);
  });
  test('none while a sibling of the attempt is open', () => {
    monitor.connectionOpened(app(), host, 7);
    tell(alert(42));
    expect(due()).toBe(false);
  });
  test('none within three seconds of a sibling\'s data, one after', () => {
    monitor.connectionOpened(app(), host, 7);
    monitor.sawData(app(), host, 7);
    monitor.connectionClosed(app(), host, 7);
    clock += 3_000;
    tell(alert(42));
    expect(due()).toBe(false);
    clock += 1;
    tell(alert(42));
    expect(due()).toBe(true);
  });
  test('a success of this version within seven days forbids it, an older one or another version\'s does not', () => {
    tell({ kind: 'established' });
    clock += 7 * 24 * hour - 1;
    tell(alert(42));
    expect(due()).toBe(false);
    tell(alert(42), { app: app({ hash: 'bb' }) });
    expect(due(app({ hash: 'bb' }))).toBe(true);
  });
  test('a tool whose trust is chosen per call is judged by process: another call\'s open connection is no sibling', () => {
    const curl = app({ perCallTrust: true });
    monitor.connectionOpened(curl, host, 8);
    tell(alert(48), { app: curl, pid: 7 });
    expect(due(curl)).toBe(true);
  });
  test('10,000 forged refusals of one app at one host pay out once in twelve hours', () => {
    let taken = 0;
    for (let i = 0; i < 10_000; i += 1) {
      clock += 4_000;
      tell(alert(42));
      if (!due()) continue;
      monitor.takePassThrough(app(), host);
      taken += 1;
    }
    expect(taken).toBe(1);
    expect(added).toEqual([]);
  });
});

describe('late data of a sibling', () => {
  test('turns a silent refusal into unused: in memory, in the log, in the store, and the pass-through goes', () => {
    monitor.connectionOpened(app(), host, 7);
    monitor.connectionClosed(app(), host, 7);
    const id = tell(silent);
    expect(due()).toBe(true);
    clock += 2_000;
    monitor.connectionOpened(app(), host, 7);
    tell({ kind: 'established' });
    changes = 0;
    monitor.sawData(app(), host, 7);
    expect(due()).toBe(false);
    expect(amended).toEqual([id]);
    expect(changes).toBeGreaterThan(0);
    store.flush();
    expect(store.loadObservations('a1', host).map(({ observation }) => observation.outcome.kind)).toEqual(['unused', 'established']);
    // The evidence shown must not count a refusal that was none.
    const verdict = monitor.verdictAt('a1', host);
    expect(verdict).toMatchObject({ kind: 'inspectable' });
    expect(verdict?.because.map(({ code }) => code)).toEqual(['established-here']);
  });
  test('comes too late after three seconds', () => {
    tell(silent);
    clock += 3_001;
    monitor.sawData(app(), host, 7);
    expect(amended).toEqual([]);
    expect(due()).toBe(true);
  });
  test('explains no alert: that was said aloud', () => {
    tell(alert(42));
    monitor.sawData(app(), host, 7);
    expect(amended).toEqual([]);
  });
  test('of a per-call tool explains nothing: another call trusts another list', () => {
    const curl = app({ perCallTrust: true });
    tell(silent, { app: curl });
    monitor.sawData(curl, host, 7);
    expect(amended).toEqual([]);
  });
});

describe('exclusions that are learned', () => {
  test('come of a pass-through with data, with app, host, hash, verdict and an end', () => {
    tell({ kind: 'established' }, { host: 'other.test' });
    passThrough();
    expect(added).toMatchObject([{ kind: 'learned', host, appId: 'a1', appHash: 'aa', verdict: 'pinned', createdAt: begin, expiresAt: begin + hour }]);
    expect(excluded()).toEqual(added[0]);
    expect(excluded(app({ id: 'a2' }))).toBeNull();
    expect(excluded(app(), 'sub.api.pinlight.test')).toBeNull();
    expect(excluded(null)).toBeNull();
  });
  test.each(['wiki', '192.0.2.7', '2001:db8::1', '2001:0db8:0:0:0:0:0:1', 'under_score.test', 'github.io', 'co.uk'])('hold at the host %s', (odd) => {
    passThrough(app(), odd);
    expect(added).toHaveLength(1);
    expect(excluded(app(), odd)).not.toBeNull();
  });
  test('do not come of a pass-through without data', () => {
    tell(alert(42));
    monitor.takePassThrough(app(), host);
    tell({ kind: 'passed', data: false });
    expect(added).toEqual([]);
  });
  test('come when the data follows an empty first connection of the pass-through', () => {
    tell(alert(42));
    monitor.takePassThrough(app(), host);
    tell({ kind: 'passed', data: false });
    tell(passed);
    expect(added).toHaveLength(1);
  });
  test('do not come of traffic that policy or a list lets through anyway: nothing was refused', () => {
    tell(passed);
    tell(passed, { host: 'listed.test' });
    expect(added).toEqual([]);
  });
  test('do not come twice', () => {
    passThrough();
    tell(passed);
    clock += 20 * minute;
    tell(passed);
    expect(added).toHaveLength(1);
  });
  test('of a private trust store do not come where policy says inspect', () => {
    policy = { ...policy, defaults: { ...policy.defaults, onPrivateTrustStore: 'inspect' } };
    passThrough(app(), host, alert(48));
    expect(monitor.verdictAt('a1', host)?.kind).toBe('private-trust-store');
    expect(added).toEqual([]);
  });
  test.each<[string, Partial<AppIdentity>, ConnectionOutcome[], number, number]>([
    ['one refusal: an hour', {}, [alert(42)], 0, hour],
    ['two strong refusals in one window: an hour', {}, [alert(42), alert(42)], 4_000, hour],
    ['two strong refusals in two windows: 12 hours', {}, [alert(42), alert(42)], 11 * minute, 12 * hour],
    ['two weak refusals in two windows: an hour', {}, [silent, silent], 11 * minute, hour],
    ['three weak refusals in three windows: 12 hours', {}, [silent, silent, silent], 11 * minute, 12 * hour],
    ['an unsigned program never gets more than an hour', { known: false }, [alert(42), alert(42), alert(42), alert(42)], 11 * minute, hour],
    ['a per-call tool never gets more than an hour', { perCallTrust: true }, [alert(42), alert(42), alert(42), alert(42)], 11 * minute, hour],
  ])('last as long as the evidence allows: %s', (_, change, refusals, between, expected) => {
    const who = app(change);
    tell({ kind: 'established' }, { host: 'other.test', app: who });
    // Refusals that found the hour's budget used up earn nothing, and count all the same.
    for (const [index, outcome] of refusals.entries()) {
      if (index > 0) clock += between;
      tell(outcome, { app: who });
    }
    expect(due(who)).toBe(true);
    monitor.takePassThrough(who, host);
    tell(passed, { app: who });
    expect(added).toHaveLength(1);
    expect(lifetime()).toBe(expected);
  });
  test('end by time, to the millisecond, and the end is audited', () => {
    passThrough();
    clock = begin + hour - 1;
    expect(excluded()).not.toBeNull();
    clock = begin + hour;
    expect(monitor.exclusions()).toEqual([]);
    expect(excluded()).toBeNull();
    store.flush();
    expect(store.loadExclusions()).toEqual([]);
    expect(store.loadAudit('exclusion-removed', 0)).toHaveLength(1);
  });
  test('end when the program changes, and stay while its hash is not known yet', () => {
    passThrough();
    expect(excluded(app({ hash: null }))).not.toBeNull();
    expect(excluded(app({ hash: 'bb' }))).toBeNull();
    expect(excluded()).toBeNull();
  });
  test.each<[string, () => void]>([
    ['while they begin', () => { passThrough(app({ hash: null })); monitor.identified(app().id, 'aa'); }],
    ['just before', () => { monitor.identified(app().id, 'aa'); passThrough(app({ hash: null })); }],
  ])('are of the version that was hashed %s, and end with the next one', (_name, learn) => {
    learn();
    expect(monitor.exclusions()).toMatchObject([{ appHash: 'aa' }]);
    expect(excluded(app({ hash: 'bb' }))).toBeNull();
  });
});

describe('exclusions of people', () => {
  test('begin again when the canary at their end is refused: a known app fails once, not until the next pass-through', () => {
    passThrough();
    const firstEnd = excluded()?.expiresAt ?? 0;
    clock = firstEnd;
    expect(excluded()).toBeNull();
    clock += minute;
    tell(alert(42));
    expect(due()).toBe(false);
    // Two strong refusals in two time windows: more than the short one now.
    expect(excluded()).toMatchObject({ kind: 'learned', expiresAt: clock + (excluded()?.verdict === 'undetermined' ? hour : 12 * hour) });
  });
  test.each<[string, AppIdentity, (id: string) => void]>([
    ['of a program nobody signed for', app({ known: false }), () => { clock = excluded(app({ known: false }))?.expiresAt ?? 0; excluded(app({ known: false })); }],
    ['that a person has removed', app(), (id) => { monitor.removeExclusion(id, 'removed by a person'); }],
  ])('do not begin again by themselves: one %s', (_name, who, end) => {
    passThrough(who);
    end(excluded(who)?.id ?? '');
    clock += minute;
    tell(alert(42), { app: who });
    expect(excluded(who)).toBeNull();
  });
  test('cover every app and every host of the pattern, program changes included', () => {
    monitor.addExclusion(byPerson());
    expect(excluded(app({ hash: 'zz' }))).not.toBeNull();
    expect(excluded(null)).not.toBeNull();
    expect(excluded(app(), 'pinlight.test')).toBeNull();
  });
  test('go when removed, once', () => {
    monitor.addExclusion(byPerson());
    expect(monitor.removeExclusion('user-1', 'test')).toMatchObject({ id: 'user-1' });
    expect(monitor.removeExclusion('user-1', 'test')).toBeNull();
    expect(excluded()).toBeNull();
  });
  test('with a pattern that does not compile cover nothing and break nothing', () => {
    monitor.addExclusion(byPerson({ host: '***' }));
    expect(excluded()).toBeNull();
  });
});

describe('a restart', () => {
  test('keeps exclusions, verdicts, apps and what was given', () => {
    tell({ kind: 'established' }, { host: 'other.test' });
    passThrough();
    const before = { verdict: monitor.verdictAt('a1', host), apps: monitor.apps().map(({ identity, inspected, bypassed }) => [identity, inspected, bypassed]), all: monitor.exclusions() };
    restart();
    expect(monitor.exclusions()).toEqual(before.all);
    expect(monitor.verdictAt('a1', host)).toEqual(before.verdict);
    expect(monitor.apps().map(({ identity, inspected, bypassed }) => [identity, inspected, bypassed])).toEqual(before.apps);
    monitor.removeExclusion(before.all[0]?.id ?? '', 'test');
    tell(alert(42));
    expect(due()).toBe(false);
  });
  test('keeps a pass-through that is due, and does not give back one that was taken', () => {
    tell(alert(42));
    tell(alert(42), { host: 'taken.test' });
    monitor.takePassThrough(app(), 'taken.test');
    restart();
    expect(due()).toBe(true);
    expect(due(app(), 'taken.test')).toBe(false);
  });
  test('does not bring back an exclusion that was removed or has ended', () => {
    passThrough();
    monitor.removeExclusion(added[0]?.id ?? '', 'test');
    restart();
    expect(monitor.exclusions()).toEqual([]);
    expect(excluded()).toBeNull();
  });
});

describe('bounds', () => {
  test('16 observations of a pair, 2,000 apps; what went out comes back from disk', () => {
    for (let i = 0; i < 50; i += 1) {
      clock += minute;
      tell(alert(42));
    }
    const pair = monitor.apps()[0]?.pairs.get(host);
    expect(pair).toMatchObject({ attempts: 50 });
    expect(pair?.observations).toHaveLength(16);
    for (let i = 0; i < 2_100; i += 1) {
      clock += 1;
      monitor.countConnection(app({ id: `app-${i}` }), null, 'bypass');
    }
    expect(monitor.apps()).toHaveLength(2_000);
    expect(monitor.apps().map(({ identity }) => identity.id)).toEqual(expect.arrayContaining(['app-2099']));
    expect(monitor.apps().some(({ identity }) => identity.id === 'a1')).toBe(false);
    tell(alert(42));
    const again = monitor.apps().find(({ identity }) => identity.id === 'a1');
    expect(again).toMatchObject({ inspected: 51 });
    expect(again?.pairs.get(host)).toMatchObject({ attempts: 51, observations: { length: 16 } });
  });
  test('a run over 600 other hosts does not make the budget forget what was given', () => {
    passThrough();
    monitor.removeExclusion(added[0]?.id ?? '', 'test');
    for (let i = 0; i < 600; i += 1) {
      clock += 1;
      tell(alert(42), { host: `h${i}.test` });
    }
    tell(alert(42));
    expect(due()).toBe(false);
  });
  test('a thousand successes in ten minutes are one observation', () => {
    for (let i = 0; i < 1_000; i += 1) tell({ kind: 'established' });
    store.flush();
    expect(store.loadObservations('a1', host)).toHaveLength(1);
    expect(monitor.apps()[0]?.inspected).toBe(1_000);
  });
});
