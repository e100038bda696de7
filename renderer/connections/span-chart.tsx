// The chart of one span of time with the choice between day and week: for all connections or those of a filter. A bar or a number leads to them.
// Not for drawing (log-chart.tsx).
import { useState } from 'react';
import type { ReactNode } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { showFiltered } from '../state/ui-store.ts';
import { chartSpans } from './chart-series.ts';
import type { ChartSpan } from './chart-series.ts';
import { Counted, Legend, spanWord } from './log-chart.tsx';
import { showSpan } from './view-store.ts';

type SpanChartProps = {
  /** What is counted, in words. */
  readonly title: string;
  /** Stands beside the choice. */
  readonly heading: ReactNode;
  /** Only these connections; empty = all. */
  readonly filter: string;
};

/** Heading, choice, legend, bars and table. */
export function SpanChart({ title, heading, filter }: SpanChartProps) {
  const { t } = useTranslation();
  const [span, setSpan] = useState<ChartSpan>('day');
  return (
    <>
      <div className="timeline-head">
        {heading}
        <ToggleButtonGroup
          className="segments" aria-label={t('app.timelineSpan')} selectionMode="single" disallowEmptySelection
          selectedKeys={[span]} onSelectionChange={(keys) => setSpan(chartSpans.find((one) => keys.has(one)) ?? 'day')}
        >
          {chartSpans.map((one) => <ToggleButton key={one} id={one}>{t(spanWord(one))}</ToggleButton>)}
        </ToggleButtonGroup>
      </div>
      <Legend />
      <Counted
        key={span} span={span} title={`${title}, ${t(spanWord(span))}`} filter={filter} onlyBusy
        onOpen={(from, to, part) => {
          showSpan(from, to);
          showFiltered([filter, part].filter((text) => text !== '').join(' and '));
        }}
      />
    </>
  );
}
