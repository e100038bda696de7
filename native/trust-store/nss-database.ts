// Looks a root up in an NSS database (cert9.db), from a copy of its bytes: no lock is taken and no journal file appears beside it.
// Not for adding roots: that is certutil's work.
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

/** Whether the database holds the certificate with trust as an authority for servers (certutil's `C`); null when it cannot be read. */
export function nssTrusts(database: Buffer, rootDer: Buffer): boolean | null {
  const copy = Buffer.from(database);
  if (copy.length < 100 || copy.toString('latin1', 0, 15) !== 'SQLite format 3') return null;
  // Bytes 18 and 19 say "write-ahead log", which a database in memory cannot have; what the log holds is missing then.
  copy[18] = 1;
  copy[19] = 1;
  let open: Database.Database | null = null;
  try {
    open = new Database(copy, { readonly: true });
    // a11 is CKA_VALUE; ce536358 is CKA_TRUST_SERVER_AUTH, ce5363b4 the SHA-1 by which a trust row names its certificate.
    const present = open.prepare('SELECT 1 FROM nssPublic WHERE a11 = ?').get(rootDer) !== undefined;
    if (!present) return false;
    const sha1 = createHash('sha1').update(rootDer).digest();
    const trust: unknown = open.prepare('SELECT ace536358 FROM nssPublic WHERE ace5363b4 = ?').pluck().get(sha1);
    // CKT_NSS_TRUSTED and CKT_NSS_TRUSTED_DELEGATOR, as the four bytes in which NSS stores numbers.
    return Buffer.isBuffer(trust) && ['ce534351', 'ce534352'].includes(trust.toString('hex'));
  } catch {
    return null;
  } finally {
    open?.close();
  }
}
