// The Overview: the state of this device in one sentence, then what stands behind it.
import { ArrowRight, CircleAlert, CircleCheck, CirclePause, Info, TriangleAlert } from 'lucide-react';
import type { TFunction } from 'i18next';
import type { LucideIcon } from 'lucide-react';
import { Fragment } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { TrustAnswer } from '../../electron/contract/routes.ts';
import { warningWords, word } from '../../electron/contract/sentences.ts';
import type { AgentState, Snapshot } from '../../electron/contract/snapshot.ts';
import { durationSentence, outcomeSentence } from '../../electron/core/explain.ts';
import { managerWords } from '../../electron/core/policy/permission.ts';
import type { Sentence } from '../../electron/core/sentence.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Finding } from '../components/finding.tsx';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Loading } from '../components/states.tsx';
import { SpanChart } from '../connections/span-chart.tsx';
import { count, date, moment, visible } from '../format.ts';
import { fromSource } from '../own-command.ts';
import { useAgent } from '../state/services.tsx';
import { showApp, showConnection } from '../state/ui-store.ts';
import { useAnswer } from '../state/use-answer.ts';
import { useNow } from '../state/use-now.ts';
import { originWord } from '../words.ts';
import { Card } from './card.tsx';
import { useReadNotice } from './notice-dialog.tsx';
import { NotificationsCard } from './notifications-card.tsx';
import { PauseControl } from './pause-control.tsx';
import { overviewStatus, recentProblem } from './status.ts';
import type { OverviewStatus } from './status.ts';
import { UpstreamCard } from './upstream-card.tsx';

/** Names and values change by the minute at most. */
const ageMs = 30_000;

/** The first screen. */
export function OverviewScreen() {
  const { t } = useTranslation();
  const link = useAgent((view) => view.link);
  const why = useAgent((view) => view.why);
  const snapshot = useAgent((view) => view.snapshot);
  const now = useNow(ageMs);
  if (link === 'loading') {
    return <div className="page"><h1 className="unseen">{t('nav.overview')}</h1><Loading label={t('link.loading')} lines={6} /></div>;
  }
  return (
    <div className="page">
      <Hero status={overviewStatus(snapshot, { why: link === 'disconnected' ? why ?? '' : null, now, fromSource })} />
      {snapshot === null ? null : <Details snapshot={snapshot} />}
    </div>
  );
}

const toneIcon: Readonly<Record<OverviewStatus['tone'], LucideIcon>> = {
  good: CircleCheck, attention: TriangleAlert, bad: CircleAlert, idle: CirclePause,
};

function Hero({ status }: { readonly status: OverviewStatus }) {
  const { t } = useTranslation();
  const readNotice = useReadNotice();
  const Icon = toneIcon[status.tone];
  const say = (words: OverviewStatus['sentence']) => {
    if ('warning' in words) return <Prose text={warningWords(t, words.warning, words.part)} />;
    return 'plain' in words ? <Finding text={words.plain} /> : <Prose text={t(words.key, worded(t, words.values))} />;
  };
  return (
    <section className={`hero hero-${status.tone}`} aria-labelledby="status-sentence">
      <span className="hero-icon"><Icon aria-hidden size={34} strokeWidth={1.75} /></span>
      <div>
        <h1 id="status-sentence">{say(status.sentence)}</h1>
        <p className="hero-reason">{say(status.reason)}</p>
        <p className="hero-next"><span className="strong">{t('overview.next')}</span> {say(status.next)}</p>
        {'key' in status.sentence && status.sentence.key === 'status.notice'
          ? <div className="buttons"><Button className="button button-main" onPress={readNotice}>{t('notice.read')}</Button></div> : null}
      </div>
    </section>
  );
}

/** Durations among the values in the window's language. */
function worded(t: TFunction, values: Readonly<Record<string, string | number | Sentence>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'object' ? word(t, value) : value]));
}

function Details({ snapshot }: { readonly snapshot: Snapshot }) {
  const { counts, agent } = snapshot;
  return (
    <>
      <PauseControl pause={agent.pause} />
      <Warnings warnings={snapshot.warnings} />
      <div className="grid">
        <TrafficCard open={counts.open} />
        <Problem snapshot={snapshot} />
        <ProxyCard agent={agent} />
        <UpstreamCard snapshot={snapshot} />
        <RootCard agent={agent} />
        <PolicyCard agent={agent} />
        <AgentCard agent={agent} />
        <NotificationsCard />
      </div>
    </>
  );
}

/** What was done over the last day or week. */
function TrafficCard({ open }: { readonly open: number }) {
  const { t } = useTranslation();
  const live = useAgent((view) => view.link === 'live');
  const heading = <div className="card-head"><h2>{t('overview.counts')}</h2>{live ? <p className="muted">{t('overview.open', { open: count(open) })}</p> : null}</div>;
  return (
    <section className="card card-wide" aria-label={t('overview.counts')}>
      {live ? <SpanChart title={t('overview.counts')} filter="" heading={heading} /> : <>{heading}<p className="muted">{t('overview.countsLost')}</p></>}
    </section>
  );
}

const severityIcon = { error: CircleAlert, warning: TriangleAlert, notice: Info } as const;
const severityWord = { error: 'severity.error', warning: 'severity.warning', notice: 'severity.notice' } as const;

