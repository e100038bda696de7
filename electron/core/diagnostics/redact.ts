// The second line of defence over every string that enters a bundle: what looks like a secret is replaced and counted.
// Not the first line: what must never be collected has no collector (agent/diagnostics/collectors).
// Every pattern starts at an anchored place and consumes what it read, so the time is linear in the text (hostile logs included).
import { isHeaderName, isSecretName, isUserFlag, redactionKinds, redactNamed, removed } from './redact-names.ts';
import type { Count, RedactionCounts, RedactionKind } from './redact-names.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { redactPatterns } from './redact-patterns.ts';

export type { RedactionCounts, RedactionKind } from './redact-names.ts';

/** `homes`: home folders that become `~`. `pseudonyms`: null where names are kept, so that the helpdesk can match them with the caller. */
export type RedactOptions = { readonly homes: readonly string[]; readonly pseudonyms?: Pseudonyms | null };

/** Deeper values are cut; every document of the bundle is far flatter. */
const maxDepth = 24;

/** The text without secrets, and how many of each kind went. Doing it twice gives the same text; only pseudonyms may be renamed again. */
export function redactText(text: string, options: RedactOptions): { readonly text: string; readonly counts: RedactionCounts } {
  const counts: Partial<Record<RedactionKind, number>> = {};
  const count = counter(counts);
  return { text: redactString(text, options, count), counts };
}

/**
 * The JSON value without secrets in its strings and its keys. The shape is kept: a value under a secret's name keeps its objects and
 * arrays, and each leaf in it is replaced. Bytes, functions and anything deeper than 24 levels are replaced by a mark.
 */
export function redactValue<T>(value: T, options: RedactOptions): { readonly value: T; readonly counts: RedactionCounts };
export function redactValue(value: unknown, options: RedactOptions): { readonly value: unknown; readonly counts: RedactionCounts } {
  const counts: Partial<Record<RedactionKind, number>> = {};
  const walk: Walk = { options, count: counter(counts), parents: [] };
  return { value: walkValue(value, null, walk), counts };
}

/** A log of one JSON object a line (other lines are taken as text, together, because a key block spans lines). */
export function redactLog(log: string, options: RedactOptions): { readonly text: string; readonly counts: RedactionCounts } {
  const counts: Partial<Record<RedactionKind, number>> = {};
  const count = counter(counts);
  const out: string[] = [];
  let plain: string[] = [];
  const flush = (): void => {
    if (plain.length > 0) out.push(redactString(plain.join('\n'), options, count));
    plain = [];
  };
  for (const line of log.split('\n')) {
    const parsed = parseObject(line);
    if (parsed === null) {
      plain.push(line);
      continue;
    }
    flush();
    out.push(JSON.stringify(walkValue(parsed, null, { options, count, parents: [] })));
  }
  flush();
  return { text: out.join('\n'), counts };
}

/**
 * A log in pieces of about `size` characters, each fit for `redactLog`, so that a caller can let others run in between.
 * A piece ends before a JSON line only: lines of text belong together.
 */
export function logPieces(log: string, size: number): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (from < log.length) {
    const cut = log.indexOf('\n{', from + size);
    const end = cut < 0 ? log.length : cut + 1;
    pieces.push(log.slice(from, end));
    from = end;
  }
  return pieces;
}

/** Sums of several counts. */
export function addCounts(all: readonly RedactionCounts[]): RedactionCounts {
  const sum: Partial<Record<RedactionKind, number>> = {};
  const count = counter(sum);
  for (const counts of all) {
    for (const kind of redactionKinds) if (counts[kind] !== undefined) count(kind, counts[kind]);
  }
  return sum;
}

type Walk = { readonly options: RedactOptions; readonly count: Count; readonly parents: object[] };

function counter(counts: Partial<Record<RedactionKind, number>>): Count {
  return (kind, n = 1) => { counts[kind] = (counts[kind] ?? 0) + n; };
}

/** Most strings of a bundle: too short for any key or token, and without a sign that a name, a URL or a path would need. */
const harmless = /^(?!eyJ)[\w.-]{0,14}$/;

function redactString(text: string, options: RedactOptions, count: Count): string {
  const clean = settled(text, options.homes, count);
  return options.pseudonyms?.rename(clean, () => count('name')) ?? clean;
}

/** What is left around a mark may read as a secret in its turn; three rounds settled every text that was tried. */
const maxRounds = 8;

