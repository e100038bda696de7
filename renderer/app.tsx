// The frame of the window: rail, banner, the present screen, drawers over it, messages. Not for what a screen shows.
import { PlugZap } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { I18nProvider } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { AppDrawer } from './apps/app-drawer.tsx';
import { AppsScreen } from './apps/apps-screen.tsx';
import { CertificatesScreen } from './certificates/certificates-screen.tsx';
import { Finding } from './components/finding.tsx';
import { Rail } from './components/rail.tsx';
import { scrolling } from './components/scrolling.ts';
import { Toasts } from './components/toasts.tsx';
import { ConnectionDrawer } from './connections/connection-drawer.tsx';
import { ConnectionsScreen } from './connections/connections-screen.tsx';
import { DiagnosticsScreen } from './diagnostics/diagnostics-screen.tsx';
import { clock } from './format.ts';
import { NoticeDialog } from './overview/notice-dialog.tsx';
import { OverviewScreen } from './overview/overview-screen.tsx';
import { PolicyScreen } from './policy/policy-screen.tsx';
import { useAgent } from './state/services.tsx';
import { goTo, screens, useUi } from './state/ui-store.ts';

const titles = { overview: 'nav.overview', apps: 'nav.apps', connections: 'nav.connections', policy: 'nav.policy', certificates: 'nav.certificates', diagnostics: 'nav.diagnostics' } as const;

/** The whole window. */
export function App() {
  const { t, i18n } = useTranslation();
  const screen = useUi((state) => state.screen);
  const main = useRef<HTMLElement>(null);
  useScreenKeys();
  useEffect(() => {
    document.title = t('app.title', { screen: t(titles[screen]) });
    main.current?.scrollTo(0, 0);
  }, [screen, t]);

  return (
    <I18nProvider locale={i18n.language}>
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t('nav.skip')}</a>
      <div className="frame">
        <Rail />
        <main ref={main} id="content" className={`main main-${screen}`} {...scrolling}>
          <LostBanner />
          {screen === 'overview' ? <OverviewScreen /> : null}
          {screen === 'apps' ? <AppsScreen /> : null}
          {screen === 'connections' ? <ConnectionsScreen /> : null}
          {screen === 'policy' ? <PolicyScreen /> : null}
          {screen === 'certificates' ? <CertificatesScreen /> : null}
          {screen === 'diagnostics' ? <DiagnosticsScreen /> : null}
        </main>
      </div>
      <AppDrawer />
      <ConnectionDrawer />
      <NoticeDialog />
      <Toasts />
    </I18nProvider>
  );
}

/** Says that what is shown is no longer fresh. */
function LostBanner() {
  const { t } = useTranslation();
  const link = useAgent((view) => view.link);
  const asOf = useAgent((view) => view.asOf);
  const why = useAgent((view) => view.why);
  if (link !== 'disconnected' || asOf === null) return null;
  return (
    <div className="banner" role="alert">
      <PlugZap aria-hidden size={18} />
      <p><strong>{t('banner.lost', { time: clock(asOf) })}</strong> {why === null ? null : <Finding text={why} />}</p>
    </div>
  );
}

function useScreenKeys(): void {
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      const screen = screens[Number(event.key) - 1];
      if (screen === undefined) return;
      event.preventDefault();
      goTo(screen);
    }
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
