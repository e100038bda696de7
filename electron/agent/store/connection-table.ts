// The `connections` table: one row a connection, written by id, read newest first through a parameterised condition.
// Not for batching (store.ts) and not for the filter language (core/log-query makes the condition).
import type Database from 'better-sqlite3';
import { getDomain } from 'tldts';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { connectionColumns, fromStored, type StoredConnection } from './stored-connection.ts';

export type ConnectionTable = {
  lastId(): number;
  put(pending: PendingConnection): void;
  setOutcome(id: number, outcome: string): void;
  /** Newest first; `where` comes from core/log-query with its parameters; `before`: only ids below it. */
  page(where: string, params: readonly (string | number)[], limit: number, before: number | null): ConnectionRow[];
};

export function createConnectionTable(database: Database.Database): ConnectionTable {
  const put = database.prepare(`INSERT OR REPLACE INTO connections (${connectionColumns.join(', ')}) VALUES (${connectionColumns.map(() => '?').join(', ')})`);
  const putApp = database.prepare('INSERT OR IGNORE INTO connection_apps (app_id, app_name, app_path) VALUES (?, ?, ?)');
  const setOutcome = database.prepare('UPDATE connections SET outcome = ?, sign = NULL, alert = NULL WHERE id = ?');
  return {
    lastId: () => (database.prepare('SELECT max(id) AS id FROM connections').get() as { id: number | null }).id ?? 0,
    put: (pending) => {
      const stored = toStored(pending);
      put.run(connectionColumns.map((column) => stored[column]));
      if (stored.app_id !== null) putApp.run(stored.app_id, stored.app_name ?? '', stored.app_path ?? '');
    },
    setOutcome: (id, outcome) => {
      setOutcome.run(outcome, id);
    },
    page: (where, params, limit, before) => {
      const sql = `SELECT * FROM connections WHERE (${where === '' ? '1' : where}) ${before === null ? '' : 'AND id < ?'} ORDER BY id DESC LIMIT ?`;
      const rows = database.prepare(sql).all(...params, ...(before === null ? [] : [before]), limit) as StoredConnection[];
      return rows.map(fromStored);
    },
  };
}

/** A row that waits to be written: what people see, and what only the log keeps. */
export type PendingConnection = { readonly row: ConnectionRow; readonly uid: number | null; readonly signer: string | null; readonly verdict: string | null };

function toStored({ row, ...extra }: PendingConnection): StoredConnection {
  const { outcome } = row;
  return {
    id: row.id, started_at: row.startedAt, duration_ms: row.durationMs, app_id: row.appId, app_name: row.appName, app_path: row.appPath,
    signer: extra.signer, package: row.package, pid: row.pid, uid: extra.uid, user: row.user, host: row.host, domain: getDomain(row.host, { allowPrivateDomains: false }), ip: row.ip,
    port: row.port, server_name: row.serverName, decided: row.decided, disposition: row.disposition, reason: row.reason.code,
    reason_detail: row.reason.detail, rule: row.rule, outcome: outcome?.kind ?? null,
    sign: outcome?.kind === 'refused' ? outcome.sign : null,
    alert: outcome?.kind === 'refused' || outcome?.kind === 'incompatible' ? outcome.alert : null,
    outcome_detail: outcome?.kind === 'passed' ? (outcome.data ? 'data' : 'no-data') : outcome?.kind === 'upstream' || outcome?.kind === 'agent-fault' ? outcome.code : null,
    verdict: extra.verdict, tls: row.tlsVersion, cipher: row.cipher, alpn: row.alpn, ja4: row.ja4,
    bytes_up: row.bytesUp, bytes_down: row.bytesDown, error: row.error,
  };
}
