// What a person can do about a connection that failed or was not inspected: the app at that host with verdict, evidence and buttons, as its own
// drawer shows it; or one sentence where the app had no part in it. Not for what happened (connection-drawer.tsx).
import { LifeBuoy, ScrollText } from 'lucide-react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { word } from '../../electron/contract/sentences.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { connectionAdvice } from '../../electron/core/explain.ts';
import { HostPanel } from '../apps/host-panel.tsx';
import { Prose } from '../components/prose.tsx';
import { useAgent } from '../state/services.tsx';
import { goTo } from '../state/ui-store.ts';

/** The section, or nothing for a connection that went well. */
export function ConnectionTodo({ row }: { readonly row: ConnectionRow }) {
  const { t } = useTranslation();
  const app = useAgent((view) => view.snapshot?.apps.find((one) => one.id === row.appId) ?? null);
  const advice = connectionAdvice(row);
  const host = advice === null && needsWords(row) ? app?.hosts.find((one) => one.host === row.host) : undefined;
  if (advice === null && (app === null || host === undefined)) return null;
  return (
    <section aria-label={t('connection.todo')}>
      <h3 className="drawer-section">{t('connection.todo')}</h3>
      {app === null || host === undefined ? null : <div className="hosts"><HostPanel app={app} host={host} startsOpen /></div>}
      {advice === null ? null : (
        <div className="next">
          <p><Prose text={word(t, advice)} /></p>
          {row.outcome?.kind === 'agent-fault' ? <Button className="button" onPress={() => goTo('diagnostics')}><LifeBuoy aria-hidden size={16} />{t('nav.diagnostics')}</Button> : null}
          {row.disposition === 'block' ? <Button className="button" onPress={() => goTo('policy')}><ScrollText aria-hidden size={16} />{t('nav.policy')}</Button> : null}
        </div>
      )}
    </section>
  );
}

function needsWords({ disposition, outcome }: ConnectionRow): boolean {
  return disposition === 'bypass' || outcome?.kind === 'refused' || outcome?.kind === 'incompatible';
}
