// The filter language of `pinlight log` and the window: text to a tree. Grammar: or, and (also without a word between), not, tests.
// Not for fields and values (fields.ts, values.ts) and not for SQL (to-sql.ts).
import { anyOf, nearest } from '../nearest.ts';
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';
import { fields, findField, whyForeign } from './fields.ts';
import type { Field, Operator } from './fields.ts';
import { tokenise } from './tokens.ts';
import type { Token } from './tokens.ts';
import { readValue } from './values.ts';
import type { FilterValue } from './values.ts';

export type FilterTree =
  /** An empty filter: every row. */
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterTree[] }
  | { readonly kind: 'not'; readonly part: FilterTree }
  /** A bare word: host or app contains it. */
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'test'; readonly field: Field; readonly operator: Operator; readonly value: FilterValue };

export type FilterRead =
  | { readonly kind: 'filter'; readonly tree: FilterTree }
  | {
      readonly kind: 'invalid';
      /** Where the complaint stands in the text, in characters from 0. */
      readonly at: number;
      readonly length: number;
      readonly complaint: Sentence;
      /** What may have been meant instead of the text there. */
      readonly suggestion?: string;
    };

/**
 * SQLite stops at an expression 1,000 deep, and a chain of `and` is as deep as it is long; 100 of the dearest tests take it some 10 ms to prepare, and a
 * slow machine less than 50 (found by npm run fuzz).
 */
export const filterLimits = { characters: 4096, nesting: 50, tests: 100 } as const;

type Fault = Extract<FilterRead, { kind: 'invalid' }>;

/** Reads a filter. Never throws, and takes time linear in the text. */
export function parseFilter(text: string): FilterRead {
  if (text.length > filterLimits.characters) return fault(filterLimits.characters, text.length - filterLimits.characters, sentence('filter.too-long', { most: filterLimits.characters }));
  const control = text.split('').findIndex(isControl);
  if (control >= 0) return fault(control, 1, sentence('filter.control'));
  const split = tokenise(text);
  if (split.kind === 'invalid') return split;
  if (split.tokens.length === 0) return { kind: 'filter', tree: { kind: 'all' } };
  const reader: Reader = { tokens: split.tokens, next: 0, tests: 0, end: text.length };
  const tree = readOr(reader, 0);
  if (tree.kind === 'invalid') return tree;
  const rest = reader.tokens[reader.next];
  // A chain ends at nothing else.
  if (rest !== undefined) return faultAt(rest, sentence('filter.bracket-stray'));
  return { kind: 'filter', tree };
}

/** The only state of a reading: where it is and how many tests it has met. */
type Reader = { readonly tokens: readonly Token[]; next: number; tests: number; readonly end: number };

function readOr(reader: Reader, depth: number): FilterTree | Fault {
  return readChain(reader, depth, 'or', readAnd);
}

function readAnd(reader: Reader, depth: number): FilterTree | Fault {
  return readChain(reader, depth, 'and', readNot);
}

function readChain(reader: Reader, depth: number, word: 'and' | 'or', readPart: typeof readNot): FilterTree | Fault {
  const first = readPart(reader, depth);
  if (first.kind === 'invalid') return first;
  const parts = [first];
  for (;;) {
    const token = reader.tokens[reader.next];
    if (token === undefined || token.kind === 'close') break;
    if (token.kind === word) reader.next++;
    // Two tests side by side mean both; `or` ends the chain of `and`.
    else if (word === 'or' || token.kind === 'or') break;
    const part = readPart(reader, depth);
    if (part.kind === 'invalid') return part;
    parts.push(part);
  }
  return parts.length === 1 ? first : { kind: word, parts };
}

function readNot(reader: Reader, depth: number): FilterTree | Fault {
  const token = reader.tokens[reader.next];
  if (token === undefined) return fault(reader.end, 0, sentence('filter.missing'));
  if (depth > filterLimits.nesting) return faultAt(token, sentence('filter.too-deep', { most: filterLimits.nesting }));
  if (token.kind === 'not') {
    reader.next++;
    const part = readNot(reader, depth + 1);
    return part.kind === 'invalid' ? part : { kind: 'not', part };
  }
  if (token.kind === 'open') return readGroup(reader, token, depth);
  return readTest(reader, token);
}

