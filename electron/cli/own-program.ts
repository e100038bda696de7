// This very copy of Pinlight: its version, what a service runs (its Node and its watchdog, which runs the agent), and the agent's own program.
// Not for starting anything.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceProgram } from '../../native/service/index.ts';
import { watchdogScript } from '../client/watchdog-script.ts';
import { ownCommands } from '../contract/own-command.ts';
import type { OwnCommand } from '../contract/own-command.ts';

const folder = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** How `pinlight` is typed for this copy: a package holds no build/run.mjs, and a clone has no `pinlight` on the path. */
export const ownCommand: OwnCommand = existsSync(join(folder, 'build', 'run.mjs')) ? ownCommands.source : ownCommands.packaged;

export function ownVersion(): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

/** The agent's script for a single task: as it stands here where sources are, so that an older bundle beside them is not asked. */
export function agentScript(): string {
  const source = join(folder, 'electron', 'agent', 'main.ts');
  return existsSync(source) ? source : join(folder, 'build', 'out', 'agent', 'main.mjs');
}

/** For the machine's service, and for one user's. */
export function servicePrograms(): { readonly machine: ServiceProgram; readonly user: ServiceProgram } {
  const script = watchdogScript(folder);
  const cli = join(folder, 'electron', 'cli', 'pinlight.mjs');
  return { machine: { file: process.execPath, args: [script, '--service'], folder, cli }, user: { file: process.execPath, args: [script], folder, cli } };
}
