// What a filter's values mean: numbers, sizes, durations, moments, alerts. Not for their place in a filter (parse-filter.ts).
import { anyOf, nearest } from '../nearest.ts';
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';
import { alertByName } from '../tls/alerts.ts';
import type { Field } from './fields.ts';

export type FilterValue =
  | { readonly kind: 'text'; readonly text: string }
  /** An IPv4 network: its first address as four octets, and how many bits of it count. */
  | { readonly kind: 'network'; readonly octets: readonly number[]; readonly bits: number }
  /** Plain number, bytes or milliseconds, as the field's column counts. */
  | { readonly kind: 'number'; readonly number: number }
  /** Milliseconds before now. */
  | { readonly kind: 'ago'; readonly ms: number }
  /** Milliseconds since the epoch and how long the named span lasts (a day, a minute, a second). `zoned`: written with Z or an offset. */
  | { readonly kind: 'moment'; readonly at: number; readonly span: number; readonly zoned: boolean };

export type ValueRead =
  | { readonly kind: 'value'; readonly value: FilterValue }
  | { readonly kind: 'invalid'; readonly complaint: Sentence; readonly suggestion?: string };

/** Reads one value for a field. */
export function readValue(field: Field, text: string): ValueRead {
  switch (field.type) {
    case 'text': case 'error': return value({ kind: 'text', text });
    case 'host': return value({ kind: 'text', text: lowerAscii(text) });
    case 'address': return readAddress(text);
    case 'tls': return value({ kind: 'text', text: tlsVersion(text) });
    case 'choice': return readChoice(field, text);
    case 'number': return readNumber(field, text);
    case 'alert': return readAlert(text);
    case 'bytes': return readScaled(field, text, sizes, 'filter.bytes');
    case 'duration': return readScaled(field, text, { '': 1, ...durations }, 'filter.duration');
    case 'since': case 'time': return readTime(field, text);
  }
}

/** Lower case for a to z only, as SQLite's LIKE and NOCASE compare. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/gu, (upper) => upper.toLowerCase());
}

const second = 1000;
const day = 86_400 * second;
const durations: Readonly<Record<string, number>> = { ms: 1, s: second, m: 60 * second, min: 60 * second, h: 3600 * second, d: day, w: 7 * day };
/** Decimal, as traffic is counted; `KiB` and the like for those who mean binary. */
const sizes: Readonly<Record<string, number>> = {
  '': 1, b: 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3,
};

function value(read: FilterValue): ValueRead {
  return { kind: 'value', value: read };
}

function invalid(complaint: Sentence, suggestion: string | null = null): ValueRead {
  return suggestion === null ? { kind: 'invalid', complaint } : { kind: 'invalid', complaint, suggestion };
}

function readChoice(field: Field, text: string): ValueRead {
  const values = field.values ?? [];
  const lower = lowerAscii(text);
  const meant = field.meanings !== undefined && Object.hasOwn(field.meanings, lower) ? field.meanings[lower] ?? lower : lower;
  if (values.includes(meant)) return value({ kind: 'text', text: meant });
  if (lower === 'allow' && values.includes('bypass')) return invalid(sentence('filter.allow', { field: field.name }), 'bypass');
  return invalid(sentence('filter.choice', { text: short(text), field: field.name, allowed: anyOf(values) }), nearest(text, values));
}

function readNumber(field: Field, text: string): ValueRead {
  // 15 digits are exact in a JavaScript number.
  if (!/^[0-9]{1,15}$/u.test(text)) return invalid(sentence('filter.number', { field: field.name, text: short(text), example: field.example }));
  return value({ kind: 'number', number: Number(text) });
}

function readAlert(text: string): ValueRead {
  if (/^[0-9]{1,3}$/u.test(text) && Number(text) < 256) return value({ kind: 'number', number: Number(text) });
  const number = alertByName(text);
  if (number !== null) return value({ kind: 'number', number });
  const names = ['unknown_ca', 'bad_certificate', 'certificate_unknown', 'handshake_failure', 'certificate_expired', 'protocol_version', 'unsupported_certificate'];
  return invalid(sentence('filter.alert', { text: short(text) }), nearest(text, names));
}