function readGroup(reader: Reader, open: Token, depth: number): FilterTree | Fault {
  reader.next++;
  const inner = readOr(reader, depth + 1);
  if (inner.kind === 'invalid') return inner;
  if (reader.tokens[reader.next]?.kind !== 'close') return faultAt(open, sentence('filter.bracket-open'));
  reader.next++;
  return inner;
}

function readTest(reader: Reader, token: Token): FilterTree | Fault {
  if (token.kind !== 'word' && token.kind !== 'quoted') {
    return faultAt(token, token.kind === 'operator' ? sentence('filter.no-field-before', { operator: token.text }) : sentence('filter.expected'));
  }
  reader.tests++;
  if (reader.tests > filterLimits.tests) return faultAt(token, sentence('filter.too-many', { most: filterLimits.tests }));
  reader.next++;
  const operator = reader.tokens[reader.next];
  if (operator?.kind !== 'operator' || token.kind === 'quoted') return { kind: 'word', text: token.text };
  reader.next++;
  const value = reader.tokens[reader.next];
  const field = findField(token.text);
  if (field === null) return unknownField(token, token.text);
  const meant = operatorFor(field, operator.text);
  if (meant === null) {
    const takes = field.type === 'address' || field.type === 'time' ? [...field.operators, 'in', 'notin'] : field.operators;
    return faultAt(operator, sentence('filter.operator', { field: field.name, allowed: anyOf(takes), operator: operator.text, example: field.example }), field.operators[0]);
  }
  if (value === undefined || (value.kind !== 'word' && value.kind !== 'quoted')) {
    return fault(operator.at, operator.end - operator.at, sentence('filter.value-missing', { operator: operator.text, example: field.example }));
  }
  reader.next++;
  const read = readValue(field, value.text);
  if (read.kind === 'invalid') return faultAt(value, read.complaint, read.suggestion);
  if (read.value.kind === 'network' && meant !== '==' && meant !== '!=') {
    // A colon and a network: everything in it.
    if (operator.text !== ':') return faultAt(operator, sentence('filter.network-operator', { example: field.example }), 'in');
    return { kind: 'test', field, operator: '==', value: read.value };
  }
  return { kind: 'test', field, operator: meant, value: read.value };
}

/** `:` is what people type first: "contains" for text, "is" for everything else. */
function operatorFor(field: Field, text: string): Operator | null {
  if (text === ':') return field.operators.includes('contains') ? 'contains' : '==';
  // Palo Alto's words for lying within a network or a span of time, which is what equality means for these.
  if (field.type === 'address' || field.type === 'time') {
    if (text === 'in') return '==';
    if (text === 'notin') return '!=';
  }
  return field.operators.find((operator) => operator === text) ?? null;
}

function unknownField(token: Token, name: string): Fault {
  const written = name.slice(0, 60);
  const why = whyForeign(name);
  if (why !== null) return faultAt(token, sentence('filter.field-foreign', { name: written, why: sentence(why) }));
  const names = fields.flatMap((field) => [field.name, ...field.aliases]);
  const near = nearest(name, names);
  if (near !== null) return faultAt(token, sentence('filter.field-near', { name: written, near }), near);
  return faultAt(token, sentence('filter.field-unknown', { name: written, fields: fields.map((field) => field.name).join(', ') }));
}

function faultAt(token: Token, complaint: Sentence, suggestion?: string): Fault {
  return fault(token.at, token.end - token.at, complaint, suggestion);
}

function fault(at: number, length: number, complaint: Sentence, suggestion?: string): Fault {
  return suggestion === undefined ? { kind: 'invalid', at, length, complaint } : { kind: 'invalid', at, length, complaint, suggestion };
}

/** White space is none of these. SQLite's LIKE would stop at a NUL and match too much. */
function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return (code < 32 && character !== '\t' && character !== '\n' && character !== '\r') || code === 127;
}
