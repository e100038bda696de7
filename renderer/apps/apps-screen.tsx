// The Apps screen: every program seen so far, what is thought of it, and whether it is let through.
import { Pin, SearchX } from 'lucide-react';
import { useState } from 'react';
import {
  Button, Cell, Column, Input, Row, SearchField, Table, TableBody, TableHeader, ToggleButton, ToggleButtonGroup,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { bypassedApp } from '../../electron/contract/bypassed-apps.ts';
import { word } from '../../electron/contract/sentences.ts';
import type { AppSummary } from '../../electron/contract/snapshot.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import { VerdictBadge, WhyBadge } from '../components/badges.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Empty, Loading } from '../components/states.tsx';
import { count, moment } from '../format.ts';
import { lostAdvice } from '../overview/status.ts';
import { fromSource } from '../own-command.ts';
import { useAgent } from '../state/services.tsx';
import { showApp } from '../state/ui-store.ts';
import { useNow } from '../state/use-now.ts';
import { findApps, hostsByWeight, isLetThrough, nextEnd, refusalsOf } from './summary.ts';

const ageMs = 30_000;
const noApps: readonly AppSummary[] = [];

/** The second screen. */
export function AppsScreen() {
  const { t } = useTranslation();
  const link = useAgent((view) => view.link);
  const snapshot = useAgent((view) => view.snapshot);
  const apps = snapshot?.apps ?? noApps;
  const [letThroughOnly, setLetThroughOnly] = useState(false);
  const [text, setText] = useState('');
  const shown = findApps(apps, text, letThroughOnly);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{t('nav.apps')}</h1>
          <p className="muted">{t('apps.lead')}</p>
        </div>
      </header>
      {snapshot === null && link === 'loading' ? <Loading label={t('link.loading')} lines={6} /> : null}
      {snapshot === null && link === 'disconnected' ? <Empty icon={SearchX} title={t('apps.noneTitle')}><p><Prose text={t(lostAdvice(fromSource))} /></p></Empty> : null}
      {snapshot !== null && apps.length === 0 ? <WhatPinningIs /> : null}
      {apps.length === 0 ? null : (
        <>
          <div className="toolbar">
            <ToggleButtonGroup
              className="segments" aria-label={t('apps.filter')} selectionMode="single" disallowEmptySelection
              selectedKeys={[letThroughOnly ? 'through' : 'all']} onSelectionChange={(keys) => setLetThroughOnly(keys.has('through'))}
            >
              <ToggleButton id="all">{t('apps.filterAll', { number: count(apps.length) })}</ToggleButton>
              <ToggleButton id="through">{t('apps.filterBypassed', { number: count(apps.filter(isLetThrough).length) })}</ToggleButton>
            </ToggleButtonGroup>
            <SearchField className="search" aria-label={t('apps.search')} value={text} onChange={setText}>
              <Input placeholder={t('apps.search')} />
            </SearchField>
          </div>
          {shown.length === 0 ? (
            <Empty icon={SearchX} title={t('apps.noMatchTitle')}>
              <p>{t('apps.noMatch')}</p>
              <Button className="button" onPress={() => { setText(''); setLetThroughOnly(false); }}>{t('apps.showAll')}</Button>
            </Empty>
          ) : <AppTable apps={shown} letThroughOnly={letThroughOnly} />}
        </>
      )}
    </div>
  );
}

function AppTable({ apps, letThroughOnly }: { readonly apps: readonly AppSummary[]; readonly letThroughOnly: boolean }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  return (
    <div className="table-frame">
      <Table className="app-table" aria-label={t('apps.table')} onRowAction={(key) => showApp(String(key))}>
        <TableHeader>
          <Column isRowHeader>{t('apps.columnApp')}</Column>
          <Column>{letThroughOnly ? t('apps.columnWhy') : t('apps.columnVerdict')}</Column>
          <Column>{t('apps.columnHosts')}</Column>
          <Column>{t('apps.columnEvidence')}</Column>
          <Column>{t('apps.columnEnds')}</Column>
          <Column>{t('apps.columnSeen')}</Column>
        </TableHeader>
        <TableBody items={apps} dependencies={[now, t, letThroughOnly]}>
          {(app) => (
            <Row id={app.id} textValue={app.name}>
              <Cell>
                <Foreign className="app-name" text={app.name} />
                <Foreign className="app-path" text={app.package ?? app.script ?? app.path} />
              </Cell>
              <Cell><Standing app={app} /></Cell>
              <Cell><Hosts app={app} /></Cell>
              <Cell><Evidence app={app} /></Cell>
              <Cell><Ends app={app} now={now} /></Cell>
              <Cell>
                {moment(app.lastSeen, now)}
                {app.hosts.length === 0 ? null : <span className="first-seen">{t('apps.since', { time: moment(Math.min(...app.hosts.map((host) => host.firstSeen)), now) })}</span>}
              </Cell>
            </Row>
          )}
        </TableBody>
      </Table>
    </div>
  );
}

/** Of an app that is let through the reason, which may be no finding of ours; of any other what was found. */
function Standing({ app }: { readonly app: AppSummary }) {
  const through = bypassedApp(app);
  return through === null ? <VerdictBadge value={app.verdict ?? 'undetermined'} /> : <WhyBadge value={through.why} />;
}

function Evidence({ app }: { readonly app: AppSummary }) {
  const { t } = useTranslation();
  const refusals = refusalsOf(app);
  if (refusals.length === 0) return <span className="muted">{t('apps.evidenceNone')}</span>;
  return (
    <ul className="plain-list">
      {refusals.map(({ alert, count: number }) => (
        <li key={alert}>{alert === null ? t('apps.evidenceSilent', { number: count(number) }) : t('apps.evidenceAlert', { alert, number: count(number) })}</li>
      ))}
    </ul>
  );
}

/** When its first exclusion ends. */
function Ends({ app, now }: { readonly app: AppSummary; readonly now: number }) {
  const { t } = useTranslation();
  const end = nextEnd(app);
  if (end !== null) return t('apps.endsIn', { duration: word(t, durationSentence(end - now)) });
  return <span className="muted">{isLetThrough(app) ? t('apps.endsNever') : t('apps.endsNothing')}</span>;
}

function Hosts({ app }: { readonly app: AppSummary }) {
  const { t } = useTranslation();
  const [first] = hostsByWeight(app);
  if (first === undefined) return <span className="muted">{t('apps.hostsNone')}</span>;
  return (
    <span className="host-cell">
      <Foreign mono text={first.host} />
      {app.hosts.length > 1 ? <span className="muted">{t('apps.hostsMore', { number: app.hosts.length - 1 })}</span> : null}
    </span>
  );
}

function WhatPinningIs() {
  const { t } = useTranslation();
  return (
    <Empty icon={Pin} title={t('apps.emptyTitle')}>
      <p>{t('apps.emptyPinning')}</p>
      <p>{t('apps.emptyPinlight')}</p>
      <p className="muted">{t('apps.emptyNext')}</p>
    </Empty>
  );
}
