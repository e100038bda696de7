// The files of a bundle as a table: how large, what was removed, and in an opened one whether they are what the manifest says.
import { CircleAlert, CircleCheck } from 'lucide-react';
import type { TFunction } from 'i18next';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { readChoice } from '../../electron/core/diagnostics/connection-choice.ts';
import type { RedactionCounts, RedactionKind } from '../../electron/core/diagnostics/redact.ts';
import { redactionKinds } from '../../electron/core/diagnostics/redact-names.ts';
import type { FileState } from '../../electron/core/diagnostics/read-bundle.ts';
import { Foreign } from '../components/foreign.tsx';
import { bytes, count } from '../format.ts';

type FileRow = { readonly name: string; readonly bytes: number; readonly redactions?: RedactionCounts; readonly holds?: string; readonly state?: FileState };

const stateWord = { good: 'diagnostics.fileGood', changed: 'diagnostics.fileChanged', missing: 'diagnostics.fileMissing', unlisted: 'diagnostics.fileUnlisted' } as const;

const removedWord = {
  home: 'removed.home', name: 'removed.name', 'private-key': 'removed.privateKey', 'tls-secret': 'removed.tlsSecret', authorization: 'removed.authorization', cookie: 'removed.cookie',
  password: 'removed.password', token: 'removed.token', 'api-key': 'removed.apiKey', query: 'removed.query', userinfo: 'removed.userinfo', bytes: 'removed.bytes', depth: 'removed.depth',
} as const satisfies Record<RedactionKind, string>;

function removals(counts: RedactionCounts = {}): { readonly kind: RedactionKind; readonly number: number }[] {
  return redactionKinds.flatMap((kind) => ((counts[kind] ?? 0) === 0 ? [] : [{ kind, number: counts[kind] ?? 0 }]));
}

/** `onOpen`: shows the text of a file; absent before it is saved. */
export function BundleFiles({ files, caption, onOpen }: { readonly files: readonly FileRow[]; readonly caption: string; readonly onOpen?: (name: string) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <table className="plain-table">
        <caption className="unseen">{caption}</caption>
        <thead><tr><th scope="col">{t('diagnostics.file')}</th><th scope="col">{t('diagnostics.size')}</th><th scope="col">{t(onOpen === undefined ? 'diagnostics.removed' : 'diagnostics.state')}</th></tr></thead>
        <tbody>
          {files.map(({ name, bytes: size, redactions, state }) => (
            <tr key={name}>
              <th scope="row">
                {onOpen === undefined || state === 'missing' ? <Foreign mono text={name} /> : <Button className="link-button" onPress={() => onOpen(name)}><Foreign mono text={name} /></Button>}
              </th>
              <td>{bytes(size)}</td>
              <td>
                {state === undefined ? null : <span className={`outcome ${state === 'good' ? 'outcome-established' : 'outcome-refused'}`}>{state === 'good' ? <CircleCheck aria-hidden size={14} /> : <CircleAlert aria-hidden size={14} />}{t(stateWord[state])}</span>}
                {removals(redactions).map(({ kind, number }) => t(removedWord[kind], { count: number, number: count(number) })).join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {files.map(({ name, holds }) => (holds === undefined ? null : <p key={name}><Foreign mono text={name} />: {holdsWords(t, holds)}</p>))}
    </>
  );
}

const partWord = {
  recorded: ['diagnostics.holdsNewestRecorded', 'diagnostics.holdsAllRecorded'], failed: ['diagnostics.holdsNewestFailed', 'diagnostics.holdsAllFailed'], rest: ['diagnostics.holdsRest', 'diagnostics.holdsRest'],
} as const;

/** Which connections were chosen; another version's words stay as they are. */
function holdsWords(t: TFunction, holds: string) {
  const told = readChoice(holds);
  if (told === null) return <Foreign text={holds} />;
  const { sum, total, parts, cut } = told;
  const which = parts.map(({ kind, number, all }) => t(partWord[kind][all ? 1 : 0], { number: count(number) })).join(', ');
  const what = total === sum ? t('diagnostics.holdsAll', { count: sum, number: count(sum) })
    : total === null ? t('diagnostics.holdsOfUnknown', { sum: count(sum), which }) : t('diagnostics.holdsSome', { sum: count(sum), total: count(total), which });
  return cut ? `${what} ${t('diagnostics.holdsCut')}` : what;
}
