// What happened in which order: connections, exclusions, warnings and what was written down, as lines of one list.
// Not for judging (findings) and not for how it looks (report).
import { explainOutcome, explainReason } from '../explain.ts';
import { hasFailed, recordingEdgeMs } from './connection-choice.ts';
import type { VisibleWarning } from '../health/warnings.ts';
import type { Recording } from './manifest.ts';
import type { ReportAudit, ReportConnection } from './report-input.ts';

/** `at` in ms since the epoch; `mark`: the recording began or ended. */
export type TimelineEntry = { readonly at: number; readonly text: string; readonly kind: 'mark' | 'connection' | 'change' };

export type TimelineInput = {
  readonly createdAt: number;
  readonly recording: Recording | null;
  readonly note: string | null;
  readonly connections: readonly ReportConnection[] | null;
  readonly audit: readonly ReportAudit[] | null;
  readonly warnings: readonly VisibleWarning[] | null;
};

const hour = 3600_000;

/**
 * Oldest first. With a recording: everything between its marks (5 s before and after them, since an app is slower than a person's finger).
 * Without: the last hour, of its connections only those that went wrong.
 */
export function timelineOf({ createdAt, recording, note, connections, audit, warnings }: TimelineInput): TimelineEntry[] {
  const { from, to } = spanOf(createdAt, recording);
  const within = (at: number): boolean => at >= from && at <= to;
  const entries: TimelineEntry[] = [
    ...(connections ?? []).filter((row) => isInTimeline(row, createdAt, recording)).map((row) => ({ at: row.startedAt, text: connectionWords(row), kind: 'connection' as const })),
    ...(audit ?? []).filter(({ at }) => within(at)).map((row) => ({ at: row.at, text: auditWords(row), kind: 'change' as const })),
    ...(warnings ?? []).filter(({ since }) => within(since)).map((warning) => ({ at: warning.since, text: `${warning.title}.`, kind: 'change' as const })),
  ];
  if (recording !== null) {
    entries.push(
      { at: recording.from, text: `Recording began${note === null ? '.' : `: ${note}`}`, kind: 'mark' },
      { at: recording.to, text: 'Recording ended.', kind: 'mark' },
    );
  }
  return entries.sort((a, b) => a.at - b.at);
}

/** Of a connection: it belongs there. */
export function isInTimeline(row: ReportConnection, createdAt: number, recording: Recording | null): boolean {
  const { from, to } = spanOf(createdAt, recording);
  return row.startedAt >= from && row.startedAt <= to && (recording !== null || hasFailed(row));
}

function spanOf(createdAt: number, recording: Recording | null): Recording {
  return recording === null ? { from: createdAt - hour, to: createdAt } : { from: recording.from - recordingEdgeMs, to: recording.to + recordingEdgeMs };
}

function connectionWords(row: ReportConnection): string {
  const done = { inspect: 'inspected', bypass: 'let through', block: 'blocked' }[row.disposition];
  return `${row.appName ?? 'Unknown app'} at ${row.host}:${row.port}: ${done}, ${explainReason(row.reason.code === 'rule' ? { ...row.reason, detail: null } : row.reason, row.rule)}. `
    + (row.outcome === null ? 'Still open.' : explainOutcome(row.outcome));
}

/** `exclusion-added` with its app and host, without knowing every kind there is. */
function auditWords({ kind, detail }: ReportAudit): string {
  const words = ['name', 'appName', 'host', 'reason', 'why', 'minutes', 'file'].flatMap((key) => {
    const value = detail[key];
    return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
  });
  const name = kind.replaceAll('-', ' ');
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}${words.length === 0 ? '' : `: ${[...new Set(words)].join(', ')}`}.`;
}
