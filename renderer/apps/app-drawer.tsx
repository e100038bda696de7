// The drawer of one app: who it is, and per host what is thought of it and what happens next; below, when it tried.
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppSummary } from '../../electron/contract/snapshot.ts';
import { Drawer } from '../components/drawer.tsx';
import { Finding } from '../components/finding.tsx';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { count } from '../format.ts';
import { useAgent } from '../state/services.tsx';
import { closeDrawers, useUi } from '../state/ui-store.ts';
import { AttemptTimeline } from './attempt-timeline.tsx';
import { HostPanel } from './host-panel.tsx';
import { hostsByWeight } from './summary.ts';

/** The open app's drawer, or nothing. */
export function AppDrawer() {
  const id = useUi((state) => state.openApp);
  const app = useAgent((view) => view.snapshot?.apps.find((candidate) => candidate.id === id) ?? null);
  return app === null ? null : <OpenDrawer key={app.id} app={app} />;
}

function OpenDrawer({ app }: { readonly app: AppSummary }) {
  const { t } = useTranslation();
  // The order is that of the first look: a panel must not jump away under the pointer when its host is seen again.
  const [order] = useState(() => hostsByWeight(app).map((host) => host.host));
  const rank = (host: string): number => (order.includes(host) ? order.indexOf(host) : order.length);
  const hosts = [...app.hosts].sort((a, b) => rank(a.host) - rank(b.host));
  return (
    <Drawer title={<Foreign text={app.name} />} kind={t('app.kind')} onClose={closeDrawers}>
      <Facts rows={[
        [t('app.path'), <Foreign key="path" mono text={app.path} />],
        [t('app.script'), app.script === null ? null : <Foreign key="script" mono text={app.script} />],
        [t('app.package'), app.package === null ? t('app.packageNone') : <Foreign key="package" text={app.package} />],
        [t('app.runtime'), app.runtime === null ? t('apps.runtimeUnknown') : <Foreign key="runtime" text={app.runtime} />],
        [t('app.user'), app.user === null ? null : <Foreign key="user" text={app.user} />],
        [t('app.trust'), app.trust === null ? t('app.trustUnknown') : (
          <span key="trust"><Foreign mono text={app.trust.store} /> <span className="muted">(<Finding text={app.trust.because} />)</span></span>
        )],
        [t('app.connections'), t('app.connectionsOf', {
          inspected: count(app.inspected), bypassed: count(app.bypassed), blocked: count(app.blocked),
        })],
      ]}
      />
      <h3 className="drawer-section">{t('app.hosts', { number: count(hosts.length) })}</h3>
      {hosts.length === 0 ? <p className="muted">{t('apps.hostsNone')}</p> : null}
      <div className="hosts">
        {hosts.map((host, index) => <HostPanel key={host.host} app={app} host={host} startsOpen={index === 0} />)}
      </div>
      <AttemptTimeline app={app.id} />
    </Drawer>
  );
}
