// The same under the watchdog: a killed, stopped or endlessly crashing agent, without anybody's hand.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, Times } from './fault.ts';
import { crashLoopExitCode, crashLoopFile } from '../../electron/contract/agent-arguments.ts';
import { after, makeHome, probe, refused, start, until, watchdogScript, within, type Home, type Running } from './stage.ts';

const skip = (): string | null => (existsSync(watchdogScript) ? null : 'there is no watchdog in this tree');

/** The agent that answers now, if it is another one than `before`. */
async function successor(running: Running, before: number): Promise<number | null> {
  // A stopped one keeps whoever asks waiting.
  const state = await within(1_000, running.client.call('status', {}, {}), 'no answer').catch(() => null);
  return state === null || state.agent.pid === before ? null : state.agent.pid;
}

/** Waits for another agent than `before`, `ms` at most, and answers its process id. */
export async function replaced(running: Running, before: number, ms: number): Promise<number> {
  let pid = before;
  await until('another agent answers', async () => {
    pid = await successor(running, before) ?? before;
    return pid !== before;
  }, ms);
  return pid;
}

/** A fault whose every round has a home, and so a root and a store, of its own. */
function inNewHomes(name: string, times: Times, round: (home: Home) => Promise<void>): Fault {
  return { name, times, skip, run: async ({ n, origins, trial }) => {
    for (let number = 0; number < n; number += 1) {
      const home = await makeHome(origins);
      await trial(`round ${number}`, () => round(home));
      home.remove();
    }
  } };
}

const killed = inNewHomes('agent killed under the watchdog', { quick: 2, full: 20 }, async (home) => {
  const running = await start(home, { watchdog: true });
  try {
    process.kill(running.pid, 'SIGKILL');
    // Back within 3 s; an app gets somewhere within 5.
    await replaced(running, running.pid, 5_000);
    if (await probe(running) !== 'inspected') throw new Error('the app was not inspected');
  } finally {
    await running.stop();
  }
  await refused(home);
});

const hung = inNewHomes('agent stopped under the watchdog', { quick: 1, full: 5 }, async (home) => {
  const running = await start(home, { watchdog: true });
  try {
    await probe(running);
    await until('the agent answers', async () => (await running.client.call('status', {}, {})).agent.pid === running.pid);
    // The watchdog asks every second, and an agent that never answered has a minute; nothing outside shows its questions.
    await after(2_500);
    process.kill(running.pid, 'SIGSTOP');
    // Noticed within 10 s; then another one listens, or nobody.
    await replaced(running, running.pid, 10_000);
    if (await probe(running) !== 'inspected') throw new Error('the app was not inspected');
  } finally {
    await running.stop();
  }
});

const loop = inNewHomes('crash loop under the watchdog', { quick: 1, full: 5 }, async (home) => {
  const running = await start(home, { watchdog: true });
  const { fingerprint } = running;
  let { pid } = running;
  for (let crash = 0; crash < 3; crash += 1) {
    process.kill(pid, 'SIGKILL');
    if (crash < 2) pid = await replaced(running, pid, 10_000);
  }
  await until('the watchdog gives up', () => running.child.exitCode !== null, 10_000);
  const code = await running.stop();
  if (code !== crashLoopExitCode) throw new Error(`the watchdog ended with ${String(code)}`);
  if (typeof (JSON.parse(readFileSync(join(home.folder, crashLoopFile), 'utf8')) as { at: unknown }).at !== 'number') throw new Error('there is no note of it');
  // Off means off: the port is closed, apps go direct or are refused at once.
  await refused(home);
  const again = await start(home);
  try {
    if (again.fingerprint !== fingerprint || await probe(again) !== 'inspected') throw new Error('it is not as before');
  } finally {
    await again.stop();
  }
});

const orphan = inNewHomes('watchdog killed', { quick: 1, full: 5 }, async (home) => {
  const running = await start(home, { watchdog: true });
  await running.stop('SIGKILL');
  // An agent nobody watches over ends, which closes the port.
  await until('the agent is gone', () => !existsSync(`/proc/${running.pid}`), 10_000);
  await refused(home);
  const again = await start(home, { watchdog: true });
  try {
    if (again.fingerprint !== running.fingerprint || await probe(again) !== 'inspected') throw new Error('it is not as before');
  } finally {
    await again.stop();
  }
});

export const watchdogFaults: readonly Fault[] = [killed, hung, loop, orphan];
