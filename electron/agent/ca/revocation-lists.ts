// The revocation lists that policy names: read from their files, believed where their authority's signature holds.
// Not for what a list says (core/ca/revocation.ts), and nothing is ever fetched.
import { constants as openssl, createPublicKey, verify } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type BigIntStats } from 'node:fs';
import { soundSignature, type ChainLink } from '../../core/ca/chain.ts';
import { hex, sameBytes } from '../../core/ca/der.ts';
import { isCurrent, readRevocationList, type ListsOf, type RevocationList, type SignedList } from '../../core/ca/revocation.ts';

/** Of one file, and of all of them together. They are read on the proxy's thread: 100,000 entries take some 0.2 s. */
const limits = { fileBytes: 8 * 1024 ** 2, bytes: 16 * 1024 ** 2, entries: 200_000 } as const;

type Named = RevocationList & { readonly file: string };

/** What a file held, and what was wrong with it in words. `stamp`: which file, how large and when it was written. */
type Read = { readonly stamp: string; readonly bytes: number; readonly lists: readonly Named[]; readonly troubles: readonly string[] };

export type RevocationLists = {
  /** Reads what has changed of the files. `tell` hears what is wrong with one of them, now or when its authority is met; the others count all the same. */
  open(files: readonly string[], now: () => number, tell: (file: string, why: string) => void): ListsOf;
};

export function createRevocationLists(): RevocationLists {
  let known = new Map<string, Read>();
  return {
    open(files, now, tell) {
      const [before, room] = [known, { bytes: limits.bytes, entries: limits.entries }];
      known = new Map();
      for (const file of files) {
        const read = readFile(file, room.entries > 0 ? room.bytes : 0, before.get(file));
        const entries = read.lists.reduce((sum, { revoked }) => sum + revoked.size, 0);
        // What was read in vain took its time, too.
        room.bytes -= read.bytes;
        if (entries > room.entries) {
          tell(file, noRoom);
          continue;
        }
        room.entries -= entries;
        known.set(file, read);
        for (const why of read.troubles) tell(file, why);
      }
      return listsOf([...known.values()].flatMap(({ lists }) => lists), now, tell);
    },
  };
}

const noRoom = `there is no room for it beside the others (${limits.bytes} bytes and ${limits.entries} entries for all of them)`;

function listsOf(all: readonly Named[], now: () => number, tell: (file: string, why: string) => void): ListsOf {
  const byAuthority = new Map<string, readonly (SignedList & { readonly list: Named })[]>();
  const old = new Set<Named>();
  const tellOld = (list: Named): void => {
    if (isCurrent(list, now()) || old.has(list)) return;
    old.add(list);
    tell(list.file, now() < list.thisUpdate ? `it begins on ${day(list.thisUpdate)}` : `it is out of date since ${day(list.nextUpdate ?? 0)}`);
  };
  for (const list of all) tellOld(list);
  return (authority) => {
    const who = markOf(authority);
    const signed = byAuthority.get(who) ?? all.flatMap((list) => {
      const vouches = vouchesFor(list, authority, (why) => tell(list.file, why));
      return vouches === null ? [] : [{ list, vouches }];
    });
    byAuthority.set(who, signed);
    for (const { list } of signed) tellOld(list);
    return signed;
  };
}

/** The file's lists, DER or any number in PEM: those of `before`, where it is still the same file. */
function readFile(file: string, mostBytes: number, before: Read | undefined): Read {
  const unread = (why: string): Read => ({ stamp: '', bytes: 0, lists: [], troubles: [why] });
  let descriptor: number | null = null;
  try {
    // Non-blocking: a named pipe in this place would hold the agent for good. Windows knows neither pipes here nor the flag.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) return unread('it is not a regular file');
    if (stats.size > limits.fileBytes) return unread(`it is larger than ${limits.fileBytes} bytes`);
    if (stats.size > mostBytes) return unread(noRoom);
    const stamp = stampOf(stats);
    if (before?.stamp === stamp) return before;
    const content = readFileSync(descriptor);
    return { stamp, bytes: content.length, ...readLists(file, content) };
  } catch (error) {
    return unread(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function readLists(file: string, content: Buffer): Pick<Read, 'lists' | 'troubles'> {
  const blocks = content.toString('latin1').match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  const ders = blocks === null ? [content] : blocks.map((block) => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64'));
  const read = ders.map((der) => readRevocationList(der));
  return {
    lists: read.flatMap((one) => (one.kind === 'list' ? { ...one.list, file } : [])),
    troubles: read.flatMap((one) => (one.kind === 'unusable' ? one.why : [])),
  };
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** All that `vouchesFor` looks at: a key alone may be that of several authorities (renamed, or certified anew with other rights). */
function markOf({ read, spkiHash }: ChainLink): string {
  if (read.kind === 'malformed') return '';
  const { subject, keyId, extensions: { keyUsage } } = read.facts;
  return `${spkiHash} ${hex(subject)} ${keyId === null ? null : hex(keyId)} ${keyUsage}`;
}

/** Null: it is no list of this authority's, or not signed by its key. One that bears its name and cannot count for it is told. */
function vouchesFor(list: Named, { read }: ChainLink, tell: (why: string) => void): boolean | null {
  if (read.kind === 'malformed' || !sameBytes(list.issuer, read.facts.subject)) return null;
  const { spki, keyId, extensions: { keyUsage } } = read.facts;
  // An authority may have had other keys under its name.
  const named = list.keyId === null || keyId === null || sameBytes(list.keyId, keyId);
  const mayNot = keyUsage !== null && (keyUsage & crlSign) === 0;
  const signed = isSigned(list, spki);
  if (!named) return signed ? false : null;
  if (signed && !mayNot) return true;
  tell(mayNot ? 'its authority may not sign revocation lists'
    : soundSignature(list.signatureAlgorithm) === null ? 'it is signed with a weak or unknown algorithm' : 'its signature is not that of the authority it names');
  return signed ? false : null;
}

const crlSign = 0x02;

function isSigned({ signed, signature, signatureAlgorithm }: RevocationList, spki: Uint8Array): boolean {
  const kind = soundSignature(signatureAlgorithm);
  if (kind === null) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const pss = kind.salt === null ? {} : { padding: openssl.RSA_PKCS1_PSS_PADDING, saltLength: kind.salt };
    return verify(kind.hash, signed, { key, ...pss }, signature);
  } catch {
    // A key of a kind that OpenSSL does not use that way has signed nothing.
    return false;
  }
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
