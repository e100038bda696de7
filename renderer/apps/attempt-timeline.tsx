// When one app tried to connect, and what became of it: bars and table of the last day or week, each leading to its connections.
// Not for drawing them (connections/log-chart.tsx) and not for single attempts at a host (host-panel.tsx).
import { useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { quoteValue } from '../../electron/core/log-query/format-filter.ts';
import { chartSpans } from '../connections/chart-series.ts';
import type { ChartSpan } from '../connections/chart-series.ts';
import { Counted, Legend, spanWord } from '../connections/log-chart.tsx';
import { showSpan } from '../connections/view-store.ts';
import { showFiltered } from '../state/ui-store.ts';

/** The section of the app's drawer. */
export function AttemptTimeline({ app }: { readonly app: string }) {
  const { t } = useTranslation();
  const [span, setSpan] = useState<ChartSpan>('day');
  const filter = `app == ${quoteValue(app)}`;
  return (
    <section className="timeline" aria-label={t('app.timeline')}>
      <div className="timeline-head">
        <h3 className="drawer-section">{t('app.timeline')}</h3>
        <ToggleButtonGroup
          className="segments" aria-label={t('app.timelineSpan')} selectionMode="single" disallowEmptySelection
          selectedKeys={[span]} onSelectionChange={(keys) => setSpan(chartSpans.find((one) => keys.has(one)) ?? 'day')}
        >
          {chartSpans.map((one) => <ToggleButton key={one} id={one}>{t(spanWord(one))}</ToggleButton>)}
        </ToggleButtonGroup>
      </div>
      <Legend />
      <Counted
        key={span} span={span} title={`${t('app.timeline')}, ${t(spanWord(span))}`} filter={filter} onlyBusy
        onOpen={(from, to, part) => {
          showSpan(from, to);
          showFiltered(part === '' ? filter : `${filter} and ${part}`);
        }}
      />
    </section>
  );
}
