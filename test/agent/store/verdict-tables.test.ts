// The tables behind verdicts: their bounds, rows of an earlier version, spoilt rows, another program's hands. Real SQLite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrations } from '../../../electron/agent/store/migrations.ts';
import { defaultRetention, openStore, type Store, type StoredPair } from '../../../electron/agent/store/store.ts';
import { defaultLimits, type StoreLimits } from '../../../electron/agent/store/verdict-tables.ts';
import type { Observation } from '../../../electron/core/model.ts';
import { app, calm, observation } from './rows.ts';

const now = Date.now();
const day = 24 * 3600_000;
let folder: string;
let path: string;
let store: Store;
let troubles: (string | null)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-verdicts-'));
  path = join(folder, 'pinlight.db');
  troubles = [];
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(limits: Partial<StoreLimits> = {}): void {
  ({ store } = openStore(path, now, ({ message }) => troubles.push(message), { ...defaultLimits, ...limits }));
}
function run(sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}
function read<T>(sql: string): T[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).all() as T[];
  } finally {
    reader.close();
  }
}
const count = (table: string): number => read<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? -1;
const pair = (host: string, change: Partial<StoredPair> = {}): StoredPair => ({
  appId: 'a1', host, firstSeen: now, lastSeen: now, attempts: 1, due: false, renewable: false, verdict: { kind: 'inspectable', because: [] }, ...change,
});
function putPair(host: string, at: number, appId = 'a1'): void {
  store.putObservation({ appId, connection: at, observation: observation(at, { host }) });
  store.putPair(pair(host, { appId, lastSeen: at }));
}

describe('bounds, kept while rows are written', () => {
  test('of a pair the newest observations stay, by order of coming and not by a clock that was ahead', () => {
    open({ perPair: 4 });
    store.putObservation({ appId: 'a1', connection: 1, observation: observation(now + 365 * day) });
    for (let id = 2; id <= 10; id += 1) {
      store.putObservation({ appId: 'a1', connection: id, observation: observation(now + id) });
      if (id % 3 === 0) store.flush();
    }
    store.flush();
    expect(count('observations')).toBe(4);
    expect(store.loadObservations('a1', 'h.test').map(({ connection }) => connection)).toEqual([7, 8, 9, 10]);
  });
  test('of all pairs those that were seen last stay, and their observations with them', () => {
    open({ pairs: 1_000 });
    for (let i = 0; i < 3_000; i += 1) putPair(`h${i}.test`, now + i, `app${i % 7}`);
    store.flush();
    expect(count('pairs')).toBeLessThanOrEqual(1_000);
    expect(count('pairs')).toBeGreaterThan(990);
    expect(count('observations')).toBe(count('pairs'));
    expect(store.newestPairs(2).map(({ host }) => host)).toEqual(['h2999.test', 'h2998.test']);
    expect(store.loadPair('app0', 'h0.test')).toBeNull();
  });
  test('an app that is seen at ever more hosts loses its own', () => {
    open({ pairs: 1_000, pairsPerApp: 100 });
    for (let i = 0; i < 50; i += 1) putPair(`h${i}.test`, now + i, 'quiet');
    for (let i = 0; i < 5_000; i += 1) putPair(`h${i}.test`, now + 100 + i, 'loud');
    store.flush();
    expect(read("SELECT app_id, count(*) <= 100 AS few FROM pairs GROUP BY app_id ORDER BY app_id")).toEqual([{ app_id: 'loud', few: 1 }, { app_id: 'quiet', few: 1 }]);
    expect(store.loadPair('quiet', 'h0.test')).not.toBeNull();
  });
  test.each<[string, Partial<StoreLimits>, string, () => void]>([
    ['observations', { observations: 500, perPair: 3 }, 'observations', () => { for (let i = 0; i < 2_000; i += 1) store.putObservation({ appId: 'a1', connection: i, observation: observation(now, { host: `h${i}.test` }) }); }],
    ['apps', { apps: 500 }, 'apps', () => { for (let i = 0; i < 2_000; i += 1) store.putApp({ identity: { ...app, id: `app${i}` }, user: null, trust: null, lastSeen: now + i, inspected: 1, bypassed: 0, blocked: 0 }); }],
    ['audit rows', { audit: 500 }, 'audit', () => { for (let i = 0; i < 2_000; i += 1) store.audit(now, 'pass-through', { i }); }],
    ['issued leaves', { leaves: 500 }, 'issued_leaves', () => { for (let i = 0; i < 2_000; i += 1) store.putIssued({ sha256: `leaf${i}`, host: 'h.test', upstreamHash: 'x', upstreamResult: 'handshake-check', rule: null, at: now + i, notBefore: now, notAfter: now + day }); }],
    ['grants', { granted: 500 }, 'granted', () => { for (let i = 0; i < 2_000; i += 1) store.grant('a1', { host: 'h.test', kind: 'test', at: now + i }); }],
  ])('no more %s than the limit says', (_, limits, table, fill) => {
    open(limits);
    fill();
    expect(store.flush()).toBe(true);
    expect(count(table)).toBeLessThanOrEqual(500);
    expect(count(table)).toBeGreaterThan(490);
  });
  test('a store that grew too large under other limits is brought back by pruning', () => {
    open();
    for (let i = 0; i < 300; i += 1) putPair(`h${i}.test`, now - i);
    store.close();
    open({ pairs: 100 });
    expect(store.prune(now, defaultRetention)).toBeGreaterThan(0);
    expect(count('pairs')).toBeLessThanOrEqual(100);
  });
  test('pairs and grants older than the retention go by age', () => {
    open();
    putPair('old.test', now - 31 * day);
    store.grant('a1', { host: 'old.test', kind: 'pass-through', at: now - 31 * day });
    putPair('new.test', now);
    store.flush();
    store.prune(now, defaultRetention);
    expect(read('SELECT host FROM pairs')).toEqual([{ host: 'new.test' }]);
    expect(count('granted')).toBe(0);
  });
});

