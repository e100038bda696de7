// Whether a SQLite database is whole, read beside the program that writes it. Not for what is in it or for mending it.
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';

export type DatabaseState = { readonly kind: 'whole' | 'absent' } | { readonly kind: 'damaged' | 'not-read'; readonly why: string };

/** Checking reads every page: about a second for this many bytes. */
const largest = 512 * 1024 * 1024;

export function checkDatabase(file: string): DatabaseState {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return { kind: 'absent' };
  if (found.size > largest) return { kind: 'not-read', why: `it is larger than ${largest / 1024 / 1024} MB` };
  let open: Database.Database | null = null;
  try {
    open = new Database(file, { readonly: true, timeout: 1000 });
    const answer: unknown = open.pragma('quick_check(1)', { simple: true });
    return answer === 'ok' ? { kind: 'whole' } : { kind: 'damaged', why: String(answer) };
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    return /CORRUPT|NOTADB/.test(error.code) ? { kind: 'damaged', why: error.message } : { kind: 'not-read', why: error.message };
  } finally {
    open?.close();
  }
}
