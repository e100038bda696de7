// Short words and lines about rows, apps and exclusions, shared by the commands. Long sentences come from core/explain.
// Not for layout (table.ts) or for writing (output.ts).
import { explainExclusion, explainOutcome, explainReason } from '../core/explain.ts';
import { alertName } from '../core/tls/alerts.ts';
import type { Disposition, Exclusion, Verdict } from '../core/model.ts';
import type { AppSummary, ConnectionRow } from '../contract/snapshot.ts';
import type { Cell, Tone } from './table.ts';

const past: Readonly<Record<Disposition, string>> = { inspect: 'inspected', bypass: 'bypassed', block: 'blocked' };
/** What is going to happen, behind "is". */
export const nextWords: Readonly<Record<Disposition, string>> = { inspect: 'inspected', bypass: 'let through', block: 'blocked' };
const verbs: Readonly<Record<Disposition, string>> = { inspect: 'Inspected', bypass: 'Bypassed', block: 'Blocked' };
const dispositionTones: Readonly<Record<Disposition, Tone>> = { inspect: 'good', bypass: 'warn', block: 'bad' };

/** `bypassed`, coloured where there is colour. */
export function dispositionCell(disposition: Disposition): Cell {
  return { text: past[disposition], tone: dispositionTones[disposition] };
}

/** The verdict in two or three words. */
export function verdictCell(verdict: Verdict): Cell {
  switch (verdict.kind) {
    case 'inspectable': return { text: 'inspectable', tone: 'good' };
    case 'pinned': return { text: verdict.confidence === 'confirmed' ? 'pinned' : 'pinned (likely)', tone: 'warn' };
    case 'private-trust-store': return { text: 'own trust store', tone: 'warn' };
    case 'client-certificate': return { text: 'client certificate', tone: 'warn' };
    case 'incompatible': return { text: 'incompatible', tone: 'warn' };
    case 'undetermined': return { text: 'undetermined', tone: 'dim' };
  }
}

/** What became of a connection, in at most three words. */
export function outcomeWords(row: ConnectionRow): string {
  const outcome = row.outcome;
  if (outcome === null) return row.durationMs === null ? 'open' : '-';
  switch (outcome.kind) {
    case 'refused': return outcome.sign === 'alert' ? `refused, ${outcome.alert === null ? 'alert' : alertName(outcome.alert)}` : 'refused, silent';
    case 'passed': return outcome.data ? 'passed, data' : 'passed, no data';
    case 'agent-fault': return `fault ${outcome.code}`;
    case 'upstream': return `server ${outcome.code}`;
    default: return outcome.kind;
  }
}

/** One connection in one line: `10:32:05 bypassed  Slack → edge.example:443  Bypassed: …`. */
export function connectionLine(row: ConnectionRow): string {
  const who = row.appName ?? 'unknown app';
  const start = `${clockTime(row.startedAt)}  ${who} → ${row.host}:${row.port}`;
  if (isUnreached(row)) return `${start}  Not connected: ${reasonWords(row)}.`;
  const outcome = row.outcome === null ? (row.durationMs === null ? 'Open.' : '') : explainOutcome(row.outcome);
  return `${start}  ${verbs[row.disposition]}: ${reasonWords(row)}. ${outcome}`.trimEnd();
}

/** Why, short enough for a table: without the sentence that the policy's author gave a rule. */
export function reasonWords({ reason, rule }: ConnectionRow): string {
  if (reason.code === 'control-experiment') return 'let through once, to see whether it works';
  return explainReason(reason.code === 'rule' ? { ...reason, detail: null } : reason, rule);
}

/** What was done with a connection; one whose server could not be reached was neither inspected nor let through. */
export function actionCell(row: ConnectionRow): Cell {
  return isUnreached(row) ? { text: 'not connected', tone: 'dim' } : dispositionCell(row.disposition);
}

function isUnreached(row: ConnectionRow): boolean {
  return row.outcome?.kind === 'upstream' && row.reason.code === 'upstream-failed';
}

/** Why something is excluded, in a few words: the reason of a learned one is a whole verdict, of which the kind is enough here. */
export function exclusionReason({ kind, verdict, reason }: Exclusion): string {
  return kind === 'learned' ? verdict ?? 'refuses inspection' : reason;
}

/** `curl at bank.example: pinned (learned, ends in 12 h)`. */
export function exclusionWords(exclusion: Exclusion, now: number): string {
  return explainExclusion({ ...exclusion, reason: exclusionReason(exclusion) }, now);
}

/** True when the app's next connection to at least one host will be let through. */
export function isLetThrough(app: AppSummary): boolean {
  return app.hosts.some((host) => host.next.disposition === 'bypass');
}

/** `2026-11-20 10:32:05` in local time; `at` in ms since the epoch. */
export function localTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
}

/** `10:32:05` in local time. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1 app`, `3 apps`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `512 B`, `3.4 kB`, `120 MB`. */
export function sizeWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