describe('what waits to be written', () => {
  test('is read as if it were there', () => {
    open();
    putPair('h.test', now);
    store.grant('a1', { host: 'h.test', kind: 'pass-through', at: now });
    store.putApp({ identity: app, user: null, trust: null, lastSeen: now, inspected: 1, bypassed: 0, blocked: 0 });
    expect(store.loadPair('a1', 'h.test')).toEqual(pair('h.test'));
    expect(store.loadApp('a1')).toMatchObject({ inspected: 1 });
    expect(store.loadGranted('a1', 0)).toEqual([{ host: 'h.test', kind: 'pass-through', at: now }]);
    expect(store.loadObservations('a1', 'h.test')).toHaveLength(1);
    expect(store.loadOutcomes('a1', 'refused', 5)).toHaveLength(1);
    expect(store.loadOutcomes('a1', 'established', 5)).toEqual([]);
  });
});

describe('rows of the version before', () => {
  /** As the first step made them, and no later one. */
  function oldFile(rows: string): void {
    run(`${migrations[0]}; PRAGMA user_version = 1; ${rows}`);
  }
  const { evidence: _evidence, circumstances: _circumstances, ...old } = observation(now - 5);
  const oldBody = JSON.stringify(old).replaceAll("'", "''");
  test('become pairs that are judged anew, with neutral circumstances and what was granted', () => {
    oldFile(`
      INSERT INTO observations (app_id, host, at, connection, body) VALUES ('a1', 'h.test', ${now - 5}, 1, '${oldBody}');
      INSERT INTO observations (app_id, host, at, connection, body) VALUES ('a1', 'h.test', ${now - 4}, 2, 'spoilt');
      INSERT INTO audit (at, kind, detail) VALUES (${now - 3}, 'pass-through', '{"app":"a1","host":"h.test"}'), (${now - 3}, 'pass-through', 'spoilt'), (${now - 3}, 'pass-through', '{}');
    `);
    open();
    expect(store.loadPair('a1', 'h.test')).toEqual({ appId: 'a1', host: 'h.test', firstSeen: now - 5, lastSeen: now - 4, attempts: 2, due: false, renewable: false, verdict: null });
    expect(store.loadObservations('a1', 'h.test')).toEqual([{ appId: 'a1', connection: 1, observation: {
      ...old, evidence: null, circumstances: { ...calm, rootAgeMs: Number.MAX_SAFE_INTEGER },
    } }]);
    expect(store.loadOutcomes('a1', 'refused', 5)).toHaveLength(1);
    expect(store.loadGranted('a1', 0)).toEqual([{ host: 'h.test', kind: 'pass-through', at: now - 3 }]);
  });
});

