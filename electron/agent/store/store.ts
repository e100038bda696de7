// What Pinlight remembers: connections, observations, apps, exclusions, issued leaves, audit. Writes are batched off the connection's path.
// Not for judging anything, and no payload: there is no column that could hold one.
import type Database from 'better-sqlite3';
import { openDatabase } from './database.ts';
import { createConnectionTable, type ConnectionTable, type PendingConnection } from './connection-table.ts';
import type { AppIdentity, Exclusion, Observation, TrustView } from '../../core/model.ts';

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
export type StoredObservation = { readonly appId: string; readonly connection: number; readonly observation: Observation };
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
  putApp(app: StoredApp): void;
  putExclusion(exclusion: Exclusion): void;
  deleteExclusion(id: string): void;
  putIssued(row: IssuedRow): void;
  audit(at: number, kind: string, detail: Readonly<Record<string, unknown>>): void;
  loadApps(): StoredApp[];
  loadExclusions(): Exclusion[];
  /** Audit rows of one kind since a time, oldest first. */
  loadAudit(kind: string, since: number): { at: number; detail: Record<string, unknown> }[];
  /** Newest `perPair` observations of each app and host since a time, oldest first. */
  loadObservations(since: number, perPair: number): StoredObservation[];
  /** Writes what waits; answers false when the disk refused. */
  flush(): boolean;
  /** Applies the retention; answers how many rows went. */
  prune(now: number, retention: Retention): number;
  close(): void;
};

/** What the disk says: `message` null = writing works again. */
export type StoreTrouble = (trouble: { message: string | null; dropped: number }) => void;

/** Opens the store at `path`. Throws what openDatabase throws. */
export function openStore(path: string, now: number, onTrouble: StoreTrouble): { store: Store; quarantined: string | null } {
  const { database, quarantined } = openDatabase(path, now);
  return { store: createStore(database, onTrouble), quarantined };
}

