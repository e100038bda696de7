// The store on a real disk: shape, batches, readers beside it, retention, damage, a newer format, a full disk.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { migrations } from '../../../electron/agent/store/migrations.ts';
import { defaultRetention, openStore, type Store } from '../../../electron/agent/store/store.ts';
import { findCommand } from '../../support/find-command.ts';
import { app, exclusion, observation, row } from './rows.ts';

const run = promisify(execFile);
const now = Date.now();
const day = 24 * 3600_000;
let folder: string;
let path: string;
let opened: Store[];
let troubles: { message: string | null; dropped: number }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-store-'));
  path = join(folder, 'pinlight.db');
  opened = [];
  troubles = [];
});
afterEach(() => {
  for (const store of opened) store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): { store: Store; quarantined: string | null } {
  const result = openStore(path, now, (trouble) => troubles.push(trouble));
  opened.push(result.store);
  return result;
}
function read<T>(sql: string): T[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).all() as T[];
  } finally {
    reader.close();
  }
}
const ids = (): number[] => read<{ id: number }>('SELECT id FROM connections ORDER BY id').map(({ id }) => id);
/** A database with something in every table, closed. */
function fill(): void {
  const { store } = open();
  for (let id = 1; id <= 300; id += 1) store.putConnection(row(id, now - id));
  for (let id = 1; id <= 50; id += 1) store.putObservation({ appId: 'a1', connection: id, observation: observation(now - id) });
  store.putApp({ identity: app, user: 'root', trust: null, lastSeen: now, inspected: 1, bypassed: 2, blocked: 3 });
  store.putExclusion(exclusion('e1'));
  store.putIssued({ sha256: 'ab', host: 'h.test', upstreamHash: 'cd', upstreamResult: 'verified', rule: null, at: now, notBefore: now, notAfter: now + day });
  store.audit(now, 'pass-through', { app: 'a1', host: 'h.test' });
  store.close();
}

/** Damage: bytes at an offset of the closed file; a statement run on it. */
const at = (offset: number, bytes: number[] | Buffer) => (): void => {
  const file = readFileSync(path);
  Buffer.from(bytes).copy(file, offset);
  writeFileSync(path, file);
};
const sql = (statement: string) => (): void => {
  const change = new Database(path);
  change.unsafeMode(true);
  change.exec(statement);
  change.close();
};
/** Turns one bit so that SQLite finds every page sound by itself, and the index at odds with its table. */
function oneBitOfAnIndex(): void {
  const file = readFileSync(path);
  for (let offset = 0; (offset = file.indexOf(app.id, offset) + 1) > 0;) {
    at(offset, [(file[offset] ?? 0) ^ 1])();
    const [pages, indexes] = ['quick_check', 'integrity_check'].map((check) => Object.values(read<object>(`PRAGMA ${check}`)[0] ?? {})[0] as string);
    if (pages === 'ok' && indexes !== 'ok') return;
    writeFileSync(path, file);
  }
  throw new Error('no such bit');
}

describe('the file', () => {
  test('a new one has the newest format, WAL, and is readable for its owner only', () => {
    open();
    expect(read<{ user_version: number }>('PRAGMA user_version')[0]?.user_version).toBe(migrations.length);
    for (const name of readdirSync(folder)) expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readdirSync(folder)).toContain('pinlight.db-wal');
  });
  test('everything is there again after a restart', () => {
    fill();
    const { store, quarantined } = open();
    expect(quarantined).toBeNull();
    expect(store.nextConnectionId()).toBe(301);
    expect(store.loadApps(5_000)).toMatchObject([{ identity: app, user: 'root', inspected: 1, bypassed: 2, blocked: 3 }]);
    expect(store.loadExclusions()).toEqual([exclusion('e1')]);
    expect(store.loadObservations('a1', 'h.test').map(({ connection }) => connection)).toEqual(Array.from({ length: 16 }, (_, i) => 35 + i));
    expect(store.loadAudit('pass-through', now - 1)).toEqual([{ at: now, detail: { app: 'a1', host: 'h.test' } }]);
    expect(store.connections.page('', [], 1, null)[0]).toMatchObject({ id: 300, host: 'h300.pinlight.test', outcome: { kind: 'refused', sign: 'alert', alert: 48 } });
  });
  test('a format from the future is refused in words and left as it is', () => {
    fill();
    const change = new Database(path);
    change.pragma(`user_version = ${migrations.length + 1}`);
    change.close();
    const before = readFileSync(path);
    expect(() => open()).toThrow(/newer Pinlight/);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('damaged'))).toEqual([]);
  });
});