describe('spoilt rows', () => {
  const body = (change: Record<string, unknown>): string => JSON.stringify({ ...observation(now), ...change });
  test.each<[string, string]>([
    ['no JSON', '{'], ['null', 'null'], ['a list', '[]'], ['no host', body({ host: 1 })], ['no time', body({ at: 'x' })], ['no outcome', body({ outcome: undefined })],
    ['an outcome of no kind', body({ outcome: {} })], ['an outcome of the future', body({ outcome: { kind: 'teleported' } })],
    ['a refusal without sign', body({ outcome: { kind: 'refused' } })], ['a refusal with a sign of the future', body({ outcome: { kind: 'refused', sign: 'toString', alert: null } })],
    ['a pass-through that does not say how it went', body({ outcome: { kind: 'passed' } })],
  ])('an observation with %s is passed over', (_, text) => {
    open();
    store.putObservation({ appId: 'a1', connection: 1, observation: observation(now) });
    store.flush();
    run(`INSERT INTO observations (app_id, host, at, connection, kind, body) VALUES ('a1', 'h.test', 1, 2, 'refused', '${text}')`);
    expect(store.loadObservations('a1', 'h.test').map(({ connection }) => connection)).toEqual([1]);
    expect(store.loadOutcomes('a1', 'refused', 5)).toHaveLength(1);
  });
  test.each<[string, Record<string, unknown>, Partial<Observation>]>([
    ['a runtime of the future', { runtime: 'bun' }, { runtime: null }], ['a runtime that is a name of every object', { runtime: 'toString' }, { runtime: null }],
    ['a trust view of another shape', { trust: { store: 7 } }, { trust: null }], ['a trust view of the version before', { trust: { store: 's', holdsRoot: false, because: 'b' } }, { trust: { store: 's', holdsRoot: false, because: 'b', stale: false } }],
    ['evidence of another shape', { evidence: [1] }, { evidence: null }], ['circumstances that are no object', { circumstances: 'x' }, { circumstances: { ...calm, rootAgeMs: Number.MAX_SAFE_INTEGER } }],
    ['a disturbance without time', { circumstances: { ...calm, disturbance: { kind: 'network' } } }, { circumstances: calm }],
  ])('%s is read as nothing known', (_, change, expected) => {
    open();
    run(`INSERT INTO observations (app_id, host, at, connection, kind, body) VALUES ('a1', 'h.test', 1, 2, 'refused', '${body(change)}')`);
    expect(store.loadObservations('a1', 'h.test')[0]?.observation).toEqual({ ...observation(now), ...expected });
  });
  test.each(['', '{', 'null', '{"kind":"blessed","because":[]}', '{"kind":"toString","because":[]}', '{"kind":"pinned"}', '{"kind":"pinned","because":[null]}'])('a verdict that reads %j is none', (text) => {
    open();
    store.putPair(pair('h.test'));
    store.flush();
    run(`UPDATE pairs SET verdict = '${text}'`);
    expect(store.loadPair('a1', 'h.test')).toMatchObject({ verdict: null, attempts: 1 });
  });
});

describe('another program\'s hands on the file', () => {
  test('a table that vanished is told as trouble, and reading goes on without', () => {
    open();
    putPair('h.test', now);
    store.flush();
    run('DROP TABLE pairs');
    expect(store.loadPair('a1', 'h.test')).toBeNull();
    expect(store.newestPairs(5)).toEqual([]);
    expect(store.loadObservations('a1', 'h.test')).toHaveLength(1);
    expect(troubles[0]).toMatch(/pairs/);
  });
});
