// The Certificates screen: this device's root, and which trust stores hold it. Stores are changed by `pinlight trust`, run by a person: the
// screen gives the command.
import { CircleAlert, CircleCheck, CircleDashed, CircleHelp, RotateCw } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { TrustAnswer, TrustStoreRow } from '../../electron/contract/routes.ts';
import { word } from '../../electron/contract/sentences.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Finding } from '../components/finding.tsx';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Failure, Loading } from '../components/states.tsx';
import { count, date } from '../format.ts';
import { typedHere } from '../own-command.ts';
import { useAgent } from '../state/services.tsx';
import { useUi } from '../state/ui-store.ts';
import { useAnswer } from '../state/use-answer.ts';
import { useNow } from '../state/use-now.ts';

const ageMs = 60_000;

/** The fifth screen. */
export function CertificatesScreen() {
  const { t } = useTranslation();
  const fingerprint = useAgent((view) => view.snapshot?.agent.root.fingerprint ?? null);
  const { state, retry } = useAnswer('trust', {}, fingerprint ?? '');
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{t('nav.certificates')}</h1>
          <p className="muted">{t('certificates.lead')}</p>
        </div>
        <Button className="button" onPress={retry}><RotateCw aria-hidden size={16} />{t('certificates.again')}</Button>
      </header>
      {state.kind === 'loading' ? <Loading label={t('certificates.looking')} lines={8} /> : null}
      {state.kind === 'failed' ? <Failure error={state.error} onRetry={retry} /> : null}
      {state.kind === 'ready' ? <Content answer={state.answer} /> : null}
    </div>
  );
}

function Content({ answer: { root, stores } }: { readonly answer: TrustAnswer }) {
  const { t } = useTranslation();
  const now = useNow(ageMs);
  const missing = stores.filter((store) => store.state === 'missing').length;
  const wanted = useUi((ui) => ui.trustStore);
  const own = stores.find(({ store, state }) => store === wanted && state !== 'trusted');
  return (
    <>
      <section className="card" aria-label={t('certificates.root')}>
        <header className="card-head"><h2>{t('certificates.root')}</h2><CopyButton text={root.pem} label={t('certificates.copyPem')} /></header>
        <p>{t('certificates.rootMeaning')}</p>
        <Facts rows={[
          [t('certificates.subject'), <Foreign key="subject" text={root.subject} />],
          [t('overview.fingerprint'), <span key="fingerprint" className="with-button"><span className="mono">{root.fingerprint}</span><CopyButton quiet text={root.fingerprint} label={t('overview.copyFingerprint')} /></span>],
          [t('certificates.valid'), t('certificates.validFromTo', { from: date(root.notBefore), to: date(root.notAfter), duration: word(t, durationSentence(root.notAfter - now)) })],
          [t('overview.keyProtection'), <Finding key="protection" text={root.keyProtection} />],
          [t('overview.certificate'), <Foreign key="path" text={root.certificatePath} mono />],
        ]}
        />
      </section>
      <section className="card" aria-label={t('certificates.stores')}>
        <header className="card-head">
          <h2>{t('certificates.stores')}</h2>
          <p className="muted">{t('certificates.storesNote', { trusted: count(stores.filter((store) => store.state === 'trusted').length), all: count(stores.length) })}</p>
        </header>
        {own === undefined ? null : <Command text={`pinlight trust install --store ${shellWord(own.store)}`} words={t('certificates.installOwn')} label={t('certificates.copyInstallOwn')} />}
        {stores.length === 0 ? <p>{t('certificates.none')}</p> : <StoreTable stores={stores.toSorted((a, b) => Number(b.store === wanted) - Number(a.store === wanted))} wanted={wanted} />}
        {missing === 0 ? null : <Command text="pinlight trust install" words={t('certificates.install', { count: missing })} label={t('certificates.copyInstall')} />}
        <Command text="pinlight trust remove" words={t('certificates.remove')} label={t('certificates.copyRemove')} />
      </section>
    </>
  );
}

const stateIcon: Readonly<Record<TrustStoreRow['state'], LucideIcon>> = { trusted: CircleCheck, missing: CircleAlert, unreadable: CircleHelp, 'not-checked': CircleDashed };
const stateTone = { trusted: 'inspect', missing: 'bypass', unreadable: 'block', 'not-checked': 'quiet' } as const;
const stateWord = { trusted: 'certificates.trusted', missing: 'certificates.missing', unreadable: 'certificates.unreadable', 'not-checked': 'certificates.notChecked' } as const;

function StoreTable({ stores, wanted }: { readonly stores: readonly TrustStoreRow[]; readonly wanted: string | null }) {
  const { t } = useTranslation();
  return (
    <table className="fact-table store-table">
      <thead><tr><th scope="col">{t('certificates.columnStore')}</th><th scope="col">{t('certificates.columnState')}</th><th scope="col">{t('certificates.columnDetail')}</th></tr></thead>
      <tbody>
        {stores.map((store) => {
          const Icon = stateIcon[store.state];
          return (
            <tr key={`${store.store} ${store.path ?? ''}`} className={store.store === wanted ? 'store-wanted' : undefined}>
              <th scope="row" data-title={t('certificates.columnStore')}><Foreign text={store.store} />{store.path === null ? null : <span className="muted block"><Foreign text={store.path} mono /></span>}</th>
              <td data-title={t('certificates.columnState')}><span className={`badge tone-${stateTone[store.state]}`}><Icon aria-hidden size={14} />{t(stateWord[store.state])}</span></td>
              <td data-title={t('certificates.columnDetail')}><Finding text={store.detail} /></td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** One word for a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function Command({ text, words, label }: { readonly text: string; readonly words: string; readonly label: string }) {
  // Between back quotes it is a command to `typedHere`.
  const line = typedHere(`\`${text}\``).slice(1, -1);
  return (
    <>
      <p className="muted command-words">{words}</p>
      <div className="code-line"><code className="mono">{line}</code><CopyButton quiet text={line} label={label} /></div>
    </>
  );
}