/** Round after round until one changes nothing, so that a clean text stays as it is. What does not settle was made for that, and goes whole. */
function settled(text: string, homes: readonly string[], count: Count): string {
  let clean = text;
  for (let round = 0; round < maxRounds; round += 1) {
    const before = clean;
    if (!harmless.test(before)) clean = redactHomes(redactPatterns(redactNamed(redactPatterns(before, 'before', count), count), 'after', count), homes, count);
    if (clean === before) return clean;
  }
  count('depth');
  return removed('depth');
}

/** `under`: the kind of secret whose name stands above this value; null when none does. */
function walkValue(value: unknown, under: RedactionKind | null, walk: Walk): unknown {
  if (typeof value === 'string') return under === null ? redactString(value, walk.options, walk.count) : leaf(value, under, walk);
  if (typeof value === 'bigint') return under === null ? String(value) : leaf(String(value), under, walk);
  if (typeof value === 'number' && under !== null) return leaf(String(value), under, walk);
  if (typeof value === 'function' || typeof value === 'symbol') return null;
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    walk.count('bytes');
    return `[${value.byteLength} bytes]`;
  }
  if (walk.parents.length >= maxDepth || walk.parents.includes(value)) {
    walk.count('depth');
    return removed('depth');
  }
  walk.parents.push(value);
  const result = Array.isArray(value) ? walkArray(value, under, walk) : walkObject(value, under, walk);
  walk.parents.pop();
  return result;
}

/** Command lines and raw header lists come as arrays: the secret is the element after its name. */
function walkArray(values: readonly unknown[], under: RedactionKind | null, walk: Walk): unknown[] {
  let next: RedactionKind | 'user' | null = null;
  return values.map((value) => {
    const here: RedactionKind | 'user' | null = next;
    next = typeof value === 'string' ? announces(value) : null;
    if (here === 'user' && typeof value === 'string') {
      const at = value.search(/[:%]/);
      return at < 0 ? walkValue(value, under, walk) : value.slice(0, at + 1) + leaf(value.slice(at + 1), 'password', walk);
    }
    return walkValue(value, here === 'user' ? under : (here ?? under), walk);
  });
}

function announces(element: string): RedactionKind | 'user' | null {
  if (isUserFlag(element)) return 'user';
  if (element.startsWith('-')) return isSecretName(element);
  return isHeaderName(element) ? isSecretName(element) : null;
}

function walkObject(value: object, under: RedactionKind | null, walk: Walk): object {
  const entries = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(value)) {
    let name = redactString(key, walk.options, walk.count);
    // Two keys may become one when their secrets are gone; neither value may be lost.
    for (let n = 2; entries.has(name); n++) name = `${redactString(key, walk.options, () => {})}#${n}`;
    entries.set(name, key === 'user' && typeof inner === 'string' && under === null ? walkUser(inner, walk) : walkValue(inner, under ?? isSecretName(key), walk));
  }
  return Object.fromEntries(entries);
}

/** A user's name may be any word, so only its field tells it. */
function walkUser(name: string, { options, count }: Walk): string {
  if (options.pseudonyms === undefined || options.pseudonyms === null) return redactString(name, options, count);
  const pseudonym = options.pseudonyms.user(name);
  if (pseudonym !== name) count('name');
  return pseudonym;
}

function leaf(value: string, kind: RedactionKind, walk: Walk): string {
  if (value === '' || value === removed(kind)) return value;
  walk.count(kind);
  return removed(kind);
}

function parseObject(line: string): object | null {
  if (!line.startsWith('{')) return null;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' ? parsed : null;
  } catch {
    return null;
  }
}

/** Each home folder as `~`, in the spellings a log has: plain, with forward slashes, with doubled back slashes. */
function redactHomes(text: string, homes: readonly string[], count: Count): string {
  let result = text;
  for (const home of homes) {
    const plain = home.replace(/[\\/]+$/, '');
    if (plain.length < 3) continue;
    for (const spelling of new Set([plain, plain.replaceAll('\\', '/'), plain.replaceAll('\\', '\\\\')])) {
      result = replaceFolder(result, spelling, count);
    }
  }
  return result;
}

function replaceFolder(text: string, folder: string, count: Count): string {
  // Windows and macOS compare paths without case; on Linux a differently written folder of the same letters is worth hiding as well.
  const lower = asciiLower(text);
  const wanted = asciiLower(folder);
  let out = '';
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    if (/[\w-]/.test(text.charAt(at - 1)) || /[\w-]/.test(text.charAt(end))) continue;
    out += `${text.slice(from, at)}~`;
    from = end;
    count('home');
  }
  return out + text.slice(from);
}

/** Keeps every index in place, which toLowerCase() does not for some letters. */
function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
