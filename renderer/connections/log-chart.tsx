// What was done over the last day and week, as bars with the same numbers in a table beside them. A bar or a row leads to its connections.
// Bars are for eyes and pointers; everything in them is in the table, which is for everybody.
import { useCallback, useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { LogStatisticsAnswer } from '../../electron/contract/routes.ts';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { scrolling } from '../components/scrolling.ts';
import { Failure, Loading } from '../components/states.tsx';
import { count } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';
import { addUp, chartSpans, emptyHours, hour, series, spans, together } from './chart-series.ts';
import type { ChartSpan } from './chart-series.ts';
import { Bars } from './log-bars.tsx';

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
  const { lineHours, bars, label } = spans[span];
  const whole = addUp([...emptyHours(from, to), ...answer.buckets], lineHours).toReversed();
  const busy = whole.filter((line) => series.some(({ id }) => line[id] > 0));
  if (busy.length === 0) return <p className="muted">{t('chart.none')}</p>;
  const rows = [
    { words: t('chart.together'), begin: from, end: to, line: together(answer.buckets) },
    ...(onlyBusy ? busy : whole).map((line) => ({ words: label(line.at), begin: Math.max(from, line.at), end: Math.min(to, line.at + lineHours * hour), line })),
  ];
  return (
    <div className="chart-both">
      <div>
        <Bars answer={answer} span={span} onOpen={(begin, end) => onOpen(begin, end, '')} />
        <p className="muted chart-note">{t(bars)}</p>
      </div>
      <section className="chart-table" {...scrolling} aria-label={t('chart.numbers', { title })}>
        <table className="number-table">
          <caption className="unseen">{title}</caption>
          <thead>
            <tr><th scope="col">{t('chart.from')}</th>{series.map(({ id, word }) => <th key={id} scope="col">{t(word)}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map(({ words, begin, end, line }) => (
              <tr key={begin === from && end === to ? words : begin}>
                <th scope="row"><Button className="link" onPress={() => onOpen(begin, end, '')}>{words}</Button></th>
                {series.map(({ id, word, filter }) => (
                  <td key={id}>
                    {line[id] === 0 ? '0' : (
                      <Button className="link" aria-label={t('chart.open', { number: count(line[id]), what: t(word), when: words })} onPress={() => onOpen(begin, end, filter)}>
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
