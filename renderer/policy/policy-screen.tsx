// The Policy screen: what is in force, who set it, and what is wrong with a policy file, by line. Changes are made by whoever manages the device.
import type { TFunction } from 'i18next';
import { CircleAlert, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { Button, ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { word } from '../../electron/contract/sentences.ts';
import type { PolicyAnswer } from '../../electron/contract/routes.ts';
import { policyValues, ruleConditions, setBy } from '../../electron/core/policy/describe.ts';
import type { SetBy } from '../../electron/core/policy/describe.ts';
import { managerWords } from '../../electron/core/policy/permission.ts';
import { placeOf } from '../../electron/core/policy/policy.ts';
import type { Policy, PolicyProblem, Rule } from '../../electron/core/policy/policy.ts';
import { placeSentence, problemSentence } from '../../electron/core/policy/problem-words.ts';
import { errorLine } from '../components/error-words.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { English } from '../components/english.tsx';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Failure, Loading } from '../components/states.tsx';
import { count } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useAgent, useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';
import { useAnswer } from '../state/use-answer.ts';
import { originWord } from '../words.ts';

/** The fourth screen. */
export function PolicyScreen() {
  const { t } = useTranslation();
  // A file that is not valid changes nothing in force, but a warning comes or goes.
  const stamp = useAgent(({ snapshot }) => `${snapshot?.agent.policy.generation ?? 0} ${snapshot?.warnings.filter(({ code }) => code.startsWith('policy-')).map(({ text }) => text).join() ?? ''}`);
  const { state, retry } = useAnswer('policy', {}, stamp);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{t('nav.policy')}</h1>
          <p className="muted">{t('policy.lead')}</p>
        </div>
        <div className="buttons">
          <ReloadButton onDone={retry} />
          {state.kind === 'ready' ? <CopyButton text={JSON.stringify(state.answer, null, 2)} label={t('policy.copy')} /> : null}
        </div>
      </header>
      {state.kind === 'loading' ? <Loading label={t('link.loading')} lines={8} /> : null}
      {state.kind === 'failed' ? <Failure error={state.error} onRetry={retry} /> : null}
      {state.kind === 'ready' ? <Content answer={state.answer} /> : null}
    </div>
  );
}

function ReloadButton({ onDone }: { readonly onDone: () => void }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [busy, setBusy] = useState(false);
  async function reload(): Promise<void> {
    setBusy(true);
    try {
      await bridge.call('reloadPolicy', {}, {});
      addToast({ text: t('policy.reloaded'), tone: 'done', action: null });
      onDone();
    } catch (thrown) {
      addToast({ text: errorLine(t, errorOf(thrown)), tone: 'failed', action: null });
    } finally {
      setBusy(false);
    }
  }
  return <Button className="button" isPending={busy} onPress={() => void reload()}><RotateCw aria-hidden size={16} />{t('policy.reload')}</Button>;
}

function Content({ answer }: { readonly answer: PolicyAnswer }) {
  const { t } = useTranslation();
  const { policy, problems, files } = answer;
  const { managedBy } = policy;
  return (
    <>
      {problems.length === 0 ? null : <Problems problems={problems} />}
      <section className="card" aria-label={t('policy.source')}>
        {managedBy === null ? null : <p>{t('policy.managedBy')} <Foreign className="strong" text={managerWords(managedBy)} /></p>}
        <p>{files.length === 0 ? t(problems.length === 0 ? 'policy.sourceNone' : 'policy.sourceUnreadable') : t('policy.sourceFiles', { count: files.length })}</p>
        {files.length === 0 ? null : <ul className="plain-list">{files.map((file) => <li key={file}><Foreign text={file} mono /></li>)}</ul>}
        <p className="muted">{t('policy.summary', { generation: count(answer.generation), count: policy.rules.length, exclusions: count(policy.exclusions.length) })}</p>
      </section>
      <Rules policy={policy} />
      <Values policy={policy} />
    </>
  );
}

function Problems({ problems }: Pick<PolicyAnswer, 'problems'>) {
  const { t } = useTranslation();
  return (
    <section className="failure" role="alert" aria-label={t('policy.problems')}>
      <CircleAlert aria-hidden size={20} />
      <div>
        <p className="strong">{t('policy.problemsLead', { count: problems.length })}</p>
        <ul className="plain-list">
          {problems.map((problem) => (
            <li key={`${problem.file} ${problem.path} ${problem.line} ${problem.message}`}>
              <Foreign text={placeWords(t, problem)} mono className="muted block" />
              {problem.path === '' ? null : <><Foreign text={problem.path} mono className="strong" />: </>}<Problem message={problem.message} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** In the person's language. */
function placeWords(t: TFunction, problem: PolicyProblem): string {
  const place = placeOf(problem);
  const known = placeSentence(place);
  return known === null ? place : word(t, known);
}

function Problem({ message }: { readonly message: string }) {
  const { t } = useTranslation();
  const known = problemSentence(message);
  return known === null ? <English text={message} /> : <Prose text={word(t, known)} />;
}

function Rules({ policy }: { readonly policy: Policy }) {
  const { t } = useTranslation();
  return (
    <section className="card" aria-label={t('policy.rules')}>
      <header className="card-head"><h2>{t('policy.rules')}</h2><p className="muted">{t('policy.rulesNote')}</p></header>
      {policy.rules.length === 0 ? <p>{t('policy.rulesNone')}</p> : (
        <table className="fact-table rule-table">
          <thead><tr><th scope="col">{t('policy.columnRule')}</th><th scope="col">{t('policy.columnDoes')}</th><th scope="col">{t('policy.columnWhen')}</th><th scope="col">{t('policy.columnSetBy')}</th></tr></thead>
          <tbody>
            {policy.rules.map((rule) => (
              <tr key={rule.id}>
                <th scope="row" data-title={t('policy.columnRule')}><Foreign text={rule.id} mono />{rule.reason === null ? null : <span className="muted block"><Foreign text={rule.reason} /></span>}</th>
                <td data-title={t('policy.columnDoes')}>{rule.mustInspect ? t('policy.mustInspect') : t(does[rule.do])}</td>
                <td data-title={t('policy.columnWhen')}><Conditions rule={rule} /></td>
                <td data-title={t('policy.columnSetBy')}><Origin setBy={setBy(policy, `rules.${rule.id}`)} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Keys and values as the policy writes them, joined in words. */
function Conditions({ rule }: { readonly rule: Rule }) {
  const { t } = useTranslation();
  const conditions = ruleConditions(rule);
  if (conditions.length === 0) return t('policy.always');
  return (
    <ul className="plain-list conditions">
      {conditions.map(({ name, values }) => <li key={name}><span className="mono muted">{name}</span> <Foreign className="words" text={values.join(' | ')} mono /></li>)}
    </ul>
  );
}

const does = { inspect: 'policy.inspect', bypass: 'policy.bypass', block: 'policy.block' } as const;

function Values({ policy }: { readonly policy: Policy }) {
  const { t } = useTranslation();
  const rows = policyValues(policy);
  const set = rows.filter((row) => row.setBy.origin !== 'embedded');
  const [all, setAll] = useState(set.length === 0);
  const shown = all ? rows : set;
  return (
    <section className="card" aria-label={t('policy.values')}>
      <header className="card-head">
        <h2>{t('policy.values')}</h2>
        <ToggleButtonGroup
          className="segments" aria-label={t('policy.which')} selectionMode="single" disallowEmptySelection
          selectedKeys={[all ? 'all' : 'set']} onSelectionChange={(keys) => setAll(keys.has('all'))}
        >
          <ToggleButton id="set">{t('policy.onlySet', { number: count(set.length) })}</ToggleButton>
          <ToggleButton id="all">{t('policy.all', { number: count(rows.length) })}</ToggleButton>
        </ToggleButtonGroup>
      </header>
      {shown.length === 0 ? <p>{t('policy.noneSet')}</p> : (
        <table className="fact-table">
          <thead><tr><th scope="col">{t('policy.columnKey')}</th><th scope="col">{t('policy.columnValue')}</th><th scope="col">{t('policy.columnSetBy')}</th></tr></thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.key}>
                <th scope="row" data-title={t('policy.columnKey')}><Foreign text={row.key} mono /></th>
                <td data-title={t('policy.columnValue')}><Foreign text={row.value} mono /></td>
                <td data-title={t('policy.columnSetBy')}><Origin setBy={row.setBy} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Origin({ setBy: { origin, file } }: { readonly setBy: SetBy }) {
  const { t } = useTranslation();
  return <span>{t(originWord[origin])}{file === null ? null : <span className="muted block"><Foreign text={file} mono /></span>}</span>;
}
