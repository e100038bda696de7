// `npm start`: the agent under its watchdog in the foreground on this machine and, where an Electron binary and a display are found, the tray app beside it.
// Not for how either works. Ctrl-C ends both.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createControlClient } from '../electron/client/control-client.ts';
import { watchdogScript } from '../electron/client/watchdog-script.ts';
import { agentStartMs } from '../electron/contract/agent-arguments.ts';
import { nodeVariable } from '../electron/main/agent-process.ts';
import { findElectron } from './electron-binary.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

process.exitCode = await start(process.argv.slice(2));

/** Answers the agent's exit code. */
async function start(args: readonly string[]): Promise<number> {
  const electron = findElectron(root);
  const display = process.platform !== 'linux' || [process.env['DISPLAY'], process.env['WAYLAND_DISPLAY']].some((name) => name !== undefined && name !== '');
  if (electron === null) console.log('No Electron binary here, so no tray app: the agent\'s place is this terminal, the window\'s your browser.\n');
  else if (!display) console.log('No display here, so no tray app: the agent\'s place is this terminal.\n');
  const agent = spawn(process.execPath, [watchdogScript(root), ...args], { stdio: 'inherit' });
  const over = ended(agent);
  // The terminal sends Ctrl-C to all of them; a signal sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void agent.kill(signal));
  // Not before the agent answers: the tray app would start one of its own.
  const tray = electron !== null && display && await Promise.race([answers(), over.then(() => false)]) ? startTray(electron) : null;
  const code = await over;
  if (tray !== null && tray.pid !== undefined && tray.exitCode === null && tray.signalCode === null) {
    tray.kill('SIGTERM');
    await ended(tray);
  }
  return code;
}

function startTray(electron: string): ChildProcess {
  const tray = spawn(electron, [root], { stdio: 'inherit', env: { ...process.env, [nodeVariable]: process.execPath } });
  tray.on('error', (error) => console.error(`The tray app could not be started (${error.message}); the agent goes on.`));
  tray.on('exit', (_code, signal) => {
    if (signal !== null && signal !== 'SIGTERM' && signal !== 'SIGINT') console.error(`The tray app has ended (${signal}); the agent goes on. On Linux Electron's sandbox may lack rights (README, On devices).`);
  });
  return tray;
}

/** True once the agent answers; false when it does not in the time that a start may take. */
async function answers(): Promise<boolean> {
  const client = createControlClient();
  for (const from = performance.now(); performance.now() - from < agentStartMs;) {
    if (await client.call('ping', {}, {}).then(() => true, () => false)) return true;
    await delay(100);
  }
  return false;
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((done) => {
    child.once('exit', (code) => done(code ?? 0));
    child.once('error', () => done(1));
  });
}
