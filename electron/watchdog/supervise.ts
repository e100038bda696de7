// Keeps one agent alive: starts it, asks it every second, ends it when it is silent, starts it again, gives up on a crash loop.
// Not for what the system has to be told then (steering-guard.ts) or for arguments (main.ts).
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterCrash, afterPing, isHung, pingEveryMs, started } from './liveness.ts';

export type Supervised = {
  /** Starts the agent. */
  readonly start: () => ChildProcess;
  /** Asks whoever answers at the control path for its process id; null when nobody does in time. Never rejects. */
  readonly ping: () => Promise<number | null>;
  /** The agent answers: the first time, or again after a crash. */
  readonly onReady: () => void;
  /** For people, on standard error. */
  readonly say: (text: string) => void;
  /** Aborts when this process shall end. */
  readonly ending: AbortSignal;
};

/** How it ended. `code`: the agent's last exit code. `wasReady`: it had answered at least once. */
export type End = { readonly kind: 'ended' | 'crash-loop'; readonly code: number; readonly wasReady: boolean };

/** Exit codes with which an agent says in words why it did not start; starting it again would say the same. */
const worded = [1, 2];
/** An agent lets connections end for 10 s and closes within 5 s of itself (agent/main.ts). */
const endMs = 17_000;

/** Resolves when the agent has ended for good: asked to, by itself with 0, unable to start, or after three crashes within a minute. */
export async function supervise(options: Supervised): Promise<End> {
  let crashes: readonly number[] = [];
  let wasReady = false;
  for (;;) {
    const run = await superviseOne(options, () => {
      wasReady = true;
    });
    if (options.ending.aborted || run.code === 0 || (!wasReady && run.code !== null && worded.includes(run.code))) {
      return { kind: 'ended', code: run.code ?? 0, wasReady };
    }
    const next = afterCrash(crashes, performance.now());
    crashes = next.crashes;
    const how = run.hung ? 'did not answer and was ended' : `ended with ${run.code === null ? `signal ${run.signal ?? ''}` : `code ${run.code}`}`;
    if (next.kind === 'stay-off') {
      options.say(`the agent ${how}, for the third time within a minute: it stays off`);
      return { kind: 'crash-loop', code: run.code ?? 1, wasReady };
    }
    options.say(`the agent ${how}; starting it again`);
    await delay(next.delayMs, undefined, { signal: options.ending }).catch(() => undefined);
    if (options.ending.aborted) return { kind: 'ended', code: 0, wasReady };
  }
}

type Run = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly hung: boolean };

async function superviseOne({ start, ping, onReady, ending }: Supervised, onAnswer: () => void): Promise<Run> {
  const child = start();
  let hung = false;
  const over = new AbortController();
  const exit = new Promise<Run>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, hung }));
    child.once('error', () => resolve({ code: 1, signal: null, hung }));
  }).finally(() => over.abort());
  const end = (): void => {
    // Windows has no signal that asks: there the channel's end does (agent/main.ts).
    if (process.platform === 'win32') child.disconnect();
    else child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), endMs).unref();
  };
  ending.addEventListener('abort', end, { once: true });
  if (ending.aborted) end();

  let live = started(performance.now());
  while (!over.signal.aborted) {
    const asked = delay(pingEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
    // Another agent may hold the path: then ours says so and ends.
    const answered = await ping() === child.pid;
    if (over.signal.aborted) break;
    const first = answered && !live.answered;
    live = afterPing(live, answered, performance.now());
    if (first) {
      onAnswer();
      onReady();
    }
    // Not SIGTERM, which a stopped or spinning process never reads. The port closes with it.
    if (isHung(live) && !ending.aborted) hung = child.kill('SIGKILL');
    await asked;
  }
  ending.removeEventListener('abort', end);
  return exit;
}