/** An address as it stands, or an IPv4 network in CIDR notation. */
function readAddress(text: string): ValueRead {
  const [base = '', size] = text.split('/');
  if (size === undefined) return value({ kind: 'text', text: lowerAscii(text) });
  if (base.includes(':')) return invalid(sentence('filter.ipv6-network'));
  const octets = base.split('.').map((part) => (/^[0-9]{1,3}$/u.test(part) ? Number(part) : 256));
  if (octets.length !== 4 || octets.some((octet) => octet > 255) || !/^[0-9]{1,2}$/u.test(size) || Number(size) > 32) {
    return invalid(sentence('filter.network', { text: short(text) }));
  }
  const bits = Number(size);
  return value({ kind: 'network', octets: octets.map((octet, index) => octet & ((0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff)), bits });
}

/** `1.2`, `TLS1.2` and `tlsv1.2` as OpenSSL writes them; anything else stands for itself. */
function tlsVersion(text: string): string {
  const minor = /^(?:tls)?v?1\.([0-3])$/iu.exec(text)?.[1];
  return minor === undefined ? text : minor === '0' ? 'TLSv1' : `TLSv1.${minor}`;
}

function readScaled(field: Field, text: string, units: Readonly<Record<string, number>>, complaint: 'filter.bytes' | 'filter.duration'): ValueRead {
  const scaled = scale(text, units);
  return scaled === null ? invalid(sentence(complaint, { field: field.name, text: short(text) })) : value({ kind: 'number', number: scaled });
}

function scale(text: string, units: Readonly<Record<string, number>>): number | null {
  const parts = /^([0-9]{1,15}(?:\.[0-9]{1,6})?)([a-z]{0,3})$/u.exec(lowerAscii(text));
  const unit = parts?.[2] ?? '?';
  if (parts === null || !Object.hasOwn(units, unit)) return null;
  const scaled = Math.round(Number(parts[1]) * (units[unit] ?? 1));
  // 15 digits are exact in a JavaScript number.
  return scaled < 1e15 ? scaled : null;
}

function readTime(field: Field, text: string): ValueRead {
  const ms = scale(text, durations) ?? lastSpan(text);
  if (ms !== null) return value({ kind: 'ago', ms });
  const moment = readMoment(text);
  if (moment !== null) return value(moment);
  return invalid(sentence('filter.time', { field: field.name, text: short(text) }));
}

/** Palo Alto's spans: `last-60-seconds`, `last-15-minutes`, `last-hour`, `last-6-hrs`, `last-7-days`. */
function lastSpan(text: string): number | null {
  const parts = /^last-(?:([0-9]{1,4})-)?(second|minute|hour|hr|day|week)s?$/u.exec(lowerAscii(text));
  const units: Readonly<Record<string, number>> = { second, minute: 60 * second, hour: 3600 * second, hr: 3600 * second, day, week: 7 * day };
  return parts === null ? null : Number(parts[1] ?? 1) * (units[parts[2] ?? ''] ?? 0);
}

/** `YYYY/MM/DD HH:MM:SS` (Palo Alto) and `YYYY-MM-DDTHH:MM:SSZ` (ISO 8601); time, seconds and zone may be left out. */
function readMoment(text: string): FilterValue | null {
  const parts = /^(\d{4})([/-])(\d{2})\2(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/u.exec(text);
  if (parts === null) return null;
  const [year, month, date, hour, minute, seconds] = [1, 3, 4, 5, 6, 7].map((index) => Number(parts[index] ?? 0));
  const at = Date.UTC(year ?? 0, (month ?? 1) - 1, date, hour, minute, seconds);
  // Date.UTC rolls 31 February over into March; a date that does not come back as written does not exist.
  const back = new Date(at);
  const exists = back.getUTCMonth() + 1 === month && back.getUTCDate() === date && back.getUTCHours() === hour
    && back.getUTCMinutes() === minute && back.getUTCSeconds() === seconds && back.getUTCFullYear() === year;
  if (!exists) return null;
  const span = parts[5] === undefined ? day : parts[7] === undefined ? 60 * second : second;
  const zone = parts[8];
  if (zone === undefined) return { kind: 'moment', at, span, zoned: false };
  return { kind: 'moment', at: at - zoneMinutes(zone) * 60 * second, span, zoned: true };
}

function zoneMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return zone.startsWith('-') ? -minutes : minutes;
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
