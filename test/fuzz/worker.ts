// One target in a thread of its own: whoever started it can see what it is at, and end it when an input never comes back.
import { readFileSync, existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { startCoverage } from './coverage.ts';
import { fuzz, type Budget, type FuzzResult } from './engine.ts';

/** `current`: two numbers (executions so far, length of the input), then the input that runs now. */
export type WorkerOrder = { readonly target: string; readonly budget: Budget; readonly current: SharedArrayBuffer };
export type WorkerAnswer = { readonly kind: 'result'; readonly result: FuzzResult } | { readonly kind: 'ready' };

const { target: name, budget, current } = workerData as WorkerOrder;
// Before the sources are loaded, so that V8 counts their blocks.
const coverage = startCoverage();
const { targets } = await import('./targets/index.ts');
const target = targets.find((one) => one.name === name);
if (target === undefined) throw new Error(`no target ${name}`);
const kept = new URL(`corpus/${name}.txt`, import.meta.url);
const seeds = [...target.seeds, ...(existsSync(kept) ? readFileSync(kept, 'utf8').split('\n').filter((line) => line !== '').map((line) => Buffer.from(line, 'hex')) : [])];
const head = new Int32Array(current, 0, 2);
const room = new Uint8Array(current, 8);
const onInput = (input: Uint8Array): void => {
  room.set(input.length > room.length ? input.subarray(0, room.length) : input);
  head[1] = Math.min(input.length, room.length);
  Atomics.add(head, 0, 1);
};
parentPort?.postMessage({ kind: 'ready' } satisfies WorkerAnswer, []);
const result = await fuzz({ ...target, seeds, run: (input) => target.run(input) }, coverage, budget, onInput);
parentPort?.postMessage({ kind: 'result', result } satisfies WorkerAnswer, []);
