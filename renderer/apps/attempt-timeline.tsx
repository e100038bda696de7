// When one app tried to connect, and what became of it. Not for the chart itself (connections/span-chart.tsx) and not for single attempts at a
// host (host-panel.tsx).
import { useTranslation } from 'react-i18next';
import { quoteValue } from '../../electron/core/log-query/format-filter.ts';
import { SpanChart } from '../connections/span-chart.tsx';

/** The section of the app's drawer. */
export function AttemptTimeline({ app }: { readonly app: string }) {
  const { t } = useTranslation();
  return (
    <section className="timeline" aria-label={t('app.timeline')}>
      <SpanChart title={t('app.timeline')} heading={<h3 className="drawer-section">{t('app.timeline')}</h3>} filter={`app == ${quoteValue(app)}`} />
    </section>
  );
}
