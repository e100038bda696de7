// The revocation lists that policy names: read from their files, believed where their authority's signature holds.
// Not for what a list says (core/ca/revocation.ts), and nothing is ever fetched.
import { constants as openssl, createPublicKey, verify } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { soundSignature, type ChainLink } from '../../core/ca/chain.ts';
import { hex, sameBytes } from '../../core/ca/der.ts';
import { isCurrent, readRevocationList, type ListsOf, type RevocationList } from '../../core/ca/revocation.ts';

/** Of one file, bytes. */
const sizeLimit = 8 * 1024 ** 2;

type Named = RevocationList & { readonly file: string };

/** Reads the files once. `tell` hears what is wrong with one of them, now or when its authority is met; the others count all the same. */
export function openRevocationLists(files: readonly string[], now: () => number, tell: (file: string, why: string) => void): ListsOf {
  const all = files.flatMap((file) => readLists(file, (why) => tell(file, why)));
  const byAuthority = new Map<string, readonly Named[]>();
  const old = new Set<Named>();
  const tellOld = (list: Named): void => {
    if (isCurrent(list, now()) || old.has(list)) return;
    old.add(list);
    tell(list.file, now() < list.thisUpdate ? `it begins on ${day(list.thisUpdate)}` : `it is out of date since ${day(list.nextUpdate ?? 0)}`);
  };
  for (const list of all) tellOld(list);
  return (authority) => {
    const who = markOf(authority);
    const known = byAuthority.get(who) ?? all.filter((list) => isOf(list, authority, (why) => tell(list.file, why)));
    byAuthority.set(who, known);
    for (const list of known) tellOld(list);
    return known;
  };
}

/** The file's lists: DER, or any number in PEM. */
function readLists(file: string, tell: (why: string) => void): Named[] {
  const content = readBounded(file);
  if (typeof content === 'string') {
    tell(content);
    return [];
  }
  const blocks = content.toString('latin1').match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  const ders = blocks === null ? [content] : blocks.map((block) => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64'));
  return ders.flatMap((der) => {
    const read = readRevocationList(der);
    if (read.kind === 'list') return { ...read.list, file };
    tell(read.why);
    return [];
  });
}

/** The file's bytes, or in words why there are none. */
function readBounded(file: string): Buffer | string {
  let descriptor: number | null = null;
  try {
    // Non-blocking: a named pipe in this place would hold the agent for good. Windows knows neither pipes here nor the flag.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return 'it is not a regular file';
    return stats.size > sizeLimit ? `it is larger than ${sizeLimit} bytes` : readFileSync(descriptor);
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** All that `isOf` looks at: a key alone may be that of several authorities (renamed, or certified anew with other rights). */
function markOf({ read, spkiHash }: ChainLink): string {
  if (read.kind === 'malformed') return '';
  const { subject, keyId, extensions: { keyUsage } } = read.facts;
  return `${spkiHash} ${hex(subject)} ${keyId === null ? null : hex(keyId)} ${keyUsage}`;
}

/** Is it a list of this authority, signed by it? One that bears its name and not its signature is told. */
function isOf(list: Named, { read }: ChainLink, tell: (why: string) => void): boolean {
  if (read.kind === 'malformed' || !sameBytes(list.issuer, read.facts.subject)) return false;
  const { spki, keyId, extensions: { keyUsage } } = read.facts;
  // An authority may have had other keys under its name.
  if (list.keyId !== null && keyId !== null && !sameBytes(list.keyId, keyId)) return false;
  const why = keyUsage !== null && (keyUsage & crlSign) === 0 ? 'its authority may not sign revocation lists'
    : soundSignature(list.signatureAlgorithm) === null ? 'it is signed with a weak or unknown algorithm'
      : isSigned(list, spki) ? null : 'its signature is not that of the authority it names';
  if (why !== null) tell(why);
  return why === null;
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