describe('batches', () => {
  test('rows are written by themselves soon after they come', async () => {
    open().store.putConnection(row(1, now));
    await vi.waitFor(() => expect(ids()).toEqual([1]), { timeout: 5_000 });
  });
  test('500 rows are written at once, without waiting', () => {
    const { store } = open();
    for (let id = 1; id <= 500; id += 1) store.putConnection(row(id, now));
    expect(ids()).toHaveLength(500);
  });
  test('a later state of a row replaces the earlier one, in a batch and across batches', () => {
    const { store } = open();
    store.putConnection(row(1, now, { host: 'first.test' }));
    store.putConnection(row(1, now, { host: 'second.test' }));
    expect(store.flush()).toBe(true);
    store.putConnection(row(1, now, { host: 'third.test' }));
    store.flush();
    expect(read<{ host: string }>('SELECT host FROM connections')).toEqual([{ host: 'third.test' }]);
  });
  test.each([['still waiting', false], ['already written', true]])('a refusal that is %s becomes unused in both tables', (_, written) => {
    const { store } = open();
    store.putConnection(row(1, now));
    store.putObservation({ appId: 'a1', connection: 1, observation: observation(now) });
    if (written) store.flush();
    store.turnIntoUnused(1, { ...observation(now), outcome: { kind: 'unused' } });
    store.flush();
    expect(read('SELECT outcome, sign, alert FROM connections')).toEqual([{ outcome: 'unused', sign: null, alert: null }]);
    expect(store.loadObservations('a1', 'h.test')[0]?.observation.outcome).toEqual({ kind: 'unused' });
  });
  test('close writes what waits, and a second close does nothing', () => {
    const { store } = open();
    store.putConnection(row(1, now));
    store.close();
    store.close();
    expect(ids()).toEqual([1]);
  });
});

describe('readers beside the agent', () => {
  test('a second process reads throughout 20,000 rows of writing and holds up neither side', { timeout: 60_000 }, async () => {
    const { store } = open();
    store.putConnection(row(1, now));
    store.flush();
    const script = fileURLToPath(new URL('reader.ts', import.meta.url));
    const reading = run(process.execPath, [script, path]);
    let slowest = 0;
    for (let id = 2; id <= 20_000; id += 1) {
      store.putConnection(row(id, now));
      if (id % 500 === 0) {
        const from = performance.now();
        expect(store.flush()).toBe(true);
        slowest = Math.max(slowest, performance.now() - from);
        await new Promise((done) => { setImmediate(done); });
      }
    }
    store.flush();
    writeFileSync(`${path}.stop`, '');
    const seen = JSON.parse((await reading).stdout) as { reads: number; errors: string[]; last: number };
    expect(seen.errors).toEqual([]);
    expect(seen.reads).toBeGreaterThan(3);
    expect(seen.last).toBe(20_000);
    expect(troubles).toEqual([]);
    expect(slowest).toBeLessThan(2_000);
  });
  test('the sqlite3 program reads while the agent has it open', (context) => {
    if (findCommand('sqlite3') === null) {
      console.log('skipped: sqlite3 is not installed');
      return context.skip();
    }
    const { store } = open();
    store.putConnection(row(1, now));
    store.flush();
    expect(execFileSync('sqlite3', ['-readonly', path, 'SELECT host FROM connections'], { encoding: 'utf8' }).trim()).toBe('h1.pinlight.test');
    store.putConnection(row(2, now));
    expect(store.flush()).toBe(true);
  });
});

