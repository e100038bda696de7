// The bench's arithmetic: what is printed beside measured figures must not invent any.
import { describe, expect, it } from 'vitest';
import { median, ratio, rotated, rounded, spread } from './stats.ts';

describe('median', () => {
  const rows: readonly [string, readonly number[], number | null][] = [
    ['of nothing is unknown', [], null],
    ['of one value is that value', [7], 7],
    ['of an odd count is the middle one, whatever the order', [9, 1, 5], 5],
    ['of an even count is the mean of the middle two', [4, 1, 3, 100], 3.5],
    ['is untouched by one wild round', [10, 11, 10_000], 11],
  ];
  it.each(rows)('%s', (_name, values, expected) => expect(median(values)).toBe(expected));

  it('leaves its input in order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('spread', () => {
  const rows: readonly [string, readonly number[], number | null][] = [
    ['of nothing is unknown', [], null],
    ['of one round is unknown, not zero', [5], null],
    ['of equal rounds is zero', [5, 5, 5], 0],
    ['is half of the range over the median', [90, 100, 110], 0.1],
    ['over a zero median is unknown', [0, 0, 4], null],
  ];
  it.each(rows)('%s', (_name, values, expected) => expect(spread(values)).toBe(expected));
});

describe('ratio', () => {
  const rows: readonly [string, number | null, number | null, number | null][] = [
    ['divides', 3, 2, 1.5],
    ['with a missing peer is unknown', 3, null, null],
    ['without our own figure is unknown', null, 2, null],
    ['over zero is unknown', 3, 0, null],
    ['of zero is zero', 0, 2, 0],
  ];
  it.each(rows)('%s', (_name, a, b, expected) => expect(ratio(a, b)).toBe(expected));
});

describe('rounded', () => {
  const rows: readonly [string, number | null, number | null][] = [
    ['keeps unknown unknown', null, null],
    ['rounds large figures to whole ones', 1234.56, 1235],
    ['keeps three digits of small ones', 2.34567, 2.35],
    ['keeps three digits below one', 0.0123456, 0.0123],
  ];
  it.each(rows)('%s', (_name, value, expected) => expect(rounded(value)).toBe(expected));
});

describe('rotated', () => {
  it('starts each round one further', () => {
    expect([0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
  });
  it('of nothing is nothing', () => expect(rotated([], 2)).toEqual([]));
});
