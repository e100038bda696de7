// Connections as CSV (RFC 4180) and as newline JSON, harmless for what opens them: spreadsheets, terminals, web pages.
// Not for where they are written (cli/commands/log.ts, renderer/connections/export-log.ts).
import type { ConnectionRow } from './snapshot.ts';

export type ExportFormat = 'csv' | 'ndjson';

const columns: readonly (readonly [name: string, value: (row: ConnectionRow) => string | number | null])[] = [
  ['id', (row) => row.id], ['started', (row) => new Date(row.startedAt).toISOString()], ['duration_ms', (row) => row.durationMs],
  ['app', (row) => row.appName], ['path', (row) => row.appPath], ['package', (row) => row.package], ['pid', (row) => row.pid], ['user', (row) => row.user],
  ['host', (row) => row.host], ['port', (row) => row.port], ['ip', (row) => row.ip], ['sni', (row) => row.serverName],
  ['decided', (row) => row.decided], ['disposition', (row) => row.disposition], ['reason', (row) => row.reason.code], ['detail', (row) => row.reason.detail], ['rule', (row) => row.rule],
  ['outcome', (row) => row.outcome?.kind ?? null], ['sign', (row) => (row.outcome?.kind === 'refused' ? row.outcome.sign : null)],
  ['alert', (row) => (row.outcome?.kind === 'refused' || row.outcome?.kind === 'incompatible' ? row.outcome.alert : null)], ['error', (row) => row.error],
  ['tls', (row) => row.tlsVersion], ['cipher', (row) => row.cipher], ['alpn', (row) => row.alpn], ['ja4', (row) => row.ja4], ['up', (row) => row.bytesUp], ['down', (row) => row.bytesDown],
];

/** What stands before the first row: CSV's names of columns, nothing for newline JSON. */
export function exportHead(format: ExportFormat): string {
  return format === 'csv' ? `${columns.map(([name]) => name).join(',')}\r\n` : '';
}

/** One row with its line end. */
export function exportRow(format: ExportFormat, row: ConnectionRow): string {
  if (format === 'csv') return `${columns.map(([, value]) => cell(value(row))).join(',')}\r\n`;
  // JSON keeps every value as it is; what could move a terminal's cursor, turn the reading direction or begin markup is escaped.
  return `${JSON.stringify(row).replace(unsafeInJson, escapeUnits)}\n`;
}

// Controls, format characters (bidirectional marks among them), line separators, lone halves of a pair.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const unsafeInJson = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}<>&]/gu;

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // CSV has no escapes, so what cannot be seen is spelt out.
  const text = value.replace(invisible, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  // A spreadsheet runs what begins like a formula (OWASP, "CSV Injection"); with an apostrophe before it, it is text. Full-width forms count too.
  const shown = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/u.test(text) ? `'${text}` : text;
  return /[",;'\s]/u.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}
