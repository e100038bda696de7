// Filters in the reading thread, and what an insert costs with today's indexes and with those before.
import Database from 'better-sqlite3';
import { openLogReader } from '../../electron/agent/store/log-reader.ts';
import { migrations } from '../../electron/agent/store/migrations.ts';
import { connectionColumns } from '../../electron/agent/store/stored-connection.ts';
import { benchRow, createDice } from './log-store.ts';

export type FilterFigure = { readonly filter: string; readonly usual: boolean; readonly p50: number; readonly p95: number; readonly found: number };

/** What people type: Palo Alto's queries, the window's chips, names frequent, rare and absent, spans of time. */
const usual = (now: number): readonly string[] => [
  '', 'disposition:bypass', 'disposition:block', 'outcome:refused', 'disposition:bypass since:7d', 'verdict:pinned since:7d', 'app contains slack and not host contains edge',
  'alert:46 or sign:silent-late', "(error contains 'UnknownCA')", "(error contains 'BadCertificate')", "(app eq 'curl') and (action neq 'bypass')",
  `( time_generated geq '${day(now - 86_400_000)} 00:00:00' )`, `( time_generated leq '${day(now - 20 * 86_400_000)} 00:00:00' )`, 'slack', 'api-3999', 'no-such-name', 'app contains no-such-app',
  'app:program-149', 'app == program-149 since:1d', 'host == api-3999.site-399.example', 'host contains api-39', 'domain == site-12.example', 'id == 17',
  `time:${day(now - 24 * 86_400_000).replaceAll('/', '-')} host contains api-1`, 'user == grace outcome:refused', 'sign:silent-late', 'bytes > 39M', 'addr.dst in 192.0.77.0/24',
];
/** Values that occur nowhere in columns without an index. */
const exhausting: readonly string[] = ['reason:must-inspect', 'alpn == spdy', 'not (disposition:inspect or disposition:bypass or disposition:block)'];

/** Each filter 20 times, the first page of 200 rows, asked as the control API asks; ms from asking to the answer. */
export async function measureFilters(path: string, now: number): Promise<FilterFigure[]> {
  const reader = openLogReader({ path, now: () => now, flush: () => undefined });
  try {
    const figures: FilterFigure[] = [];
    for (const [filter, isUsual] of [...usual(now).map((one) => [one, true] as const), ...exhausting.map((one) => [one, false] as const)]) {
      const times: number[] = [];
      let found = 0;
      for (let round = 0; round < 21; round += 1) {
        const begun = performance.now();
        found = (await reader.page({ filter, limit: 200, before: null, after: null })).rows.length;
        // The first one starts the thread or reads the file from disk.
        if (round > 0) times.push(performance.now() - begun);
      }
      times.sort((a, b) => a - b);
      figures.push({ filter, usual: isUsual, p50: times[9] ?? 0, p95: times[18] ?? 0, found });
    }
    return figures;
  } finally {
    await reader.close();
  }
}

/** µs a row, in batches as the store writes them: now, and with the indexes that the last migration dropped. Changes the database. */
export function measureInserts(path: string, now: number): { readonly now: number; readonly before: number } {
  const database = new Database(path);
  try {
    database.pragma('synchronous = NORMAL');
    const insert = database.prepare(`INSERT OR REPLACE INTO connections (${connectionColumns.join(', ')}) VALUES (${connectionColumns.map(() => '?').join(', ')})`);
    const name = database.prepare('INSERT OR IGNORE INTO connection_apps (app_id, app_name, app_path) VALUES (?, ?, ?)');
    const dice = createDice(11);
    let id = database.prepare('SELECT max(id) FROM connections').pluck().get() as number;
    const run = (named: boolean): number => {
      const rows = Array.from({ length: batches * batch }, () => benchRow((id += 1), now, dice));
      const begun = performance.now();
      for (let first = 0; first < rows.length; first += batch) {
        database.transaction(() => {
          for (const row of rows.slice(first, first + batch)) {
            insert.run(connectionColumns.map((column) => row[column] ?? null));
            if (named) name.run(row['app_id'], row['app_name'], row['app_path']);
          }
        })();
      }
      return ((performance.now() - begun) * 1000) / rows.length;
    };
    const present = run(true);
    for (const statement of droppedIndexes()) database.exec(statement);
    return { now: present, before: run(false) };
  } finally {
    database.close();
  }
}

const batch = 500;
const batches = 40;

function droppedIndexes(): string[] {
  const dropped = [...(migrations.join('\n')).matchAll(/DROP INDEX (connections_\w+);/g)].map(([, index]) => index);
  return [...(migrations[0] ?? '').matchAll(/CREATE INDEX (connections_\w+) ON [^;]+;/g)].filter(([, index]) => dropped.includes(index)).map(([statement]) => statement);
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '/');
}
