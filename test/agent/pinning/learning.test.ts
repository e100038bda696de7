// What one app's refusals teach beyond their own host: other apps at the host, lists, the whole app, disturbances. Real store; a clock of the test's.
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AppIdentity, Exclusion, Fact, Observation } from '../../../electron/core/model.ts';
import { calm, exclusion } from '../store/rows.ts';
import { alert, app, begin, createRig, established, hour, minute, passed, type Rig } from './rig.ts';

const host = 'api.pinlight.test';
const other = (id: string, change: Partial<AppIdentity> = {}): AppIdentity => app({ id, name: id, path: `/opt/${id}/${id}`, package: `${id} 2`, ...change });
let rig: Rig;
beforeEach(() => { rig = createRig(); });
afterEach(() => rig.stop());

const facts = (id = 'a1', at = host): Fact['code'][] => (rig.monitor.verdictAt(id, at)?.because ?? []).map(({ code }) => code);
const count = (code: Fact['code'], id = 'a1'): unknown => rig.monitor.verdictAt(id, host)?.because.find((fact) => fact.code === code)?.values['count'];

describe('other apps at the same host', () => {
  /** The other one trusts our root elsewhere and refuses here; then this app does. */
  function both(who: AppIdentity, laterMs = 0): void {
    rig.tell(established, 'elsewhere.test', who);
    rig.tell(alert(42), host, who);
    rig.clock += laterMs;
    rig.tell(established, 'elsewhere.test');
    rig.tell(alert(42), host);
  }
  test('that trust our root and refuse it too within a minute speak against a pin', () => {
    both(other('second'));
    expect(rig.monitor.verdictAt('a1', host)?.kind).toBe('undetermined');
    expect(count('others-refuse')).toBe(1);
  });
  test('take back the pin of the one that came first', () => {
    rig.tell(established, 'elsewhere.test', other('second'));
    rig.tell(alert(42), host, other('second'));
    expect(rig.monitor.verdictAt('second', host)?.kind).toBe('pinned');
    rig.tell(established, 'elsewhere.test');
    rig.tell(alert(42), host);
    expect(rig.monitor.verdictAt('second', host)?.kind).toBe('undetermined');
  });
  test.each<[string, () => void]>([
    ['refused it more than a minute ago', () => both(other('second'), minute)],
    ['come of the same package', () => both(other('second', { package: 'fetch 9' }))],
    ['lie in the same folder and have no package', () => both(other('second', { package: null, path: '/usr/bin/second' }))],
    ['accept us nowhere', () => { rig.tell(alert(42), host, other('second')); rig.tell(established, 'elsewhere.test'); rig.tell(alert(42), host); }],
    ['accept us only at this very host', () => { rig.tell(established, host, other('second')); rig.tell(alert(42), host, other('second')); rig.clock += 11 * minute; rig.tell(established, 'elsewhere.test'); rig.tell(alert(42), host); }],
    ['had a refusal that late data explained', () => {
      rig.tell(established, 'elsewhere.test', other('second'));
      rig.tell({ kind: 'refused', sign: 'silent-late', alert: null }, host, other('second'));
      rig.monitor.sawData(other('second'), host, 7);
      rig.tell(established, 'elsewhere.test');
      rig.tell(alert(42), host);
    }],
  ])('do not count when they %s', (_, happen) => {
    happen();
    expect(facts()).not.toContain('others-refuse');
    expect(rig.monitor.verdictAt('a1', host)?.kind).toBe('pinned');
  });
  test('that accept our certificate here show that it is fine, for ten minutes', () => {
    rig.tell(established, host, other('second'));
    rig.tell(alert(42), host);
    expect(facts()).toContain('others-accept');
    rig.clock += 10 * minute;
    rig.tell(alert(42), host);
    expect(facts()).not.toContain('others-accept');
  });
  test('of another user are no witnesses: neither do their refusals take a pin back, nor does anybody hear where they were', () => {
    rig.tell(established, 'elsewhere.test');
    rig.tell(alert(42), host);
    expect(rig.monitor.verdictAt('a1', host)?.kind).toBe('pinned');
    rig.user = 'bob';
    rig.tell(established, 'elsewhere.test', other('second'));
    rig.tell(alert(42), host, other('second'));
    expect(rig.monitor.verdictAt('a1', host)?.kind).toBe('pinned');
    expect(facts('second')).not.toContain('others-refuse');
    rig.tell(established, host, other('third'));
    rig.user = 'root';
    rig.tell(alert(42), host);
    expect(facts()).not.toContain('others-refuse');
    expect(facts()).not.toContain('others-accept');
  });
  test('1,000 at one host, and 5,000 hosts, are no burden', () => {
    for (let i = 0; i < 1_000; i += 1) rig.tell(alert(42), host, other(`p${i}`));
    for (let i = 0; i < 5_000; i += 1) rig.tell(alert(42), `h${i}.test`, other('second'));
    rig.tell(alert(42), host);
    expect(rig.monitor.verdictAt('a1', host)?.kind).toBe('undetermined');
  });
});

