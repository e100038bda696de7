// The rail at the left (at the top in narrow windows): name, screens, and whether the agent answers.
import { AppWindow, Cable, FileBadge, Gauge, LifeBuoy, ScrollText } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { visible } from '../format.ts';
import { useAgent } from '../state/services.tsx';
import { goTo, screens, useUi } from '../state/ui-store.ts';
import type { Screen } from '../state/ui-store.ts';
import { Mark } from './mark.tsx';

const screenWord = { overview: 'nav.overview', apps: 'nav.apps', connections: 'nav.connections', policy: 'nav.policy', certificates: 'nav.certificates', diagnostics: 'nav.diagnostics' } as const;
const screenIcon: Readonly<Record<Screen, LucideIcon>> = { overview: Gauge, apps: AppWindow, connections: Cable, policy: ScrollText, certificates: FileBadge, diagnostics: LifeBuoy };

/** Links to the screens, by pointer, Tab and Ctrl/Cmd+number. */
export function Rail() {
  const { t } = useTranslation();
  const present = useUi((state) => state.screen);
  return (
    <header className="rail">
      <div className="brand"><Mark size={30} /><span>{t('app.name')}</span></div>
      <nav aria-label={t('nav.label')}>
        <ul>
          {screens.map((screen, index) => {
            const Icon = screenIcon[screen];
            return (
              <li key={screen}>
                <a
                  href={`#${screen}`} className="rail-link" aria-current={screen === present ? 'page' : undefined}
                  aria-keyshortcuts={`Control+${index + 1} Meta+${index + 1}`} title={t('nav.key', { number: index + 1 })} onClick={() => goTo(screen)}
                >
                  <Icon aria-hidden size={20} />
                  <span>{t(screenWord[screen])}</span>
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
      <LinkState />
    </header>
  );
}

const linkWord = { loading: 'link.loading', live: 'link.live', disconnected: 'link.disconnected' } as const;

function LinkState() {
  const { t } = useTranslation();
  const link = useAgent((view) => view.link);
  const device = useAgent((view) => view.snapshot?.agent.device ?? null);
  return (
    <output className={`link-state link-${link}`}>
      <span className="link-dot" aria-hidden="true" />
      <span className="link-words">
        <span>{t(linkWord[link])}</span>
        {device === null ? null : <span className="clip muted">{t('link.device')} <bdi>{visible(device)}</bdi></span>}
      </span>
    </output>
  );
}
