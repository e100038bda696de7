// A tree and its text are the same thing twice.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFilter, quoteValue } from '../../../electron/core/log-query/format-filter.ts';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';
import type { FilterTree } from '../../../electron/core/log-query/parse-filter.ts';
import { filterText } from './filter-text.ts';
import { say } from '../../../electron/core/sentence.ts';

function tree(text: string): FilterTree {
  const read = parseFilter(text);
  if (read.kind === 'invalid') throw new Error(`${text}: ${say(read.complaint)}`);
  return read.tree;
}

test.each([
  ['disposition eq bypass and verdict:pinned since:7d', 'disposition:bypass and verdict:pinned and since:1w'],
  ['(a or b) and not (c or d)', '(a or b) and not (c or d)'],
  ["error contains 'UnknownCA'", 'error contains UnknownCA'],
  ["time_generated geq '2026/08/01 10:00:00'", 'time >= 2026-08-01T10:00:00'],
  ['app == "a \\"b\\" c"', 'app == "a \\"b\\" c"'],
  ['addr.dst in 192.0.2.77/24', 'ip == 192.0.2.0/24'],
  ['dur > 90s or bytes > 10M', 'dur > 90000 or bytes > 10000000'],
])('%s is written as %s', (text, written) => {
  expect(formatFilter(tree(text))).toBe(written);
});

test('every filter reads the same after it was written', () => {
  fc.assert(fc.property(filterText, (text) => {
    const read = tree(text);
    expect(tree(formatFilter(read))).toEqual(read);
  }), { numRuns: 3_000 });
});

test.each([[' a', '" a"'], ['a ', '"a "'], ['a b', '"a b"'], ['', '""'], ['a', 'a'], ['not', '"not"'], ['-a', '"-a"']])('%j is quoted as %s', (text, quoted) => {
  expect(quoteValue(text)).toBe(quoted);
});

test('any text can be searched for as one word or value', () => {
  const character = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom(' ', '"', '\'', '\\', ':', '=', '!', '<', '(', ')', '&', '|', '-', 'a'));
  fc.assert(fc.property(fc.string({ unit: character, minLength: 1, maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text)), (text) => {
    expect(tree(quoteValue(text))).toEqual({ kind: 'word', text });
    expect(tree(`app == ${quoteValue(text)}`)).toMatchObject({ kind: 'test', value: { kind: 'text', text } });
  }), { numRuns: 2_000 });
});
