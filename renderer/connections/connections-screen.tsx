// The Connections screen: filter, tools, and the list or the charts. Its rows come through the feed.
import { ArrowUp, Cable, CirclePause, CirclePlay, SearchX } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Prose } from '../components/prose.tsx';
import { Empty, Failure, Loading } from '../components/states.tsx';
import { count } from '../format.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { showConnection, useUi } from '../state/ui-store.ts';
import { ConnectionList } from './connection-list.tsx';
import { createFeed } from './feed.ts';
import type { Feed, FeedState } from './feed.ts';
import { FilterBox } from './filter-box.tsx';
import { LogCharts } from './log-chart.tsx';
import { LogTools } from './log-tools.tsx';
import { showSpan, useView, withRange } from './view-store.ts';

/** The third screen. */
export function ConnectionsScreen() {
  const bridge = useBridge();
  const [feed] = useState(() => createFeed((query) => bridge.call('connections', query, {})));
  useEffect(() => () => feed.close(), [feed]);
  return <Fed feed={feed} />;
}

const noRows: never[] = [];

function Fed({ feed }: { readonly feed: Feed }) {
  const { t } = useTranslation();
  const state = useStore(feed.store);
  const { list, error, live } = state;
  const filter = useUi((ui) => ui.filter);
  const { range, chart } = useView();
  const whole = withRange(filter, range);
  const link = useAgent((view) => view.link);
  const recent = useAgent((view) => view.snapshot?.recent ?? noRows);
  useEffect(() => { if (link === 'live') void feed.ask(whole); }, [feed, whole, link]);
  useEffect(() => feed.observe(recent), [feed, recent]);

  const onFilter = useCallback((text: string) => useUi.setState({ filter: text }), []);
  const onPart = useCallback((from: number, to: number, part: string) => {
    const { filter: present } = useUi.getState();
    useUi.setState({ filter: present === '' || part === '' ? present + part : `(${present}) and ${part}` });
    showSpan(from, to);
  }, []);
  const problem = error !== null && error.code === 'bad-filter' ? error.message : null;

  return (
    <div className="page page-full">
      <header className="page-head">
        <div>
          <h1>{t('nav.connections')}</h1>
          <output className="muted">{chart ? '' : <Loaded state={state} />}</output>
        </div>
        {chart ? null : (
          <Button className="button" onPress={() => feed.setLive(!live)} isDisabled={link !== 'live'}>
            {live ? <CirclePause aria-hidden size={18} /> : <CirclePlay aria-hidden size={18} />}
            {live ? t('connections.hold') : t('connections.goOn')}
          </Button>
        )}
      </header>
      <FilterBox value={filter} problem={problem} onChange={onFilter} />
      {problem !== null && list !== null ? <p className="muted">{t('filter.kept')}</p> : null}
      <LogTools filter={whole} />
      {chart ? <LogCharts filter={filter} onOpen={onPart} /> : <Rows feed={feed} state={state} filter={whole} onClear={() => {
        onFilter('');
        useView.setState({ range: { kind: 'any' } });
      }}
      />}
    </div>
  );
}

/** How many rows are known of, and where among them the list stands. */
function Loaded({ state: { list, skipped } }: { readonly state: FeedState }) {
  const { t } = useTranslation();
  if (list === null) return '';
  if (skipped === null) return t('connections.fromOldest');
  const known = skipped + list.rows.length;
  return t('connections.loaded', { count: known, number: count(known), more: list.next === null ? '' : '+' });
}

type RowsProps = { readonly feed: Feed; readonly state: FeedState; readonly filter: string; readonly onClear: () => void };

/** The list, or what stands in its place while there is none. */
function Rows({ feed, state, filter, onClear }: RowsProps) {
  const { t } = useTranslation();
  const { list, busy, error, live, skipped, filter: inForce } = state;
  const link = useAgent((view) => view.link);
  const shown = useView((view) => view.columns);
  const failure = error !== null && error.code !== 'bad-filter' && link === 'live' ? error : null;
  const onNearEnd = useCallback(() => void feed.older(), [feed]);
  const onNearStart = useCallback(() => void feed.newer(), [feed]);
  const onNewest = useCallback(() => feed.newest().then(() => feed.store.getState().list?.rows ?? noRows), [feed]);
  const onOldest = useCallback(() => feed.oldest().then(() => feed.store.getState().list?.rows ?? noRows), [feed]);
  const refused = error !== null && error.code === 'bad-filter';
  if (list === null) {
    if (failure !== null) return <Failure error={failure} onRetry={() => void feed.ask(filter)} />;
    if (link === 'disconnected') return <Empty icon={Cable} title={t('connections.lostTitle')}><p><Prose text={t('status.lostNext')} /></p></Empty>;
    return refused ? null : <Loading label={t('connections.loading')} lines={8} />;
  }
  if (list.rows.length === 0 && skipped === 0) {
    return (
      <>
        {failure === null ? null : <Failure error={failure} onRetry={() => void feed.ask(filter)} />}
        {inForce === '' ? <Empty icon={Cable} title={t('connections.emptyTitle')}><p>{t('connections.empty')}</p></Empty> : (
          <Empty icon={SearchX} title={t('connections.noMatchTitle')}>
            <p>{t('connections.noMatch')}</p>
            <Button className="button" onPress={onClear}>{t('filter.clearAll')}</Button>
          </Empty>
        )}
      </>
    );
  }
  return (
    <>
      {failure === null ? null : <Failure error={failure} onRetry={() => void feed.ask(filter)} />}
      <div className="log-frame" aria-busy={busy !== null}>
        <Held state={state} onRelease={() => {
          if (!live) feed.setLive(true);
          if (skipped !== 0) void feed.newest();
          document.querySelector('.log')?.scrollTo({ top: 0 });
        }}
        />
        <ConnectionList
          rows={list.rows} complete={list.next === null} skipped={skipped} shown={shown} onOpen={showConnection}
          onNearEnd={onNearEnd} onNearStart={onNearStart} onNewest={onNewest} onOldest={onOldest} onAtTop={feed.setAtTop}
        />
      </div>
    </>
  );
}

/** What came meanwhile, and the way to it; where the list does not begin with the newest row there is a way in any case. */
function Held({ state: { held, heldMore, skipped }, onRelease }: { readonly state: FeedState; readonly onRelease: () => void }) {
  const { t } = useTranslation();
  if (held === 0 && skipped === 0) return null;
  return (
    <Button className="button held" onPress={onRelease}>
      <ArrowUp aria-hidden size={16} />
      {held === 0 ? t('connections.toNewest') : t('connections.held', { count: held, number: `${count(held)}${heldMore ? '+' : ''}` })}
    </Button>
  );
}
