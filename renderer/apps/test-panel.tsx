// "Test this app now" at one host: starts it, says what to do, shows each step as it is seen, and the result. The agent tests, not this.
import { FlaskConical, X } from 'lucide-react';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { word } from '../../electron/contract/sentences.ts';
import type { AppHost, AppSummary } from '../../electron/contract/snapshot.ts';
import { durationSentence, outcomeSentence } from '../../electron/core/explain.ts';
import type { AppTest } from '../../electron/core/model.ts';
import { DispositionBadge, VerdictBadge } from '../components/badges.tsx';
import { ErrorParagraph } from '../components/error-words.tsx';
import { preciseClock, visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { useNow } from '../state/use-now.ts';

type TestProps = { readonly app: AppSummary; readonly host: AppHost };

/** The button and, while there is a test, what it saw. */
export function TestPanel({ app, host }: TestProps) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const live = useAgent((view) => view.link === 'live');
  const [error, setError] = useState<ErrorBody | null>(null);
  const { test } = host;
  const running = test !== null && test.result === null;

  function ask(action: () => Promise<unknown>): void {
    setError(null);
    action().catch((thrown: unknown) => setError(errorOf(thrown)));
  }
  const target = { app: app.id, host: host.host };
  return (
    <section className="test" aria-label={t('test.title')}>
      <p className="kicker">{t('test.title')}</p>
      <p className="muted">{t('test.what')}</p>
      {/* Present before it has words, or a screen reader does not speak them. */}
      <output className="test-state">
        {running ? <p className="strong">{visible(t(test.phase === 'letting-through' ? 'test.useAgain' : 'test.useNow', { app: app.name, host: host.host }))}</p> : null}
        {test === null ? null : <Steps test={test} />}
        {test === null || running ? null : <Result result={test.result} />}
      </output>
      {running ? <TimeLeft endsAt={test.endsAt} /> : null}
      <ErrorParagraph error={error} />
      <div className="buttons">
        {running ? (
          <Button className="button" isDisabled={!live} onPress={() => ask(() => bridge.call('cancelTest', target, {}))}><X aria-hidden size={16} />{t('test.cancel')}</Button>
        ) : (
          <Button className="button" isDisabled={!live} onPress={() => ask(() => bridge.call('startTest', {}, target))}>
            <FlaskConical aria-hidden size={16} />{t(test === null ? 'test.start' : 'test.again')}
          </Button>
        )}
      </div>
    </section>
  );
}

function Steps({ test }: { readonly test: AppTest }) {
  const { t } = useTranslation();
  if (test.steps.length === 0) return null;
  return (
    <ol className="attempts" aria-label={t('test.steps')}>
      {test.steps.map((step, index) => (
        <li key={`${step.at} ${index}`}>
          <time dateTime={new Date(step.at).toISOString()}>{preciseClock(step.at)}</time>
          <span><DispositionBadge value={step.disposition} /> {visible(word(t, outcomeSentence(step.outcome)))}</span>
        </li>
      ))}
    </ol>
  );
}

function Result({ result }: { readonly result: AppTest['result'] }) {
  const { t } = useTranslation();
  switch (result) {
    case null: return null;
    case 'no-attempt': return <p>{t('test.noAttempt')}</p>;
    case 'not-allowed': return <p>{t('test.notAllowed')}</p>;
    default: return (
      <p>
        <span className="strong">{t('test.result')}</span> <VerdictBadge value={result} /> {result === 'undetermined' ? t('test.unclear') : null}
      </p>
    );
  }
}

/** Not part of the status: a screen reader would speak each second. */
function TimeLeft({ endsAt }: { readonly endsAt: number }) {
  const { t } = useTranslation();
  const now = useNow(1_000);
  return <p className="muted">{t('test.left', { duration: word(t, durationSentence(endsAt - now)) })}</p>;
}
