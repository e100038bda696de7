// What is offered while a filter is typed; `|` marks the caret.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';
import { suggest, valueOptions } from '../../../electron/core/log-query/suggest.ts';
import { filterText } from './filter-text.ts';

function at(marked: string): ReturnType<typeof suggest> {
  const caret = marked.indexOf('|');
  return suggest(marked.replace('|', ''), caret);
}
const texts = (marked: string): string[] => at(marked).options.map(({ text }) => text);

test.each<[string, string, string[], [number, number]]>([
  ['an empty box offers fields and not', '|', ['not ', 'app ', 'host ', 'disposition:', 'since:'], [0, 0]],
  ['a beginning offers what it can become', 'dis|', ['disposition:'], [0, 3]],
  ['Palo Alto\'s names too', 'time_g|', ['time_generated '], [0, 6]],
  ['behind a field come its operators', 'app |', ['contains ', 'matches ', '== ', '!= '], [4, 4]],
  ['operators by their beginning', 'app con|', ['contains '], [4, 7]],
  ['an address can lie in a network', 'ip |', ['in ', '== '], [3, 3]],
  ['behind an operator come values', 'verdict:|', ['pinned ', 'private-trust-store '], [8, 8]],
  ['values by their beginning', 'verdict:pi|', ['pinned '], [8, 10]],
  ['values in quotes', 'disposition == "by|', ['bypass '], [15, 18]],
  ['behind a test come joining words and fields', 'disposition:bypass |', ['and ', 'or ', 'app '], [19, 19]],
  ['inside brackets the closing one too', '(disposition:bypass |', [') ', 'and ', 'or '], [20, 20]],
  ['behind and comes a new test', 'a and |', ['not ', 'app '], [6, 6]],
  ['in the middle of a filter', 'dis| verdict:pinned', ['disposition:'], [0, 3]],
  ['an alert by number with its name', 'alert:|', ['48 ', '46 ', '42 '], [6, 6]],
])('%s', (_, marked, expected, [from, to]) => {
  const found = at(marked);
  expect(texts(marked)).toEqual(expect.arrayContaining(expected));
  expect([found.from, found.to]).toEqual([from, to]);
});

test.each<[string, string, string[]]>([
  ['a beginning that is no field', 'xyz|', []],
  ['a value that only the store may know', 'app contains sl|', []],
  ['the inside of a quoted word', '"two wo|', []],
])('%s offers nothing by itself', (_, marked, expected) => {
  expect(texts(marked)).toEqual(expected);
});

test.each([
  ['app contains sl|', { field: 'app', part: 'sl' }],
  ['host:|', { field: 'host', part: '' }],
  ['app == "two wo|', { field: 'app', part: 'two wo' }],
  ['user.src eq a|', { field: 'user', part: 'a' }],
  ['port:4|', null],
  ['app|', null],
])('%s asks the store for %o', (marked, wanted) => {
  expect(at(marked).wanted).toEqual(wanted);
});

test('values of the store are quoted where they need it', () => {
  expect(valueOptions(['slack', 'two words', 'a"b']).map(({ text }) => text)).toEqual(['slack ', '"two words" ', '"a\\"b" ']);
});

test('at any place of any filter it offers without failing, and what is offered for the beginning of a name can be read', () => {
  fc.assert(fc.property(filterText, fc.nat(200), (text, place) => {
    const caret = Math.min(place, text.length);
    const { from, to, options } = suggest(text, caret);
    expect(from <= to && to <= text.length).toBe(true);
    for (const option of options) {
      expect(option.text.trim()).not.toBe('');
      const put = text.slice(0, from) + option.text;
      const read = parseFilter(option.kind === 'value' ? put : `${text.slice(0, from)}x`);
      expect(typeof read.kind).toBe('string');
    }
  }), { numRuns: 1_000 });
});
