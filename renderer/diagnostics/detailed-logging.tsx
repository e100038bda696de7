// How much the agent writes into its own log: normal, or detailed for a while. Not for reading the log, which a bundle holds.
import { Square, Timer } from 'lucide-react';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { word } from '../../electron/contract/sentences.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import { ErrorParagraph } from '../components/error-words.tsx';
import { clock } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { useNow } from '../state/use-now.ts';

/** The card. */
export function DetailedLogging() {
  const { t } = useTranslation();
  const bridge = useBridge();
  const until = useAgent((view) => view.snapshot?.agent.logDetailUntil ?? null);
  const live = useAgent((view) => view.link === 'live');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);

  async function set(level: 'normal' | 'detailed'): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await bridge.call('logLevel', {}, { level });
    } catch (thrown) {
      setError(errorOf(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <section className="card" aria-labelledby="detailed-logging">
      <header className="card-head"><h2 id="detailed-logging">{t('logging.title')}</h2></header>
      <p>{t('logging.what')}</p>
      <output>{until === null ? <span className="muted">{t('logging.normal')}</span> : <><span className="strong">{t('logging.until', { time: clock(until) })}</span> <Left until={until} /></>}</output>
      <ErrorParagraph error={error} />
      <div className="buttons">
        {until === null
          ? <Button className="button" isPending={busy} isDisabled={!live} onPress={() => void set('detailed')}><Timer aria-hidden size={16} />{t('logging.start')}</Button>
          : <Button className="button" isPending={busy} isDisabled={!live} onPress={() => void set('normal')}><Square aria-hidden size={16} />{t('logging.stop')}</Button>}
      </div>
    </section>
  );
}

/** Not spoken at every tick: the time of its end stands before it. */
function Left({ until }: { readonly until: number }) {
  const { t } = useTranslation();
  const now = useNow(10_000);
  return <span className="muted" aria-hidden="true">{t('logging.left', { duration: word(t, durationSentence(Math.max(0, until - now))) })}</span>;
}
