// The search: inputs grow from what found new blocks, in batches, each batch measured once and taken apart only when it found something.
// A failure is a throw, a hang of more than 50 ms, or a changed prototype; its input is made small. Not for the parsers (targets/).
import type { Coverage } from './coverage.ts';
import { createRandom, mutate } from './mutate.ts';

export type Target = {
  readonly name: string;
  /** Source files whose coverage is told, by the end of their paths. */
  readonly files: readonly string[];
  readonly seeds: readonly Uint8Array[];
  /** What the format is made of. */
  readonly words: readonly (string | Uint8Array)[];
  /** Longest input, in bytes. */
  readonly limit: number;
  /** No input may take longer; `hangMs` when absent. */
  readonly slowMs?: number;
  /** Throws where the parser does what it must not. */
  run(input: Uint8Array): void | Promise<void>;
  close?(): Promise<void>;
};

export type Finding = { readonly message: string; readonly hex: string };
export type FuzzResult = {
  readonly target: string;
  readonly runs: number;
  readonly seconds: number;
  /** What its thread used of a processor: on a busy machine this is the cost, not `seconds`. */
  readonly processorSeconds: number;
  readonly corpus: readonly Uint8Array[];
  /** Share of blocks per file, 0 to 1. */
  readonly branches: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
};
/** `runs`: how many inputs; null = as many as the time allows. */
export type Budget = { readonly ms: number; readonly runs: number | null; readonly seed: number };

/** A parser may not take longer for any input. */
export const hangMs = 50;
/** Enough to see a pattern; more of them would be the same fault. */
const findingLimit = 5;
/** A batch is small while much is new, because finding out who found it costs as much again; a long silence is looked at rarely. */
const batchSizes = { first: 8, most: 4_000 } as const;

/**
 * Where a number of inputs is asked for, so many without a find end the measuring, and so large a share of them does in any case: the rest are
 * changed from what was found, at a third of the cost.
 */
const [quietRuns, searchShare] = [75_000, 0.25];

/** Runs one target until its budget is used up. `onInput` sees each input before it runs: what hangs for good is still known to others. */
export async function fuzz(target: Target, coverage: Coverage, budget: Budget, onInput: (input: Uint8Array) => void): Promise<FuzzResult> {
  const random = createRandom(budget.seed);
  const words = target.words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
  const corpus: Uint8Array[] = [];
  const findings: Finding[] = [];
  const started = performance.now();
  const processor = process.threadCpuUsage();
  let runs = 0;

  const runOne = async (input: Uint8Array): Promise<void> => {
    onInput(input);
    const message = await failureOf(target, input);
    if (message === null || findings.length >= findingLimit || findings.some((known) => alike(known.message, message))) return;
    findings.push({ message, hex: Buffer.from(await smallest(target, input, message)).toString('hex') });
  };
  /** Runs a batch; where it meets blocks that nobody met, halves of it run again (and count once) until the single finder is known. */
  const explore = async (batch: readonly Uint8Array[]): Promise<boolean> => {
    for (const input of batch) await runOne(input);
    if (!coverage.foundNew(batch.length === 1)) return false;
    if (batch.length === 1) corpus.push(batch[0] as Uint8Array);
    else {
      await explore(batch.slice(0, batch.length / 2));
      await explore(batch.slice(batch.length / 2));
    }
    return true;
  };

  coverage.foundNew(true);
  const exploreNew = (batch: readonly Uint8Array[]): Promise<boolean> => {
    runs += batch.length;
    return explore(batch);
  };
  const goesOn = (): boolean => runs < (budget.runs ?? Infinity) && performance.now() - started < budget.ms && findings.length < findingLimit;
  const anyOne = (): Uint8Array => corpus[random() % corpus.length] as Uint8Array;
  /** Of two the shorter: what many bytes reach, few mostly do as well, and sooner. */
  const oneOfAll = (): Uint8Array => {
    const [one, other] = [anyOne(), anyOne()];
    return one.length <= other.length ? one : other;
  };
  for (const seed of target.seeds) await exploreNew([seed]);
  if (corpus.length === 0) corpus.push(...target.seeds);
  let size: number = batchSizes.first;
  let lastFind = runs;
  const changed = (from: Uint8Array): Uint8Array => mutate(from, corpus, words, random, target.limit);
  // The newest finds are the least explored.
  const next = (): Uint8Array => changed(random() % 3 === 0 ? corpus[corpus.length - 1 - random() % Math.min(8, corpus.length)] as Uint8Array : oneOfAll());
  while (goesOn() && (budget.runs === null || (runs - lastFind < quietRuns && runs < budget.runs * searchShare))) {
    const found = await exploreNew(Array.from({ length: Math.min(size, (budget.runs ?? Infinity) - runs) }, next));
    size = found ? Math.max(batchSizes.first, size >> 2) : Math.min(batchSizes.most, size * 2);
    if (found) lastFind = runs;
  }
  coverage.foundNew(false);
  for (const input of corpus) await failureOf(target, input);
  const branches = Object.fromEntries(coverage.branches(target.files));
  coverage.stop();
  for (; goesOn(); runs += 1) await runOne(changed(oneOfAll()));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.threadCpuUsage(processor);
  return { target: target.name, runs, seconds, processorSeconds: (user + system) / 1_000_000, corpus, branches, findings };
}

/** What is wrong with a run, in words; null when nothing is. */
export async function failureOf(target: Target, input: Uint8Array): Promise<string | null> {
  const before = performance.now();
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
  } catch (error) {
    return error instanceof Error ? error.stack ?? error.message : String(error);
  }
  const took = performance.now() - before;
  const [added] = Object.keys(Object.prototype);
  if (added !== undefined) {
    Reflect.deleteProperty(Object.prototype, added);
    return `Object.prototype got a property ${JSON.stringify(added)}`;
  }
  const { slowMs = hangMs } = target;
  if (took <= slowMs) return null;
  // The machine may have been elsewhere: what this thread itself needed counts, and the least of several.
  let fastest = took;
  for (let again = 0; again < 4 && fastest > slowMs; again += 1) {
    const from = process.threadCpuUsage();
    await target.run(input);
    const { user, system } = process.threadCpuUsage(from);
    fastest = Math.min(fastest, (user + system) / 1_000);
  }
  return fastest > slowMs ? `took more than ${slowMs} ms` : null;
}

/** Two failures of one cause: the same first words at the same place. */
function alike(one: string, other: string): boolean {
  const place = (text: string): string => [text.replace(/\d+|"[^"]*"/g, '').slice(0, 40), /at .*/.exec(text)?.[0] ?? ''].join(' ');
  return place(one) === place(other);
}

/** Takes pieces out as long as the failure stays; some thousand tries at most. */
async function smallest(target: Target, input: Uint8Array, message: string): Promise<Uint8Array> {
  let best = input;
  let tries = message.startsWith('took') ? 40 : 2_000;
  for (let size = Math.ceil(input.length / 2); size >= 1 && tries > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && tries > 0; tries -= 1) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      const now = await failureOf(target, shorter);
      if (now !== null && alike(now, message)) best = shorter;
      else at += size;
    }
  }
  return best;
}
