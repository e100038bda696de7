// Characters of a filter to tokens. Not for grammar (parse-filter.ts).
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly kind: 'quoted'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly kind: 'operator'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly kind: 'open' | 'close' | 'and' | 'or' | 'not'; readonly at: number; readonly end: number };

export type Tokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'invalid'; readonly at: number; readonly length: number; readonly complaint: Sentence };

/** Longest first, since `>` begins `>=`. */
const symbols = ['==', '!=', '>=', '<=', '&&', '||', '=', '>', '<', ':', '(', ')', '!'] as const;
const space = ' \t\r\n';
/** A word ends at these; after an operator it may hold `:`, `=`, `!` and the like, as times and addresses do. */
const wordEnds = `${space}()"'`;
const nameEnds = `${wordEnds}=!<>:&|`;

/** Splits a filter; a quote that is not closed is the only thing that can go wrong here. */
export function tokenise(text: string): Tokens {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (space.includes(character)) {
      at++;
      continue;
    }
    const afterOperator = expectsValue(tokens);
    if (character === '"' || character === "'") {
      const quoted = readQuoted(text, at);
      if (quoted === null) return { kind: 'invalid', at, length: text.length - at, complaint: sentence('filter.quote-open') };
      tokens.push(quoted);
      at = quoted.end;
      continue;
    }
    const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
    if (symbol !== undefined && (!afterOperator || symbol === '(' || symbol === ')')) {
      tokens.push(symbolToken(symbol, at));
      at += symbol.length;
      continue;
    }
    if (character === '-' && !afterOperator) {
      tokens.push({ kind: 'not', at, end: at + 1 });
      at++;
      continue;
    }
    const end = wordEnd(text, at, afterOperator ? wordEnds : nameEnds);
    tokens.push(wordToken(text.slice(at, end), at, end, afterOperator));
    at = end;
  }
  return { kind: 'tokens', tokens };
}

const wordOperators: Readonly<Record<string, string>> = {
  contains: 'contains', matches: 'matches', in: 'in', notin: 'notin', eq: '==', neq: '!=', geq: '>=', leq: '<=', gt: '>', lt: '<',
};

/** True when the last token is an operator that has a field before it. */
function expectsValue(tokens: readonly Token[]): boolean {
  return tokens.at(-1)?.kind === 'operator' && tokens.at(-2)?.kind === 'word';
}

function wordToken(text: string, at: number, end: number, isValue: boolean): Token {
  if (isValue) return { kind: 'word', text, at, end };
  const lower = text.toLowerCase();
  if (lower === 'and' || lower === 'or' || lower === 'not') return { kind: lower, at, end };
  const operator = Object.hasOwn(wordOperators, lower) ? wordOperators[lower] : undefined;
  return operator === undefined ? { kind: 'word', text, at, end } : { kind: 'operator', text: operator, at, end };
}

function symbolToken(symbol: (typeof symbols)[number], at: number): Token {
  const end = at + symbol.length;
  switch (symbol) {
    case '(': return { kind: 'open', at, end };
    case ')': return { kind: 'close', at, end };
    case '&&': return { kind: 'and', at, end };
    case '||': return { kind: 'or', at, end };
    case '!': return { kind: 'not', at, end };
    case '=': return { kind: 'operator', text: '==', at, end };
    default: return { kind: 'operator', text: symbol, at, end };
  }
}

function wordEnd(text: string, from: number, ends: string): number {
  let end = from + 1;
  while (end < text.length && !ends.includes(text.charAt(end))) end++;
  return end;
}

/** Backslash before the quote or another backslash; anything else stands for itself. */
function readQuoted(text: string, at: number): Token | null {
  const quote = text.charAt(at);
  let value = '';
  for (let index = at + 1; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === quote) return { kind: 'quoted', text: value, at, end: index + 1 };
    const next = text.charAt(index + 1);
    if (character === '\\' && (next === quote || next === '\\')) {
      value += next;
      index++;
    } else value += character;
  }
  return null;
}
