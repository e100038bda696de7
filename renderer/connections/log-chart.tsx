// What was done over the last day and week, as bars with the same numbers in a table beside them. A bar or a row leads to its connections.
// Bars are for eyes and pointers; everything in them is in the table, which is for everybody.
import { useCallback, useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { LogBucket, LogStatisticsAnswer } from '../../electron/contract/routes.ts';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { Failure, Loading } from '../components/states.tsx';
import { clock, count, date } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';

/** In the order in which they stand on each other. `filter`: the connections that are counted. */
const series = [
  { id: 'inspected', word: 'disposition.inspect', filter: 'disposition:inspect and not outcome:refused and not outcome:upstream', fill: 'inspect' },
  { id: 'bypassed', word: 'disposition.bypass', filter: 'disposition:bypass and not outcome:upstream', fill: 'bypass' },
  { id: 'refused', word: 'outcome.refused', filter: 'disposition:inspect and outcome:refused', fill: 'refused' },
  { id: 'blocked', word: 'disposition.block', filter: 'disposition:block and not outcome:upstream', fill: 'block' },
] as const;

const hour = 3_600_000;
const day = 24 * hour;

type CountedProps = {
  readonly span: ChartSpan;
  /** What the numbers are called. */
  readonly title: string;
  /** Only these connections are counted; empty = all. */
  readonly filter: string;
  /** Only hours or days in which there was something get a line in the table. */
  readonly onlyBusy?: boolean;
  /** Opens the connections of a span of time; `part`: only these; empty = all. */
  readonly onOpen: (from: number, to: number, part: string) => void;
};

/** How long a bar and a line of the table are. Bars of a week in hours would be thinner than their pattern. */
const spans = {
  day: { hours: 24, barMs: hour, stepMs: hour, word: 'chart.day', label: clock },
  week: { hours: 168, barMs: 4 * hour, stepMs: day, word: 'chart.week', label: date },
} as const;
export type ChartSpan = keyof typeof spans;
export const chartSpans = ['day', 'week'] as const satisfies readonly ChartSpan[];

/** The catalogue's key for a span. */
export function spanWord(span: ChartSpan) {
  return spans[span].word;
}

/** Both charts. */
export function LogCharts({ filter, onOpen }: Pick<CountedProps, 'filter' | 'onOpen'>) {
  const { t } = useTranslation();
  return (
    <div className="charts">
      {chartSpans.map((span) => (
        <section key={span} className="card" aria-label={t(spans[span].word)}>
          <div className="card-head">
            <h2>{t(spans[span].word)}</h2>
            <Legend />
          </div>
          <Counted span={span} title={t(spans[span].word)} filter={filter} onOpen={onOpen} />
        </section>
      ))}
    </div>
  );
}

/** What each colour and pattern means. */
export function Legend() {
  const { t } = useTranslation();
  return (
    <ul className="legend">
      {series.map(({ id, word, fill }) => <li key={id}><span className={`swatch fill-${fill}`} aria-hidden="true" />{t(word)}</li>)}
    </ul>
  );
}

/** New hours come slowly; a look a minute keeps the chart true. */
const renewMs = 60_000;

/** Bars and table of one span; what stands in their place while there is nothing to draw. */
export function Counted({ span, title, filter, onlyBusy = false, onOpen }: CountedProps) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [answer, setAnswer] = useState<LogStatisticsAnswer | null>(null);
  const [error, setError] = useState<ErrorBody | null>(null);
  const { hours } = spans[span];
  const ask = useCallback(async (wanted: () => boolean) => {
    try {
      const found = await bridge.call('logStatistics', { hours: String(hours), ...(filter === '' ? {} : { filter }) }, {});
      if (!wanted()) return;
      setAnswer(found);
      setError(null);
    } catch (thrown) {
      if (wanted()) setError(errorOf(thrown));
    }
  }, [bridge, hours, filter]);
  useEffect(() => {
    let here = true;
    const renew = (): void => void ask(() => here);
    renew();
    const timer = setInterval(renew, renewMs);
    return () => {
      here = false;
      clearInterval(timer);
    };
  }, [ask]);

  return (
    <>
      {error === null ? null : <Failure error={error} onRetry={() => void ask(() => true)} />}
      {answer === null && error === null ? <Loading label={t('chart.loading')} lines={4} /> : null}
      {answer === null ? null : <Drawn answer={answer} span={span} title={title} onlyBusy={onlyBusy} onOpen={onOpen} />}
    </>
  );
}

type DrawnProps = Pick<CountedProps, 'span' | 'title' | 'onOpen'> & { readonly onlyBusy: boolean; readonly answer: LogStatisticsAnswer };

