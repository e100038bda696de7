// What 100,000 pairs of app and host, and a forger, cost: rows in SQLite, heap, file, tunnels, exclusions. Real store; a clock of the test's.
import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HandshakeEvidence, TrustView } from '../../../electron/core/model.ts';
import { defaultLimits } from '../../../electron/agent/store/verdict-tables.ts';
import { exclusion } from '../store/rows.ts';
import { alert, app, createRig, established, hour, minute, passed, silent, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => { rig = createRig(); });
afterEach(() => rig.stop());

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};
const megabyte = 1024 * 1024;

const evidence: HandshakeEvidence = {
  leafSent: true, clientFinished: false, alert: 42, alertBy: 'client', leafValid: true, resumed: false, fault: null, appBytes: 0, closedBy: 'client',
  closeKind: 'fin', msSinceLeaf: 1.25, handshakeMs: 2.5, tls: 'TLSv1.3', bytesAfterLeaf: 31,
};
const trust: TrustView = { store: 'java:/usr/lib/jvm/java-21/lib/security/cacerts', holdsRoot: true, because: 'javax.net.ssl.trustStore is not set', stale: false };

describe('100,000 pairs of app and host', () => {
  test('memory holds the last 5,000, disk all of them, and a start reads few', { timeout: 120_000 }, () => {
    const apps = Array.from({ length: 20 }, (_, i) => app({ id: `app${i}`, name: `program ${i}`, path: `/opt/p${i}/program`, package: null, known: false }));
    rig.tell(alert(42), 'warm.test');
    const before = heap();
    for (let i = 0; i < 5_000; i += 1) {
      rig.clock += 10;
      for (const who of apps) rig.tell(i % 3 === 0 ? established : alert(42), `host${i}.pinlight.test`, who, { evidence, trust: { ...trust } });
    }
    rig.store.flush();
    const grown = heap() - before;
    const inMemory = rig.monitor.apps().reduce((sum, { pairs }) => sum + pairs.size, 0);
    expect(inMemory).toBe(5_000);
    expect(grown).toBeLessThan(48 * megabyte);
    // One more than the limit: some of the oldest went at once.
    expect(rig.count('pairs')).toBeLessThanOrEqual(defaultLimits.pairs);
    expect(rig.count('pairs')).toBeGreaterThan(0.99 * defaultLimits.pairs);
    expect(rig.count('observations')).toBe(rig.count('pairs'));
    expect(statSync(rig.path).size).toBeLessThan(160 * megabyte);

    // Long out of memory, and yet known: what it refused then counts now.
    const [first] = apps;
    if (first === undefined) throw new Error('no app');
    expect([...rig.monitor.apps().find(({ identity }) => identity.id === first.id)?.pairs.keys() ?? []]).not.toContain('host1001.pinlight.test');
    rig.clock += minute;
    rig.tell(alert(42), 'host1001.pinlight.test', first);
    expect(rig.monitor.verdictAt(first.id, 'host1001.pinlight.test')?.because.find(({ code }) => code === 'refused-here')?.values).toMatchObject({ count: 2 });

    rig.store.close();
    const from = performance.now();
    rig.start();
    const took = performance.now() - from;
    console.log(`100,000 pairs: heap +${Math.round(grown / megabyte)} MB, file ${Math.round(statSync(rig.path).size / megabyte)} MB, start ${Math.round(took)} ms`);
    expect(rig.monitor.apps().reduce((sum, { pairs }) => sum + pairs.size, 0)).toBe(5_000);
    expect(rig.monitor.apps().flatMap(({ pairs }) => [...pairs.values()]).filter(({ observations }) => observations !== null)).toEqual([]);
  });
  test('observing what is known already costs a few microseconds', () => {
    const who = app();
    rig.tell(established, 'known.test', who);
    const rounds = 20_000;
    const from = performance.now();
    for (let i = 0; i < rounds; i += 1) rig.observe(established, 'known.test', who);
    const each = (performance.now() - from) / rounds * 1_000;
    console.log(`a repeated success: ${each.toFixed(2)} µs`);
    // An order of magnitude above what it takes: a write, a query or a judgement at each would show.
    expect(each).toBeLessThan(30);
    expect(rig.count('observations')).toBe(1);
  });
});

