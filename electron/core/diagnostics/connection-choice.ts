// Which connections of a long log go into a bundle, and the words that say which those are.
// Not for reading them (agent/diagnostics/gather-connections) and not for the filter language (core/log-query).
import type { Recording } from './manifest.ts';
import type { ReportConnection } from './report-input.ts';

/** Why a connection is in a bundle; the first that fits counts. */
export type ConnectionKind = 'recorded' | 'failed' | 'rest';

/** What failed within a week is what people call about; of the rest, half a day of a busy laptop. Some 700 bytes a row. */
export const connectionLimits: Readonly<Record<ConnectionKind, number>> = { recorded: 20_000, failed: 20_000, rest: 2_500 };

const day = 24 * 3_600_000;
const failedMs = 7 * day;
/** An app is slower than a person's finger: this long before and after the marks belongs to a recording. */
export const recordingEdgeMs = 5_000;

/** `total`: rows in the log that the asker may see; null = could not be counted. `cut`: the reading ended before it was through. */
export type ConnectionChoice = { readonly taken: Readonly<Record<ConnectionKind, number>>; readonly total: number | null; readonly recording: boolean; readonly cut: boolean };

export type ConnectionChooser = {
  /** Counts the row as taken and says what for; null = it is left out. */
  choose(row: ReportConnection): ConnectionKind | null;
  /** True while every row is taken, newest first. */
  takesAll(): boolean;
  /** The rows beyond that which may still be wanted, in the filter language; null = none. A hint: `choose` decides. */
  filter(): string | null;
  choice(total: number | null, cut: boolean): ConnectionChoice;
};

/** `now` in ms since the epoch. Rows have to be offered newest first. */
export function createConnectionChooser(now: number, recording: Recording | null): ConnectionChooser {
  const taken = { recorded: 0, failed: 0, rest: 0 };
  const room = (kind: ConnectionKind): boolean => taken[kind] < connectionLimits[kind];
  const fits = (row: ReportConnection, kind: ConnectionKind): boolean => {
    if (kind === 'recorded') return isRecorded(row, recording);
    return kind === 'rest' || (row.startedAt >= now - failedMs && hasFailed(row));
  };
  return {
    choose: (row) => {
      const kind = (['recorded', 'failed', 'rest'] as const).find((one) => room(one) && fits(row, one)) ?? null;
      if (kind !== null) taken[kind] += 1;
      return kind;
    },
    takesAll: () => room('rest'),
    filter: () => {
      const spans = [
        ...(recording !== null && room('recorded') ? [{ from: recording.from - recordingEdgeMs, to: recording.to + recordingEdgeMs, what: '' }] : []),
        ...(room('failed') ? [{ from: now - failedMs, to: now + day, what: ` and (${failedFilter})` }] : []),
      ];
      if (spans.length === 0) return null;
      // The bound of the whole keeps a search from going through all that is older.
      return `time >= '${iso(Math.min(...spans.map(({ from }) => from)))}' and (${spans.map(({ from, to, what }) => `(time >= '${iso(from)}' and time <= '${iso(to)}'${what})`).join(' or ')})`;
    },
    choice: (total, cut) => ({ taken, total, recording: recording !== null, cut }),
  };
}

/** Refused, blocked, incompatible, our own fault, or the server's side failed. */
export function hasFailed({ outcome, disposition, reason }: ReportConnection): boolean {
  return disposition === 'block' || (outcome !== null && failedOutcomes.has(outcome.kind)) || failedReasons.has(reason.code);
}

const failedOutcomes: ReadonlySet<string> = new Set(['refused', 'incompatible', 'agent-fault', 'upstream']);
const failedReasons: ReadonlySet<string> = new Set(['upstream-invalid', 'upstream-failed']);
const failedFilter = ['disposition:block', ...[...failedOutcomes].map((kind) => `outcome:${kind}`), ...[...failedReasons].map((code) => `reason:${code}`)].join(' or ');

/** It began between the marks, or just outside. */
export function isRecorded({ startedAt }: { readonly startedAt: number }, recording: Recording | null): boolean {
  return recording !== null && startedAt >= recording.from - recordingEdgeMs && startedAt <= recording.to + recordingEdgeMs;
}

/** `12,400 of 1,000,000 connections: all 9,900 that failed in 7 days, the newest 2,500 of the rest`. */
export function choiceWords({ taken, total, recording, cut }: ConnectionChoice): string {
  const sum = taken.recorded + taken.failed + taken.rest;
  const late = cut ? '; older ones did not fit, or could not be read in time' : '';
  if (total !== null && sum >= total) return `all ${counted(sum)}${late}`;
  const whole = (kind: ConnectionKind): string => (taken[kind] < connectionLimits[kind] && !cut ? 'all' : 'the newest');
  const parts = [
    ...(recording ? [`${whole('recorded')} ${number(taken.recorded)} of the recording`] : []),
    `${whole('failed')} ${number(taken.failed)} that failed in 7 days`,
    `the newest ${number(taken.rest)} of the rest`,
  ];
  return `${number(sum)} of ${total === null ? 'an unknown number of connections' : counted(total)}: ${parts.join(', ')}${late}`;
}

/** What `choiceWords` said, for another language. `all`: of these kinds every row is there; `cut`: the reading ended before it was through. */
export type ChoiceTold = {
  readonly sum: number;
  readonly total: number | null;
  readonly parts: readonly { readonly kind: ConnectionKind; readonly number: number; readonly all: boolean }[];
  readonly cut: boolean;
};

/** Null for words that are not ours, as a bundle of another version may have. */
export function readChoice(words: string): ChoiceTold | null {
  const read = (text: string): number => Number(text.replaceAll(',', ''));
  const whole = /^all ([\d,]+) connections?(; older .*)?$/.exec(words);
  if (whole?.[1] !== undefined) return { sum: read(whole[1]), total: read(whole[1]), parts: [], cut: whole[2] !== undefined };
  const some = /^([\d,]+) of (?:([\d,]+) connections?|an unknown number of connections): ([^;]+)(; older .*)?$/.exec(words);
  if (some?.[1] === undefined || some[3] === undefined) return null;
  const parts = some[3].split(/, (?=all|the newest)/).flatMap((part) => {
    const [, much, many, which] = /^(all|the newest) ([\d,]+) (of the recording|that failed in 7 days|of the rest)$/.exec(part) ?? [];
    return many === undefined ? [] : [{ kind: which === 'of the recording' ? 'recorded' as const : which === 'of the rest' ? 'rest' as const : 'failed' as const, number: read(many), all: much === 'all' }];
  });
  return { sum: read(some[1]), total: some[2] === undefined ? null : read(some[2]), parts, cut: some[4] !== undefined };
}

function counted(many: number): string {
  return `${number(many)} ${many === 1 ? 'connection' : 'connections'}`;
}

function number(many: number): string {
  // Not toLocaleString: loading a locale costs the bundle's thread 3 MB.
  return String(many).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** To the second, as the language has it. */
function iso(at: number): string {
  return `${new Date(Math.max(0, at)).toISOString().slice(0, 19)}Z`;
}
