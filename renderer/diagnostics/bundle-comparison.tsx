// What differs between the bundle that is open and another one: the same differences as `pinlight bundle diff`, the older one first.
// Not for finding them (core/diagnostics/diff-bundles).
import { GitCompareArrows } from 'lucide-react';
import { Button, FileTrigger } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { diffBundles } from '../../electron/core/diagnostics/diff-bundles.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { Loading } from '../components/states.tsx';
import { count, moment, visible } from '../format.ts';
import { BundleRefused } from './bundle-refused.tsx';
import { groupDifferences } from './group-differences.ts';
import type { DifferenceGroup } from './group-differences.ts';
import { bundleTypes, useBundleFile } from './use-bundle-file.ts';

/** The button and, once a second bundle is chosen, what differs. */
export function BundleComparison({ bundle }: { readonly bundle: OpenedBundle }) {
  const { t } = useTranslation();
  const { file, choose } = useBundleFile();
  return (
    <>
      <h3>{t('compare.title')}</h3>
      {file.kind === 'none' ? <p className="muted">{t('compare.what')}</p> : null}
      {file.kind === 'reading' ? <Loading label={t('diagnostics.reading')} /> : null}
      {file.kind === 'refused' ? <BundleRefused file={file} /> : null}
      {file.kind === 'open' ? <Differences one={bundle} other={file.bundle} /> : null}
      <div className="buttons">
        <FileTrigger acceptedFileTypes={bundleTypes} onSelect={choose}>
          <Button className="button"><GitCompareArrows aria-hidden size={16} />{t('compare.choose')}</Button>
        </FileTrigger>
      </div>
    </>
  );
}

/** As many as somebody reads; the command line has them all. */
const mostShown = 500;

function Differences({ one, other }: { readonly one: OpenedBundle; readonly other: OpenedBundle }) {
  const { t } = useTranslation();
  const [before, after] = madeAt(one) <= madeAt(other) ? [one, other] : [other, one];
  const differences = diffBundles(before, after);
  return (
    <>
      <p>{t('compare.lead', { before: before.manifest.id, beforeAt: moment(madeAt(before), 0), after: after.manifest.id, afterAt: moment(madeAt(after), 0) })}</p>
      {before.manifest.device === after.manifest.device ? null : <p className="strong">{t('compare.otherDevice')}</p>}
      {differences.length === 0 ? <p className="muted">{t('compare.same')}</p> : (
        <ul className="differences">
          {groupDifferences(before, after, differences.slice(0, mostShown)).map((group) => <Group key={`${group.file} ${group.kind} ${group.name}`} group={group} />)}
        </ul>
      )}
      {differences.length <= mostShown ? null : <p className="muted"><Prose text={t('compare.more', { count: differences.length - mostShown, number: count(differences.length - mostShown) })} /></p>}
    </>
  );
}

const thingWord = {
  'status.json': 'compare.status', 'health.json': 'compare.health', 'policy-effective.json': 'compare.policy', 'apps.json': 'compare.app', 'exclusions.json': 'compare.exclusion',
  'trust-stores.json': 'compare.store', 'versions.json': 'compare.versions', 'system.json': 'compare.system', 'network.json': 'compare.network',
} as const;
const changeWord = { new: 'compare.new', gone: 'compare.gone', changed: 'compare.changed', version: 'compare.version' } as const;

function isThing(file: string): file is keyof typeof thingWord {
  return Object.hasOwn(thingWord, file);
}

function Group({ group: { file, kind, name, rows } }: { readonly group: DifferenceGroup }) {
  const { t } = useTranslation();
  const thing = isThing(file) ? t(thingWord[file]) : file;
  return (
    <li>
      <h4>{name === null ? thing : <>{t(changeWord[kind], { thing })} <Foreign text={name} /></>}</h4>
      {rows.length === 0 ? null : (
        <table className="fact-table difference-table">
          <caption className="unseen">{name === null ? thing : `${thing}: ${visible(name)}`}</caption>
          <thead><tr><th scope="col">{t('compare.place')}</th><th scope="col">{t('compare.before')}</th><th scope="col">{t('compare.after')}</th></tr></thead>
          <tbody>
            {rows.map(({ path, before: old, after: now }) => (
              <tr key={path}>
                <th scope="row"><Foreign mono text={path} /></th>
                <td data-title={t('compare.before')}><Value text={old} /></td>
                <td data-title={t('compare.after')}><Value text={now} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

/** Longer values are read in the file itself. */
const longestValue = 300;

function Value({ text }: { readonly text: string | null }) {
  const { t } = useTranslation();
  if (text === null) return <span className="muted">{t('compare.absent')}</span>;
  return <Foreign mono text={text.length <= longestValue ? text : `${text.slice(0, longestValue)}…`} />;
}

/** ms since the epoch; a manifest that names no moment counts as the oldest. */
function madeAt({ manifest }: OpenedBundle): number {
  const at = Date.parse(manifest.createdAt);
  return Number.isNaN(at) ? 0 : at;
}
