// `npm run check:security`: runs the criteria of test/security/rows against real servers and clients. `-- A1 C` runs some, `--json` prints a document.
// Progress goes to stderr. Exit code 0 only when every row passes that can be tried here, and one can; 2 for an unknown row.
import { allHeld, asTable, chooseRows, loadRows, runRows } from './registry.ts';

const usage = `Usage: npm run check:security [-- [--quick] [--json] [ROW or GROUP]...]

Tries what Pinlight promises against real programs: A server certificates, B TLS on both legs, C root and leaf, D policy and bypass,
E the proxy, F control API and window server, G the window. ROW is an id such as A1, GROUP its letter.
  --quick   fewer repetitions, and without the slowest rows: some four minutes instead of five
  --json    {"rows": [{"id", "tried", "failed", "pass", ...}], "laundered", "grade"} on standard output instead of a table
`;

const options = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--') && argument !== '--'));
if (options.has('--help')) {
  console.log(usage);
  process.exit(0);
}
const all = await loadRows();
const { rows, unknown } = chooseRows(all, process.argv.slice(2).filter((argument) => !argument.startsWith('--')));
const strange = [...unknown, ...[...options].filter((option) => option !== '--quick' && option !== '--json')];
if (strange.length > 0) {
  console.error(`no such row or option: ${strange.join(', ')}; there are ${all.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}
const quick = options.has('--quick');
const started = performance.now();
const progress = (text: string): void => console.error(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
const report = await runRows(quick ? rows.filter(({ slow }) => slow !== true) : rows, progress, quick);
console.log(options.has('--json') ? JSON.stringify(report) : asTable(report));
// Whatever a row has left open must not keep the command.
process.exit(allHeld(report) ? 0 : 1);
