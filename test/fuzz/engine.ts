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
  readonly corpus: readonly Uint8Array[];
  /** Share of blocks per file, 0 to 1. */
  readonly branches: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
};
export type Budget = { readonly ms: number; readonly runs: number; readonly seed: number };

/** A parser may not take longer for any input. */
export const hangMs = 50;
/** Enough to see a pattern; more of them would be the same fault. */
const findingLimit = 5;
/** A batch is small while much is new, because finding out who found it costs as much again. */
const batchSizes = { first: 8, most: 1_000 } as const;

/** Runs one target until its budget is used up. `onInput` sees each input before it runs: what hangs for good is still known to others. */
export async function fuzz(target: Target, coverage: Coverage, budget: Budget, onInput: (input: Uint8Array, runs: number) => void): Promise<FuzzResult> {
  const random = createRandom(budget.seed);
  const words = target.words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
  const corpus: Uint8Array[] = [];
  const findings: Finding[] = [];
  const started = performance.now();
  let runs = 0;

  const runOne = async (input: Uint8Array): Promise<void> => {
    onInput(input, runs);
    runs += 1;
    const message = await failureOf(target, input);
    if (message === null || findings.length >= findingLimit || findings.some((known) => alike(known.message, message))) return;
    findings.push({ message, hex: Buffer.from(await smallest(target, input, message)).toString('hex') });
  };
  /** Runs a batch; where it meets blocks that nobody met, halves of it run again until the single finder is known. */
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
  for (const seed of target.seeds) await explore([seed]);
  if (corpus.length === 0) corpus.push(...target.seeds);
  let size: number = batchSizes.first;
  while (runs < budget.runs && performance.now() - started < budget.ms && findings.length < findingLimit) {
    const found = await explore(Array.from({ length: Math.min(size, budget.runs - runs) }, () => {
      // The newest finds are the least explored.
      const from = random() % 3 === 0 ? corpus.length - 1 - random() % Math.min(8, corpus.length) : random() % corpus.length;
      return mutate(corpus[from] as Uint8Array, corpus, words, random, target.limit);
    }));
    size = found ? Math.max(batchSizes.first, size >> 2) : Math.min(batchSizes.most, size * 2);
  }
  const seconds = (performance.now() - started) / 1_000;
  coverage.foundNew(false);
  for (const input of corpus) await failureOf(target, input);
  const branches = Object.fromEntries(coverage.branches(target.files));
  return { target: target.name, runs, seconds, corpus, branches, findings };
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
  // The machine may have been elsewhere: the fastest of several counts.
  let fastest = took;
  for (let again = 0; again < 4 && fastest > slowMs; again += 1) {
    const from = performance.now();
    await target.run(input);
    fastest = Math.min(fastest, performance.now() - from);
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
