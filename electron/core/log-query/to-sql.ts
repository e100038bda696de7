// A filter's tree to a WHERE clause with placeholders over the `connections` table. Text from people only ever becomes a parameter.
// Not for running it (agent/store) and not for paging or order.
import { alertCamelName } from '../tls/alerts.ts';
import type { Operator } from './fields.ts';
import type { FilterTree } from './parse-filter.ts';
import { lowerAscii } from './values.ts';
import type { FilterValue } from './values.ts';

export type Sql = { readonly where: string; readonly params: readonly (string | number)[] };

/** When a filter is asked: ms since the epoch, and how many minutes east of UTC the asker's clock is at a moment written without a zone. */
export type Clock = { readonly now: number; readonly offsetAt: (at: number) => number };

/** The clock of someone in UTC. */
export function utcClock(now: number): Clock {
  return { now, offsetAt: () => 0 };
}

/**
 * The clause for a tree. Every test is true or false, never NULL, so that "not" means what people mean: a row without an alert is
 * not `alert:46`.
 */
export function toSql(tree: FilterTree, clock: Clock): Sql {
  const params: (string | number)[] = [];
  const where = write(tree, { clock, params });
  return { where, params };
}

type Writing = { readonly clock: Clock; readonly params: (string | number)[] };
type Test = Extract<FilterTree, { kind: 'test' }>;

