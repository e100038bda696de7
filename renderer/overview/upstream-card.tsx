// How connections leave this device: directly or through the organisation's proxy, as policy says, and what is known to be wrong on that way.
// Not for this device's own proxy.
import { useTranslation } from 'react-i18next';
import { warningWords } from '../../electron/contract/sentences.ts';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import type { WarningCode } from '../../electron/core/health/warnings.ts';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { visible } from '../format.ts';
import { useAnswer } from '../state/use-answer.ts';
import { Card } from './card.tsx';

const onTheWay: ReadonlySet<WarningCode> = new Set([
  'offline', 'captive-portal', 'already-inspected', 'upstream-proxy-sign-in', 'upstream-proxy-password', 'upstream-proxy-unusable',
] as const);

/** Card of the Overview. */
export function UpstreamCard({ snapshot: { agent, warnings } }: { readonly snapshot: Snapshot }) {
  const { t } = useTranslation();
  const { state } = useAnswer('policy', {}, String(agent.policy.generation));
  const troubles = warnings.filter(({ code }) => onTheWay.has(code));
  const network = state.kind === 'ready' ? state.answer.policy.network : null;
  return (
    <Card title={t('upstream.title')}>
      <Facts rows={[
        [t('upstream.way'), network === null ? t(state.kind === 'failed' ? 'upstream.unknown' : 'link.loading') : <Way key="way" setting={network.upstreamProxy} />],
        ...(network === null || network.upstreamProxy === 'direct' || network.upstreamBypass.length === 0 ? []
          : [[t('upstream.bypass'), <Foreign key="bypass" mono className="words" text={network.upstreamBypass.join(', ')} />] as const]),
        [t('upstream.trouble'), troubles.length === 0 ? t('upstream.none') : (
          <ul key="trouble" className="plain-list">{troubles.map((warning) => <li key={`${warning.code} ${warning.key}`}>{visible(warningWords(t, warning, 'title'))}</li>)}</ul>
        )],
      ]}
      />
    </Card>
  );
}

function Way({ setting }: { readonly setting: string }) {
  const { t } = useTranslation();
  if (setting === 'direct') return t('upstream.direct');
  if (setting === 'system') return t('upstream.system');
  return <>{t(setting.startsWith('pac+') ? 'upstream.pac' : 'upstream.proxy')} <Foreign mono className="words" text={setting.replace(/^pac\+/u, '')} /></>;
}
