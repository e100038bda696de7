// Opens the SQLite file: WAL, migrations, quarantine of a damaged one. Not for what is in it (store.ts).
import Database from 'better-sqlite3';
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { migrations } from './migrations.ts';

export type OpenedDatabase = {
  readonly database: Database.Database;
  /** Where a damaged predecessor was moved; null when there was none. */
  readonly quarantined: string | null;
};

/**
 * Opens or creates the database at `path`. A file that SQLite calls damaged is moved aside (with its WAL) and a new one begun:
 * nothing is deleted, and the agent starts. Errors of the disk (full, read-only, denied) are thrown for the caller to word.
 */
export function openDatabase(path: string, now: number): OpenedDatabase {
  try {
    return { database: prepare(path), quarantined: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    return { database: prepare(path), quarantined: aside };
  }
}

/**
 * Up to here indexes are held against their tables as well: 8 ms a MB instead of 2. In a larger file an entry that is missing from an
 * index stays unseen: a query by it finds a row less, and nothing else comes of it.
 */
const wholeCheckBytes = 32 * 1024 * 1024;

function prepare(path: string): Database.Database {
  // SQLite would create it readable for all; its WAL takes the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const database = new Database(path, { timeout: 2_000 });
  try {
    // The package's 16 MB would stay with the agent for good once the check below has read the file; inserting a row takes no longer with 2 MB.
    database.pragma('cache_size = -2000');
    database.pragma('journal_mode = WAL');
    // NORMAL: a power cut may lose the last rows, never the file.
    database.pragma('synchronous = NORMAL');
    database.pragma('journal_size_limit = 16777216');
    const check = database.pragma(statSync(path).size <= wholeCheckBytes ? 'integrity_check(1)' : 'quick_check(1)', { simple: true });
    if (check !== 'ok') throw Object.assign(new Error(String(check)), { code: 'SQLITE_CORRUPT' });
    const version = database.pragma('user_version', { simple: true }) as number;
    if (version > migrations.length) {
      throw Object.assign(new Error(`the database is of a newer Pinlight (format ${version}, this one knows ${migrations.length})`), { code: 'PINLIGHT_NEWER' });
    }
    migrate(database, version);
    if (!hasShape(database)) throw Object.assign(new Error('tables or columns are missing'), { code: 'SQLITE_CORRUPT' });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: Database.Database, version: number): void {
  for (let step = version; step < migrations.length; step += 1) {
    database.transaction(() => {
      database.exec(migrations[step] as string);
      database.pragma(`user_version = ${step + 1}`);
    })();
  }
}

/** SQLite's checks look at pages, not at what ought to be there. */
function hasShape(database: Database.Database): boolean {
  const model = new Database(':memory:');
  try {
    migrate(model, 0);
    const found = new Set(shapeOf(database));
    return shapeOf(model).every((sql) => found.has(sql));
  } finally {
    model.close();
  }
}

function shapeOf(database: Database.Database): string[] {
  return database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').pluck().all() as string[];
}

function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  // A plain SQLITE_ERROR while opening: the file's tables are not what its format number promises.
  return typeof code === 'string' && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'SQLITE_ERROR');
}
