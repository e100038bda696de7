// Pausing inspection from the window: what runs and until when, ending it, and the dialog that asks for minutes, reason and code as the
// policy wants them. Not for what policy allows: the agent judges.
import { CirclePause, Play } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button, FieldError, Input, Label, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { spokenCode } from '../../electron/core/policy/pause-code.ts';
import { longestReason } from '../../electron/core/policy/pause.ts';
import type { PauseView } from '../../electron/core/policy/pause.ts';
import { errorLine } from '../components/error-words.tsx';
import { FormDialog, WholeNumber } from '../components/form-dialog.tsx';
import { clock, visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';
import { useNow } from '../state/use-now.ts';

/** The pause that runs, or the button for one; nothing where policy has none. */
export function PauseControl({ pause }: { readonly pause: PauseView }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const { active, mode, left } = pause;
  const live = useAgent((view) => view.link === 'live');
  function close(): void {
    setAsking(false);
    // Or the same click in the tray would be no change of address.
    if (window.location.hash === '#pause') window.history.replaceState(null, '', '#overview');
  }
  // The tray's "Pause protection…" opens the window here.
  useEffect(() => {
    const look = (): void => { if (window.location.hash === '#pause') setAsking(true); };
    look();
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, []);
  if (active !== null) return <Running until={active.until} reason={active.reason} />;
  if (mode === 'disallow') return null;
  return (
    <div className="buttons">
      <Button className="button" isDisabled={left === 0 || !live} onPress={() => setAsking(true)}><CirclePause aria-hidden size={16} />{t('pause.ask')}</Button>
      {left === 0 ? <p className="muted">{t('pause.usedUp')}</p> : null}
      {asking && left > 0 && live ? <PauseDialog pause={pause} onClose={close} /> : null}
    </div>
  );
}

/** Counts down by the second: here somebody waits for it. */
const secondMs = 1_000;

function Running({ until, reason }: { readonly until: number; readonly reason: string | null }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const live = useAgent((view) => view.link === 'live');
  const seconds = Math.max(0, Math.ceil((until - useNow(secondMs)) / 1_000));
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

  async function resume(): Promise<void> {
    try {
      await bridge.call('resume', {}, {});
    } catch (thrown) {
      addToast({ text: errorLine(t, errorOf(thrown)), tone: 'failed', action: null });
    }
  }

  return (
    <section className="warning warning-warning" aria-label={t('pause.running')}>
      <CirclePause aria-hidden size={18} />
      <div>
        <p className="strong">{t('pause.left', { left, time: clock(until) })}</p>
        <p>{reason === null ? t('pause.meaning') : visible(reason)}</p>
        <div className="buttons"><Button className="button" isDisabled={!live} onPress={() => void resume()}><Play aria-hidden size={16} />{t('pause.resume')}</Button></div>
      </div>
    </section>
  );
}

/** Long enough to try again what failed. */
const usualMinutes = 15;

function PauseDialog({ pause, onClose }: { readonly pause: PauseView; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const needsCode = pause.mode === 'passcode' || pause.mode === 'ticket';
  const [minutes, setMinutes] = useState(Math.min(usualMinutes, pause.maxMinutes));
  const [reason, setReason] = useState('');
  const [code, setCode] = useState('');

  async function begin(): Promise<void> {
    await bridge.call('pause', {}, { minutes, ...(reason.trim() === '' ? {} : { reason: reason.trim() }), ...(needsCode ? { code } : {}) });
  }

  return (
    <FormDialog title={t('pause.title')} confirm={t('pause.confirm')} cancel={t('pause.cancel')} run={begin} onClose={onClose}>
      <p className="muted">{t('pause.meaning')}</p>
      <WholeNumber label={t('pause.minutes', { most: pause.maxMinutes })} most={pause.maxMinutes} value={minutes} onChange={setMinutes} inputRef={first} />
      <TextField className="field" isRequired={pause.mode === 'comment'} maxLength={longestReason} value={reason} onChange={setReason}>
        <Label>{t(pause.mode === 'comment' ? 'pause.reason' : 'pause.reasonOptional')}</Label>
        <Input />
        <FieldError />
      </TextField>
      {pause.mode === 'ticket' ? <Ticket /> : null}
      {needsCode ? (
        <TextField className="field" isRequired maxLength={40} value={code} onChange={setCode}>
          <Label>{t('pause.code')}</Label>
          <Input autoComplete="off" />
          <FieldError />
        </TextField>
      ) : null}
    </FormDialog>
  );
}

/** The request that the helpdesk answers. */
function Ticket() {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [words, setWords] = useState('');
  useEffect(() => {
    async function ask(): Promise<void> {
      const { request, device } = await bridge.call('pauseTicket', {}, {});
      setWords(t('pause.request', { request: spokenCode(request), device: visible(device) }));
    }
    ask().catch((thrown: unknown) => setWords(errorLine(t, errorOf(thrown))));
  }, [bridge, t]);
  return <p>{words}</p>;
}
