// Removes an exclusion and offers to put it back.
import { useTranslation } from 'react-i18next';
import type { Exclusion } from '../../electron/core/model.ts';
import { errorLine } from '../components/error-words.tsx';
import { visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';

const hourMs = 3_600_000;

/** Answers a function that removes one exclusion; failures become a message. */
export function useRemoveExclusion(): (exclusion: Exclusion) => void {
  const { t } = useTranslation();
  const bridge = useBridge();

  async function restore(exclusion: Exclusion): Promise<void> {
    const { host, reason, appId, expiresAt } = exclusion;
    const left = expiresAt === null ? null : (expiresAt - Date.now()) / hourMs;
    if (left !== null && left <= 0) return;
    await bridge.call('addExclusion', {}, {
      host, reason, ...(appId === null ? {} : { app: appId }), ...(left === null ? {} : { hours: left }),
    });
    addToast({ text: t('exclusion.restored', { host: visible(host) }), tone: 'done', action: null });
  }

  async function remove(exclusion: Exclusion): Promise<void> {
    const { removed } = await bridge.call('removeExclusion', { id: exclusion.id }, {});
    addToast({
      text: t('exclusion.removed', { host: visible(removed.host) }),
      tone: 'done',
      action: { label: t('exclusion.undo'), run: () => { restore(removed).catch(fail); } },
    });
  }

  function fail(thrown: unknown): void {
    addToast({ text: errorLine(t, errorOf(thrown)), tone: 'failed', action: null });
  }

  return (exclusion) => { remove(exclusion).catch(fail); };
}
