// `npm run check:device`: what Pinlight takes from and changes in this system, measured: owner look-ups, trust stores, changes under kill -9, managed policy.
// Everything stands in namespaces and homes of its own. Progress goes to stderr. Exit code 0 only when everything passed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openStoreRoom } from '../native/support/store-room.ts';
import { fewestSteps, measureKills, type Kills } from './kills.ts';
import { sumOf, type KillRuns } from './kill-runs.ts';
import { measurePolicy, type PolicyRow } from './policy.ts';
import { measureStores, type StoreResult } from './stores.ts';

const usage = `Usage: npm run check:device [-- [--quick] [--json]]

Measures on this machine (Linux; stores and policy need root): how long it takes to tell whose connection one is, with 2,000 open sockets;
each trust store installed into, judged by the programs that read it, cleaned, and looked through for what is left; installing, removing,
steering, capturing, the service and uninstalling killed with kill -9 at each step; managed policy with broken files in it. Nothing of the
machine's own is changed.
  --quick   every fifth step is killed at, once: some four minutes instead of fifteen
  --json    {"attribution", "stores", "steer", "kills", "policy", "ok"} on standard output instead of a table
`;

type Attribution = { readonly p50: number; readonly p99: number; readonly wrong: number; readonly unknown: number; readonly sockets: number; readonly ok: boolean };
type Report = { readonly attribution: Attribution; readonly stores: readonly StoreResult[]; /** Of `kills`, those of steering, on a desktop and as root, and of capture. */ readonly steer: KillRuns; readonly kills: Kills; readonly policy: PolicyRow | null; readonly ok: boolean };

/** Of the look-up, ms; of the full run, which has the machine for itself: the quick one runs beside other work and is judged by what is right. */
const [aimP50, aimP99] = [1, 5];
const fewestStores = 5;
/** In full. */
const fewestKills = 200;
const steering = new Set(['steer', 'steer as root', 'capture']);

const { quick, json, help } = readArguments();
if (help) {
  console.log(usage);
  process.exit(0);
}
const started = performance.now();
const report = await quietly(check);
console.log(json ? JSON.stringify(report) : table(report));
process.exit(report.ok ? 0 : 1);

async function check(): Promise<Report> {
  progress('attribution');
  const attribution = await measureAttribution();
  const kills = await measureKills(quick, progress);
  const steer = sumOf(Object.entries(kills).flatMap(([name, runs]) => (runs !== null && steering.has(name) ? [runs] : [])));
  const room = await openStoreRoom();
  if (room === null) return { attribution, stores: [], steer, kills, policy: null, ok: false };
  try {
    const stores = await measureStores(room, progress);
    progress('policy');
    const policy = await measurePolicy(room);
    const clean = stores.every((store) => store.install && store.handshake && store.remove && store.residue === 0);
    const whole = Object.entries(kills).every(([kind, runs]) => runs !== null && runs.bad === 0 && runs.steps >= fewestSteps[kind as keyof Kills]) && (quick || sumOf(Object.values(kills).flatMap((runs) => runs ?? [])).killed >= fewestKills);
    return { attribution, stores, steer, kills, policy, ok: attribution.ok && clean && stores.length > fewestStores && whole && policy.ok };
  } finally {
    room.close();
  }
}

/** Rooms say on standard output why there are none; a document stands there alone. */
async function quietly<T>(measure: () => Promise<T>): Promise<T> {
  const { log } = console;
  console.log = (...said: readonly unknown[]) => console.error(...said);
  try {
    return await measure();
  } finally {
    console.log = log;
  }
}

/** Look-ups of a process that holds 2,000 sockets, as test/bench/attribution.ts measures them. */
async function measureAttribution(): Promise<Attribution> {
  const script = fileURLToPath(new URL('../bench/attribution.ts', import.meta.url));
  const child = spawn(process.execPath, [script, '--json', '--processes', quick ? '200' : '500'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) return { p50: Number.NaN, p99: Number.NaN, wrong: 0, unknown: 0, sockets: 0, ok: false };
  const { machine, rows } = JSON.parse(out) as { readonly machine: { readonly sockets: number }; readonly rows: readonly { readonly row: string; readonly p50: number; readonly p99: number; readonly wrong: number; readonly unknown: number }[] };
  const busy = rows.find((row) => row.row.includes('2,000 sockets'));
  const wrong = rows.reduce((sum, row) => sum + row.wrong, 0);
  const [p50, p99] = [busy?.p50 ?? Number.NaN, busy?.p99 ?? Number.NaN];
  return { p50, p99, wrong, unknown: busy?.unknown ?? 0, sockets: machine.sockets, ok: wrong === 0 && (quick || (p50 < aimP50 && p99 < aimP99)) };
}

function table({ attribution, stores, kills, policy, ok }: Report): string {
  const yes = (value: boolean): string => (value ? 'yes' : 'NO');
  const width = Math.max(...stores.map((store) => store.name.length), 5);
  return [
    `Owner of a connection, ${attribution.sockets} sockets open: p50 ${attribution.p50} ms, p99 ${attribution.p99} ms, ${attribution.wrong} wrong, ${attribution.unknown} unknown.`, '',
    `${'Store'.padEnd(width)}  install  handshake  remove  residue  by`,
    ...stores.map((store) => `${store.name.padEnd(width)}  ${yes(store.install).padEnd(7)}  ${yes(store.handshake).padEnd(9)}  ${yes(store.remove).padEnd(6)}  ${String(store.residue).padEnd(7)}  ${store.by.join(', ')}`),
    ...(stores.length === 0 ? ['none: they need root on Linux'] : []), '',
    'Killed with -9    runs  killed  steps  neither as before nor as asked',
    ...Object.entries(kills).flatMap(([name, runs]) => (runs === null ? [`${name.padEnd(16)}  not run: it needs root on Linux`]
      : [`${name.padEnd(16)}  ${String(runs.runs).padEnd(4)}  ${String(runs.killed).padEnd(6)}  ${String(runs.steps).padEnd(5)}  ${runs.bad}`, ...runs.details.map((detail) => `  ${detail}`)])), '',
    policy === null ? 'Policy: not measured, it needs root on Linux.'
      : `Policy: ${Object.entries(policy.origins).map(([origin, count]) => `${count} ${origin}`).join(', ')}; ${policy.keptLastGood} of ${policy.broken} broken files kept the last good version; a change counts after ${policy.reloadMs} ms.`,
    '', ok ? 'Everything passed.' : 'Not everything passed.',
  ].join('\n');
}

function progress(doing: string): void {
  console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${doing}`);
}

function readArguments(): { readonly quick: boolean; readonly json: boolean; readonly help: boolean } {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return process.exit(2);
  }
}
