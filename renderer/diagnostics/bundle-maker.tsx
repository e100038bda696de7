// Makes a bundle: what is wrong, recorded or not; then how far the agent is; then what is inside, before anything is written.
import { CircleDot, Download, KeyRound, PackageCheck, PackageOpen, Square } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { Button, Checkbox, Input, Label, ProgressBar, Radio, RadioGroup, Text, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { BundleJob } from '../../electron/contract/jobs.ts';
import { word } from '../../electron/contract/sentences.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import type { PolicyDiagnostics } from '../../electron/core/policy/policy.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Finding } from '../components/finding.tsx';
import { ErrorParagraph } from '../components/error-words.tsx';
import { Foreign } from '../components/foreign.tsx';
import { preciseClock } from '../format.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { useNow } from '../state/use-now.ts';
import { BundleFiles } from './bundle-files.tsx';
import { NotCollected } from './not-collected.tsx';
import { beginRecording, collect, discard, save, useBundle, wish } from './bundle-store.ts';

/** The upper card. */
export function BundleMaker() {
  const { t } = useTranslation();
  const bridge = useBridge();
  const step = useBundle((state) => state.step);
  const link = useAgent((view) => view.link);
  const policy = usePolicy();
  const { note, names, capture } = useBundle((state) => state.wishes);
  const fixed = policy?.names === 'pseudonyms';

  function begin(from?: number): void {
    void collect(bridge, {
      note: note.trim() === '' ? undefined : note.trim(), names: fixed ? undefined : names ?? undefined, capture: capture ? 'handshakes' : undefined,
      ...(from === undefined ? {} : { from, to: Date.now() }),
    });
  }

  return (
    <section className="card" aria-labelledby="make-bundle">
      <header className="card-head"><h2 id="make-bundle">{t('diagnostics.make')}</h2></header>
      {step.kind === 'idle' ? (
        <>
          <p>{t('diagnostics.what')}</p>
          <TextField className="field" maxLength={1000} value={note} onChange={(text) => wish({ note: text })}>
            <Label>{t('diagnostics.note')}</Label>
            <Input />
            <Text slot="description">{t('diagnostics.noteHint')}</Text>
          </TextField>
          <RadioGroup className="field choices" value={fixed ? 'pseudonyms' : names ?? policy?.names ?? 'shown'} isDisabled={fixed} onChange={(value) => wish({ names: value === 'pseudonyms' ? 'pseudonyms' : 'shown' })}>
            <Label>{t('diagnostics.names')}</Label>
            <Radio value="shown" className="choice">{t('diagnostics.namesShown')}</Radio>
            <Radio value="pseudonyms" className="choice">{t('diagnostics.namesHidden')}</Radio>
            <Text slot="description">{t(fixed ? 'diagnostics.namesFixed' : 'diagnostics.namesHint')}</Text>
          </RadioGroup>
          {(policy?.captureHandshakes ?? 0) === 0 ? null : (
            <Checkbox className="choice" isSelected={capture} onChange={(ticked) => wish({ capture: ticked })}>
              <span className="choice-box" aria-hidden="true" />{t('diagnostics.capture')}
            </Checkbox>
          )}
          <ErrorParagraph error={step.error} />
          <div className="buttons">
            <Button className="button button-main" isDisabled={link !== 'live'} onPress={() => begin()}><PackageOpen aria-hidden size={16} />{t('diagnostics.collect')}</Button>
            <Button className="button" isDisabled={link !== 'live'} onPress={() => beginRecording(Date.now())}><CircleDot aria-hidden size={16} />{t('diagnostics.record')}</Button>
          </div>
        </>
      ) : null}
      {step.kind === 'recording' ? <Recording from={step.from} onStop={() => begin(step.from)} onDiscard={() => discard(bridge)} /> : null}
      {step.kind === 'working' ? <Working job={step.job} onCancel={() => discard(bridge)} /> : null}
      {step.kind === 'ready' ? (
        <Ready job={step.job} saved={step.saved}>
          <ErrorParagraph error={step.error} />
          <div className="buttons">
            <Button className="button button-main" isDisabled={step.saving} onPress={() => void save(bridge)}><Download aria-hidden size={16} />{t(step.saved === null ? 'diagnostics.save' : 'diagnostics.saveAgain')}</Button>
            <Button className="button" onPress={() => discard(bridge)}>{t(step.saved === null ? 'diagnostics.discard' : 'diagnostics.done')}</Button>
          </div>
        </Ready>
      ) : null}
    </section>
  );
}