describe('a forger', () => {
  const forger = app({ id: 'forger', path: '/home/x/forger', package: null, known: false });
  test('that aborts 10,000 handshakes at one host gets one tunnel, one short exclusion, and sixteen rows', () => {
    let tunnels = 0;
    for (let i = 0; i < 10_000; i += 1) {
      rig.clock += 4_000;
      if (rig.refuseAndPass('one.test', forger, i % 2 === 0 ? alert(42) : silent)) tunnels += 1;
    }
    expect(tunnels).toBe(1);
    expect(rig.count('granted')).toBe(1);
    expect(rig.count('observations')).toBe(defaultLimits.perPair);
    expect(rig.count('pairs')).toBe(1);
    expect(rig.added).toHaveLength(1);
    expect((rig.added[0]?.expiresAt ?? 0) - (rig.added[0]?.createdAt ?? 0)).toBe(hour);
    expect(rig.count('audit', "kind = 'exclusion-added'")).toBe(1);
    expect(rig.count('audit')).toBe(3);
  });
  test('that aborts one at each of 10,000 hosts gets five tunnels an hour, each of them and each exclusion an audit row', () => {
    let tunnels = 0;
    for (let i = 0; i < 10_000; i += 1) {
      rig.clock += 720;
      if (rig.refuseAndPass(`h${i}.test`, forger)) tunnels += 1;
    }
    // Two hours.
    expect(tunnels).toBe(10);
    expect(rig.count('granted')).toBe(10);
    expect(rig.count('audit', "kind = 'pass-through'")).toBe(10);
    expect(rig.added.length).toBeLessThanOrEqual(10);
    expect(rig.count('audit', "kind = 'exclusion-added'")).toBe(rig.added.length);
    for (const { createdAt, expiresAt } of rig.added) expect((expiresAt ?? Infinity) - createdAt).toBe(hour);
    expect(rig.count('observations')).toBeLessThanOrEqual(10_000 + 10);
    expect(rig.count('pairs')).toBeLessThanOrEqual(defaultLimits.pairsPerApp);
    expect(rig.monitor.apps().reduce((sum, { pairs }) => sum + pairs.size, 0)).toBeLessThanOrEqual(5_000);
  });
  test('pushes out its own hosts only, never another app\'s', () => {
    rig.tell(alert(42), 'kept.test');
    for (let i = 0; i < 12_000; i += 1) {
      rig.clock += 1;
      rig.tell(alert(42), `h${i}.test`, forger);
    }
    expect(rig.count('pairs', "app_id = 'forger'")).toBeLessThanOrEqual(defaultLimits.pairsPerApp);
    expect(rig.count('observations', "app_id = 'forger'")).toBeLessThanOrEqual(defaultLimits.pairsPerApp);
    expect(rig.count('pairs', "app_id = 'a1'")).toBe(1);
    expect(rig.due('kept.test')).toBe(true);
  });
  test('gets no second tunnel by making memory forget it: other apps, other hosts, a restart', () => {
    expect(rig.refuseAndPass('one.test', forger)).toBe(true);
    rig.monitor.removeExclusion(rig.added[0]?.id ?? '', 'test');
    for (let i = 0; i < 2_100; i += 1) {
      rig.clock += 1;
      rig.tell(alert(42), 'one.test', app({ id: `other${i}` }));
    }
    for (let i = 0; i < 6_000; i += 1) {
      rig.clock += 1;
      rig.tell(alert(42), `h${i}.test`, forger);
    }
    expect(rig.refuseAndPass('one.test', forger)).toBe(false);
    rig.restart();
    expect(rig.refuseAndPass('one.test', forger)).toBe(false);
    rig.clock += 12 * hour;
    expect(rig.refuseAndPass('one.test', forger)).toBe(true);
  });
  test('that sends a pattern as its host\'s name learns no pattern', () => {
    expect(rig.refuseAndPass('*.pinlight.test', forger)).toBe(true);
    expect(rig.added).toEqual([]);
  });
  test('earns no more exclusions in an hour than policy says, however they are removed', () => {
    rig.policy = { ...rig.policy, learning: { ...rig.policy.learning, perAppPerHour: 2 } };
    for (let i = 0; i < 10; i += 1) {
      rig.clock += minute;
      rig.refuseAndPass(`h${i}.test`);
      for (const { id } of rig.monitor.exclusions()) rig.monitor.removeExclusion(id, 'test');
    }
    expect(rig.added).toHaveLength(2);
    rig.policy = { ...rig.policy, learning: { ...rig.policy.learning, perAppPerHour: 0 } };
    rig.clock += hour;
    expect(rig.refuseAndPass('later.test')).toBe(false);
  });
});

test('1,000 exclusions that people made for one app leave its newest 200, in memory and on disk, and another app\'s', () => {
  const made = (id: string, appId: string | null): void => rig.monitor.addExclusion(exclusion(id, { kind: 'user', host: `${id}.test`, appId, expiresAt: null }));
  made('mine', 'a1');
  made('everybodys', null);
  for (let i = 1; i <= 1_000; i += 1) made(`made-${i}`, 'forger');
  expect(rig.count('exclusions')).toBe(202);
  expect(rig.monitor.exclusions()).toHaveLength(202);
  expect(rig.count('exclusions', "id IN ('mine', 'everybodys', 'made-801', 'made-1000')")).toBe(4);
});

describe('hosts', () => {
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  test.each<[string, string, boolean]>([
    ['an IPv4 address', '192.0.2.7', true], ['an IPv6 address', '2001:db8::1', true], ['an IPv6 address with a zone', 'fe80::1%eth0', false],
    ['a name in its punycode form', 'xn--bcher-kva.example', true], ['253 characters', long, true], ['254 characters', `${long}x`, false],
    ['10,000 characters', 'x'.repeat(10_000), false], ['nothing', '', false], ['a dot', '.', false], ['one label', 'wiki', true],
    ['letters that are not ASCII', 'bücher.example', false], ['a quote', "o'brien.test", false], ['SQL', "x'); DROP TABLE pairs;--", false],
    ['a line break', 'a\nb.test', false], ['a zero byte', 'a\u0000b.test', false], ['a terminal escape', '\u001b[31mred.test', false],
    ['half a surrogate pair', 'a\ud800.test', false], ['a name of every object', '__proto__', true], ['another', 'constructor', true], ['a bare star', '*', false],
  ])('%s: seen, judged, let through, kept and read back without a throw', (_, host, excludable) => {
    expect(rig.refuseAndPass(host)).toBe(true);
    expect(rig.excluded(host) !== null).toBe(excludable);
    rig.tell(silent, host);
    rig.monitor.sawData(app(), host, 7);
    rig.monitor.startTest(rig.monitor.apps()[0] as never, host, true);
    rig.tell(passed, host);
    rig.restart();
    expect(rig.monitor.recall(rig.monitor.apps()[0] as never, host)).not.toBeNull();
    rig.tell(alert(42), host);
    expect(rig.count('pairs')).toBeGreaterThan(0);
    expect(rig.troubles).toEqual([]);
  });
});