describe('a list that knows the host', () => {
  test.each<[string, Partial<Exclusion>, boolean]>([
    ['a predefined one', { kind: 'predefined' }, true], ['the organisation\'s', { kind: 'managed' }, true], ['for another host', { kind: 'predefined', host: 'x.test' }, false],
  ])('%s is named among the facts of a refusal', (_, change, named) => {
    rig.policy = { ...rig.policy, exclusions: [exclusion('vendor-list', { host: '*.pinlight.test', ...change })] };
    rig.tell(alert(42), host);
    expect(facts().includes('listed')).toBe(named);
  });
});

describe('a disturbance just before', () => {
  test('takes the weight off a refusal: no pass-through, no exclusion', () => {
    rig.tell(established, 'other.test');
    const disturbed: Partial<Observation> = { circumstances: { ...calm, disturbance: { kind: 'network', at: begin - 1_000 } } };
    rig.tell(alert(42), host, app(), disturbed);
    expect(rig.due(host)).toBe(false);
    expect(facts()).toContain('disturbed');
    rig.clock += 61_000;
    expect(rig.refuseAndPass(host, app(), alert(42), disturbed)).toBe(true);
  });
});

describe('an app that refuses everywhere for one cause', () => {
  const noStore: Partial<Observation> = { runtime: 'go', trust: { store: 'go-bundled', holdsRoot: false, because: 'it brings its own', stale: false } };
  function learnAt(...hosts: string[]): void {
    for (const one of hosts) {
      rig.clock += minute;
      expect(rig.refuseAndPass(one, app(), alert(42), noStore)).toBe(true);
    }
  }
  test('is excluded as a whole at the third host: one exclusion in the place of three, announced once, each step audited', () => {
    learnAt('a.test', 'b.test');
    expect(rig.monitor.exclusions()).toHaveLength(2);
    rig.announced = 0;
    learnAt('c.test');
    expect(rig.announced).toBe(1);
    expect(rig.monitor.exclusions()).toMatchObject([{ kind: 'learned', host: '*', appId: 'a1', appHash: 'aa', verdict: 'private-trust-store', expiresAt: begin + minute + hour }]);
    expect(rig.excluded('never-seen.test')).toMatchObject({ host: '*', kind: 'learned' });
    expect(rig.excluded('never-seen.test', other('second'))).toBeNull();
    expect(rig.count('exclusions')).toBe(1);
    expect(rig.count('audit', "kind = 'exclusion-removed'")).toBe(2);
    expect(rig.count('audit', "kind = 'exclusion-added'")).toBe(3);
    rig.restart();
    expect(rig.excluded('never-seen.test')).not.toBeNull();
  });
  test('is not when it accepts us anywhere', () => {
    learnAt('a.test', 'b.test');
    rig.tell(established, 'fine.test');
    rig.clock += minute;
    rig.refuseAndPass('c.test', app(), alert(42), noStore);
    expect(rig.monitor.exclusions().map((one) => one.host)).not.toContain('*');
  });
  test('answers one canary at the end for all its hosts: refused, it is excluded as a whole again', () => {
    learnAt('a.test', 'b.test', 'c.test');
    rig.tell(passed, 'd.test');
    rig.clock = rig.monitor.exclusions()[0]?.expiresAt ?? 0;
    expect(rig.excluded('d.test')).toBeNull();
    rig.clock += 1;
    rig.tell(alert(42), 'd.test', app(), noStore);
    expect(rig.monitor.exclusions()).toMatchObject([{ host: '*' }]);
  });
  test('accepted, it stays inspected', () => {
    learnAt('a.test', 'b.test', 'c.test');
    rig.clock = rig.monitor.exclusions()[0]?.expiresAt ?? 0;
    expect(rig.excluded('a.test')).toBeNull();
    rig.tell(established, 'a.test');
    rig.tell(alert(42), 'b.test', app(), noStore);
    expect(rig.monitor.exclusions()).toEqual([]);
  });
  test.each<[string, () => void]>([
    ['a person removes it', () => { rig.monitor.removeExclusion(rig.monitor.exclusions()[0]?.id ?? '', 'removed by a person'); }],
    ['a test of the app is started', () => { rig.monitor.startTest(rig.monitor.apps()[0] as never, 'a.test', true); }],
    ['the program changes', () => { rig.excluded('a.test', app({ hash: 'bb' })); }],
  ])('the exclusion ends when %s', (_, happen) => {
    learnAt('a.test', 'b.test', 'c.test');
    happen();
    for (const one of ['a.test', 'b.test', 'new.test']) expect(rig.excluded(one)).toBeNull();
  });
});

