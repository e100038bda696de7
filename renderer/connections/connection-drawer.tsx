// The drawer of one connection: what was decided, what became of it, and every fact on record.
import { useTranslation } from 'react-i18next';
import { Button } from 'react-aria-components';
import { AppWindow, ListFilter } from 'lucide-react';
import { word } from '../../electron/contract/sentences.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { decisionSentence, explainDecision, explainOutcome, outcomeSentence } from '../../electron/core/explain.ts';
import { DispositionBadge, OutcomeWord } from '../components/badges.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { Drawer } from '../components/drawer.tsx';
import { English } from '../components/english.tsx';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { bytes, date, lasting, preciseClock, visible } from '../format.ts';
import { useAgent } from '../state/services.tsx';
import { ConnectionTodo } from './connection-todo.tsx';
import { closeDrawers, showApp, showFiltered, useUi } from '../state/ui-store.ts';
import { dispositionWord } from '../words.ts';

/** The open connection's drawer, or nothing. Follows the connection while the agent still reports it. */
export function ConnectionDrawer() {
  const opened = useUi((state) => state.openConnection);
  const fresh = useAgent((view) => view.snapshot?.recent.find((row) => row.id === opened?.id) ?? null);
  return opened === null ? null : <OpenDrawer row={fresh ?? opened} />;
}

function OpenDrawer({ row }: { readonly row: ConnectionRow }) {
  const { t } = useTranslation();
  const { appId } = row;
  const appKnown = useAgent((view) => view.snapshot?.apps.some((app) => app.id === appId) ?? false);
  return (
    <Drawer
      kind={t('connection.kind')} title={<Foreign mono text={`${row.host}:${row.port}`} />} onClose={closeDrawers}
      actions={(
        <div className="buttons">
          {appId !== null && appKnown ? <Button className="button" onPress={() => showApp(appId)}><AppWindow aria-hidden size={16} />{t('connection.showApp')}</Button> : null}
          {/^[\w.-]+$/.test(row.host) ? (
            <Button className="button" onPress={() => showFiltered(`host == "${row.host}"`)}><ListFilter aria-hidden size={16} />{t('connection.onlyHost')}</Button>
          ) : null}
          <CopyButton text={rowText(row)} label={t('connection.copy')} />
        </div>
      )}
    >
      <section className="story" aria-label={t('connection.story')}>
        <p><DispositionBadge value={row.disposition} /></p>
        <p>{visible(word(t, decisionSentence(row)))}</p>
        {row.decided === row.disposition ? null : <p>{t('connection.meant', { decided: t(dispositionWord[row.decided]) })}</p>}
        <p><OutcomeWord value={row.outcome} /></p>
        <p>{row.outcome === null ? t('connection.open') : visible(word(t, outcomeSentence(row.outcome)))}</p>
        {row.error === null ? null : <p className="field-problem"><English text={row.error} /></p>}
      </section>
      <ConnectionTodo row={row} />
      <ConnectionFacts row={row} />
    </Drawer>
  );
}

function ConnectionFacts({ row }: { readonly row: ConnectionRow }) {
  const { t } = useTranslation();
  return (
    <>
      <h3 className="drawer-section">{t('connection.who')}</h3>
      <Facts rows={[
        [t('apps.columnApp'), <Foreign key="app" text={row.appName ?? t('app.unknown')} />],
        [t('app.path'), foreign(row.appPath)],
        [t('app.package'), foreign(row.package)],
        [t('connection.pid'), row.pid === null ? null : String(row.pid)],
        [t('app.user'), foreign(row.user)],
      ]}
      />
      <h3 className="drawer-section">{t('connection.what')}</h3>
      <Facts rows={[
        [t('connection.started'), `${date(row.startedAt)} ${preciseClock(row.startedAt)}`],
        [t('connection.lasted'), row.durationMs === null ? t('outcome.open') : lasting(row.durationMs)],
        [t('connection.ip'), foreign(row.ip)],
        [t('connection.serverName'), row.serverName === null ? t('connection.absent') : foreign(row.serverName)],
        [t('connection.rule'), foreign(row.rule)],
        [t('connection.tls'), foreign(row.tlsVersion)],
        [t('connection.cipher'), foreign(row.cipher)],
        [t('connection.alpn'), foreign(row.alpn)],
        [t('connection.ja4'), foreign(row.ja4)],
        [t('connection.up'), bytes(row.bytesUp)],
        [t('connection.down'), bytes(row.bytesDown)],
        [t('connection.number'), String(row.id)],
      ]}
      />
    </>
  );
}

function foreign(text: string | null) {
  return text === null ? null : <Foreign mono text={text} />;
}

/** The row for a ticket: the sentences, then its facts as JSON. */
function rowText(row: ConnectionRow): string {
  const sentences = [explainDecision(row), ...(row.outcome === null ? [] : [explainOutcome(row.outcome)])];
  return `${sentences.map(visible).join('\n')}\n${JSON.stringify(row, null, 2)}\n`;
}
