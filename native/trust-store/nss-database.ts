// Reads an NSS database (cert9.db), from a copy of its bytes: no lock is taken and no journal file appears beside it.
// Not for changing one: nss-stores.ts does that with certutil.
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

/** One certificate of a database: `trusted` = as an authority for servers (certutil's `C`); `nickname` is how certutil names it. */
export type NssEntry = { readonly der: Buffer; readonly nickname: string; readonly trusted: boolean };

/** Whether the database holds the certificate with trust as an authority for servers; null when it cannot be read. */
export function nssTrusts(database: Buffer, rootDer: Buffer): boolean | null {
  return withDatabase(database, (open) => {
    // a11 is CKA_VALUE.
    const present = open.prepare('SELECT 1 FROM nssPublic WHERE a11 = ?').get(rootDer) !== undefined;
    return present && isTrusted(open, rootDer);
  });
}

/** Every certificate that `wanted` picks; null when the database cannot be read. */
export function nssEntries(database: Buffer, wanted: (der: Buffer) => boolean): readonly NssEntry[] | null {
  return withDatabase(database, (open) => {
    // a0 is CKA_CLASS, 1 a certificate, as the four bytes in which NSS stores numbers; a3 is CKA_LABEL.
    const rows: unknown[] = open.prepare("SELECT a11 AS der, a3 AS nickname FROM nssPublic WHERE a0 = x'00000001' AND a11 IS NOT NULL").all();
    return rows.flatMap((row) => {
      if (typeof row !== 'object' || row === null || !('der' in row) || !Buffer.isBuffer(row.der) || !wanted(row.der)) return [];
      return [{ der: row.der, nickname: 'nickname' in row && Buffer.isBuffer(row.nickname) ? row.nickname.toString('utf8') : '', trusted: isTrusted(open, row.der) }];
    });
  });
}

function isTrusted(open: Database.Database, der: Buffer): boolean {
  // ce536358 is CKA_TRUST_SERVER_AUTH, ce5363b4 the SHA-1 by which a trust row names its certificate.
  const sha1 = createHash('sha1').update(der).digest();
  const trust: unknown = open.prepare('SELECT ace536358 FROM nssPublic WHERE ace5363b4 = ?').pluck().get(sha1);
  // CKT_NSS_TRUSTED and CKT_NSS_TRUSTED_DELEGATOR.
  return Buffer.isBuffer(trust) && ['ce534351', 'ce534352'].includes(trust.toString('hex'));
}

function withDatabase<T>(database: Buffer, ask: (open: Database.Database) => T): T | null {
  const copy = Buffer.from(database);
  if (copy.length < 100 || copy.toString('latin1', 0, 15) !== 'SQLite format 3') return null;
  // Bytes 18 and 19 say "write-ahead log", which a database in memory cannot have; what the log holds is missing then.
  copy[18] = 1;
  copy[19] = 1;
  let open: Database.Database | null = null;
  try {
    open = new Database(copy, { readonly: true });
    return ask(open);
  } catch {
    return null;
  } finally {
    open?.close();
  }
}
