// The charts' scale, how hours become bars and lines, and what stands below them.
import { describe, expect, test } from 'vitest';
import { addUp, emptyHours, scaleOf, timeMarks } from '../../renderer/connections/chart-series.ts';

const hour = 3_600_000;
const at = (day: number, clockHour: number): number => new Date(2026, 10, day, clockHour).getTime();

test.each<[most: number, top: number]>([[0, 2], [1, 2], [3, 4], [9, 10], [11, 12], [128, 140], [460, 500], [999, 1000], [1001, 1200], [12_345, 14_000]])('the highest bar %d stands below %d, whose half is whole', (most, top) => {
  expect(scaleOf(most)).toBe(top);
  expect((top / 2) % 1).toBe(0);
});

describe('bars and table of a week', () => {
  const [from, to] = [at(14, 9), at(21, 9)];
  const buckets = emptyHours(from, to).map((bucket, index) => ({ ...bucket, inspected: index, refused: index % 3, bypassed: 1, blocked: 0 }));

  test('the bars of a day add up to its line', () => {
    const [bars, lines] = [addUp(buckets, 4), addUp(buckets, 24)];
    expect(lines).toHaveLength(8);
    for (const line of lines) {
      const own = bars.filter((bar) => new Date(bar.at).setHours(0, 0, 0, 0) === line.at);
      expect(own.length).toBeLessThanOrEqual(6);
      expect(own.reduce((sum, bar) => sum + bar.inspected, 0)).toBe(line.inspected);
    }
  });

  test('each day of at least half its length has its name, and a line where it begins', () => {
    const marks = timeMarks('week', from, to);
    expect(marks.filter(({ words }) => words !== '')).toHaveLength(7);
    expect(marks.filter(({ line }) => line)).toHaveLength(7);
    expect(marks.every((mark) => mark.at >= 0 && mark.at <= 1)).toBe(true);
  });
});

describe('a day', () => {
  test.each<[name: string, end: number]>([['in the morning', 9], ['just after midnight', 1], ['just before midnight', 23]])('%s it names every sixth hour, with a line where yesterday ends', (_name, end) => {
    const marks = timeMarks('day', at(21, end) - 24 * hour, at(21, end));
    expect(marks).toHaveLength(4);
    expect(marks.filter(({ line }) => line)).toHaveLength(1);
    for (const { at: part, edge } of marks) expect(edge).toBe(part < 0.08 ? 'start' : part > 0.92 ? 'end' : null);
  });

  test('hours stay as they are counted', () => {
    const buckets = emptyHours(at(20, 9), at(21, 9));
    expect(addUp(buckets, 1)).toEqual(buckets);
  });
});
