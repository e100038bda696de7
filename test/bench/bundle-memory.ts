// Memory of an agent while it makes a bundle, as a person meets it: an agent that was started on a full store and has come to rest, and every
// process it starts meanwhile counted (Linux).
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { repository } from '../support/agent.ts';
import { residentMB } from './peers/pinlight.ts';

/** `rest`, `most`: MB (10^6 bytes); `ms`: of `pinlight bundle`, its check of the device included. */
export async function measureBundle(pid: number, home: string): Promise<{ readonly rest: number; readonly most: number; readonly ms: number }> {
  await comeToRest(pid);
  const rest = treeMB(pid);
  let most = rest;
  const timer = setInterval(() => { most = Math.max(most, treeMB(pid)); }, 20);
  const begun = performance.now();
  try {
    await saveBundle(home);
  } finally {
    clearInterval(timer);
  }
  return { rest, most, ms: performance.now() - begun };
}

/** Until it has given back what its start needed (electron/agent/idle-memory.ts: ten seconds); half a minute at most. */
async function comeToRest(pid: number): Promise<void> {
  const begun = performance.now();
  const first = treeMB(pid);
  while (performance.now() - begun < 30_000 && treeMB(pid) > first - 4) await wait(250);
}

/** The process, resident, and what those below it have to themselves: between fork and exec a child shows the agent's own pages once more. */
function treeMB(pid: number): number {
  return (residentMB(pid) ?? 0) + below(pid).reduce((sum, child) => sum + privateMB(child), 0);
}

function below(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...below(child)]);
}

function privateMB(pid: number): number {
  try {
    const own = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gmu);
    return ([...own].reduce((sum, [, kiB]) => sum + Number(kiB), 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

/** A child belongs to the thread that started it. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter((child) => child !== '').map(Number));
  } catch {
    return [];
  }
}

function saveBundle(home: string): Promise<void> {
  const child = spawn(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '-o', join(home, 'bundle.zip')], { env: { ...process.env, PINLIGHT_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => { words += chunk.toString(); });
  return new Promise((done, fail) => {
    child.once('exit', (code) => (code === 0 && readFileSync(join(home, 'bundle.zip')).length > 0 ? done() : fail(new Error(`pinlight bundle ended with ${code}: ${words}`))));
  });
}
