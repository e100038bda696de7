// `npm run check:security`: runs the criteria of test/security/rows against real servers and clients. `-- A1 A3` runs some, `--json` prints a document.
// Progress goes to stderr. Exit code 0 only when every row passes; 2 for an unknown row.
import { asTable, loadRows, runRows } from './registry.ts';

const wanted = process.argv.slice(2).filter((argument) => argument !== '--json' && argument !== '--');
const known = await loadRows();
const unknown = wanted.filter((id) => !known.some((row) => row.id === id));
if (unknown.length > 0) {
  console.error(`no such row: ${unknown.join(', ')}; there are ${known.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}
const started = performance.now();
const report = await runRows(wanted.length === 0 ? known : known.filter(({ id }) => wanted.includes(id)), (text) => console.error(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`));
console.log(process.argv.includes('--json') ? JSON.stringify(report) : asTable(report));
// Whatever a row has left open must not keep the command.
process.exit(report.rows.every(({ pass }) => pass) ? 0 : 1);
