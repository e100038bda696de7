// Names of hosts, addresses and users as keyed pseudonyms: the same name is the same mark all through one bundle, and only who has the
// bundle's key can ask whether a name is in it. Not for secrets (redact) and not for choosing when (policy key diagnostics.names).
import { toBase32 } from './base32.ts';

export const nameKinds = ['host', 'address', 'user', 'device'] as const;
export type NameKind = (typeof nameKinds)[number];

/** HMAC-SHA-256 of a text under the bundle's key. */
export type KeyedHash = (text: string) => Uint8Array;

export type PseudonymInput = {
  /** Every name that is known to be one, in any case. Names that are only met in running text are found by their form. */
  readonly names: { readonly [K in NameKind]: Iterable<string> };
  readonly hash: KeyedHash;
  /** Whether a dotted word ends in a suffix that the world's name system has. */
  readonly isPublicName: (name: string) => boolean;
};

export type Pseudonyms = {
  /** The text with every name replaced; `onName` is called for each. */
  rename(text: string, onName: () => void): string;
  /** The pseudonym of a value that stands in a field for user names. */
  user(name: string): string;
};

/** `host-7k3mq2xa0d`: 50 bits. Names are compared without case and without a final dot. */
export function pseudonymOf(kind: NameKind, name: string, hash: KeyedHash): string {
  return pseudonymFrom(kind, hash(hashedText(kind, name)));
}

/** What is hashed for a name. */
export function hashedText(kind: NameKind, name: string): string {
  return `${kind}:${plain(name)}`;
}

/** The pseudonym from that hash, for runtimes that hash asynchronously. */
export function pseudonymFrom(kind: NameKind, hashed: Uint8Array): string {
  return `${kind}-${toBase32(hashed, 10).toLowerCase()}`;
}

/** What a manifest keeps of the key, to tell a wrong one. */
export function keyCheck(hash: KeyedHash): string {
  return keyCheckFrom(hash(checkedText));
}

/** What is hashed to tell a wrong key. */
export const checkedText = 'check';

/** The check from that hash. */
export function keyCheckFrom(hashed: Uint8Array): string {
  return toBase32(hashed, 8);
}

/** Accounts that every system has say nothing about a person, and some are words of ordinary sentences. */
const ordinaryUsers: ReadonlySet<string> = new Set(['root', 'self', 'daemon', 'bin', 'sys', 'nobody', 'system', 'pinlight', 'www-data', 'guest', '']);
/** Suffixes for private use (RFC 2606, 6761, 6762, 8375, and what networks use without asking). */
const privateSuffix = /\.(?:local|localdomain|internal|intranet|intra|private|corp|home|lan|arpa|test|example|invalid|onion|alt)$/;
const ownAddress = /^(?:127\.|0\.0\.0\.0$|::1?$)/;
const dottedNumber = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

export function createPseudonyms({ names, hash, isPublicName }: PseudonymInput): Pseudonyms {
  const known = new Map<string, NameKind>();
  // Later kinds win: a device that is also reached as a host is the device.
  for (const kind of nameKinds) {
    for (const name of names[kind]) if (isName(kind, plain(name))) known.set(plain(name), kind);
  }
  const given = new Map<string, string>();
  const nameFor = (kind: NameKind, name: string): string => {
    const key = `${kind}:${plain(name)}`;
    let pseudonym = given.get(key);
    if (pseudonym === undefined) given.set(key, pseudonym = pseudonymOf(kind, name, hash));
    return pseudonym;
  };

  const mostParts = Math.min(24, [...known.keys()].reduce((most, name) => Math.max(most, name.split(/[.-]/).length), 1));

  /** A word with dots and hyphens: the whole of it, or those parts between such signs that are names. */
  const renameWord = (word: string, inPath: boolean): string => {
    const lower = word.toLowerCase();
    const kind = known.get(lower) ?? formOf(lower, inPath);
    if (kind !== null) return nameFor(kind, lower);
    const parts = word.split(/([.-])/);
    let out = '';
    for (let from = 0; from < parts.length; from += 2) {
      const part = longestName(parts, from);
      // What stands before a host with a dot is a host of the same house.
      if (part?.kind === 'host' && parts[from - 1] === '.' && part.to >= parts.length) return nameFor('host', lower);
      out += part === null ? parts[from] ?? '' : nameFor(part.kind, part.name);
      if (part !== null) from = part.to - 1;
      out += parts[from + 1] ?? '';
    }
    return out;
  };

  /** The longest run of parts from here that is a name; `to`: behind its last part. */
  const longestName = (parts: readonly string[], from: number): { readonly kind: NameKind; readonly name: string; readonly to: number } | null => {
    for (let to = Math.min(parts.length, from + 2 * mostParts - 1); to > from; to -= 2) {
      const name = parts.slice(from, to).join('').toLowerCase();
      const kind = known.get(name);
      if (kind !== undefined) return { kind, name, to };
    }
    return null;
  };

  const formOf = (lower: string, inPath: boolean): NameKind | null => {
    if (!lower.includes('.') || lower.startsWith('.')) return null;
    if (dottedNumber.test(lower)) return ownAddress.test(lower) ? null : 'address';
    if (inPath || !/\.[\p{L}][\p{L}\d-]*$/u.test(lower)) return null;
    return privateSuffix.test(lower) || isPublicName(lower) ? 'host' : null;
  };

  return {
    user: (name) => (ordinaryUsers.has(plain(name)) ? name : nameFor('user', name)),
    rename: (text, onName) => {
      const told = (before: string, after: string): string => {
        if (after !== before) onName();
        return after;
      };
      return text
        .replace(/(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?<=:)\d+(?:\.\d+){3})?(?![\w:])/gi, (address: string) => (
          !ownAddress.test(address) && (address.includes('::') || address.split(':').length === 8) ? told(address, nameFor('address', address)) : address
        ))
        .replace(/((?:\/home\/|\/Users\/|\\Users\\))([^/\\\s"']+)/g, (all: string, folder: string, name: string) => told(all, folder + (ordinaryUsers.has(plain(name)) ? name : nameFor('user', name))))
        // No name has more than 253 characters; this bounds the work on a hostile word.
        .replace(/[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]{0,255}/gu, (word: string, at: number) => {
          const tail = /[.-]*$/.exec(word)?.[0] ?? '';
          const core = word.slice(0, word.length - tail.length);
          return told(core, isPseudonym.test(core) ? core : renameWord(core, /(?:^|[^/])[/\\]$/.test(text.slice(Math.max(0, at - 2), at)))) + tail;
        });
    },
  };
}

const isPseudonym = /^(?:host|address|user|device)-[0-9a-hjkmnp-tv-z]{10}$/;

function isName(kind: NameKind, name: string): boolean {
  if (kind === 'user') return name.length > 1 && !ordinaryUsers.has(name);
  if (kind === 'address') return name !== '' && !ownAddress.test(name);
  return name !== '' && name !== 'localhost' && !ownAddress.test(name);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '').replace(/^(?:.*\*)?[.-]/, '');
}
