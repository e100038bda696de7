// The connections of a bundle as a table instead of one JSON object a line. A stranger's file: what is not as expected is shown as text, or not at all.
import { useTranslation } from 'react-i18next';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { count, date, preciseClock } from '../format.ts';
import { dispositionWord } from '../words.ts';

/** More are read in the file itself. */
const mostRows = 500;

/** The file of a bundle that holds connections. */
export const rowsFile = 'connections.ndjson';

/** Its first rows, which are the newest. */
export function BundleRows({ text }: { readonly text: string }) {
  const { t } = useTranslation();
  const lines = text.split('\n').filter((line) => line !== '');
  const rows = lines.slice(0, mostRows).map(readRow);
  return (
    <>
      <table className="plain-table bundle-rows">
        <caption className="unseen">{t('connections.table')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('connections.columnTime')}</th><th scope="col">{t('connections.columnApp')}</th><th scope="col">{t('connections.columnHost')}</th>
            <th scope="col">{t('connections.columnDisposition')}</th><th scope="col">{t('connections.columnOutcome')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              <td>{row.at === null ? '' : <time>{date(row.at)} {preciseClock(row.at)}</time>}</td>
              <td><Foreign text={row.app} /></td>
              <td><Foreign mono text={row.host} /></td>
              <td>{row.disposition === 'inspect' || row.disposition === 'bypass' || row.disposition === 'block' ? t(dispositionWord[row.disposition]) : <Foreign text={row.disposition} />}</td>
              <td><Foreign mono text={row.outcome} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length <= mostRows ? null : <p className="muted"><Prose text={t('diagnostics.rowsCut', { shown: count(mostRows), all: count(lines.length) })} /></p>}
    </>
  );
}

type BundleRow = { readonly at: number | null; readonly app: string; readonly host: string; readonly disposition: string; readonly outcome: string };

function readRow(line: string): BundleRow {
  const row = fieldsOf(line);
  const text = (name: string): string => (typeof row[name] === 'string' ? row[name] : '');
  const { startedAt, port, outcome } = row;
  const at = typeof startedAt === 'number' && Math.abs(startedAt) <= 8.64e15 ? startedAt : null;
  const ended = typeof outcome === 'object' && outcome !== null ? Object.values(outcome).filter((value) => ['string', 'number'].includes(typeof value)).join(' ') : '';
  return { at, app: text('appName'), host: typeof port === 'number' && port !== 443 ? `${text('host')}:${port}` : text('host'), disposition: text('disposition'), outcome: ended };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return { host: line };
  }
}
