// The bars of a chart with their axes: numbers at the left, times below. For eyes and pointers: the table beside them says the same to everybody.
import type { LogStatisticsAnswer } from '../../electron/contract/routes.ts';
import { count } from '../format.ts';
import { addUp, hour, scaleOf, series, spans, timeMarks } from './chart-series.ts';
import type { ChartSpan } from './chart-series.ts';

const height = 160;
const percent = (part: number): string => `${part * 100}%`;

type BarsProps = {
  readonly answer: LogStatisticsAnswer;
  readonly span: ChartSpan;
  /** Moments between which the pressed bar stands. */
  readonly onOpen: (from: number, to: number) => void;
};

/** Each bar in the chart's scale, and each part at least a pixel where something was. */
export function Bars({ answer, span, onOpen }: BarsProps) {
  const { from, to } = answer;
  const { barHours } = spans[span];
  const buckets = addUp(answer.buckets, barHours);
  const top = scaleOf(Math.max(...buckets.map((bucket) => series.reduce((sum, { id }) => sum + bucket[id], 0))));
  const marks = timeMarks(span, from, to);
  return (
    <div className="chart-frame" aria-hidden="true">
      <div className="chart-numbers">{[top, top / 2, 0].map((number) => <span key={number}>{count(number)}</span>)}</div>
      <svg className="chart" width="100%" height={height} focusable="false">
        <defs>
          <pattern id="chart-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line className="hatch-line" x1="0" y1="0" x2="0" y2="7" /></pattern>
          <pattern id="chart-dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle className="hatch-dot" cx="3" cy="3" r="1.3" /></pattern>
        </defs>
        {[0.5, height / 2].map((y) => <line key={y} className="chart-line" x1="0" x2="100%" y1={y} y2={y} />)}
        {marks.filter(({ line }) => line).map(({ at }) => <line key={at} className="chart-midnight" x1={percent(at)} x2={percent(at)} y1="0" y2={height} />)}
        {buckets.map((bucket) => {
          const [begin, end] = [Math.max(from, bucket.at), Math.min(to, bucket.at + barHours * hour)];
          const [x, width] = [percent((begin - from) / (to - from)), (end - begin) / (to - from)];
          let base = height;
          return (
            <g key={bucket.at} className="chart-bar" onClick={() => onOpen(begin, end)}>
              <rect className="chart-touch" x={x} y="0" width={percent(width)} height={height} />
              {series.map(({ id, fill }) => {
                if (bucket[id] === 0) return null;
                const tall = Math.max(1, (bucket[id] / top) * height);
                base -= tall;
                const place = { x, y: base, width: percent(width * 0.86), height: tall };
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
      <div className="chart-times">
        {marks.filter(({ words }) => words !== '').map(({ at, words, edge }) => <span key={at} className={edge === null ? undefined : `chart-${edge}`} style={{ left: percent(at) }}>{words}</span>)}
      </div>
    </div>
  );
}