describe('retention', () => {
  test('what is older than the days goes from every table, what is younger stays', () => {
    fill();
    const { store } = open();
    for (let id = 1_001; id <= 1_010; id += 1) store.putConnection(row(id, now - 31 * day));
    store.putObservation({ appId: 'a1', connection: 1, observation: observation(now - 31 * day) });
    store.audit(now - 31 * day, 'old', {});
    store.putIssued({ sha256: 'old', host: 'h', upstreamHash: 'x', upstreamResult: 'verified', rule: null, at: now - 40 * day, notBefore: now - 40 * day, notAfter: now - 33 * day });
    store.flush();
    expect(store.prune(now, defaultRetention)).toBe(13);
    expect(ids()).toHaveLength(300);
    expect(store.loadExclusions()).toHaveLength(1);
    expect(read<{ sha256: string }>('SELECT sha256 FROM issued_leaves')).toEqual([{ sha256: 'ab' }]);
  });
  test('the newest rows stay when there are too many', () => {
    fill();
    const { store } = open();
    expect(store.prune(now, { ...defaultRetention, connectionRows: 100 })).toBe(200);
    expect(ids()).toEqual(Array.from({ length: 100 }, (_, i) => 201 + i));
    expect(store.prune(now, { ...defaultRetention, connectionRows: 100 })).toBe(0);
  });
  test('a file that is too large loses its oldest rows until it fits', () => {
    const { store } = open();
    for (let id = 1; id <= 5_000; id += 1) store.putConnection(row(id, now, { error: 'x'.repeat(200) }));
    store.flush();
    const bytes = 1_000_000;
    expect(store.prune(now, { ...defaultRetention, bytes })).toBeGreaterThan(0);
    const [left] = read<{ least: number; most: number; number: number }>('SELECT min(id) AS least, max(id) AS most, count(*) AS number FROM connections');
    expect(left?.most).toBe(5_000);
    expect(left?.least).toBe(5_000 - (left?.number ?? 0) + 1);
    store.flush();
    expect(store.prune(now, { ...defaultRetention, bytes })).toBe(0);
  });
  test('the oldest leaves and audit rows go beyond what is kept of them, from a file of an earlier version as well, and nobody\'s connections', () => {
    fill();
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
      INSERT INTO issued_leaves SELECT 'leaf' || i, 'h', 'x', 'handshake-check', NULL, ${now}, ${now}, ${now + day} FROM n`)();
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO audit (at, kind, detail) SELECT ${now}, 'pause-refused', i FROM n`)();
    const { store } = open();
    expect(store.prune(now, { ...defaultRetention, bytes: 24 * 1024 * 1024 })).toBe(30_002);
    expect(read('SELECT count(*) AS number, max(sha256 = \'leaf120000\') AS newest FROM issued_leaves')).toEqual([{ number: 100_000, newest: 1 }]);
    expect(read('SELECT count(*) AS number, max(detail = \'60000\') AS newest FROM audit')).toEqual([{ number: 50_000, newest: 1 }]);
    expect(ids()).toHaveLength(300);
  });
  test('the names of many apps are given up with their connections, not in place of everybody\'s', () => {
    const { store } = open();
    for (let id = 1; id <= 5_000; id += 1) {
      const program = `/${String(id).padStart(900, 'x')}`;
      store.putConnection(row(id, now, id % 2 === 0 ? {} : { appId: program, appPath: program }));
    }
    store.flush();
    store.prune(now, { ...defaultRetention, bytes: 5_000_000 });
    expect(ids().length).toBeGreaterThan(500);
    const [names] = read<{ number: number }>('SELECT count(*) AS number FROM connection_apps');
    expect(names?.number).toBeLessThanOrEqual(ids().length / 2 + 1);
  });
});