/** What policy says of bundles; null until it is known. */
function usePolicy(): PolicyDiagnostics | null {
  const bridge = useBridge();
  const generation = useAgent((view) => view.snapshot?.agent.policy.generation ?? null);
  const [policy, setPolicy] = useState<PolicyDiagnostics | null>(null);
  useEffect(() => {
    if (generation === null) return;
    let gone = false;
    // Without an answer the choices stay as they are by default; what policy says then holds at the agent.
    const ask = async (): Promise<void> => {
      const { policy: known } = await bridge.call('policy', {}, {});
      if (!gone) setPolicy(known.diagnostics);
    };
    ask().catch(() => undefined);
    return () => { gone = true; };
  }, [bridge, generation]);
  return policy;
}

type RecordingProps = { readonly from: number; readonly onStop: () => void; readonly onDiscard: () => void };

function Recording({ from, onStop, onDiscard }: RecordingProps) {
  const { t } = useTranslation();
  const now = useNow(1_000);
  return (
    <>
      <output className="recording">
        <CircleDot aria-hidden size={22} />
        <span><strong>{t('diagnostics.recording', { time: preciseClock(from) })}</strong> {t('diagnostics.recordingNow')}</span>
      </output>
      <p className="muted countdown">{t('diagnostics.recordingFor', { duration: word(t, durationSentence(now - from)) })}</p>
      <div className="buttons">
        <Button className="button button-main" onPress={onStop}><Square aria-hidden size={16} />{t('diagnostics.stop')}</Button>
        <Button className="button" onPress={onDiscard}>{t('diagnostics.cancel')}</Button>
      </div>
    </>
  );
}

const phaseWord = {
  collecting: 'diagnostics.phaseCollecting', redacting: 'diagnostics.phaseRedacting', saving: 'diagnostics.phaseSaving',
  ready: 'diagnostics.phaseReady', cancelled: 'diagnostics.phaseCancelled', failed: 'diagnostics.phaseFailed',
} as const;

function Working({ job, onCancel }: { readonly job: BundleJob | null; readonly onCancel: () => void }) {
  const { t } = useTranslation();
  const words = t(phaseWord[job?.phase ?? 'collecting']);
  // The two phases as one bar: asking takes up to ten seconds, removing about one.
  const part = job === null || job.total === 0 ? 0 : job.done / job.total;
  const percent = Math.round(job?.phase === 'redacting' ? 50 + part * 50 : part * 50);
  return (
    <>
      <ProgressBar className="progress" value={percent}>
        {({ percentage = 0 }) => (
          <>
            <span className="progress-words"><Label>{words}</Label><span className="muted">{job === null || job.total === 0 ? '' : t('diagnostics.progress', { done: job.done, total: job.total })}</span></span>
            <svg className="progress-bar" aria-hidden="true" width="100%" height="8"><rect className="progress-ground" width="100%" height="8" /><rect className="fill-inspect" width={`${percentage}%`} height="8" /></svg>
          </>
        )}
      </ProgressBar>
      <div className="buttons"><Button className="button" onPress={onCancel}>{t('diagnostics.cancel')}</Button></div>
    </>
  );
}

type ReadyProps = { readonly job: BundleJob; readonly saved: string | null; readonly children: ReactNode };

function Ready({ job, saved, children }: ReadyProps) {
  const { t } = useTranslation();
  const { manifest, fileName, key, sealed } = job;
  if (manifest === null) return children;
  return (
    <>
      {saved === null ? null : <output className="calm"><PackageCheck aria-hidden size={18} /><span>{t('diagnostics.saved')} <Foreign mono text={saved} /></span></output>}
      <p className="strong">{t(saved === null ? 'diagnostics.preview' : 'diagnostics.contains')}</p>
      <p>{t('diagnostics.id')} <span className="mono strong">{manifest.id}</span> · <Foreign mono text={fileName ?? ''} /></p>
      <p>{t(sealed ? 'diagnostics.sealed' : 'diagnostics.open')} {t(manifest.names.kind === 'shown' ? 'diagnostics.showsNames' : 'diagnostics.hidesNames')}</p>
      {key === null ? null : (
        <div className="story">
          <p className="strong"><KeyRound aria-hidden size={16} /> {t('diagnostics.key')}</p>
          <span className="with-button"><span className="mono wrap">{key}</span><CopyButton quiet text={key} label={t('diagnostics.copyKey')} /></span>
          <p className="muted">{t('diagnostics.keyHint')}</p>
        </div>
      )}
      <BundleFiles files={manifest.files} caption={t('diagnostics.files')} />
      {manifest.notCollected.length === 0 ? null : <NotCollected list={manifest.notCollected} />}
      <p className="muted">{t('diagnostics.never')} <Finding text={manifest.neverCollected.join('; ')} />.</p>
      {children}
    </>
  );
}
