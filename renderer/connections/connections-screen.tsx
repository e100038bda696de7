// The Connections screen: filter, live or paused, the list. Its rows come through the feed.
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
import type { Feed } from './feed.ts';
import { FilterBox } from './filter-box.tsx';

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
  const { list, busy, error, live, held, filter: inForce } = useStore(feed.store);
  const filter = useUi((state) => state.filter);
  const link = useAgent((view) => view.link);
  const recent = useAgent((view) => view.snapshot?.recent ?? noRows);
  useEffect(() => { if (link === 'live') void feed.ask(filter); }, [feed, filter, link]);
  useEffect(() => feed.observe(recent), [feed, recent]);

  const onFilter = useCallback((text: string) => useUi.setState({ filter: text }), []);
  const onNearEnd = useCallback(() => void feed.more(), [feed]);
  const problem = error !== null && error.code === 'bad-filter' ? error.message : null;
  const failure = error !== null && problem === null && link === 'live' ? error : null;
  const empty = list !== null && list.rows.length === 0;

  return (
    <div className="page page-full">
      <header className="page-head">
        <div>
          <h1>{t('nav.connections')}</h1>
          <output className="muted">{list === null ? '' : t('connections.loaded', { number: count(list.rows.length), more: list.next === null ? '' : '+' })}</output>
        </div>
        <Button className="button" onPress={() => feed.setLive(!live)} isDisabled={link !== 'live'}>
          {live ? <CirclePause aria-hidden size={18} /> : <CirclePlay aria-hidden size={18} />}
          {live ? t('connections.pause') : t('connections.resume')}
        </Button>
      </header>
      <FilterBox value={filter} problem={problem} onChange={onFilter} />
      {problem !== null && list !== null ? <p className="muted">{t('filter.kept')}</p> : null}
      {failure === null ? null : <Failure error={failure} onRetry={() => void feed.ask(filter)} />}
      {list === null && failure === null && problem === null && link !== 'disconnected' ? <Loading label={t('connections.loading')} lines={8} /> : null}
      {list === null && link === 'disconnected' ? <Empty icon={Cable} title={t('connections.lostTitle')}><p><Prose text={t('status.lostNext')} /></p></Empty> : null}
      {empty && inForce !== '' ? (
        <Empty icon={SearchX} title={t('connections.noMatchTitle')}>
          <p>{t('connections.noMatch')}</p>
          <Button className="button" onPress={() => onFilter('')}>{t('filter.clear')}</Button>
        </Empty>
      ) : null}
      {empty && inForce === '' ? <Empty icon={Cable} title={t('connections.emptyTitle')}><p>{t('connections.empty')}</p></Empty> : null}
      {list === null || empty ? null : (
        <div className="log-frame" aria-busy={busy !== null}>
          {held > 0 ? <BackToTop number={held} /> : null}
          <ConnectionList rows={list.rows} complete={list.next === null} onOpen={showConnection} onNearEnd={onNearEnd} onAtTop={feed.setAtTop} />
        </div>
      )}
    </div>
  );
}

function BackToTop({ number }: { readonly number: number }) {
  const { t } = useTranslation();
  return (
    <Button className="button held" onPress={() => document.querySelector('.log')?.scrollTo({ top: 0 })}>
      <ArrowUp aria-hidden size={16} />{t('connections.held', { count: number })}
    </Button>
  );
}