function createStore(database: Database.Database, onTrouble: StoreTrouble): Store {
  const connections = createConnectionTable(database);
  const statement = {
    observation: database.prepare('INSERT INTO observations (app_id, host, at, connection, body) VALUES (?, ?, ?, ?, ?)'),
    reword: database.prepare('UPDATE observations SET body = ? WHERE connection = ?'),
    app: database.prepare(`INSERT OR REPLACE INTO apps (id, identity, user, trust, last_seen, inspected, bypassed, blocked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    exclusion: database.prepare('INSERT OR REPLACE INTO exclusions (id, kind, expires_at, body) VALUES (?, ?, ?, ?)'),
    deleteExclusion: database.prepare('DELETE FROM exclusions WHERE id = ?'),
    issued: database.prepare('INSERT OR REPLACE INTO issued_leaves (sha256, host, upstream_sha256, upstream_result, rule, at, not_before, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    audit: database.prepare('INSERT INTO audit (at, kind, detail) VALUES (?, ?, ?)'),
  };
  let nextId = connections.lastId() + 1;
  let rows = new Map<number, PendingConnection>();
  let rest: (() => void)[] = [];
  let kept: (() => void)[] = [];
  let apps = new Map<string, StoredApp>();
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
  });
  const flush = (): boolean => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (closed || (rows.size === 0 && rest.length === 0 && kept.length === 0 && apps.size === 0)) return true;
    try {
      writeAll();
      rows = new Map();
      rest = [];
      kept = [];
      apps = new Map();
      if (troubled) onTrouble({ message: null, dropped });
      troubled = false;
      return true;
    } catch (error) {
      shed();
      troubled = true;
      onTrouble({ message: (error as Error).message, dropped });
      return false;
    }
  };
  const shed = (): void => {
    for (const id of rows.keys()) {
      if (rows.size <= pendingLimit) break;
      rows.delete(id);
      dropped += 1;
    }
    dropped += Math.max(0, rest.length - pendingLimit) + Math.max(0, kept.length - pendingLimit);
    rest = rest.slice(-pendingLimit);
    kept = kept.slice(-pendingLimit);
  };
  const soon = (): void => {
    if (rows.size + rest.length + kept.length >= flushAfterRows && !troubled) flush();
    // While the disk refuses, every attempt costs time on the proxy's thread: try less often.
    else timer ??= setTimeout(flush, troubled ? flushAfterMs * 20 : flushAfterMs);
  };
  const later = (queue: (() => void)[], write: () => void): void => {
    queue.push(write);
    soon();
  };

  return {
    connections,
    nextConnectionId: () => nextId++,
    putConnection: (pending) => {
      rows.set(pending.row.id, pending);
      soon();
    },
    putObservation: ({ appId, connection, observation }) => later(rest, () => statement.observation.run(appId, observation.host, observation.at, connection, JSON.stringify(observation))),
    turnIntoUnused: (connection, observation) => {
      const waiting = rows.get(connection);
      if (waiting !== undefined) rows.set(connection, { ...waiting, row: { ...waiting.row, outcome: { kind: 'unused' } } });
      later(rest, () => {
        connections.setOutcome(connection, 'unused');
        statement.reword.run(JSON.stringify(observation), connection);
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
    loadApps: () => (database.prepare('SELECT * FROM apps ORDER BY last_seen DESC LIMIT 5000').all() as AppRow[]).flatMap((row) => {
      const identity = parsed<AppIdentity>(row.identity, ['id', 'name', 'path']);
      return identity === null ? [] : [{
        identity, user: row.user, trust: row.trust === null ? null : parsed<TrustView>(row.trust, ['store', 'because']),
        lastSeen: row.last_seen, inspected: row.inspected, bypassed: row.bypassed, blocked: row.blocked,
      }];
    }),
    loadAudit: (kind, since) => (database.prepare('SELECT at, detail FROM audit WHERE kind = ? AND at >= ? ORDER BY at').all(kind, since) as { at: number; detail: string }[])
      .flatMap((row) => {
        const detail = parsed<Record<string, unknown>>(row.detail, []);
        return detail === null ? [] : [{ at: row.at, detail }];
      }),
    loadExclusions: () => (database.prepare('SELECT body FROM exclusions').all() as { body: string }[])
      .flatMap((row) => parsed<Exclusion>(row.body, ['id', 'kind', 'host', 'reason']) ?? []),
    loadObservations: (since, perPair) => (database.prepare(`
      SELECT app_id, connection, body FROM (
        SELECT *, row_number() OVER (PARTITION BY app_id, host ORDER BY at DESC) AS newest FROM observations WHERE at >= ?
      ) WHERE newest <= ? ORDER BY at, id LIMIT 100000`).all(since, perPair) as { app_id: string; connection: number; body: string }[])
      .flatMap((row) => {
        const observation = parsed<Observation>(row.body, ['host', 'disposition']);
        return observation === null || typeof observation.outcome?.kind !== 'string' ? [] : [{ appId: row.app_id, connection: row.connection, observation }];
      }),
    flush,
    prune: (now, retention) => {
      try {
        return prune(database, now, retention);
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

/** The object in a JSON column that has these texts; null for anything else: one spoilt row must not keep the agent from starting. */
function parsed<T>(text: string, keys: readonly (keyof T)[]): T | null {
  try {
    const value = JSON.parse(text) as T | null;
    return typeof value === 'object' && value !== null && keys.every((key) => typeof value[key] === 'string') ? value : null;
  } catch {
    return null;
  }
}

/** By age, then by count, then by size: the oldest tenth of the connections goes until the file fits. */
function prune(database: Database.Database, now: number, retention: Retention): number {
  const before = now - retention.days * 24 * 3600_000;
  let gone = 0;
  for (const sql of [
    'DELETE FROM connections WHERE started_at < ?', 'DELETE FROM observations WHERE at < ?', 'DELETE FROM audit WHERE at < ?',
    'DELETE FROM issued_leaves WHERE not_after < ?', 'DELETE FROM apps WHERE last_seen < ?',
  ]) gone += database.prepare(sql).run(before).changes;
  const keepFrom = database.prepare('SELECT id FROM connections ORDER BY id DESC LIMIT 1 OFFSET ?').get(retention.connectionRows) as { id: number } | undefined;
  if (keepFrom !== undefined) gone += database.prepare('DELETE FROM connections WHERE id <= ?').run(keepFrom.id).changes;
  const used = (): number => {
    const pages = database.pragma('page_count', { simple: true }) as number;
    const free = database.pragma('freelist_count', { simple: true }) as number;
    return (pages - free) * (database.pragma('page_size', { simple: true }) as number);
  };
  for (let round = 0; round < 50 && used() > retention.bytes; round += 1) {
    const changes = database.prepare('DELETE FROM connections WHERE id IN (SELECT id FROM connections ORDER BY id LIMIT max(1, (SELECT count(*) / 10 FROM connections)))').run().changes;
    if (changes === 0) break;
    gone += changes;
  }
  if (gone > 0) database.pragma('wal_checkpoint(PASSIVE)');
  return gone;
}
