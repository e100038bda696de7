// The `connections` table's columns, and a row of it as people see it. Loaded by the reading thread too, so it imports types only.
// Not for SQL (connection-table.ts, log-queries.ts).
import type { ConnectionOutcome, Disposition, Reason } from '../../core/model.ts';
import type { ConnectionRow } from '../../contract/snapshot.ts';

/** Every column, in the order of the table. */
export const connectionColumns = [
  'id', 'started_at', 'duration_ms', 'app_id', 'app_name', 'app_path', 'signer', 'package', 'pid', 'uid', 'user', 'host', 'domain', 'ip', 'port',
  'server_name', 'decided', 'disposition', 'reason', 'reason_detail', 'rule', 'outcome', 'sign', 'alert', 'outcome_detail', 'verdict',
  'tls', 'cipher', 'alpn', 'ja4', 'bytes_up', 'bytes_down', 'error',
] as const;

/** One value as SQLite holds it. */
export type Cell = string | number | null;
/** One row as SQLite holds it. */
export type StoredConnection = { readonly [column in (typeof connectionColumns)[number]]: Cell } & { readonly id: number };

/** The row as people see it. */
export function fromStored(row: StoredConnection): ConnectionRow {
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
