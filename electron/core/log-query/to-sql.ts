// A filter's tree to a WHERE clause with placeholders over the `connections` table. Text from people only ever becomes a parameter.
// Not for running it (agent/store) and not for paging or order.
import { alertCamelName } from '../tls/alerts.ts';
import { compileGlob } from '../policy/host-pattern.ts';
import type { Operator } from './fields.ts';
import type { FilterTree } from './parse-filter.ts';
import { lowerAscii } from './values.ts';
import type { FilterValue } from './values.ts';

export type Sql = { readonly where: string; readonly params: readonly (string | number)[] };

/**
 * The clause for a tree. `now` in ms since the epoch; `offsetMinutes` east of UTC for moments written without a zone.
 * Every test is true or false, never NULL, so that "not" means what people mean: a row without an alert is not `alert:46`.
 */
export function toSql(tree: FilterTree, now: number, offsetMinutes = 0): Sql {
  const params: (string | number)[] = [];
  const where = write(tree, { now, offsetMs: offsetMinutes * 60_000, params });
  return { where, params };
}

type Writing = { readonly now: number; readonly offsetMs: number; readonly params: (string | number)[] };
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
      case 'text': return writeText(column, field.type === 'text', operator, value.text, writing);
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
  if (value.kind === 'ago') return compare(column, operator === '==' ? '>=' : operator, writing.now - value.ms, writing);
  const from = value.zoned ? value.at : value.at - writing.offsetMs;
  const to = from + value.span;
  switch (operator) {
    case '>': return compare(column, '>=', to, writing);
    case '<=': return compare(column, '<', to, writing);
    case '>=': case '<': return compare(column, operator, from, writing);
    default: return `(${compare(column, '>=', from, writing)} AND ${compare(column, '<', to, writing)})`;
  }
}

/**
 * Palo Alto logs the alert as one word in `error`. Ours keeps the number, so the word is turned into numbers here, which an index
 * can answer; NoAlert is a refusal without one. The column of that name says what failed on the server's side.
 */
function writeError(operator: Operator, text: string, writing: Writing): string {
  const holds = wordTest(operator, text);
  // Numbers of our own making, not a person's text: 256 placeholders for each of 200 tests would be more than SQLite takes.
  const alerts = Array.from({ length: 256 }, (_, alert) => alert).filter((alert) => holds(alertCamelName(alert)));
  const parts = [writeText('error', true, operator, text, writing)];
  if (alerts.length > 0) parts.push(`(alert IS NOT NULL AND alert IN (${alerts.join(', ')}))`);
  if (holds('NoAlert')) parts.push("(outcome IS 'refused' AND alert IS NULL)");
  return `(${parts.join(' OR ')})`;
}

function wordTest(operator: Operator, text: string): (word: string) => boolean {
  const wanted = lowerAscii(text);
  if (operator === 'contains') return (word) => lowerAscii(word).includes(wanted);
  if (operator === 'matches') {
    const matches = compileGlob(wanted);
    return (word) => matches(lowerAscii(word));
  }
  return (word) => lowerAscii(word) === wanted;
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

function containsPattern(text: string): string {
  return `%${escapeLike(text)}%`;
}

/** `*` = any run; runs of stars are one, since each costs LIKE another pass. */
function globPattern(text: string): string {
  return escapeLike(text).replace(/\*+/gu, '%');
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/gu, (special) => `\\${special}`);
}
