// Host names, host patterns and path globs: how policy names hosts and programs. No regular expression ever comes from a policy.
// Not for dialling: which addresses may be reached is the proxy's business (address.ts).
import { addressBytes } from './address.ts';
import type { Exclusion } from '../model.ts';

export type HostPattern =
  | { readonly kind: 'pattern'; /** `host` as `normaliseHost` gives it. */ matches(host: string): boolean }
  | { readonly kind: 'invalid'; readonly why: string };

/**
 * A host pattern as a test. `x.example` = that name; `*.x.example` = every name below it at any depth, not x.example itself;
 * `api-*.x.example` = one `*` inside the leftmost label, any run without a dot; an IP address = exactly that address;
 * a lone `*` = every host, in rules only (an exclusion for everything would be policy in disguise).
 */
export function compileHostPattern(pattern: string, use: 'rule' | 'exclusion' = 'rule'): HostPattern {
  if (pattern === '*') {
    return use === 'rule' ? { kind: 'pattern', matches: () => true } : invalid('a lone "*" is not allowed in an exclusion');
  }
  // 253 is the longest name DNS can carry; brackets and a trailing dot come off below.
  if (pattern.length > 255) return invalid('a host name has at most 253 characters');
  const name = normaliseHost(pattern);
  if (isIpAddress(name)) return { kind: 'pattern', matches: (host) => host === name };
  const why = nameFault(name);
  if (why !== null) return invalid(why);
  const star = name.indexOf('*');
  if (star < 0) return { kind: 'pattern', matches: (host) => host === name };
  const dot = name.indexOf('.');
  if (name.startsWith('*.')) {
    const suffix = name.slice(1);
    return { kind: 'pattern', matches: (host) => host.length > suffix.length && host.endsWith(suffix) && host[0] !== '.' };
  }
  const head = name.slice(0, star);
  const tail = name.slice(star + 1);
  const rest = name.slice(dot);
  return {
    kind: 'pattern',
    matches: (host) => host.length >= head.length + tail.length && host.startsWith(head) && host.endsWith(tail)
      && host.indexOf('.') === host.length - rest.length,
  };
}

/** Lower case (ASCII only), one trailing dot off, brackets off, IPv6 in RFC 5952 form. Total: what is no host comes back as it is. */
export function normaliseHost(name: string): string {
  let host = name;
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1);
  else if (host.endsWith('.') && host.length > 1) host = host.slice(0, -1);
  // ASCII only: full case mapping would turn the Kelvin sign into a "k" and one name into another.
  host = host.replace(/[A-Z]+/gu, (upper) => upper.toLowerCase());
  return host.includes(':') ? canonicalIpv6(host) ?? host : host;
}

/** True for a dotted IPv4 or an IPv6 literal without brackets and zone. */
export function isIpAddress(host: string): boolean {
  return addressBytes(host) !== null;
}

/** `name:443`, `[::1]:443` as host and port (1..65535); null for anything else. The host is normalised. */
export function readHostPort(text: string): { readonly host: string; readonly port: number } | null {
  const colon = text.lastIndexOf(':');
  if (colon < 1) return null;
  const name = text.slice(0, colon);
  const digits = text.slice(colon + 1);
  if (!/^[1-9][0-9]{0,4}$/u.test(digits) || Number(digits) > 65_535) return null;
  const host = normaliseHost(name);
  if (name.startsWith('[') ? !host.includes(':') || !isIpAddress(host) : host.includes(':')) return null;
  return isIpAddress(host) || (nameFault(host) === null && !host.includes('*')) ? { host, port: Number(digits) } : null;
}

