// Opens a bundle that somebody sent: read, checked and shown in this process alone, every word of it as text.
import { CircleAlert, CircleCheck, FolderOpen } from 'lucide-react';
import { useState } from 'react';
import { Button, FileTrigger } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Finding } from '../../electron/core/diagnostics/findings.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import { English } from '../components/english.tsx';
import { Facts } from '../components/facts.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Loading } from '../components/states.tsx';
import { Drawer } from '../components/drawer.tsx';
import { count, moment, visible } from '../format.ts';
import { BundleComparison } from './bundle-comparison.tsx';
import { BundleFiles } from './bundle-files.tsx';
import { BundleRefused } from './bundle-refused.tsx';
import { BundleRows, rowsFile } from './bundle-rows.tsx';
import { NameSearch } from './name-search.tsx';
import { NotCollected } from './not-collected.tsx';
import { bundleTypes, useBundleFile } from './use-bundle-file.ts';

/** The lower card. */
export function BundleOpener() {
  const { t } = useTranslation();
  const { file, choose } = useBundleFile();
  return (
    <section className="card" aria-labelledby="open-bundle">
      <header className="card-head"><h2 id="open-bundle">{t('diagnostics.openTitle')}</h2></header>
      <p>{t('diagnostics.openWhat')}</p>
      {file.kind === 'reading' ? <Loading label={t('diagnostics.reading')} /> : null}
      {file.kind === 'refused' ? <BundleRefused file={file} /> : null}
      {file.kind === 'open' ? <Viewer key={file.bundle.manifest.id} name={file.name} bundle={file.bundle} /> : null}
      <div className="buttons">
        <FileTrigger acceptedFileTypes={bundleTypes} onSelect={choose}>
          <Button className="button"><FolderOpen aria-hidden size={16} />{t(file.kind === 'none' ? 'diagnostics.choose' : 'diagnostics.chooseOther')}</Button>
        </FileTrigger>
      </div>
    </section>
  );
}

function Viewer({ name, bundle }: { readonly name: string; readonly bundle: OpenedBundle }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<string | null>(null);
  const { manifest, intact, sentence, findings } = bundle;
  const made = Date.parse(manifest.createdAt);
  return (
    <div className="viewer">
      <output className={intact ? 'calm' : 'calm viewer-bad'}>
        {intact ? <CircleCheck aria-hidden size={18} /> : <CircleAlert aria-hidden size={18} />}
        <span><Foreign className="strong" text={name} />: {t(intact ? 'diagnostics.intact' : 'diagnostics.notIntact')}</span>
      </output>
      {sentence === null ? null : <p className="host-sentence"><English text={sentence} /></p>}
      <Facts rows={[
        [t('diagnostics.id'), <Foreign key="id" mono text={manifest.id} />],
        [t('overview.device'), <Foreign key="device" text={manifest.device} />],
        [t('diagnostics.made'), moment(made, 0)],
        [t('overview.version'), <Foreign key="version" text={manifest.version} />],
        [t('diagnostics.reported'), manifest.note === null ? null : <Foreign key="note" text={manifest.note} />],
        [t('diagnostics.missing'), manifest.notCollected.length === 0 ? null : <NotCollected key="missing" list={manifest.notCollected} />],
      ]}
      />
      <h3>{t('diagnostics.findings', { number: count(findings.length) })}</h3>
      {findings.length === 0 ? <p className="muted">{t('diagnostics.findingsNone')}</p> : (
        <ol className="warnings">{findings.map((finding, index) => <FindingCard key={`${index} ${finding.problem}`} finding={finding} />)}</ol>
      )}
      <h3>{t('diagnostics.files')}</h3>
      <BundleFiles files={bundle.files} caption={t('diagnostics.files')} onOpen={setFile} />
      <NameSearch bundle={bundle} />
      <BundleComparison bundle={bundle} />
      {file === null ? null : <FileDrawer name={file} text={bundle.text(file)} onClose={() => setFile(null)} />}
    </div>
  );
}

const levelWord = { problem: 'diagnostics.levelProblem', attention: 'diagnostics.levelAttention', note: 'diagnostics.levelNote' } as const;
/** A bundle of a newer version may name others. */
const whoWord = { nobody: 'who.nobody', helpdesk: 'who.helpdesk', administrator: 'who.administrator', 'owner of the server': 'who.serverOwner' } as const satisfies Record<Finding['who'], string>;
const levelLook = { problem: 'error', attention: 'warning', note: 'notice' } as const;

function FindingCard({ finding }: { readonly finding: Finding }) {
  const { t } = useTranslation();
  return (
    <li className={`warning warning-${levelLook[finding.level]}`}>
      <CircleAlert aria-hidden size={18} />
      <div>
        <p className="strong">{t(levelWord[finding.level])}: <English text={finding.problem} /></p>
        <p><English text={finding.cause} /></p>
        {finding.evidence.length === 0 ? null : <ul className="evidence-lines muted">{finding.evidence.map((line) => <li key={line}><English text={line} /></li>)}</ul>}
        <p><span className="strong">{t('diagnostics.fix', { who: finding.who in whoWord ? t(whoWord[finding.who]) : visible(finding.who) })}</span> <English text={finding.fix} /></p>
        <p className="muted">{t('diagnostics.tell')} <English text={finding.tell} /></p>
      </div>
    </li>
  );
}

/** More is read with an editor; the page has to stay quick. */
const mostShown = 200_000;

function FileDrawer({ name, text, onClose }: { readonly name: string; readonly text: string | null; readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer title={<Foreign text={name} />} kind={t('diagnostics.file')} onClose={onClose}>
      {text === null ? <p>{t('diagnostics.noText')}</p> : name === rowsFile ? <BundleRows text={text} /> : <pre className="file-text mono">{text.slice(0, mostShown).split('\n').map(visible).join('\n')}</pre>}
      {text === null || name === rowsFile || text.length <= mostShown ? null : <p className="muted">{t('diagnostics.cut')}</p>}
    </Drawer>
  );
}