function write(tree: FilterTree, writing: Writing): string {
  switch (tree.kind) {
    case 'all': return '1';
    case 'and': case 'or': return `(${tree.parts.map((part) => write(part, writing)).join(tree.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'not': return `NOT ${write(tree.part, writing)}`;
    case 'word': return any(['host', 'app_name', 'app_path'], (column) => like(column, containsPattern(tree.text), writing));
    case 'test': return writeTest(tree, writing);
  }
}

function writeTest(test: Test, writing: Writing): string {
  const { field, operator, value } = test;
  if (operator === '!=') return `NOT ${writeTest({ ...test, operator: '==' }, writing)}`;
  if (field.type === 'error' && value.kind === 'text') return writeError(operator, value.text, writing);
  return any(field.columns, (column) => {
    switch (value.kind) {
      case 'text': return writeText(column, field.type === 'text' || field.type === 'tls', operator, value.text, writing);
      case 'network': return writeNetwork(column, value.octets, value.bits, writing);
      case 'number': return operator === '==' ? is(column, value.number, writing) : compare(column, operator, value.number, writing);
      case 'ago': case 'moment': return writeTime(column, operator, value, writing);
    }
  });
}

function writeText(column: string, foldCase: boolean, operator: Operator, text: string, writing: Writing): string {
  if (operator === 'contains') return like(column, containsPattern(text), writing);
  if (operator === 'matches') return like(column, globPattern(text), writing);
  return is(column, text, writing) + (foldCase ? ' COLLATE NOCASE' : '');
}

/** A span of time: `>` begins after it, `<` ends before it, `==` lies within. How long ago: `==` means since then. */
function writeTime(column: string, operator: Operator, value: Extract<FilterValue, { kind: 'ago' | 'moment' }>, writing: Writing): string {
  if (value.kind === 'ago') return compare(column, operator === '==' ? '>=' : operator, writing.clock.now - value.ms, writing);
  const { from, to } = spanOf(value, writing.clock);
  switch (operator) {
    case '>': return compare(column, '>=', to, writing);
    case '<=': return compare(column, '<', to, writing);
    case '>=': case '<': return compare(column, operator, from, writing);
    default: return `(${compare(column, '>=', from, writing)} AND ${compare(column, '<', to, writing)})`;
  }
}

/** When a written moment begins and ends, ms since the epoch. */
export function spanOf(moment: Extract<FilterValue, { kind: 'moment' }>, { offsetAt }: Clock): { readonly from: number; readonly to: number } {
  const from = moment.zoned ? moment.at : moment.at - offsetAt(moment.at) * 60_000;
  return { from, to: from + moment.span };
}

/** Whole octets are the beginning of the text; the bits of a last, broken octet make at most 128 such beginnings. */
function writeNetwork(column: string, octets: readonly number[], bits: number, writing: Writing): string {
  if (bits === 32) return is(column, octets.join('.'), writing);
  const whole = Math.floor(bits / 8);
  const head = octets.slice(0, whole).map((octet) => `${octet}.`).join('');
  if (bits % 8 === 0) return like(column, `${head}%${whole === 0 ? '.%' : ''}`, writing);
  const first = octets[whole] ?? 0;
  const ends = Array.from({ length: 2 ** (8 - (bits % 8)) }, (_, index) => `${head}${first + index}`);
  if (whole === 3) return `(${ends.map((end) => is(column, end, writing)).join(' OR ')})`;
  return `(${ends.map((end) => like(column, `${end}.%`, writing)).join(' OR ')})`;
}

/**
 * Palo Alto logs the alert as one word in `error`. Ours keeps the number, so the word is turned into numbers here, which an index
 * can answer; NoAlert is a refusal without one. The column of that name says what failed on the server's side.
 */
function writeError(operator: Operator, text: string, writing: Writing): string {
  const { alerts, silent } = alertsOf(operator, text);
  const parts = [writeText('error', true, operator, text, writing)];
  // Numbers of our own making, not a person's text: 256 placeholders for each of 100 tests would be more than SQLite takes.
  const meant = new Set(alerts);
  const others = alertWords.flatMap((_, alert) => (meant.has(alert) ? [] : [alert]));
  if (alerts.length > others.length) parts.push(`(alert IS NOT NULL AND alert NOT IN (${others.join(', ')}))`);
  else if (alerts.length > 0) parts.push(`(alert IS NOT NULL AND alert IN (${alerts.join(', ')}))`);
  if (silent) parts.push("(outcome IS 'refused' AND alert IS NULL)");
  return `(${parts.join(' OR ')})`;
}

/** Numbers of the alerts that a test of `error` means, and whether it means refusals without one. */
export function alertsOf(operator: Operator, text: string): { readonly alerts: readonly number[]; readonly silent: boolean } {
  const holds = wordTest(operator, text);
  return { alerts: alertWords.flatMap((word, alert) => (holds(word) ? [alert] : [])), silent: holds('noalert') };
}

/** By number, made once: a filter of 100 tests would otherwise spell 25,000 words. */
const alertWords: readonly string[] = Array.from({ length: 256 }, (_, alert) => lowerAscii(alertCamelName(alert)));

/** `word`: in lower case. */
function wordTest(operator: Operator, text: string): (word: string) => boolean {
  const wanted = lowerAscii(text);
  if (operator === 'contains') return (word) => word.includes(wanted);
  if (operator === 'matches') return (word) => fitsGlob(wanted, word);
  return (word) => word === wanted;
}

/** `*` any run, `?` one character. Goes back to the last star only, so the time is the product of both lengths at most. */
function fitsGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let here = 0;
  while (here < text.length) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = here;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[here])) {
      at += 1;
      here += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      here = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

function any(columns: readonly string[], one: (column: string) => string): string {
  const parts = columns.map(one);
  return parts.length === 1 ? `(${parts[0] ?? ''})` : `(${parts.map((part) => `(${part})`).join(' OR ')})`;
}

/** IS instead of =: false, not NULL, where the column is NULL; SQLite uses an index for it all the same. */
function is(column: string, value: string | number, writing: Writing): string {
  writing.params.push(value);
  return `${column} IS ?`;
}

function compare(column: string, operator: Operator, value: number, writing: Writing): string {
  writing.params.push(value);
  return `(${column} IS NOT NULL AND ${column} ${operator} ?)`;
}

function like(column: string, pattern: string, writing: Writing): string {
  writing.params.push(pattern);
  return `(${column} IS NOT NULL AND ${column} LIKE ? ESCAPE '\\')`;
}

/** A pattern of LIKE for text that contains this one. */
export function containsPattern(text: string): string {
  return `%${escapeLike(text)}%`;
}

/** A pattern of LIKE for a glob: `*` = any run, `?` = one character; runs of stars are one, since each costs LIKE another pass. */
export function globPattern(text: string): string {
  return escapeLike(text).replace(/\*+/gu, '%').replaceAll('?', '_');
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/gu, (special) => `\\${special}`);
}
