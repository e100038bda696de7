// A filter's tree back to text that reads the same: for chips, and for the filters that the window makes itself.
// Not for reading (parse-filter.ts).
import { tokenise } from './tokens.ts';
import type { FilterTree } from './parse-filter.ts';
import type { FilterValue } from './values.ts';

/** The text of a tree; parsing it gives the same tree. */
export function formatFilter(tree: FilterTree): string {
  switch (tree.kind) {
    case 'all': return '';
    case 'and': case 'or': return tree.parts.map(inBrackets).join(` ${tree.kind} `);
    case 'not': return `not ${inBrackets(tree.part)}`;
    case 'word': return quoteValue(tree.text);
    case 'test': return tree.operator === '==' && !tree.field.operators.includes('contains')
      ? `${tree.field.name}:${formatValue(tree.value)}`
      : `${tree.field.name} ${tree.operator} ${formatValue(tree.value)}`;
  }
}

/** The text as one value or word: in quotes where it would be read as something else without. */
export function quoteValue(text: string): string {
  const split = tokenise(text);
  const [word, ...more] = split.kind === 'tokens' ? split.tokens : [];
  const plain = word?.kind === 'word' && word.at === 0 && word.end === text.length && more.length === 0;
  return plain ? text : `"${text.replaceAll(/["\\]/gu, (special) => `\\${special}`)}"`;
}

function inBrackets(part: FilterTree): string {
  return part.kind === 'and' || part.kind === 'or' ? `(${formatFilter(part)})` : formatFilter(part);
}

function formatValue(value: FilterValue): string {
  switch (value.kind) {
    case 'text': return quoteValue(value.text);
    case 'network': return `${value.octets.join('.')}/${value.bits}`;
    case 'number': return String(value.number);
    case 'ago': return span(value.ms);
    case 'moment': {
      const iso = new Date(value.at).toISOString();
      const until = value.span >= 86_400_000 ? 10 : value.span >= 60_000 ? 16 : 19;
      return `${iso.slice(0, until)}${value.zoned ? 'Z' : ''}`;
    }
  }
}

/** In the largest unit that needs no fraction. */
function span(ms: number): string {
  const units = [['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const;
  const [unit, size] = units.find(([, length]) => ms >= length && ms % length === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
