// "Check this device": what `pinlight doctor` says, where the window's own process can look. Not for the checks (cli/doctor).
import { CircleAlert, CircleCheck, CircleHelp, Stethoscope } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { DoctorCheck, DoctorReport } from '../../electron/core/diagnostics/doctor-report.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { English } from '../components/english.tsx';
import { Prose } from '../components/prose.tsx';
import { Failure, Loading } from '../components/states.tsx';
import { clock, visible } from '../format.ts';
import { typedHere } from '../own-command.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';
import type { Asked } from '../state/use-answer.ts';

/** The card. */
export function DeviceCheck() {
  const { t } = useTranslation();
  const bridge = useBridge();
  const { examine } = bridge;
  const [state, setState] = useState<Asked<{ readonly report: DoctorReport; readonly at: number }> | null>(null);

  async function look(): Promise<void> {
    if (examine === undefined) return;
    setState({ kind: 'loading' });
    try {
      setState({ kind: 'ready', answer: { report: await examine(), at: Date.now() } });
    } catch (thrown) {
      setState({ kind: 'failed', error: errorOf(thrown) });
    }
  }

  return (
    <section className="card" aria-labelledby="device-check">
      <header className="card-head"><h2 id="device-check">{t('doctor.title')}</h2></header>
      {examine === undefined ? <p><Prose text={t('doctor.notHere')} /></p> : <p>{t('doctor.what')}</p>}
      {state?.kind === 'loading' ? <Loading label={t('doctor.looking')} lines={4} /> : null}
      {state?.kind === 'failed' ? <Failure error={state.error} onRetry={() => void look()} /> : null}
      {state?.kind === 'ready' ? <Report report={state.answer.report} at={state.answer.at} /> : null}
      {examine === undefined || state?.kind === 'failed' ? null : (
        <div className="buttons">
          <Button className="button" isPending={state?.kind === 'loading'} onPress={() => void look()}><Stethoscope aria-hidden size={16} />{t(state === null ? 'doctor.start' : 'doctor.again')}</Button>
        </div>
      )}
    </section>
  );
}

const icons: Readonly<Record<DoctorCheck['state'], LucideIcon>> = { ok: CircleCheck, wrong: CircleAlert, unknown: CircleHelp };
const stateWord = { ok: 'doctor.ok', wrong: 'doctor.wrong', unknown: 'doctor.unknown' } as const;
const tone = { ok: 'inspect', wrong: 'block', unknown: 'quiet' } as const;
/** What needs somebody stands first. */
const order = ['wrong', 'unknown', 'ok'] as const;

function Report({ report: { checks }, at }: { readonly report: DoctorReport; readonly at: number }) {
  const { t } = useTranslation();
  const wrong = checks.filter(({ state }) => state === 'wrong').length;
  return (
    <>
      <output className="strong">{wrong === 0 ? t('doctor.good', { time: clock(at) }) : t('doctor.bad', { count: wrong, time: clock(at) })}</output>
      <ul className="checks-found">
        {order.flatMap((state) => checks.filter((check) => check.state === state)).map((check) => <Check key={check.name} check={check} />)}
      </ul>
    </>
  );
}

function Check({ check: { name, state, text, fix } }: { readonly check: DoctorCheck }) {
  const { t } = useTranslation();
  const Icon = icons[state];
  return (
    <li>
      <span className={`badge tone-${tone[state]}`}><Icon aria-hidden size={14} />{t(stateWord[state])}</span>
      <span className="mono muted">{visible(name)}</span>
      <div>
        <p><English text={text} /></p>
        {fix === null ? null : <p className="with-button"><span><span className="strong">{t('doctor.fix')}</span> <English text={fix} /></span><CopyButton quiet text={commandsOf(fix)} label={t('doctor.copyFix')} /></p>}
      </div>
    </li>
  );
}

/** The commands of a fix, one a line; a fix without any as it is. */
function commandsOf(fix: string): string {
  const here = typedHere(fix);
  const commands = [...here.matchAll(/`([^`]+)`/g)].map(([, command]) => command ?? '');
  return commands.length === 0 ? here : commands.join('\n');
}
