// How the connections divide: a bar with the numbers in a table beside it. The bar alone says nothing to a screen reader on purpose.
import { useTranslation } from 'react-i18next';
import type { Counts } from '../../electron/contract/snapshot.ts';
import type { Disposition } from '../../electron/core/model.ts';
import { count } from '../format.ts';
import { dispositionWord } from '../words.ts';

const order: readonly Disposition[] = ['inspect', 'bypass', 'block'];

/** Bar and table of one set of counts. */
export function ShareBar({ counts }: { readonly counts: Counts }) {
  const { t } = useTranslation();
  const total = counts.inspect + counts.bypass + counts.block;
  const share = (part: number): number => (total === 0 ? 0 : (part / total) * 100);
  const parts = order.map((disposition, index) => ({
    disposition,
    from: order.slice(0, index).reduce((sum, before) => sum + share(counts[before]), 0),
    width: share(counts[disposition]),
  }));
  return (
    <div className="share">
      <svg className="share-bar" width="100%" height="28" aria-hidden="true" focusable="false">
        <defs>
          <pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <line className="hatch-line" x1="0" y1="0" x2="0" y2="7" />
          </pattern>
          <pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle className="hatch-dot" cx="3" cy="3" r="1.3" /></pattern>
        </defs>
        <rect className="share-ground" width="100%" height="28" rx="6" />
        {parts.map(({ disposition, from, width }) => (width === 0 ? null : (
          <g key={disposition}>
            <rect className={`fill-${disposition}`} x={`${from}%`} width={`${width}%`} height="28" rx="4" />
            {disposition === 'inspect' ? null : (
              <rect x={`${from}%`} width={`${width}%`} height="28" rx="4" fill={disposition === 'bypass' ? 'url(#hatch)' : 'url(#dots)'} />
            )}
          </g>
        )))}
      </svg>
      <table className="share-table">
        <caption className="unseen">{t('overview.countsCaption')}</caption>
        <thead className="unseen">
          <tr><th scope="col">{t('overview.countsWhat')}</th><th scope="col">{t('overview.countsNumber')}</th><th scope="col">{t('overview.countsShare')}</th></tr>
        </thead>
        <tbody>
          {order.map((disposition) => (
            <tr key={disposition}>
              <th scope="row"><span className={`swatch fill-${disposition}`} aria-hidden="true" />{t(dispositionWord[disposition])}</th>
              <td>{count(counts[disposition])}</td>
              <td>{`${share(counts[disposition]).toFixed(0)} %`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
