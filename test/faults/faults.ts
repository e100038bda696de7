// `npm run faults`: real agents in temporary homes, hurt in many ways, and what came through. `-- kill database`
// chooses by the beginning of a name, `--quick` takes fewer trials, `--json` prints a document. Progress goes to stderr.
// Exit code 0 only when nothing was lost; 2 for wrong usage.
import { parseArgs } from 'node:util';
import { createRandom } from '../fuzz/mutate.ts';
import { clockFaults } from './clock.ts';
import { databaseFaults } from './database.ts';
import { diskFaults } from './disk.ts';
import type { Fault, FaultRow } from './fault.ts';
import { killFaults } from './kill.ts';
import { loadFaults } from './load.ts';
import { processFaults } from './process.ts';
import { rootFaults } from './root-key.ts';
import { openOrigins } from './stage.ts';
import { steeredFaults } from './steered.ts';
import { upstreamFaults } from './upstream.ts';
import { watchdogFaults } from './watchdog.ts';

const faults: readonly Fault[] = [
  ...killFaults, ...databaseFaults, ...diskFaults, ...rootFaults, ...processFaults, ...watchdogFaults, ...steeredFaults, ...upstreamFaults, ...loadFaults, ...clockFaults,
];
const usage = `Usage: npm run faults -- [NAME]... [--quick] [--seed N] [--json]

  --quick   fewer trials, as in CI
  --seed N  the same number gives the same faults (default: by the clock)
Faults: ${faults.map(({ name }) => name).join(', ')}
`;

const options = readOptions();
const started = performance.now();
const tell = (text: string): void => console.error(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
const rows: FaultRow[] = [];
const skipped: { name: string; why: string }[] = [];
const origins = await openOrigins();
for (const fault of faults.filter(({ name }) => options.names.length === 0 || options.names.some((wanted) => name.startsWith(wanted)))) {
  const why = fault.skip?.() ?? null;
  if (why !== null) {
    skipped.push({ name: fault.name, why });
    tell(`skipped: ${fault.name}: ${why}`);
    continue;
  }
  rows.push(await runFault(fault));
}
await origins.close();
const ok = rows.length > 0 && rows.every(({ n, recovered, lost }) => lost === 0 && recovered === n);
console.log(options.json ? JSON.stringify({ faults: rows, skipped, ok }) : asTable());
process.exit(ok ? 0 : 1);

async function runFault(fault: Fault): Promise<FaultRow> {
  const n = options.quick ? fault.times.quick : fault.times.full;
  const numbers = createRandom(options.seed);
  let [recovered, lost] = [0, 0];
  try {
    await fault.run({ n, origins, random: () => numbers() / 2 ** 32, trial: async (what, attempt) => {
      try {
        await attempt();
        recovered += 1;
      } catch (error) {
        lost += 1;
        tell(`lost: ${fault.name}: ${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    } });
  } catch (error) {
    // What has to hold after all trials did not: at least one of them counts as lost.
    recovered = Math.min(recovered, n - 1);
    lost = n - recovered;
    tell(`lost: ${fault.name}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  }
  tell(`${fault.name}: ${recovered} of ${n}`);
  return { name: fault.name, n, recovered, lost };
}

function asTable(): string {
  const lines = [['fault', 'n', 'recovered', 'lost'], ...rows.map(({ name, n, recovered, lost }) => [name, n, recovered, lost].map(String)), ...skipped.map(({ name, why }) => [name, 'skipped', why, ''])];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: {
      quick: { type: 'boolean' }, seed: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' },
    } });
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    const unknown = positionals.filter((wanted) => !faults.some(({ name }) => name.startsWith(wanted)));
    if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(', ')}`);
    if (values.seed !== undefined && !/^[1-9]\d{0,9}$/.test(values.seed)) throw new Error('--seed takes a whole number above 0');
    return { names: positionals, quick: values.quick ?? false, json: values.json ?? false, seed: values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed) };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}
