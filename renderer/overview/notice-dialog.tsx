// The first-start notice over the window: who inspects, what is never read, who sees it. Shown once, or until it is accepted where policy
// requires that. Not for keeping who accepted: the agent does.
import { useEffect, useRef, useState } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { NoticeAnswer } from '../../electron/contract/routes.ts';
import { errorLine } from '../components/error-words.tsx';
import { visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';

/** Asks the agent once it is there, and again for each policy: other words are another notice. Nothing for whoever has seen it. */
export function NoticeDialog() {
  const isLive = useAgent((view) => view.link === 'live');
  const generation = useAgent((view) => view.snapshot?.agent.policy.generation ?? 0);
  return isLive ? <DueNotice key={generation} /> : null;
}

function DueNotice() {
  const bridge = useBridge();
  const [notice, setNotice] = useState<NoticeAnswer | null>(null);
  useEffect(() => {
    async function ask(): Promise<void> {
      const answer = await bridge.call('notice', {}, {});
      if (isDue(answer)) setNotice(answer);
    }
    // An agent that cannot tell has a banner of its own.
    ask().catch(() => undefined);
  }, [bridge]);
  return notice === null ? null : <NoticeText notice={notice} onDone={() => setNotice(null)} />;
}

function isDue({ mode, shownAt, acceptedAt }: NoticeAnswer): boolean {
  return acceptedAt === null && (shownAt === null || mode === 'required');
}

const words = { what: 'notice.what', never: 'notice.never', choice: 'notice.choice' } as const;

function NoticeText({ notice, onDone }: { readonly notice: NoticeAnswer; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [problem, setProblem] = useState<string | null>(null);
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);

  async function close(as: 'shown' | 'accepted'): Promise<void> {
    try {
      await bridge.call('acceptNotice', {}, { version: notice.version, as });
      onDone();
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
            {notice.mode === 'required' ? <p className="strong">{t('notice.required')}</p> : null}
            {problem === null ? null : <p className="field-problem" role="alert">{problem}</p>}
            <div className="buttons buttons-end">
              <Button className="button" onPress={() => void close('shown')}>{t('notice.later')}</Button>
              <Button ref={first} className="button button-main" onPress={() => void close('accepted')}>{t('notice.accept')}</Button>
            </div>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
