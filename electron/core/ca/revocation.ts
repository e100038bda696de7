// Reads certificate revocation lists (CRLs, RFC 5280 section 5) and says what lists tell about a chain. Pure: who has signed a list is checked
// elsewhere (agent/ca/revocation-lists.ts). Not for stapled answers (stapled-status.ts).
import { readExtensions } from './certificate.ts';
import { nameOf, type ChainLink } from './chain.ts';
import { bitString, children, element, hex, only, sameBytes, sequence, smallInteger, text, time, type Element } from './der.ts';

export type RevocationList = {
  /** Whole Name of the authority, as encoded. */
  readonly issuer: Uint8Array;
  /** The authority's key identifier; null when the list names none. */
  readonly keyId: Uint8Array | null;
  /** Milliseconds since the epoch; null = the list names no end. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  /** Serial numbers, one character an octet. */
  readonly revoked: ReadonlySet<string>;
  /** The bytes that are signed, the whole AlgorithmIdentifier in hex, and the signature. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
};

export type RevocationListRead = { readonly kind: 'list'; readonly list: RevocationList } | { readonly kind: 'unusable'; readonly why: string };

/** Entries of one list; so many take some 0.2 s to read and 18 MB to keep. */
const entryLimit = 100_000;

/** The content of one list in DER; `unusable` with a reason in words for everything else. Never throws. */
export function readRevocationList(der: Uint8Array): RevocationListRead {
  const unusable = (why: string): RevocationListRead => ({ kind: 'unusable', why });
  const outer = sequence(der);
  const [tbs, algorithm, signatureBits] = outer ?? [];
  const signature = signatureBits === undefined ? null : bitString(signatureBits);
  const parts = tbs?.tag === 0x30 ? children(tbs.content) : null;
  if (tbs === undefined || parts === null || algorithm?.tag !== 0x30 || signature === null || outer?.length !== 3) return unusable('it is no revocation list');
  // Version 1 has no field for it, and neither times of 2050 nor extensions.
  const versioned = parts[0]?.tag === 2;
  if (versioned && smallInteger(parts[0] as Element) !== 1) return unusable('it has an unknown version');
  const [innerAlgorithm, issuer, from, ...rest] = versioned ? parts.slice(1) : parts;
  const thisUpdate = from === undefined ? null : time(from);
  if (innerAlgorithm === undefined || !sameBytes(innerAlgorithm.whole, algorithm.whole) || issuer?.tag !== 0x30 || thisUpdate === null) return unusable('it is no revocation list');
  const until = rest[0]?.tag === 0x17 || rest[0]?.tag === 0x18 ? rest.shift() : undefined;
  const nextUpdate = until === undefined ? null : time(until);
  const entries = rest[0]?.tag === 0x30 ? rest.shift() : undefined;
  const block = versioned && rest[0]?.tag === 0xa0 ? rest.shift() : undefined;
  if (rest.length > 0 || (until !== undefined && nextUpdate === null)) return unusable('it is no revocation list');
  const extensions = block === undefined ? [] : readExtensions(block.content);
  if (extensions === null) return unusable('its extensions cannot be read');
  // Delta lists, lists for others or for some certificates only: what they leave out is no news.
  if (extensions.some(({ critical }) => critical)) return unusable('it is a list of a kind that is not understood, such as a delta or a partial one');
  const revoked = entries === undefined ? new Set<string>() : readEntries(entries.content);
  if (typeof revoked === 'string') return unusable(revoked);
  const key = extensions.find(({ oid }) => oid === authorityKeyId);
  return { kind: 'list', list: {
    issuer: issuer.whole, keyId: key === undefined ? null : keyIdIn(key.value), thisUpdate, nextUpdate, revoked, signed: tbs.whole, signatureAlgorithm: hex(algorithm.whole), signature,
  } };
}

/** Serial numbers; words where they cannot be read. One after the other: `children` has a limit for honest certificates. */
function readEntries(content: Uint8Array): Set<string> | string {
  const revoked = new Set<string>();
  for (let at = 0; at < content.length;) {
    const entry = element(content, at);
    const serial = entry?.tag === 0x30 ? element(entry.content, 0) : null;
    if (entry === null || serial?.tag !== 2 || serial.content.length === 0 || serial.content.length > 40) return 'an entry of it cannot be read';
    if (isOthers(entry.content.subarray(serial.next))) return 'it lists certificates of other authorities, which is not understood';
    revoked.add(text(serial.content));
    if (revoked.size > entryLimit) return `it has more than ${entryLimit} entries`;
    at = entry.next;
  }
  return revoked;
}

/** A critical extension of an entry: the one there is (certificateIssuer) says that another authority is meant. `rest`: date, then extensions. */
function isOthers(rest: Uint8Array): boolean {
  const date = element(rest, 0);
  if (date === null || date.next === rest.length) return false;
  return readExtensions(rest.subarray(date.next))?.some(({ critical }) => critical) ?? true;
}

function keyIdIn(value: Uint8Array): Uint8Array | null {
  const first = only(value, 0x30)?.content;
  const key = first === undefined ? null : element(first, 0);
  return key?.tag === 0x80 ? key.content : null;
}

const authorityKeyId = '551d23';

/** A list that this authority's key has signed in its name. `vouches`: by this very certificate it may, so what the list leaves out is good. */
export type SignedList = { readonly list: RevocationList; readonly vouches: boolean };
export type ListsOf = (authority: ChainLink) => readonly SignedList[];

/** An old list may still tell that a certificate was revoked, and no longer that none was. `now`: ms since the epoch. */
export function isCurrent({ thisUpdate, nextUpdate }: RevocationList, now: number): boolean {
  return now >= thisUpdate && (nextUpdate === null || now <= nextUpdate);
}

/**
 * Why lists speak against a chain (server's certificate first, root last), as a sentence; null when none does. `unknown`: what it means
 * that no current list speaks of the server's certificate.
 */
export function whyRevoked(chain: readonly ChainLink[], listsOf: ListsOf, unknown: 'allow' | 'refuse', now: number): string | null {
  for (const [at, { read }] of chain.entries()) {
    const authority = chain[at + 1];
    if (authority === undefined || read.kind === 'malformed') continue;
    const lists = listsOf(authority);
    const serial = text(read.facts.serial);
    // Whichever certificate of that key leads to it: another one, without the right to sign lists, must not be a way around them.
    if (lists.some(({ list }) => list.revoked.has(serial))) return `${nameOf(at, chain.length)} was revoked by its authority`;
    if (at === 0 && unknown === 'refuse' && !lists.some(({ list, vouches }) => vouches && isCurrent(list, now))) return 'no current revocation list tells whether the certificate was revoked';
  }
  return null;
}
