// What Pinlight remembers: connections, observations, apps, exclusions, issued leaves, audit. Writes are batched off the connection's path.
// Not for judging anything, and no payload: there is no column that could hold one.
import type Database from 'better-sqlite3';
import { openDatabase } from './database.ts';
import { createConnectionTable, type ConnectionTable, type PendingConnection } from './connection-table.ts';
import { parsed, readTrustView } from './stored-values.ts';
import { createVerdictTables, defaultLimits, pairKey, type Granted, type StoredObservation, type StoredPair, type StoreLimits, type VerdictTables } from './verdict-tables.ts';
import type { AppIdentity, Exclusion, Observation, TrustView } from '../../core/model.ts';

export type { Granted, StoredPair } from './verdict-tables.ts';

/** A batch is written after this time or this many rows: small enough to lose little, large enough to cost little. */
const flushAfterMs = 250;
const flushAfterRows = 500;
/** While the disk refuses, at most this many rows wait; the oldest are dropped and counted. */
const pendingLimit = 20_000;

export type Retention = { readonly days: number; readonly connectionRows: number; readonly bytes: number };
export const defaultRetention: Retention = { days: 30, connectionRows: 1_000_000, bytes: 512 * 1024 * 1024 };

export type StoredApp = {
  readonly identity: AppIdentity; readonly user: string | null; readonly trust: TrustView | null; readonly lastSeen: number;
  readonly inspected: number; readonly bypassed: number; readonly blocked: number;
};
export type IssuedRow = {
  readonly sha256: string; readonly host: string; readonly upstreamHash: string; readonly upstreamResult: string; readonly rule: string | null;
  readonly at: number; readonly notBefore: number; readonly notAfter: number;
};

type AppRow = {
  identity: string; user: string | null; trust: string | null; last_seen: number; inspected: number; bypassed: number; blocked: number;
};

export type Store = {
  readonly connections: ConnectionTable;
  nextConnectionId(): number;
  /** Latest state of a row; a later one with the same id replaces it. */
  putConnection(pending: PendingConnection): void;
  putObservation(row: StoredObservation): void;
  /** A refusal that late sibling data has explained becomes `unused`, in both tables. */
  turnIntoUnused(connection: number, observation: Observation): void;
  putPair(pair: StoredPair): void;
  putApp(app: StoredApp): void;
  /** A pass-through or a test that was granted to an app. */
  grant(appId: string, granted: Granted): void;
  putExclusion(exclusion: Exclusion): void;
  deleteExclusion(id: string): void;
  putIssued(row: IssuedRow): void;
  audit(at: number, kind: string, detail: Readonly<Record<string, unknown>>): void;
  /** Latest seen first. */
  loadApps(limit: number): StoredApp[];
  loadApp(id: string): StoredApp | null;
  loadPair(appId: string, host: string): StoredPair | null;
  /** Latest seen first. */
  newestPairs(limit: number): StoredPair[];
  /** Of one app at one host: the newest that are kept, oldest first. */
  loadObservations(appId: string, host: string): StoredObservation[];
  /** An app's newest observations of one outcome at any host, oldest first. */
  loadOutcomes(appId: string, kind: 'established' | 'refused', limit: number): Observation[];
  loadGranted(appId: string, since: number): Granted[];
  loadExclusions(): Exclusion[];
  /** Audit rows of one kind since a time, oldest first. */
  loadAudit(kind: string, since: number): { at: number; detail: Record<string, unknown> }[];
  /** The newest audit rows of every kind, oldest first. */
  newestAudit(limit: number): { at: number; kind: string; detail: Record<string, unknown> }[];
  /** Writes what waits; answers false when the disk refused. */
  flush(): boolean;
  /** Applies the retention; answers how many rows went. */
  prune(now: number, retention: Retention): number;
  close(): void;
};

/** What the disk says: `message` null = writing works again. */
export type StoreTrouble = (trouble: { message: string | null; dropped: number }) => void;

/** Opens the store at `path`. Throws what openDatabase throws. */
export function openStore(path: string, now: number, onTrouble: StoreTrouble, limits: StoreLimits = defaultLimits): { store: Store; quarantined: string | null } {
  const { database, quarantined } = openDatabase(path, now);
  return { store: createStore(database, onTrouble, limits), quarantined };
}