/** Host and port as one key: `name:443`, `[::1]:443`. `host` as `normaliseHost` gives it. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A glob over a whole string (`*` = any run, also none and also slashes; nothing else is special), in time linear in both. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return (text) => text === pattern;
  const last = parts.at(-1) ?? '';
  const middle = parts.slice(1, -1).filter((part) => part !== '').map(compileSearch);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const search of middle) {
      at = search(text, at, end);
      if (at < 0) return false;
    }
    return true;
  };
}

/** Knuth-Morris-Pratt: the position after the first occurrence within from..end, or -1; never goes back in the text. */
function compileSearch(word: string): (text: string, from: number, end: number) => number {
  const fallback = [0];
  for (let i = 1, matched = 0; i < word.length; i++) {
    while (matched > 0 && word[i] !== word[matched]) matched = fallback[matched - 1] ?? 0;
    if (word[i] === word[matched]) matched++;
    fallback.push(matched);
  }
  return (text, from, end) => {
    let matched = 0;
    for (let at = from; at < end; at++) {
      while (matched > 0 && text[at] !== word[matched]) matched = fallback[matched - 1] ?? 0;
      if (text[at] === word[matched]) matched++;
      if (matched === word.length) return at + 1;
    }
    return -1;
  };
}

function invalid(why: string): HostPattern {
  return { kind: 'invalid', why };
}

/** What is wrong with a name or pattern, in words; null when nothing is. */
function nameFault(name: string): string | null {
  if (name === '') return 'a host name is missing';
  if (name.length > 253) return 'a host name has at most 253 characters';
  if (name.includes('/')) return 'a host name only, without scheme, path or address range';
  if (name.includes(':')) return 'a host name only, without port; ports have their own key';
  const labels = name.split('.');
  for (const [index, label] of labels.entries()) {
    if (label === '') return 'a host name has no empty part: check the dots';
    if (label.length > 63) return 'each part between dots has at most 63 characters';
    if (index > 0 && label.includes('*')) return '"*" may stand in the leftmost part only';
    if (index === 0 && label.indexOf('*') !== label.lastIndexOf('*')) return 'only one "*" is allowed';
    if (/[^a-z0-9_*-]/u.test(label)) {
      return /[^\x21-\x7e]/u.test(label)
        ? 'letters a to z, digits, "-" and "_" only; write other letters in their xn-- form'
        : 'letters a to z, digits, "-", "_" and one leading "*" only; regular expressions are not understood';
    }
  }
  if (labels.length === 1 && name.includes('*')) return '"*" needs a name after it, as in "*.example.com"';
  // The last label of a name is never all digits (RFC 3696): this is an address, or was meant as one.
  if (/^[0-9]+$/u.test(labels.at(-1) ?? '')) return 'not an IP address, and no host name ends in a number; addresses are matched whole';
  return null;
}

/** RFC 5952: hexadecimal without leading zeros, the longest run of zeros as `::`, a mapped IPv4 address in dots; a zone stays. */
function canonicalIpv6(host: string): string | null {
  const zone = host.indexOf('%');
  const suffix = zone < 0 ? '' : host.slice(zone);
  const bytes = addressBytes(zone < 0 ? host : host.slice(0, zone));
  if (bytes?.length !== 16) return null;
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255) {
    return `::ffff:${bytes.subarray(12).join('.')}${suffix}`;
  }
  const words = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) * 256 + (bytes[index * 2 + 1] ?? 0)).toString(16));
  const { start, length } = longestZeroRun(words);
  if (length < 2) return words.join(':') + suffix;
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}${suffix}`;
}

function longestZeroRun(words: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < words.length; start++) {
    let length = 0;
    while (words[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

const exclusionMatchers = new WeakMap<Exclusion, (host: string) => boolean>();

/** Does an exclusion name this host (normalised)? */
export function exclusionNames(exclusion: Exclusion, host: string): boolean {
  let matches = exclusionMatchers.get(exclusion);
  if (matches === undefined) {
    matches = compileExclusion(exclusion);
    exclusionMatchers.set(exclusion, matches);
  }
  return matches(host);
}

/**
 * The hosts of an exclusion as a test. Learned for an app as a whole its host is `*`, which nobody may write; a pattern that does not
 * compile (an old database) names none.
 */
export function compileExclusion(exclusion: Exclusion): (host: string) => boolean {
  if (exclusion.host === '*' && exclusion.kind === 'learned' && exclusion.appId !== null) return () => true;
  const pattern = compileHostPattern(exclusion.host, 'exclusion');
  return pattern.kind === 'pattern' ? pattern.matches : () => false;
}
