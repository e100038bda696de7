// kill -9 in the middle of a command, again and again: one step of its journal later each time, then again a little later within each step.
// Not for what a command changes and what has to be true afterwards: steer.ts, trust.ts, service.ts, capture.ts, uninstall.ts. Not a test.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Ran } from '../native/support/store-room.ts';

/**
 * `killed`: runs that a kill -9 ended; the others ended by themselves before it. `bad`: runs after which something was neither as before nor as
 * asked, and commands that were never killed; `details` says what. `steps`: the most steps after which one was killed.
 */
export type KillRuns = { readonly runs: number; readonly killed: number; readonly bad: number; readonly details: readonly string[]; readonly steps: number };

export type KilledCommand = {
  /** As `details` calls it. */
  readonly name: string;
  /** Brings the device to where the command begins. */
  prepare(): Promise<void>;
  start(): ChildProcess;
  /** Counts that move with each step the command takes: lines of its journals, files it has to remove. Null = its steps cannot be seen. */
  readonly marks: (() => readonly number[]) | null;
  /** The next start, and what is not as it has to be after it, in words. */
  judge(killed: boolean): Promise<readonly string[]>;
};

/**
 * Every `stride`th step is killed at, `laps` times: as it is written down, and in each further lap 4 ms later within it. Where steps cannot be seen, so
 * many `moments` spread over the command's time.
 */
export type Dose = { readonly stride: number; readonly laps: number; readonly moments: number };

/** What tests do of a short journal; `check:device --quick`; `check:device` in full. */
export const doses = { once: { stride: 1, laps: 1, moments: 2 }, quick: { stride: 5, laps: 1, moments: 2 }, full: { stride: 1, laps: 2, moments: 10 } } as const;

const lapMs = 4;

/** How a run ended. `ended`: by itself, having taken fewer steps. `missed`: it took them, and ended before the signal. */
type End = 'killed' | 'ended' | 'missed';

/** Kills the commands as often as the dose says, one after the other. One that ended by itself is judged as well; one that was missed is tried again. */
export async function killRuns(commands: readonly KilledCommand[], { stride, laps, moments }: Dose): Promise<KillRuns> {
  const details: string[] = [];
  let [runs, killed, bad, steps] = [0, 0, 0, 0];
  for (const command of commands) {
    const before = killed;
    const one = async (kill: () => Promise<End>, when: string): Promise<End> => {
      await command.prepare();
      const end = await kill();
      const wrong = await command.judge(end === 'killed');
      runs += 1;
      if (end === 'killed') killed += 1;
      if (wrong.length > 0) {
        bad += 1;
        details.push(`${command.name}, ${end === 'killed' ? `killed ${when}` : 'not killed'}: ${wrong.join('; ')}`);
      }
      return end;
    };
    if (command.marks === null) {
      let whole = 0;
      await one(async () => {
        const from = performance.now();
        const end = await killAt(command, Infinity);
        whole = performance.now() - from;
        return end;
      }, '');
      for (let moment = 1; moment <= moments; moment += 1) {
        const at = Math.round((whole * moment) / (moments + 1));
        await one(() => killAt(command, at), `after ${at} ms`);
      }
    } else {
      for (let lap = 0; lap < laps; lap += 1) {
        for (let [after, misses] = [1, 0]; misses < 3;) {
          const end = await one(() => killAfter(command, after, lap * lapMs), `${lap * lapMs} ms after step ${after}`);
          if (end === 'killed') {
            [steps, misses] = [Math.max(steps, after), 0];
            after += stride;
          } else misses = end === 'missed' ? misses + 1 : Infinity;
        }
      }
    }
    if (killed > before) continue;
    bad += 1;
    details.push(`${command.name} was never killed`);
  }
  return { runs, killed, bad, details, steps };
}

/** All of them as one. */
export function sumOf(parts: readonly KillRuns[]): KillRuns {
  const sum = (count: (part: KillRuns) => number): number => parts.reduce((total, part) => total + count(part), 0);
  return {
    runs: sum((part) => part.runs), killed: sum((part) => part.killed), bad: sum((part) => part.bad),
    details: parts.flatMap((part) => part.details), steps: Math.max(0, ...parts.map((part) => part.steps)),
  };
}

/** Lines of a journal, which its end may remove at any moment. */
export function linesOf(journal: string): number {
  try {
    return readFileSync(journal, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** What a started command says until its end. */
export async function ended(child: ChildProcess): Promise<Ran> {
  child.stdin?.end();
  const [stdout, stderr, [code]] = await Promise.all([child.stdout === null ? '' : text(child.stdout), child.stderr === null ? '' : text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  return { code, stdout, stderr };
}

/** Starts the command and kills it when it took so many steps, and some ms more. */
export async function killAfter({ start, marks }: KilledCommand, steps: number, laterMs: number): Promise<End> {
  const look = marks ?? (() => []);
  let [seen, taken] = [look(), 0];
  return cut(start(), async (runs) => {
    while (runs() && taken < steps) {
      await new Promise(setImmediate);
      const now = look();
      // What grew by three took three steps; what shrank was forgotten in one.
      taken += now.reduce((sum, count, at) => sum + Math.max(count - (seen[at] ?? 0), count < (seen[at] ?? 0) ? 1 : 0), 0);
      seen = now;
    }
    const late = taken >= steps;
    for (const from = performance.now(); runs() && performance.now() - from < laterMs;) await new Promise(setImmediate);
    return late;
  });
}

/** Starts the command and kills it when so many ms have passed. */
function killAt({ start }: KilledCommand, ms: number): Promise<End> {
  return cut(start(), async (runs) => {
    for (const from = performance.now(); runs() && performance.now() - from < ms;) await new Promise((done) => setTimeout(done, 1));
    return false;
  });
}

/** `wait` is told whether the command still runs, and says whether it had come as far as was wanted. */
async function cut(child: ChildProcess, wait: (runs: () => boolean) => Promise<boolean>): Promise<End> {
  const closed = once(child, 'close');
  child.stdin?.end();
  child.stdout?.resume();
  child.stderr?.resume();
  const runs = (): boolean => child.exitCode === null && child.signalCode === null;
  const asFar = await wait(runs);
  const signalled = runs() && child.kill('SIGKILL');
  await closed;
  if (signalled && child.signalCode === 'SIGKILL') return 'killed';
  return asFar ? 'missed' : 'ended';
}
