// `npm run fuzz`: coverage-guided runs of every parser. `-- hello head` chooses targets; `--help` says the rest. Progress goes to stderr.
// A failure prints its input, made small, as hex, and leaves it under test/out/fuzz. Exit code 0 only when nothing failed; 2 for wrong usage.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { repository } from '../support/agent.ts';
import type { FuzzResult } from './engine.ts';
import { targets } from './targets/index.ts';
import type { WorkerAnswer, WorkerOrder } from './worker.ts';

const usage = `Usage: npm run fuzz -- [TARGET]... [--seconds N] [--runs N] [--jobs N] [--seed N] [--keep] [--json]

  --seconds N  for all targets together (default 180; without limit when --runs is given)
  --runs N     inputs for each target (default: as many as the time allows); fewer, because time ran out, is a failure;
               coverage guides each search for a quarter of them, or until 75,000 in a row found nothing; what follows is only run
  --jobs N     targets at the same time (default: one for each processor)
  --seed N     the same number gives the same inputs (default: by the clock)
  --keep       write what found new blocks to test/fuzz/corpus
Targets: ${targets.map(({ name }) => name).join(' ')}
`;
/** An input that has not come back by then never will. */
const stuckMs = 10_000;
/** Kept inputs of one target, in bytes: a start for the next run, not a collection. */
const keptBytes = 2_000;
/** What takes longest for the same number of inputs begins first, so that no processor is left alone with it at the end. */
const longest = ['sni-oracle', 'peek', 'policy', 'redact', 'policy-values', 'filter', 'bundle', 'certificate', 'lines', 'roots'];

const options = readOptions();
const chosen = options.names.length === 0 ? targets.map(({ name }) => name) : options.names;
const deadline = performance.now() + options.seconds * 1_000;
const results = new Map<string, FuzzResult>();
const waiting = chosen.toSorted((one, other) => place(one) - place(other));
await Promise.all(Array.from({ length: options.jobs }, async () => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    // With a number of runs the time is everyone's; without one each target gets the same.
    const share = options.runs === null ? options.seconds * 1_000 * Math.min(options.jobs, chosen.length) / chosen.length : Math.max(1, deadline - performance.now());
    const one = await runTarget(name, share);
    results.set(name, one);
    tell(one);
    if (options.keep) keep(one);
  }
}));
const report = chosen.flatMap((name) => results.get(name) ?? []);
const ok = report.every(({ findings, runs }) => findings.length === 0 && runs >= (options.runs ?? 1));
console.log(options.json ? JSON.stringify({
  targets: report.map((one) => ({ target: one.target, runs: one.runs, seconds: round(one.seconds), processorSeconds: round(one.processorSeconds), perSecond: round(one.runs / one.seconds), corpus: one.corpus.length, branches: one.branches, findings: one.findings })), ok,
}) : asTable());
process.exit(ok ? 0 : 1);

function place(name: string): number {
  return (longest.indexOf(name) + longest.length + 1) % (longest.length + 1);
}

/** What went wrong, on stderr and in a file for each. */
function tell({ target, findings }: FuzzResult): void {
  for (const [index, finding] of findings.entries()) {
    const folder = join(repository, 'test/out/fuzz');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${target}-${index + 1}.txt`), `${finding.message}\n\n${finding.hex}\n`);
    console.error(`  ${target}: ${finding.message}\n  input (${finding.hex.length / 2} bytes, also in test/out/fuzz): ${finding.hex}`);
  }
}

/** Runs a target in a thread; one that gets stuck is ended, and the input it is at is the finding. */
function runTarget(name: string, ms: number): Promise<FuzzResult> {
  const started = performance.now();
  const current = new SharedArrayBuffer(8 + 256 * 1024);
  const head = new Int32Array(current, 0, 2);
  const order: WorkerOrder = { target: name, budget: { ms, runs: options.runs, seed: options.seed }, current };
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: order });
  return new Promise((done, fail) => {
    let runs = -1;
    let since = performance.now();
    let ready = false;
    const end = (result: FuzzResult): void => {
      clearInterval(watch);
      void worker.terminate();
      done(result);
    };
    const watch = setInterval(() => {
      if (runs !== Atomics.load(head, 0)) {
        runs = Atomics.load(head, 0);
        since = performance.now();
        return;
      }
      if (!ready || performance.now() - since < stuckMs) return;
      const hex = Buffer.from(new Uint8Array(current, 8, head[1])).toString('hex');
      end({ target: name, runs, seconds: (performance.now() - started) / 1_000, processorSeconds: 0, corpus: [], branches: {}, findings: [{ message: `did not come back within ${stuckMs / 1_000} s`, hex }] });
    }, 500);
    worker.on('message', (answer: WorkerAnswer) => {
      if (answer.kind === 'ready') {
        ready = true;
        return;
      }
      const { result } = answer;
      console.error(`${name.padEnd(14)} ${result.runs} runs in ${round(result.seconds)} s (${round(result.processorSeconds)} s of a processor), ${result.corpus.length} inputs that found something new, ${result.findings.length} failures`);
      end(result);
    });
    worker.once('error', (error) => {
      clearInterval(watch);
      fail(error);
    });
  });
}

function keep({ target, corpus }: FuzzResult): void {
  let left = keptBytes;
  const lines = corpus.toSorted((a, b) => a.length - b.length).filter((input) => (left -= input.length) >= 0).map((input) => Buffer.from(input).toString('hex'));
  writeFileSync(new URL(`corpus/${target}.txt`, import.meta.url), `${lines.join('\n')}\n`);
}

function asTable(): string {
  const rows = report.map((one) => [
    one.target, String(one.runs), `${Math.round(one.runs / one.seconds)}/s`, round(one.processorSeconds).toFixed(1), String(one.corpus.length), String(one.findings.length),
    Object.entries(one.branches).map(([file, share]) => `${file.split('/').at(-1)} ${Math.floor(share * 1_000) / 10} %`).join(', '),
  ]);
  const all = [['target', 'runs', 'speed', 'processor s', 'corpus', 'failures', 'blocks reached per file'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: {
      seconds: { type: 'string' }, runs: { type: 'string' }, jobs: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' },
    } });
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));
    if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}`);
    return {
      names: positionals, keep: values.keep ?? false, json: values.json ?? false,
      seconds: number('seconds', values.seconds, values.runs === undefined ? 180 : 86_400), runs: values.runs === undefined ? null : number('runs', values.runs, 1),
      jobs: number('jobs', values.jobs, availableParallelism()), seed: number('seed', values.seed, Date.now() % 2 ** 31),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}

function number(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} takes a whole number above 0`);
  return Number(text);
}
