// One host of one app: verdict, sentence, evidence, what happens next, the exclusion's count-down, and what a person can do.
import { ChevronRight, CircleDot, CircleMinus, CirclePlus, FileBadge, MoveRight, RotateCcw, Timer, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import { word } from '../../electron/contract/sentences.ts';
import type { AppHost, AppSummary } from '../../electron/contract/snapshot.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import type { Exclusion } from '../../electron/core/model.ts';
import { predefinedSentence } from '../../electron/core/policy/problem-words.ts';
import type { Sentence } from '../../electron/core/sentence.ts';
import { DispositionBadge, VerdictBadge } from '../components/badges.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { English } from '../components/english.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Failure, Loading } from '../components/states.tsx';
import { clock, moment, visible } from '../format.ts';
import { useAgent } from '../state/services.tsx';
import { goTo, showStore } from '../state/ui-store.ts';
import { useNow } from '../state/use-now.ts';
import { exclusionWord, nextWord, verdictWord } from '../words.ts';
import { ExcludeDialog } from './exclude-dialog.tsx';
import { requestText } from './request.ts';
import { TestPanel } from './test-panel.tsx';
import { ticketText } from './ticket.ts';
import { useExplain } from './use-explain.ts';
import { useRemoveExclusion } from './use-remove-exclusion.ts';

type HostProps = { readonly app: AppSummary; readonly host: AppHost; readonly startsOpen: boolean };

/** A panel that unfolds; it asks for its explanation when it does. */
export function HostPanel({ app, host, startsOpen }: HostProps) {
  const [open, setOpen] = useState(startsOpen);
  const stamp = `${host.lastSeen} ${host.verdict.kind} ${host.exclusion?.id ?? ''} ${host.test?.result ?? ''}`;
  const { state, retry } = useExplain(app.id, host.host, open, stamp);
  const { t } = useTranslation();
  return (
    <Disclosure className="host" isExpanded={open} onExpandedChange={setOpen}>
      <Heading level={4} className="host-head">
        <Button slot="trigger" className="host-trigger">
          <ChevronRight aria-hidden size={16} className="host-arrow" />
          <Foreign mono text={host.host} />
          <VerdictBadge value={host.verdict.kind} />
        </Button>
      </Heading>
      <DisclosurePanel className="host-panel">
        {state.kind === 'loading' ? <Loading label={t('host.loading')} /> : null}
        {state.kind === 'failed' ? <Failure error={state.error} onRetry={retry} /> : null}
        {state.kind === 'ready' ? <Explanation app={app} host={host} answer={state.answer} /> : null}
      </DisclosurePanel>
    </Disclosure>
  );
}

function Explanation({ app, host, answer }: { readonly app: AppSummary; readonly host: AppHost; readonly answer: ExplainAnswer }) {
  const { t } = useTranslation();
  const { words } = answer;
  return (
    <div className="host-content">
      <p className="host-sentence">{visible(word(t, words.sentence))}</p>
      <div className="next">
        <p className="kicker">{t('host.next')}</p>
        <p><DispositionBadge value={host.next.disposition} /> <span className="strong">{t(nextWord[host.next.disposition])}</span></p>
        {host.exclusion === null ? <p><Prose text={word(t, words.next)} /></p> : <ExclusionNote exclusion={host.exclusion} />}
        <p className="muted"><Prose text={word(t, words.advice)} /></p>
        <HostActions app={app} host={host} answer={answer} />
      </div>
      <TestPanel app={app} host={host} />
      <div className={words.evidenceFor.length > 0 && words.evidenceAgainst.length > 0 ? 'evidence evidence-both' : 'evidence'}>
        <Evidence title={t('host.evidenceFor')} facts={words.evidenceFor} speaks="for" />
        <Evidence title={t('host.evidenceAgainst')} facts={words.evidenceAgainst} speaks="against" />
      </div>
      {words.alsoKnown.length === 0 ? null : <Evidence title={t('host.alsoKnown')} facts={words.alsoKnown} speaks="neither" />}
      {words.controls.length === 0 ? null : <Evidence title={t('host.controls')} facts={words.controls} speaks="neither" />}
      <Attempts answer={answer} />
    </div>
  );
}

type EvidenceProps = { readonly title: string; readonly facts: readonly Sentence[]; readonly speaks: 'for' | 'against' | 'neither' };

