// What is counted in the charts of the log, over which spans, and how hours are put together. Not for drawing (log-bars.tsx, log-chart.tsx).
import type { LogBucket } from '../../electron/contract/routes.ts';
import { clock, date, weekday } from '../format.ts';

/** In the order in which they stand on each other. `filter`: the connections that are counted. */
export const series = [
  { id: 'inspected', word: 'disposition.inspect', filter: 'disposition:inspect and not outcome:refused and not outcome:upstream', fill: 'inspect' },
  { id: 'bypassed', word: 'disposition.bypass', filter: 'disposition:bypass and not outcome:upstream', fill: 'bypass' },
  { id: 'refused', word: 'outcome.refused', filter: 'disposition:inspect and outcome:refused', fill: 'refused' },
  { id: 'blocked', word: 'disposition.block', filter: 'disposition:block and not outcome:upstream', fill: 'block' },
] as const;

export const hour = 3_600_000;

/**
 * How long a bar and a line of the table are, in hours of the device's own clock: six bars of the week are one day's line, so both say the same.
 * Bars of a week in hours would be thinner than their pattern.
 */
export const spans = {
  day: { hours: 24, barHours: 1, lineHours: 1, word: 'chart.day', bars: 'chart.barsOfDay', label: clock },
  week: { hours: 168, barHours: 4, lineHours: 24, word: 'chart.week', bars: 'chart.barsOfWeek', label: date },
} as const;
export type ChartSpan = keyof typeof spans;
export const chartSpans = ['day', 'week'] as const satisfies readonly ChartSpan[];

/** The buckets put together by so many hours of the clock, oldest first; the first and the last may be parts. */
export function addUp(buckets: readonly LogBucket[], hours: number): LogBucket[] {
  const sums = new Map<number, LogBucket>();
  for (const bucket of buckets) {
    const at = startOf(bucket.at, hours);
    const sum = sums.get(at);
    sums.set(at, sum === undefined ? { ...bucket, at } : {
      at, inspected: sum.inspected + bucket.inspected, refused: sum.refused + bucket.refused, bypassed: sum.bypassed + bucket.bypassed, blocked: sum.blocked + bucket.blocked,
    });
  }
  return [...sums.values()].toSorted((a, b) => a.at - b.at);
}

/** All of them in one. */
export function together(buckets: readonly LogBucket[]): Pick<LogBucket, (typeof series)[number]['id']> {
  const sum = (id: (typeof series)[number]['id']): number => buckets.reduce((all, bucket) => all + bucket[id], 0);
  return { inspected: sum('inspected'), refused: sum('refused'), bypassed: sum('bypassed'), blocked: sum('blocked') };
}

/** Buckets count from the hour of the server's answer, which a time zone with half hours does not share: those stay as they are. */
function startOf(at: number, hours: number): number {
  return hours === 1 ? at : new Date(at).setHours(Math.floor(new Date(at).getHours() / hours) * hours, 0, 0, 0);
}

/** Every hour from `from` to `to` without a connection. */
export function emptyHours(from: number, to: number): LogBucket[] {
  return Array.from({ length: Math.ceil((to - from) / hour) }, (_, index) => ({ at: from + index * hour, inspected: 0, refused: 0, bypassed: 0, blocked: 0 }));
}

/** The least round number, at least 2, that is not below `most` and whose half is whole. */
export function scaleOf(most: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))) - 1);
  return [2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80, 100].map((step) => step * unit).find((top) => top >= most && top % 2 === 0) ?? 2;
}

/** A line across the chart (`line`) and words below it; `at`: parts of the span from its beginning. `edge`: the words lean on it. */
export type TimeMark = { readonly at: number; readonly line: boolean; readonly words: string; readonly edge: 'start' | 'end' | null };

/** What stands below the bars: for a day every sixth hour and the date where it changes, for a week each day. */
export function timeMarks(span: ChartSpan, from: number, to: number): TimeMark[] {
  const part = (at: number): number => (at - from) / (to - from);
  const days = midnights(from, to);
  if (span === 'week') {
    return days.flatMap((begin, index): TimeMark[] => {
      const [left, right] = [Math.max(from, begin), Math.min(to, days[index + 1] ?? to)];
      // Less than half a day has no room for its name.
      return [{ at: part(left), line: begin > from, words: '', edge: null }, ...(right - left < 12 * hour ? [] : [{ at: part((left + right) / 2), line: false, words: weekday(left), edge: null }])];
    });
  }
  return days.flatMap((begin) => [0, 6, 12, 18].map((of) => new Date(begin).setHours(of)).filter((at) => at > from && at < to).map((at): TimeMark => {
    const edge = part(at) < 0.08 ? 'start' : part(at) > 0.92 ? 'end' : null;
    return { at: part(at), line: at === begin, words: at === begin ? weekday(at) : clock(at), edge };
  }));
}

/** Beginnings of the days that the span touches. */
function midnights(from: number, to: number): number[] {
  const found: number[] = [];
  const day = new Date(new Date(from).setHours(0, 0, 0, 0));
  for (; day.getTime() < to; day.setDate(day.getDate() + 1)) found.push(day.getTime());
  return found;
}