function createStore(database: Database.Database, onTrouble: StoreTrouble, limits: StoreLimits): Store {
  const connections = createConnectionTable(database);
  const verdicts = createVerdictTables(database, limits);
  const statement = {
    app: database.prepare(`INSERT OR REPLACE INTO apps (id, identity, user, trust, last_seen, inspected, bypassed, blocked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    exclusion: database.prepare('INSERT OR REPLACE INTO exclusions (id, kind, expires_at, body) VALUES (?, ?, ?, ?)'),
    deleteExclusion: database.prepare('DELETE FROM exclusions WHERE id = ?'),
    issued: database.prepare('INSERT OR REPLACE INTO issued_leaves (sha256, host, upstream_sha256, upstream_result, rule, at, not_before, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    audit: database.prepare('INSERT INTO audit (at, kind, detail) VALUES (?, ?, ?)'),
    loadApps: database.prepare('SELECT * FROM apps ORDER BY last_seen DESC LIMIT ?'),
    loadApp: database.prepare('SELECT * FROM apps WHERE id = ?'),
  };
  let nextId = connections.lastId() + 1;
  let rows = new Map<number, PendingConnection>();
  let rest: (() => void)[] = [];
  let kept: (() => void)[] = [];
  let apps = new Map<string, StoredApp>();
  let pairs = new Map<string, StoredPair>();
  /** Apps, and pairs, of which observations or grants wait: reading theirs writes first. */
  let unwritten = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let dropped = 0;
  let troubled = false;
  let closed = false;

  const writeAll = database.transaction((): void => {
    for (const pending of rows.values()) connections.put(pending);
    for (const write of rest) write();
    for (const write of kept) write();
    for (const app of apps.values()) {
      statement.app.run(app.identity.id, JSON.stringify(app.identity), app.user, JSON.stringify(app.trust), app.lastSeen, app.inspected, app.bypassed, app.blocked);
    }
    for (const pair of pairs.values()) verdicts.pair(pair);
    verdicts.settle();
  });
  const flush = (): boolean => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (closed || (rows.size === 0 && rest.length === 0 && kept.length === 0 && apps.size === 0 && pairs.size === 0)) return true;
    try {
      writeAll();
      rows = new Map();
      rest = [];
      kept = [];
      apps = new Map();
      pairs = new Map();
      unwritten = new Set();
      if (troubled) onTrouble({ message: null, dropped });
      troubled = false;
      return true;
    } catch (error) {
      verdicts.forgetCounts();
      shed();
      troubled = true;
      onTrouble({ message: (error as Error).message, dropped });
      return false;
    }
  };
  const shed = (): void => {
    for (const waiting of [rows, pairs, apps]) {
      for (const id of waiting.keys()) {
        if (waiting.size <= pendingLimit) break;
        (waiting as Map<unknown, unknown>).delete(id);
        dropped += 1;
      }
    }
    dropped += Math.max(0, rest.length - pendingLimit) + Math.max(0, kept.length - pendingLimit);
    rest = rest.slice(-pendingLimit);
    kept = kept.slice(-pendingLimit);
    if (unwritten.size > 2 * pendingLimit) unwritten = new Set();
  };
  const soon = (): void => {
    if (rows.size + rest.length + kept.length + pairs.size >= flushAfterRows && !troubled) flush();
    // While the disk refuses, every attempt costs time on the proxy's thread: try less often.
    else timer ??= setTimeout(flush, troubled ? flushAfterMs * 20 : flushAfterMs);
  };
  const later = (queue: (() => void)[], write: () => void): void => {
    queue.push(write);
    soon();
  };

  const writeFirst = (key: string): void => {
    if (!troubled && unwritten.has(key)) flush();
  };
  /** A read that fails (another program holds or has damaged the file) answers `otherwise`: memory does without, connections go on. */
  const reading = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (closed) throw error;
      troubled = true;
      onTrouble({ message: (error as Error).message, dropped });
      return otherwise;
    }
  };

  return {
    connections,
    nextConnectionId: () => nextId++,
    putConnection: (pending) => {
      rows.set(pending.row.id, pending);
      soon();
    },
    putObservation: (row) => {
      unwritten.add(pairKey(row.appId, row.observation.host)).add(row.appId);
      later(rest, () => verdicts.observation(row));
    },
    putPair: (pair) => {
      pairs.set(pairKey(pair.appId, pair.host), pair);
      soon();
    },
    grant: (appId, granted) => {
      unwritten.add(appId);
      later(kept, () => verdicts.grant(appId, granted));
    },
    turnIntoUnused: (connection, observation) => {
      const waiting = rows.get(connection);
      if (waiting !== undefined) rows.set(connection, { ...waiting, row: { ...waiting.row, outcome: { kind: 'unused' } } });
      later(rest, () => {
        connections.setOutcome(connection, 'unused');
        verdicts.reword(connection, observation);
      });
    },
    putApp: (app) => {
      apps.set(app.identity.id, app);
      soon();
    },
    // Exclusions, leaves and audit rows are few and must not be lost with observations that are shed: a queue of their own.
    putExclusion: (exclusion) => later(kept, () => statement.exclusion.run(exclusion.id, exclusion.kind, exclusion.expiresAt, JSON.stringify(exclusion))),
    deleteExclusion: (id) => later(kept, () => statement.deleteExclusion.run(id)),
    putIssued: (row) => later(kept, () => statement.issued.run(row.sha256, row.host, row.upstreamHash, row.upstreamResult, row.rule, row.at, row.notBefore, row.notAfter)),
    audit: (at, kind, detail) => later(kept, () => statement.audit.run(at, kind, JSON.stringify(detail))),
    loadApps: (limit) => (statement.loadApps.all(limit) as AppRow[]).flatMap((row) => storedApp(row) ?? []),
    loadApp: (id) => reading(() => {
      const waiting = apps.get(id);
      if (waiting !== undefined) return waiting;
      const row = statement.loadApp.get(id) as AppRow | undefined;
      return row === undefined ? null : storedApp(row);
    }, null),
    loadPair: (appId, host) => reading(() => pairs.get(pairKey(appId, host)) ?? verdicts.loadPair(appId, host), null),
    newestPairs: (limit) => reading(() => verdicts.newestPairs(limit), []),
    loadObservations: (appId, host) => reading(() => {
      writeFirst(pairKey(appId, host));
      return verdicts.loadObservations(appId, host);
    }, []),
    loadOutcomes: (appId, kind, limit) => reading(() => {
      writeFirst(appId);
      return verdicts.loadOutcomes(appId, kind, limit);
    }, []),
    loadGranted: (appId, since) => reading(() => {
      writeFirst(appId);
      return verdicts.loadGranted(appId, since);
    }, []),
    loadAudit: (kind, since) => (database.prepare('SELECT at, detail FROM audit WHERE kind = ? AND at >= ? ORDER BY at').all(kind, since) as { at: number; detail: string }[])
      .flatMap((row) => {
        const detail = parsed<Record<string, unknown>>(row.detail, []);
        return detail === null ? [] : [{ at: row.at, detail }];
      }),
    newestAudit: (limit) => readAudit(database, limit),
    loadExclusions: () => readExclusions(database),
    flush,
    prune: (now, retention) => {
      try {
        return prune(database, now, retention, verdicts);
      } catch (error) {
        // Deleting needs space too: a full disk must not end the agent.
        troubled = true;
        onTrouble({ message: (error as Error).message, dropped });
        return 0;
      }
    },
    close: () => {
      if (closed) return;
      flush();
      closed = true;
      if (timer !== null) clearTimeout(timer);
      database.close();
    },
  };
}

function storedApp(row: AppRow): StoredApp | null {
  const identity = parsed<AppIdentity>(row.identity, ['id', 'name', 'path']);
  return identity === null ? null : {
    identity, user: row.user, trust: row.trust === null ? null : readTrustView(parsed<TrustView>(row.trust, [])),
    lastSeen: row.last_seen, inspected: row.inspected, bypassed: row.bypassed, blocked: row.blocked,
  };
}

/** By age, then by count, then by size: the oldest tenth of the connections goes until the file fits. */
function prune(database: Database.Database, now: number, retention: Retention, verdicts: VerdictTables): number {
  const before = now - retention.days * 24 * 3600_000;
  let gone = 0;
  for (const sql of [
    'DELETE FROM connections WHERE started_at < ?', 'DELETE FROM observations WHERE at < ?', 'DELETE FROM audit WHERE at < ?',
    'DELETE FROM issued_leaves WHERE not_after < ?', 'DELETE FROM apps WHERE last_seen < ?', 'DELETE FROM pairs WHERE last_seen < ?',
    'DELETE FROM granted WHERE at < ?',
  ]) gone += database.prepare(sql).run(before).changes;
  verdicts.forgetCounts();
  gone += verdicts.settle();
  const keepFrom = database.prepare('SELECT id FROM connections ORDER BY id DESC LIMIT 1 OFFSET ?').get(retention.connectionRows) as { id: number } | undefined;
  if (keepFrom !== undefined) gone += database.prepare('DELETE FROM connections WHERE id <= ?').run(keepFrom.id).changes;
  // Apps go with their last connection, before the file is measured again: the names of many would cost everybody's connections.
  const dropNames = database.prepare('DELETE FROM connection_apps WHERE NOT EXISTS (SELECT 1 FROM connections WHERE app_id = connection_apps.app_id)');
  dropNames.run();
  const used = (): number => {
    const pages = database.pragma('page_count', { simple: true }) as number;
    const free = database.pragma('freelist_count', { simple: true }) as number;
    return (pages - free) * (database.pragma('page_size', { simple: true }) as number);
  };
  for (let round = 0; round < 50 && used() > retention.bytes; round += 1) {
    const changes = database.prepare('DELETE FROM connections WHERE id IN (SELECT id FROM connections ORDER BY id LIMIT max(1, (SELECT count(*) / 10 FROM connections)))').run().changes;
    if (changes === 0) break;
    gone += changes;
    dropNames.run();
  }
  if (gone > 0) database.pragma('wal_checkpoint(PASSIVE)');
  return gone;
}

/** Store.newestAudit of any database, a read-only one as well. */
export function readAudit(database: Database.Database, limit: number): ReturnType<Store['newestAudit']> {
  return (database.prepare('SELECT at, kind, detail FROM audit ORDER BY rowid DESC LIMIT ?').all(limit) as { at: number; kind: string; detail: string }[])
    .flatMap((row) => {
      const detail = parsed<Record<string, unknown>>(row.detail, []);
      return detail === null ? [] : [{ ...row, detail }];
    }).toReversed();
}

/** Store.loadExclusions of any database, a read-only one as well. */
export function readExclusions(database: Database.Database): Exclusion[] {
  return (database.prepare('SELECT body FROM exclusions').all() as { body: string }[])
    .flatMap((row) => parsed<Exclusion>(row.body, ['id', 'kind', 'host', 'reason']) ?? []);
}
