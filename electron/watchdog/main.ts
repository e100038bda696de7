// The watchdog as a process: runs the agent as its child with the arguments it was given, and keeps this device's network alive when the agent dies.
// Not for anything the agent does. An agent whose watchdog is killed ends by itself (agent/main.ts): its port closes and programs go direct, while
// adopting it would need a second way to know and to end it.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createControlClient } from '../client/control-client.ts';
import { pathsOfThisProcess } from '../client/state-folder.ts';
import { agentNodeArguments, crashLoopExitCode, crashLoopExitVariable, crashLoopFile } from '../contract/agent-arguments.ts';
import { createSteeringGuard } from './steering-guard.ts';
import { supervise } from './supervise.ts';
import { pingEveryMs } from './liveness.ts';

process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  const { stateFolder, controlPath } = pathsOfThisProcess(args.includes('--service'));
  const say = (text: string): void => void process.stderr.write(`pinlight: ${text}\n`);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());

  const guard = createSteeringGuard({ stateFolder, home: homedir(), env: process.env, now: Date.now, say });
  await guard.recover();
  const pings = createControlClient({ controlPath, callTimeoutMs: pingEveryMs });
  const client = createControlClient({ controlPath });
  const script = agentScript();
  const ping = (): Promise<number | null> => pings.call('ping', {}, {}).then(({ pid }) => pid, () => null);
  const end = await supervise({
    // The channel carries nothing: its end tells the agent that nobody watches over it any more.
    start: () => spawn(process.execPath, [...agentNodeArguments(installFolder(dirname(script))), script, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }),
    ping,
    onReady: () => void client.call('status', {}, {}).then(({ agent }) => guard.resume(portOf(agent.proxy[0])), () => undefined),
    say, ending: ending.signal,
  });
  // One that could not start leaves settings of an earlier start at a port that is dead by now, or somebody else's. Where another agent of ours runs
  // (which ends with 0, or with 2 for arguments that nobody reads), steering is that one's business.
  if (end.wasReady || end.kind === 'crash-loop' || (end.code !== 0 && await ping() === null)) await guard.release();
  if (end.kind === 'ended') return end.code;
  leaveNote(join(stateFolder, crashLoopFile));
  return process.env[crashLoopExitVariable] === '0' ? 0 : crashLoopExitCode;
}

/** Beside the bundle, or among the sources. */
function agentScript(): string {
  const bundled = fileURLToPath(new URL('main.mjs', import.meta.url));
  return existsSync(bundled) ? bundled : fileURLToPath(new URL('../agent/main.ts', import.meta.url));
}

function installFolder(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) if (existsSync(join(at, 'resources', 'openssl.cnf'))) return at;
  throw new Error('Pinlight is not installed whole: resources/openssl.cnf is missing');
}

function portOf(address: string | undefined): number {
  return Number(/:(\d+)$/.exec(address ?? '')?.[1]);
}

/** For the agent's next start, which tells people. */
function leaveNote(file: string): void {
  try {
    writeFileSync(file, JSON.stringify({ at: Date.now() }), { mode: 0o600 });
  } catch {
    // A full or read-only disk may well be why it crashed; standard error has said it.
  }
}
