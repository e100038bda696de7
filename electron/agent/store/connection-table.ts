// The `connections` table: one row a connection, written by id, read newest first through a parameterised condition.
// Not for batching (store.ts) and not for the filter language (core/log-query makes the condition).
import type Database from 'better-sqlite3';
import { getDomain } from 'tldts';
import type { ConnectionOutcome, Disposition, Reason } from '../../core/model.ts';
import type { ConnectionRow } from '../../contract/snapshot.ts';

const columns = [
  'id', 'started_at', 'duration_ms', 'app_id', 'app_name', 'app_path', 'signer', 'package', 'pid', 'uid', 'user', 'host', 'domain', 'ip', 'port',
  'server_name', 'decided', 'disposition', 'reason', 'reason_detail', 'rule', 'outcome', 'sign', 'alert', 'outcome_detail', 'verdict',
  'tls', 'cipher', 'alpn', 'ja4', 'bytes_up', 'bytes_down', 'error',
] as const;

type Cell = string | number | null;
/** One row as SQLite holds it. */
type StoredConnection = { readonly [column in (typeof columns)[number]]: Cell } & { readonly id: number };

export type ConnectionTable = {
  lastId(): number;
  put(pending: PendingConnection): void;
  setOutcome(id: number, outcome: string): void;
  /** Newest first; `where` comes from core/log-query with its parameters; `before`: only ids below it. */
  page(where: string, params: readonly (string | number)[], limit: number, before: number | null): ConnectionRow[];
};

export function createConnectionTable(database: Database.Database): ConnectionTable {
  const put = database.prepare(`INSERT OR REPLACE INTO connections (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
  const setOutcome = database.prepare('UPDATE connections SET outcome = ?, sign = NULL, alert = NULL WHERE id = ?');
  return {
    lastId: () => (database.prepare('SELECT max(id) AS id FROM connections').get() as { id: number | null }).id ?? 0,
    put: (pending) => {
      const stored = toStored(pending);
      put.run(columns.map((column) => stored[column]));
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

function fromStored(row: StoredConnection): ConnectionRow {
  const text = (cell: Cell): string | null => (cell === null ? null : String(cell));
  return {
    id: row.id, startedAt: Number(row.started_at), durationMs: row.duration_ms === null ? null : Number(row.duration_ms),
    appId: text(row.app_id), appName: text(row.app_name), appPath: text(row.app_path), package: text(row.package),
    pid: row.pid === null ? null : Number(row.pid), user: text(row.user), host: String(row.host), port: Number(row.port), ip: text(row.ip),
    serverName: text(row.server_name), decided: row.decided as Disposition, disposition: row.disposition as Disposition,
    reason: { code: row.reason as Reason['code'], detail: text(row.reason_detail) }, rule: text(row.rule), outcome: outcomeOf(row),
    tlsVersion: text(row.tls), cipher: text(row.cipher), alpn: text(row.alpn), ja4: text(row.ja4),
    bytesUp: Number(row.bytes_up), bytesDown: Number(row.bytes_down), error: text(row.error),
  };
}

function outcomeOf(row: StoredConnection): ConnectionOutcome | null {
  const alert = row.alert === null ? null : Number(row.alert);
  switch (row.outcome) {
    case null: return null;
    case 'refused': return { kind: 'refused', sign: row.sign as 'alert' | 'silent-early' | 'silent-late', alert };
    case 'incompatible': return { kind: 'incompatible', alert: alert ?? 0 };
    case 'agent-fault': return { kind: 'agent-fault', code: String(row.outcome_detail) };
    case 'upstream': return { kind: 'upstream', code: String(row.outcome_detail) };
    case 'passed': return { kind: 'passed', data: row.outcome_detail === 'data' };
    default: return { kind: row.outcome as 'established' | 'unused' | 'abandoned' | 'relayed' | 'blocked' };
  }
}
