// Starts the agent, by its watchdog, as a program of its own where none answers, and leaves a running one alone.
// Not for stopping it: closing the icon never ends protection. Never imports the agent: it needs plain Node and its OpenSSL.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { watchdogScript } from '../client/watchdog-script.ts';
import type { StartTrouble } from './agent-supervision.ts';

export type AgentCommand = { readonly file: string; readonly args: readonly string[]; readonly folder: string };

/** Where this shell runs from. `appPath`: the folder with package.json; `resourcesPath`: where a package keeps its extra files. */
export type ShellPlace = {
  readonly packaged: boolean;
  readonly appPath: string;
  readonly resourcesPath: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** The Node that `npm start` runs on, for a clone; null = not started by it. */
  readonly node: string | null;
};

/** In the environment of a clone's shell: `ShellPlace.node`. */
export const nodeVariable = 'PINLIGHT_NODE';

export type AgentStart =
  | { readonly kind: 'running' }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'failed'; readonly why: StartTrouble };

/** The program, arguments and folder that start the watchdog, which starts the agent. */
export function agentCommand(place: ShellPlace): AgentCommand {
  const windows = place.platform === 'win32';
  const file = windows ? 'node.exe' : 'node';
  if (place.packaged) {
    const folder = join(place.resourcesPath, 'agent');
    return { file: join(place.resourcesPath, 'node', file), args: [watchdogScript(folder)], folder };
  }
  // Not node_modules/.bin/node: on Windows that is a script, which cannot be started without a shell.
  const platformPackage = `node-${windows ? 'win' : place.platform}-${place.arch}`;
  return {
    file: place.node ?? join(place.appPath, 'node_modules', platformPackage, 'bin', file),
    args: [watchdogScript(place.appPath)],
    folder: place.appPath,
  };
}

/** Starts the agent unless `answers` says that one runs. The process outlives this one. */
export async function startAgentIfAbsent(command: AgentCommand, answers: () => Promise<boolean>): Promise<AgentStart> {
  if (await answers()) return { kind: 'running' };
  for (const file of [command.file, ...command.args.slice(-1)]) {
    if (!existsSync(file)) return { kind: 'failed', why: { kind: 'missing', file } };
  }
  const child = spawn(command.file, [...command.args], {
    cwd: command.folder, detached: true, stdio: 'ignore', windowsHide: true, env: agentEnvironment(process.env),
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'failed', why: { kind: 'refused', message: error.message } }));
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid === undefined ? { kind: 'failed', why: { kind: 'refused', message: 'no process id' } } : { kind: 'started', pid: child.pid });
    });
  });
}

/** The environment without what would change how the agent's Node runs: Electron's variables and injected options. */
export function agentEnvironment(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const unwanted = ['NODE_OPTIONS', 'NODE_TLS_REJECT_UNAUTHORIZED'];
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('ELECTRON_') && !unwanted.includes(name)),
  );
}