describe('damage', () => {
  test.each<[string, () => void]>([
    ['text instead of a database', () => writeFileSync(path, 'this is no database, but long enough to be read as one'.repeat(50))],
    ['the magic overwritten', at(0, Buffer.from('XXXX'))],
    ['the page size overwritten', at(16, [0x33, 0x33])],
    ['a read format of the future', at(19, [9])],
    ['the first page full of zeros behind the header', at(100, Buffer.alloc(3_000))],
    ['the schema page full of noise', at(100, Buffer.alloc(3_900, 0xa5))],
    ['every page but the first full of noise', () => { const file = readFileSync(path); file.fill(0x5a, 4_096); writeFileSync(path, file); }],
    ['a page in the middle full of zeros', () => { const file = readFileSync(path); file.fill(0, 8 * 4_096, 10 * 4_096); writeFileSync(path, file); }],
    ['the second half cut off', () => truncateSync(path, Math.floor(statSync(path).size / 2 / 4_096) * 4_096)],
    ['cut off within a page', () => truncateSync(path, 4_096 * 3 + 700)],
    ['cut down to 100 bytes', () => truncateSync(path, 100)],
    ['the format number set to zero', at(60, [0, 0, 0, 0])],
    ['one bit of an index, of which its pages know nothing', oneBitOfAnIndex],
    ['a table gone', sql('DROP TABLE exclusions')],
    ['a column gone', sql('ALTER TABLE apps DROP COLUMN trust')],
    ['another program\'s database of the same format number', () => { rmSync(path); sql('PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT); PRAGMA user_version = 1')(); }],
  ])('%s: set aside, begun anew, nothing deleted', (_, spoil) => {
    fill();
    spoil();
    const spoilt = readFileSync(path);
    const { store, quarantined } = open();
    expect(quarantined).not.toBeNull();
    expect(readFileSync(quarantined as string).equals(spoilt)).toBe(true);
    store.putConnection(row(1, now));
    expect(store.flush()).toBe(true);
    expect(ids()).toEqual([1]);
    expect(store.loadApps(5_000)).toEqual([]);
  });
  test('a damaged WAL costs the rows in it and nothing else', () => {
    fill();
    writeFileSync(`${path}-wal`, Buffer.alloc(40_000, 0x77));
    const { store, quarantined } = open();
    expect(quarantined).toBeNull();
    expect(store.nextConnectionId()).toBe(301);
  });
  test.each<[string, string]>([
    ['an app that is no JSON', "INSERT OR REPLACE INTO apps VALUES ('x', '{\"id\":', NULL, NULL, 1, 1, 1, 1)"],
    ['an app that is null', "INSERT OR REPLACE INTO apps VALUES ('x', 'null', NULL, NULL, 1, 1, 1, 1)"],
    ['a trust view that is no JSON', "UPDATE apps SET trust = '}'"],
    ['an exclusion that is no JSON', "INSERT INTO exclusions VALUES ('x', 'user', NULL, 'garbage')"],
    ['an exclusion without host', "INSERT INTO exclusions VALUES ('x', 'user', NULL, '{\"id\":\"x\"}')"],
    ['an observation that is no JSON', `INSERT INTO observations (app_id, host, at, connection, body) VALUES ('a1', 'h', ${now}, 1, '{')`],
    ['an audit row that is no JSON', `INSERT INTO audit (at, kind, detail) VALUES (${now}, 'pass-through', 'x')`],
  ])('one row of %s is passed over, the others count', (_, statement) => {
    fill();
    sql(statement)();
    const { store, quarantined } = open();
    expect(quarantined).toBeNull();
    expect(store.loadApps(5_000).length).toBeLessThanOrEqual(1);
    expect(store.loadExclusions()).toEqual([exclusion('e1')]);
    expect(store.loadObservations('a1', 'h.test')).toHaveLength(16);
    expect(store.loadAudit('pass-through', 0)).toEqual([{ at: now, detail: { app: 'a1', host: 'h.test' } }]);
  });
  test('200 single mutations anywhere in the file: each start gets a store that writes, or a sentence', { timeout: 60_000 }, () => {
    fill();
    const whole = readFileSync(path);
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 200; round += 1) {
      const file = Buffer.from(whole);
      const offset = round < 60 ? random(100) : random(file.length);
      for (let i = 0; i < 1 + random(64); i += 1) file[(offset + i) % file.length] = random(256);
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      writeFileSync(path, file);
      try {
        const { store } = openStore(path, now, () => undefined);
        try {
          store.loadApps(5_000);
          store.loadExclusions();
          store.loadObservations('a1', 'h.test');
          store.newestPairs(100);
          store.loadOutcomes('a1', 'refused', 10);
          store.loadGranted('a1', 0);
          store.loadAudit('pass-through', 0);
          store.putConnection(row(store.nextConnectionId(), now));
          expect([round, store.flush()]).toEqual([round, true]);
        } finally {
          store.close();
        }
      } catch (error) {
        // Only a format number from the future may stop a start.
        expect([round, (error as Error).message]).toEqual([round, expect.stringContaining('newer Pinlight')]);
      }
    }
  });
});

describe('a full disk', () => {
  test('rows are dropped and counted, nothing throws, and writing resumes when there is space', { timeout: 60_000 }, (context) => {
    const probe = spawnSync('unshare', ['-m', 'true']);
    if (process.getuid?.() !== 0 || probe.status !== 0) {
      console.log('skipped: a small file system needs root and unshare');
      return context.skip();
    }
    const script = fileURLToPath(new URL('full-disk.ts', import.meta.url));
    const result = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=48m none "$1" && exec "$2" "$3" "$1"', 'sh', folder, process.execPath, script], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    const seen = JSON.parse(result.stdout) as { refused: boolean; messages: (string | null)[]; dropped: number; pruned: string; recovered: boolean; newest: number; exclusions: number };
    expect(seen.refused).toBe(true);
    expect(seen.messages[0]).toMatch(/full/);
    expect(seen.dropped).toBeGreaterThan(0);
    expect(seen.pruned).toBe('number');
    expect(seen.recovered).toBe(true);
    expect(seen.messages.at(-1)).toBeNull();
    expect(seen.newest).toBe(60_000);
    expect(seen.exclusions).toBe(1);
  });
});