function Drawn({ answer, span, title, onlyBusy, onOpen }: DrawnProps) {
  const { t } = useTranslation();
  const { from, to } = answer;
  const { barMs, stepMs, label } = spans[span];
  const whole = gather(answer, stepMs);
  const busy = whole.filter((line) => series.some(({ id }) => line[id] > 0));
  if (busy.length === 0) return <p className="muted">{t('chart.none')}</p>;
  const lines = onlyBusy ? busy : whole;
  return (
    <div className="chart-both">
      <Bars answer={answer} barMs={barMs} onOpen={(at) => onOpen(at, Math.min(to, at + barMs), '')} />
      <section className="chart-table" {...scrolling} aria-label={t('chart.numbers', { title })}>
        <table className="share-table">
          <caption className="unseen">{title}</caption>
          <thead>
            <tr><th scope="col">{t('chart.from')}</th>{series.map(({ id, word }) => <th key={id} scope="col">{t(word)}</th>)}</tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.at}>
                <th scope="row"><Button className="link" onPress={() => onOpen(Math.max(from, line.at), Math.min(to, line.at + stepMs), '')}>{label(line.at)}</Button></th>
                {series.map(({ id, word, filter }) => (
                  <td key={id}>
                    {line[id] === 0 ? '0' : (
                      <Button
                        className="link" aria-label={t('chart.open', { number: count(line[id]), what: t(word), when: label(line.at) })}
                        onPress={() => onOpen(Math.max(from, line.at), Math.min(to, line.at + stepMs), filter)}
                      >
                        {count(line[id])}
                      </Button>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

// What scrolls has to be reachable by keyboard (WCAG 2.1.1).
const scrolling = { tabIndex: 0 };

/** Whole days or hours of the device's own clock, newest first, with the empty ones that lie between. */
function gather({ from, to, buckets }: LogStatisticsAnswer, stepMs: number): LogBucket[] {
  const startOf = (at: number): number => (stepMs === day ? new Date(at).setHours(0, 0, 0, 0) : at);
  const hours = Array.from({ length: Math.ceil((to - from) / hour) }, (_, index) => ({ at: from + index * hour, inspected: 0, refused: 0, bypassed: 0, blocked: 0 }));
  return addUp([...hours, ...buckets], startOf).sort((a, b) => b.at - a.at);
}

/** Buckets that begin at the same moment as one. */
function addUp(buckets: readonly LogBucket[], startOf: (at: number) => number): LogBucket[] {
  const sums = new Map<number, LogBucket>();
  for (const bucket of buckets) {
    const at = startOf(bucket.at);
    const sum = sums.get(at);
    sums.set(at, sum === undefined ? { ...bucket, at } : {
      at, inspected: sum.inspected + bucket.inspected, refused: sum.refused + bucket.refused, bypassed: sum.bypassed + bucket.bypassed, blocked: sum.blocked + bucket.blocked,
    });
  }
  return [...sums.values()];
}

const height = 160;

/** Each bar a share of the highest, and at least a pixel where something was. */
function Bars({ answer, barMs, onOpen }: { readonly answer: LogStatisticsAnswer; readonly barMs: number; readonly onOpen: (at: number) => void }) {
  const { from, to } = answer;
  const buckets = addUp(answer.buckets, (at) => from + Math.floor((at - from) / barMs) * barMs);
  const most = Math.max(1, ...buckets.map((bucket) => series.reduce((sum, { id }) => sum + bucket[id], 0)));
  const number = Math.max(1, Math.ceil((to - from) / barMs));
  const width = 100 / number;
  return (
    <svg className="chart" width="100%" height={height} aria-hidden="true" focusable="false">
      <defs>
        <pattern id="chart-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line className="hatch-line" x1="0" y1="0" x2="0" y2="7" /></pattern>
        <pattern id="chart-dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle className="hatch-dot" cx="3" cy="3" r="1.3" /></pattern>
      </defs>
      {[0.25, 0.5, 0.75, 1].map((part) => <line key={part} className="chart-line" x1="0" x2="100%" y1={height * (1 - part) + 0.5} y2={height * (1 - part) + 0.5} />)}
      {buckets.map((bucket) => {
        const x = `${((bucket.at - from) / barMs) * width}%`;
        let top = height;
        return (
          <g key={bucket.at} className="chart-bar" onClick={() => onOpen(bucket.at)}>
            <rect className="chart-touch" x={x} y="0" width={`${width}%`} height={height} />
            {series.map(({ id, fill }) => {
              if (bucket[id] === 0) return null;
              const tall = Math.max(1, (bucket[id] / most) * (height - 4));
              top -= tall;
              const place = { x, y: top, width: `${width * 0.86}%`, height: tall };
              return (
                <g key={id}>
                  <rect className={`fill-${fill}`} {...place} />
                  {fill === 'inspect' ? null : <rect {...place} fill={fill === 'bypass' ? 'url(#chart-hatch)' : 'url(#chart-dots)'} />}
                </g>
              );
            })}
          </g>
        );
      })}
    </svg>
  );
}