function Warnings({ warnings }: { readonly warnings: Snapshot['warnings'] }) {
  const { t } = useTranslation();
  if (warnings.length === 0) return null;
  return (
    <section aria-label={t('overview.warnings')}>
      <ul className="warnings">
        {warnings.map((warning) => {
          const Icon = severityIcon[warning.severity];
          return (
            <li key={`${warning.code} ${warning.key}`} className={`warning warning-${warning.severity}`}>
              <Icon aria-hidden size={18} />
              <div>
                <p className="strong"><span className="unseen">{t(severityWord[warning.severity])}: </span>{visible(warningWords(t, warning, 'title'))}</p>
                <p><Prose text={warningWords(t, warning, 'text')} /></p>
                <p className="muted"><Prose text={warningWords(t, warning, 'advice')} /></p>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Problem({ snapshot }: { readonly snapshot: Snapshot }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  const row = recentProblem(snapshot.recent);
  if (row === null || row.outcome === null) {
    return (
      <Card title={t('overview.problem')}>
        <p className="calm"><CircleCheck aria-hidden size={18} />{t('overview.problemNone')}</p>
      </Card>
    );
  }
  const { appId } = row;
  return (
    <Card title={t('overview.problem')} note={moment(row.startedAt, now)}>
      <p className="problem-what">
        <Foreign text={row.appName ?? t('app.unknown')} className="strong" /> <span className="muted">{t('overview.problemAt')}</span>{' '}
        <Foreign text={row.host} mono />
      </p>
      <p>{visible(word(t, outcomeSentence(row.outcome)))}</p>
      <div className="buttons">
        <Button className="button" onPress={() => showConnection(row)}>{t('overview.problemShow')}<ArrowRight aria-hidden size={16} /></Button>
        {appId !== null && snapshot.apps.some((app) => app.id === appId)
          ? <Button className="button" onPress={() => showApp(appId)}>{t('overview.problemApp')}</Button> : null}
      </div>
    </Card>
  );
}

function AgentCard({ agent }: { readonly agent: AgentState }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  return (
    <Card title={t('overview.agent')}>
      <Facts rows={[
        [t('overview.device'), <Foreign key="device" text={agent.device} />],
        [t('overview.version'), agent.version],
        [t('overview.running'), t('overview.runningFor', { duration: word(t, durationSentence(now - agent.startedAt)), pid: agent.pid })],
        [t('overview.folder'), <Foreign key="folder" text={agent.stateFolder} mono />],
      ]}
      />
    </Card>
  );
}

function PolicyCard({ agent }: { readonly agent: AgentState }) {
  const { t } = useTranslation();
  const readNotice = useReadNotice();
  const { policy } = agent;
  return (
    <Card title={t('overview.policy')}>
      <Facts rows={[
        [t('overview.origin'), t(originWord[policy.origin])],
        ...(policy.managedBy === null ? [] : [[t('overview.managedBy'), <Foreign key="managedBy" text={managerWords(policy.managedBy)} />] as const]),
        [t('overview.rules'), count(policy.rules)],
        [t('overview.generation'), count(policy.generation)],
        [t('overview.files'), policy.files.length === 0 ? t('overview.filesNone') : (
          <ul key="files" className="plain-list">{policy.files.map((file) => <li key={file}><Foreign text={file} mono /></li>)}</ul>
        )],
        [t('overview.notice'), <Button key="notice" className="link" onPress={readNotice}>{t('notice.read')}</Button>],
      ]}
      />
    </Card>
  );
}

function RootCard({ agent }: { readonly agent: AgentState }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  const { root } = agent;
  // Asked here too: a root that no store holds is a matter of the first sentence, which the agent knows only once it has looked.
  const trust = useAnswer('trust', {}, root.fingerprint);
  const trustedIn = ({ stores }: TrustAnswer): string => t('overview.trustedIn', { trusted: stores.filter(({ state }) => state === 'trusted').length, number: stores.length });
  return (
    <Card title={t('overview.root')}>
      <Facts rows={[
        [t('overview.fingerprint'), (
          <span key="fingerprint" className="with-button">
            <Fingerprint text={root.fingerprint} />
            <CopyButton quiet text={root.fingerprint} label={t('overview.copyFingerprint')} />
          </span>
        )],
        [t('overview.expires'), t('overview.expiresOn', { date: date(root.notAfter), duration: word(t, durationSentence(root.notAfter - now)) })],
        [t('overview.keyProtection'), <Finding key="protection" text={root.keyProtection} />],
        [t('overview.trusted'), trust.state.kind === 'ready' ? trustedIn(trust.state.answer) : t('overview.trustedUnknown')],
        [t('overview.certificate'), <Foreign key="path" text={root.certificatePath} mono />],
      ]}
      />
    </Card>
  );
}

function ProxyCard({ agent }: { readonly agent: AgentState }) {
  const { t } = useTranslation();
  const proxy = agent.proxy[0];
  if (proxy === undefined) return <Card title={t('overview.proxy')}><p>{t('overview.proxyNone')}</p></Card>;
  const line = `curl --proxy http://${proxy} --cacert ${shellWord(agent.root.certificatePath)} https://example.com/`;
  return (
    <Card title={t('overview.proxy')}>
      <Facts rows={[[t('overview.address'), <span key="address" className="mono">{agent.proxy.join(', ')}</span>]]} />
      <p className="muted">{t('overview.proxyTry')}</p>
      <div className="code-line">
        <code className="mono">{visible(line)}</code>
        <CopyButton quiet text={line} label={t('overview.copyCurl')} />
      </div>
    </Card>
  );
}

/** Pairs of digits that break between pairs only. */
function Fingerprint({ text }: { readonly text: string }) {
  const pairs = text.split(':');
  return <span className="mono pairs">{pairs.map((pair, index) => <Fragment key={`${index}`}>{index === 0 ? '' : ':'}<wbr />{pair}</Fragment>)}</span>;
}

/** A path as one word of a shell command. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