describe('an exclusion that lasted longer than memory counts tunnels', () => {
  test('begins again when its canary is refused, without another tunnel', () => {
    rig.policy = { ...rig.policy, learning: { ...rig.policy.learning, firstHours: 72 } };
    rig.tell(established, 'other.test');
    rig.tell(alert(42), host);
    rig.clock += 11 * minute;
    expect(rig.refuseAndPass(host)).toBe(true);
    const [first] = rig.added;
    expect(first?.expiresAt).toBe(rig.clock + 72 * hour);
    rig.clock = first?.expiresAt ?? 0;
    rig.restart();
    expect(rig.excluded(host)).toBeNull();
    rig.tell(alert(42), host);
    expect(rig.excluded(host)).toMatchObject({ verdict: 'pinned', expiresAt: rig.clock + 72 * hour });
    expect(rig.count('granted')).toBe(1);
  });
  test('a pass-through that was due a week ago is due no longer', () => {
    rig.tell(alert(42), host);
    rig.tell(alert(42), 'young.test');
    rig.clock += 6 * 24 * hour;
    rig.restart();
    expect(rig.due('young.test')).toBe(true);
    rig.clock += 24 * hour;
    rig.restart();
    expect(rig.due(host)).toBe(false);
  });
});

describe('a server that asks for a client certificate', () => {
  test('earns the exclusion without a refusal before it', () => {
    rig.tell(passed, host, app(), { circumstances: { ...calm, clientCertificateAsked: true } });
    expect(rig.excluded(host)).toMatchObject({ verdict: 'client-certificate' });
  });
});

describe('a second agent on the same store', () => {
  test('that deletes, changes and spoils rows under us breaks nothing', () => {
    rig.tell(established, 'other.test');
    rig.refuseAndPass(host);
    for (let i = 0; i < 5_100; i += 1) rig.tell(alert(42), `h${i}.test`, other('second'));
    rig.store.flush();
    const second = new Database(rig.path);
    second.exec(`
      DELETE FROM exclusions; DELETE FROM apps; DELETE FROM granted; DELETE FROM pairs WHERE host LIKE 'h1%';
      UPDATE observations SET body = '{"at":1,"host":"x","disposition":"inspect","outcome":{"kind":"refused"}}' WHERE host LIKE 'h2%';
      UPDATE observations SET body = 'null' WHERE host LIKE 'h3%'; UPDATE pairs SET verdict = '{"kind":"pinned","because":[null]}' WHERE host LIKE 'h4%';
      DELETE FROM observations WHERE host LIKE 'h5%';
    `);
    second.close();
    for (let i = 0; i < 600; i += 1) rig.tell(alert(42), `h${i}.test`, other('second'));
    expect(rig.excluded(host)).not.toBeNull();
    expect(rig.monitor.removeExclusion(rig.excluded(host)?.id ?? '', 'test')).not.toBeNull();
    rig.tell(alert(42), host);
    expect(rig.store.flush()).toBe(true);
    rig.restart();
    rig.tell(alert(42), host);
    expect(rig.troubles).toEqual([]);
  });
});
