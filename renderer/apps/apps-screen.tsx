// The Apps screen: every program seen so far, what is thought of it, and whether it is let through.
import { Pin, SearchX } from 'lucide-react';
import { useState } from 'react';
import {
  Button, Cell, Column, Input, Row, SearchField, Table, TableBody, TableHeader, ToggleButton, ToggleButtonGroup,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { AppSummary } from '../../electron/contract/snapshot.ts';
import { VerdictBadge } from '../components/badges.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Empty, Loading } from '../components/states.tsx';
import { count, moment } from '../format.ts';
import { useAgent } from '../state/services.tsx';
import { showApp } from '../state/ui-store.ts';
import { useNow } from '../state/use-now.ts';
import { findApps, hostsByWeight, isLetThrough } from './summary.ts';

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
      {snapshot === null && link === 'disconnected' ? <Empty icon={SearchX} title={t('apps.noneTitle')}><p><Prose text={t('status.lostNext')} /></p></Empty> : null}
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
          ) : <AppTable apps={shown} />}
        </>
      )}
    </div>
  );
}

function AppTable({ apps }: { readonly apps: readonly AppSummary[] }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  return (
    <div className="table-frame">
      <Table className="app-table" aria-label={t('apps.table')} onRowAction={(key) => showApp(String(key))}>
        <TableHeader>
          <Column isRowHeader>{t('apps.columnApp')}</Column>
          <Column>{t('apps.columnVerdict')}</Column>
          <Column>{t('apps.columnRuntime')}</Column>
          <Column>{t('apps.columnHosts')}</Column>
          <Column>{t('apps.columnLastSeen')}</Column>
        </TableHeader>
        <TableBody items={apps} dependencies={[now, t]}>
          {(app) => (
            <Row id={app.id} textValue={app.name}>
              <Cell>
                <Foreign className="app-name" text={app.name} />
                <Foreign className="app-path" text={app.package ?? app.script ?? app.path} />
              </Cell>
              <Cell><VerdictBadge value={app.verdict ?? 'undetermined'} /></Cell>
              <Cell>{app.runtime === null ? t('apps.runtimeUnknown') : <Foreign text={app.runtime} />}</Cell>
              <Cell><Hosts app={app} /></Cell>
              <Cell>{moment(app.lastSeen, now)}</Cell>
            </Row>
          )}
        </TableBody>
      </Table>
    </div>
  );
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
