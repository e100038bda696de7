// Which kinds of notifications this person gets: a switch each, kept by the shell for this user alone. Nothing where the window's own process
// shows none (a browser). Not for silencing one app: the tray does.
import { useEffect, useState } from 'react';
import { Checkbox, CheckboxGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { notificationKinds } from '../../electron/contract/notification-kinds.ts';
import type { NotificationKind } from '../../electron/contract/notification-kinds.ts';
import { errorLine } from '../components/error-words.tsx';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';
import { Card } from './card.tsx';

const word = {
  apps: 'notifications.apps', trust: 'notifications.trust', policy: 'notifications.policy', pause: 'notifications.pause', agent: 'notifications.agent',
} as const satisfies Record<NotificationKind, string>;

/** Card of the Overview. */
export function NotificationsCard() {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [silenced, setSilenced] = useState<readonly NotificationKind[] | null>(null);
  useEffect(() => {
    bridge.notifications?.(null).then(setSilenced, () => undefined);
  }, [bridge]);
  if (silenced === null) return null;

  function choose(wanted: readonly string[]): void {
    bridge.notifications?.(notificationKinds.filter((kind) => !wanted.includes(kind)))
      .then(setSilenced, (thrown: unknown) => addToast({ text: errorLine(t, errorOf(thrown)), tone: 'failed', action: null }));
  }

  return (
    <Card title={t('notifications.title')}>
      <CheckboxGroup className="checks" aria-label={t('notifications.title')} value={notificationKinds.filter((kind) => !silenced.includes(kind))} onChange={choose}>
        {notificationKinds.map((kind) => (
          <Checkbox key={kind} value={kind} className="check"><span className="check-box" aria-hidden="true" />{t(word[kind])}</Checkbox>
        ))}
      </CheckboxGroup>
      <p className="muted">{t('notifications.what')}</p>
    </Card>
  );
}
