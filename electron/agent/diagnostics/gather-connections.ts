// The connections of a bundle, page by page out of the log as it was at one moment, chosen by core/diagnostics/connection-choice. Nothing is
// kept: who needs all of them before the first (hidden names) reads twice. Not for redacting (bundle.ts) and not for SQL (log-source.ts).
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { createConnectionChooser, type ConnectionChoice } from '../../core/diagnostics/connection-choice.ts';
import type { Recording } from '../../core/diagnostics/manifest.ts';
import { pick } from './collectors.ts';

/** A log that does not change while it is read. */
export type ConnectionSource = {
  /** Newest first, ids below `before`, at most `limit` rows that fit the filter. */
  readonly page: (filter: string, before: number | null, limit: number) => readonly ConnectionRow[];
  readonly count: () => number;
};

export type ConnectionReading = {
  /** Newest first. Throws when not even the first page can be read. */
  readonly pages: () => Generator<readonly ConnectionRow[]>;
  /** The reading ended before it was through. */
  readonly isCut: () => boolean;
  /** What was taken, when the pages have come to their end. */
  readonly choice: () => ConnectionChoice;
};

/** `limitMs`: for the reading alone; what was found by then is taken. `isFull`: asked before each page. */
export type ReadingOptions = { readonly now: number; readonly recording: Recording | null; readonly limitMs: number; readonly isFull: () => boolean };

const pageRows = 100;

/** Reads once. */
export function readConnections(source: ConnectionSource, { now, recording, limitMs, isFull }: ReadingOptions): ConnectionReading {
  const chooser = createConnectionChooser(now, recording);
  let left = limitMs;
  let cut = false;
  const read = (filter: string, before: number | null): readonly ConnectionRow[] => {
    const begun = performance.now();
    try {
      return source.page(filter, before, pageRows);
    } catch (thrown) {
      if (before === null) throw thrown;
      cut = true;
      return [];
    } finally {
      left -= performance.now() - begun;
    }
  };
  return {
    pages: function* () {
      for (let before: number | null = null; ;) {
        const filter = chooser.takesAll() ? '' : chooser.filter();
        if (filter === null) return;
        cut ||= left < 0 || isFull();
        const rows: readonly ConnectionRow[] = cut ? [] : read(filter, before);
        const chosen = rows.filter((row) => chooser.choose(row) !== null).map((row) => pick(row, connectionFields));
        if (chosen.length > 0) yield chosen;
        const last = rows.at(-1);
        if (last === undefined || rows.length < pageRows) return;
        before = last.id;
      }
    },
    isCut: () => cut,
    choice: () => chooser.choice(countOf(source), cut),
  };
}

function countOf(source: ConnectionSource): number | null {
  try {
    return source.count();
  } catch {
    return null;
  }
}

/** The log knows more of a connection than a bundle may hold. */
const connectionFields = [
  'id', 'startedAt', 'durationMs', 'appId', 'appName', 'appPath', 'package', 'pid', 'user', 'host', 'port', 'ip', 'serverName', 'decided',
  'disposition', 'reason', 'rule', 'outcome', 'tlsVersion', 'cipher', 'alpn', 'ja4', 'bytesUp', 'bytesDown', 'error',
] as const satisfies readonly (keyof ConnectionRow)[];
