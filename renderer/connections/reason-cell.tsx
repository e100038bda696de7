// Why, in a few words that begin with what differs from row to row; the whole sentence is in the hint. Not for the sentences (core/explain).
import { useTranslation } from 'react-i18next';
import { word } from '../../electron/contract/sentences.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { reasonSentence } from '../../electron/core/explain.ts';
import type { ReasonCode } from '../../electron/core/model.ts';
import { visible } from '../format.ts';

const shortWord = {
  rule: 'because.rule', 'no-match': 'because.noMatch', 'must-inspect': 'because.mustInspect', exclusion: 'because.exclusion', 'control-experiment': 'because.once',
  'unknown-app': 'because.unknownApp', 'not-tls': 'because.notTls', 'unreadable-hello': 'because.unreadable', incompatible: 'because.incompatible',
  'upstream-invalid': 'because.upstreamInvalid', 'upstream-failed': 'because.upstreamFailed', 'client-certificate': 'because.clientCertificate',
  'refused-target': 'because.refusedTarget', 'bad-request': 'because.badRequest', 'plain-http': 'because.plainHttp', 'other-user': 'because.otherUser', paused: 'because.paused', 'notice-pending': 'because.noticePending',
} as const satisfies Record<ReasonCode, string>;

/** The cell of one row. */
export function ReasonCell({ row: { reason, rule } }: { readonly row: ConnectionRow }) {
  const { t } = useTranslation();
  const named = reason.code === 'rule' || reason.code === 'must-inspect';
  const detail = named ? rule ?? '?' : reason.code === 'exclusion' ? reason.detail : null;
  return (
    <span className="clip muted" title={visible(word(t, reasonSentence(reason, rule)))}>
      {detail === null ? null : <><bdi className="mono">{visible(detail)}</bdi>{' '}</>}{t(shortWord[reason.code])}
    </span>
  );
}