function Evidence({ title, facts, speaks }: EvidenceProps) {
  const { t } = useTranslation();
  const lines = facts.map((fact) => word(t, fact));
  const Icon = { for: CirclePlus, against: CircleMinus, neither: CircleDot }[speaks];
  return (
    <section aria-label={title}>
      <p className="kicker">{title}</p>
      {lines.length === 0 ? <p className="muted">{t('host.evidenceNone')}</p> : (
        <ul className={`evidence-list evidence-${speaks}`}>
          {lines.map((line) => <li key={line}><Icon aria-hidden size={16} /><span>{visible(line)}</span></li>)}
        </ul>
      )}
    </section>
  );
}

function ExclusionNote({ exclusion }: { readonly exclusion: Exclusion }) {
  const { t } = useTranslation();
  const now = useNow(1_000);
  const { expiresAt } = exclusion;
  return (
    <p className="exclusion">
      <Timer aria-hidden size={16} />
      <span>
        <span className="strong">{t(exclusionWord[exclusion.kind])}:</span> <ExclusionReason exclusion={exclusion} />
        <span className="countdown">
          {expiresAt === null ? t('exclusion.noEnd') : t('exclusion.endsIn', { duration: word(t, durationSentence(expiresAt - now)), time: moment(expiresAt, now) })}
        </span>
      </span>
    </p>
  );
}

/** Of a learned one the verdict, which is its reason; the whole of it stands above. */
function ExclusionReason({ exclusion: { kind, verdict, reason } }: { readonly exclusion: Exclusion }) {
  const { t } = useTranslation();
  if (kind === 'learned' && verdict !== null) return t(verdictWord[verdict]);
  if (kind !== 'predefined') return <Foreign text={reason} />;
  const known = predefinedSentence(reason);
  return known === null ? <English text={reason} /> : visible(word(t, known));
}

function Attempts({ answer }: { readonly answer: ExplainAnswer }) {
  const { t } = useTranslation();
  if (answer.attempts.length === 0) return null;
  return (
    <section aria-label={t('host.attempts')}>
      <p className="kicker">{t('host.attempts')}</p>
      <ol className="attempts">
        {answer.attempts.map(({ at }, index) => {
          const words = answer.words.attempts[index];
          return <li key={`${at} ${index}`}><time dateTime={new Date(at).toISOString()}>{clock(at)}</time><span>{words === undefined ? null : visible(word(t, words))}</span></li>;
        })}
      </ol>
    </section>
  );
}

function HostActions({ app, host, answer }: { readonly app: AppSummary; readonly host: AppHost; readonly answer: ExplainAnswer }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const remove = useRemoveExclusion();
  const agent = useAgent((view) => view.snapshot?.agent ?? null);
  const live = useAgent((view) => view.link === 'live');
  const { exclusion } = host;
  const removable = exclusion !== null && (exclusion.kind === 'user' || exclusion.kind === 'learned');
  return (
    <div className="buttons">
      {removable ? (
        <Button className="button" isDisabled={!live} onPress={() => remove(exclusion)}>
          {exclusion.kind === 'learned' ? <><RotateCcw aria-hidden size={16} />{t('host.inspectNow')}</> : <><Trash2 aria-hidden size={16} />{t('host.removeExclusion')}</>}
        </Button>
      ) : null}
      {exclusion === null ? (
        <Button className="button" isDisabled={!live} onPress={() => setAsking(true)}><MoveRight aria-hidden size={16} />{t('host.exclude')}</Button>
      ) : null}
      {exclusion !== null && !removable ? <p className="muted">{t('exclusion.fixed')}</p> : null}
      {host.verdict.kind === 'private-trust-store' ? (
        <Button className="button" onPress={() => (app.trust === null ? goTo('certificates') : showStore(app.trust.store))}><FileBadge aria-hidden size={16} />{t('host.installRoot')}</Button>
      ) : null}
      {agent === null || exclusion?.kind !== 'learned' ? null : (
        <CopyButton text={() => requestText({ answer, host: host.host, agent, now: Date.now() })} label={t('host.askPermanent')} then={t('host.askCopied')} />
      )}
      {agent === null ? null : (
        <CopyButton text={() => ticketText({ answer, host: host.host, exclusion, agent, now: Date.now() })} label={t('host.copyTicket')} />
      )}
      {asking ? <ExcludeDialog app={app} host={host.host} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}
