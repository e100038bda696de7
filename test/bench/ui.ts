// `npm run bench:ui [-- --json] [-- --quick]`: the log with a million rows in the store: its usual filters, what an insert costs, the
// window's start, the live list at 500 rows a second, and the agent's memory while a bundle streams. Exit 0 = every aim reached.
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBundle } from './bundle-memory.ts';
import { fillStore } from './log-store.ts';
import { measureFilters, measureInserts } from './ui-store.ts';
import { measureLive, measureStart } from './ui-window.ts';
import { chromiumPath } from '../support/open-window.ts';
import { startBuiltAgent } from './ui-agent.ts';

const usage = `usage: npm run bench:ui -- [--json] [--quick]
  --json    print one JSON document on standard output instead of the table
  --quick   100,000 rows instead of 1,000,000`;

const tell = (line: string): void => void process.stderr.write(`bench:ui: ${line}\n`);

/** One thing that was measured. `aim`: what `value` must stay below, or reach where `atLeast`; null = told only. */
type Figure = { readonly name: string; readonly value: number | null; readonly unit: string; readonly aim: number | null; readonly atLeast?: true; readonly detail?: string };

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: { json?: boolean | undefined; quick?: boolean | undefined; help?: boolean | undefined };
  try {
    options = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    tell(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  if (options.help === true) {
    console.log(usage);
    return 0;
  }
  const home = mkdtempSync(join(tmpdir(), 'pinlight-bench-ui-'));
  try {
    const rows = options.quick === true ? 100_000 : 1_000_000;
    const figures = await measure(home, rows);
    const passed = figures.every(reached);
    const about = { rows, cpus: cpus().length, load: Number((loadavg()[0] ?? 0).toFixed(1)), node: process.versions.node, passed };
    if (options.json === true) console.log(JSON.stringify({ ...about, figures: figures.map((figure) => ({ ...figure, reached: reached(figure) })) }, null, 2));
    else console.log(table(figures, about));
    return passed ? 0 : 1;
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function reached({ value, aim, atLeast }: Figure): boolean {
  return aim === null || (value !== null && (atLeast === true ? value >= aim : value < aim));
}

async function measure(home: string, rows: number): Promise<Figure[]> {
  const path = join(home, 'pinlight.db');
  const now = Date.now();
  tell(`filling a store with ${rows} rows`);
  const filled = fillStore(path, rows, now);
  const figures: Figure[] = [
    { name: 'filling the store', value: round(filled / 1000), unit: 's', aim: 60 },
    { name: 'size of the database', value: round(statSync(path).size / 1e6), unit: 'MB', aim: 512 * 1.048576, detail: 'what retention keeps at most' },
  ];
  tell('usual filters in the reading thread');
  for (const { filter, usual, p50, p95, found } of await measureFilters(path, now)) {
    figures.push({ name: filter === '' ? '(no filter)' : filter, value: round(p95), unit: 'ms p95', aim: usual ? 100 : null, detail: `p50 ${round(p50)} ms, ${found} rows${usual ? '' : '; nowhere, and no index: every row is read'}` });
  }
  if (existsSync(chromiumPath)) figures.push(...await measureAgent(home));
  else tell(`skipped: window and live list, because there is no ${chromiumPath}`);
  tell('what an insert costs');
  const { now: present, before } = measureInserts(path, now);
  figures.push({ name: 'inserting a row, batched', value: round(present), unit: 'µs', aim: null, detail: `with the five indexes that were dropped: ${round(before)} µs` });
  return figures;
}

async function measureAgent(home: string): Promise<Figure[]> {
  const agent = await startBuiltAgent(home);
  try {
    tell('the agent comes to rest, and a bundle streams');
    const bundle = await measureBundle(agent.pid, home);
    tell('the window starts');
    const starts = await measureStart(home, 5);
    tell('the live list at 500 rows a second');
    const live = await measureLive(agent.client, 6_000);
    return [
      { name: 'agent, at rest', value: round(bundle.rest), unit: 'MB', aim: null },
      { name: 'agent while a bundle streams, most', value: round(bundle.most), unit: 'MB', aim: 150, detail: `the programs it starts meanwhile included; ${round(bundle.ms / 1000)} s` },
      { name: 'window with content, slowest of 5', value: round(Math.max(...starts)), unit: 'ms', aim: 1000, detail: `fastest ${round(Math.min(...starts))} ms, from the address to the first row` },
      { name: 'live list at 500 rows a second', value: round(live.framesPerSecond), unit: 'frames/s', aim: 57, atLeast: true, detail: `60 is all there is; p95 between frames ${round(live.p95)} ms, longest ${round(live.longest)} ms; ${live.shown} rows came` },
    ];
  } finally {
    await agent.stop();
  }
}

function round(value: number | null): number | null {
  return value === null ? null : value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function table(figures: readonly Figure[], about: { readonly rows: number; readonly cpus: number; readonly load: number }): string {
  const lines = figures.map((figure) => {
    const aim = figure.aim === null ? '' : `${reached(figure) ? 'ok' : 'MISSED'} (${figure.atLeast === true ? 'at least' : 'below'} ${Math.round(figure.aim)})`;
    return `${figure.name.padEnd(58)} ${String(figure.value ?? 'unknown').padStart(8)} ${figure.unit.padEnd(9)} ${aim.padEnd(18)} ${figure.detail ?? ''}`.trimEnd();
  });
  return [`${about.rows} rows, ${about.cpus} CPUs, load ${about.load}`, '', ...lines].join('\n');
}
