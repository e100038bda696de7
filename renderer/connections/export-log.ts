// Saves every connection that a filter finds as a file: page by page from the agent, handed to the browser in parts.
// Not for the format (contract/log-export).
import type { Bridge } from '../../electron/contract/bridge.ts';
import { exportHead, exportRow } from '../../electron/contract/log-export.ts';
import type { ExportFormat } from '../../electron/contract/log-export.ts';
import { download } from '../download.ts';

const pageSize = '1000';
/** Pages that become one part: text of some 10 MB, which the browser may then keep on disk. */
const pagesInPart = 20;

/** Saves what `filter` finds; `onRows` hears how many rows there are so far. Answers their number; rejects as the bridge does. */
export async function exportLog(bridge: Bridge, filter: string, format: ExportFormat, stopped: AbortSignal, onRows: (rows: number) => void): Promise<number> {
  const parts: Blob[] = [];
  let text = exportHead(format);
  let before: string | undefined;
  let total = 0;
  for (let page = 1; ; page += 1) {
    const { rows, next } = await bridge.call('connections', { limit: pageSize, ...(filter === '' ? {} : { filter }), ...(before === undefined ? {} : { before }) }, {});
    stopped.throwIfAborted();
    text += rows.map((row) => exportRow(format, row)).join('');
    total += rows.length;
    onRows(total);
    if (page % pagesInPart === 0 || next === null) {
      parts.push(new Blob([text]));
      text = '';
    }
    if (next === null) break;
    before = next;
  }
  const day = new Date().toISOString().slice(0, 10);
  download(new Blob(parts, { type: format === 'csv' ? 'text/csv' : 'application/x-ndjson' }), `pinlight-log-${day}.${format}`);
  return total;
}
