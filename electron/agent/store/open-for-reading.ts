// A second connection to the agent's database, for whoever only reads: the reading thread, a bundle. Not for the store itself (database.ts).
import Database from 'better-sqlite3';

/** Throws where there is no database, or where it cannot be opened. */
export function openForReading(path: string): Database.Database {
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
  // 16 MB by the package's build; who reads a log reads each page once.
  database.pragma('cache_size = -2000');
  return database;
}
