// The first-start notice over the window: who inspects, what is never read, who sees it. It comes by itself once, or until it is accepted where
// policy requires that, and again whenever somebody wants to read it. Not for keeping who accepted: the agent does.
import { useCallback, useEffect, useRef, useState } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { NoticeAnswer } from '../../electron/contract/routes.ts';
import { errorLine } from '../components/error-words.tsx';
import { visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { addToast, closeNotice, showNotice, useUi } from '../state/ui-store.ts';

/** Asks the agent once it is there, and again for each policy: other words are another notice. Nothing for whoever has seen it. */
export function NoticeDialog() {
  const isLive = useAgent((view) => view.link === 'live');
  const generation = useAgent((view) => view.snapshot?.agent.policy.generation ?? 0);
  const notice = useUi((state) => state.notice);
  return (
    <>
      {isLive ? <DueNotice key={generation} /> : null}
      {notice === null ? null : <NoticeText notice={notice} />}
    </>
  );
}

/** A function that opens the notice, for whoever put it off or wants to read it again; a failure becomes a message. */
export function useReadNotice(): () => void {
  const { t } = useTranslation();
  const bridge = useBridge();
  return useCallback(() => {
    bridge.call('notice', {}, {}).then(showNotice, (thrown: unknown) => addToast({ text: errorLine(t, errorOf(thrown)), tone: 'failed', action: null }));
  }, [bridge, t]);
}

function DueNotice() {
  const bridge = useBridge();
  const read = useReadNotice();
  useEffect(() => {
    async function ask(): Promise<void> {
      const answer = await bridge.call('notice', {}, {});
      if (isDue(answer)) showNotice(answer);
    }
    // An agent that cannot tell has a banner of its own.
    ask().catch(() => undefined);
  }, [bridge]);
  // The tray's "Read the notice…" opens the window here.
  useEffect(() => {
    const look = (): void => { if (window.location.hash === '#notice') read(); };
    look();
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, [read]);
  return null;
}

function isDue({ mode, shownAt, acceptedAt }: NoticeAnswer): boolean {
  return acceptedAt === null && (shownAt === null || mode === 'required');
}

const words = { what: 'notice.what', never: 'notice.never', choice: 'notice.choice' } as const;

function NoticeText({ notice }: { readonly notice: NoticeAnswer }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [problem, setProblem] = useState<string | null>(null);
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const isAccepted = notice.acceptedAt !== null;

  async function close(as: 'shown' | 'accepted'): Promise<void> {
    try {
      if (!isAccepted) await bridge.call('acceptNotice', {}, { version: notice.version, as });
      closeNotice();
    } catch (thrown) {
      setProblem(errorLine(t, errorOf(thrown)));
    }
  }

  function sentence({ code, values, text }: NoticeAnswer['paragraphs'][number]): string {
    const manager = values['manager'] === undefined ? null : visible(values['manager']);
    switch (code) {
      case 'who': return manager === null ? t('notice.whoAlone') : t('notice.whoManaged', { manager });
      case 'sees': return manager === null ? t('notice.seesAlone') : t('notice.seesManaged', { manager });
      case 'own': return visible(text);
      default: return t(words[code]);
    }
  }

  return (
    <ModalOverlay className="veil veil-center" isOpen onOpenChange={(open) => { if (!open) void close('shown'); }}>
      <Modal className="dialog">
        <Dialog>
          <div className="form">
            <Heading slot="title" level={2}>{t('notice.title')}</Heading>
            {notice.paragraphs.map((paragraph) => <p key={paragraph.code}>{sentence(paragraph)}</p>)}
            {isAccepted ? <p className="muted">{t('notice.accepted')}</p> : null}
            {notice.mode === 'required' && !isAccepted ? <p className="strong">{t('notice.required')}</p> : null}
            {problem === null ? null : <p className="field-problem" role="alert">{problem}</p>}
            <div className="buttons buttons-end">
              {isAccepted ? <Button ref={first} className="button" onPress={closeNotice}>{t('drawer.close')}</Button> : (
                <>
                  <Button className="button" onPress={() => void close('shown')}>{t('notice.later')}</Button>
                  <Button ref={first} className="button button-main" onPress={() => void close('accepted')}>{t('notice.accept')}</Button>
                </>
              )}
            </div>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
