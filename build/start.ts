// `npm start`: the agent under its watchdog in the foreground on this machine and, where an Electron binary and a display are found, the tray app beside it.
// Not for how either works. Ctrl-C ends both.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeVariable } from '../electron/main/agent-process.ts';
import { watchdogScript } from '../electron/client/watchdog-script.ts';
import { findElectron } from './electron-binary.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

process.exitCode = await start(process.argv.slice(2));

/** Answers the agent's exit code. */
async function start(args: readonly string[]): Promise<number> {
  const electron = findElectron(root);
  const display = process.platform !== 'linux' || (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== '';
  if (electron === null) console.log('No Electron binary here, so no tray app: the agent\'s place is this terminal, the window\'s your browser.\n');
  else if (!display) console.log('No display here, so no tray app: the agent\'s place is this terminal.\n');
  const agent = spawn(process.execPath, [watchdogScript(root), ...args], { stdio: 'inherit' });
  const tray = electron !== null && display ? spawn(electron, [root], { stdio: 'inherit', env: { ...process.env, [nodeVariable]: process.execPath } }) : null;
  tray?.on('error', (error) => console.error(`The tray app could not be started (${error.message}); the agent goes on.`));
  tray?.on('exit', (_code, signal) => signal !== null && signal !== 'SIGTERM' && console.error(`The tray app has ended (${signal}); the agent goes on. On Linux Electron's sandbox may want rights (README, On devices).`));
  // The terminal sends Ctrl-C to all of them; a signal sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void agent.kill(signal));
  const code = await ended(agent);
  if (tray !== null && tray.pid !== undefined && tray.exitCode === null && tray.signalCode === null) {
    tray.kill('SIGTERM');
    await ended(tray);
  }
  return code;
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((done) => {
    child.once('exit', (code) => done(code ?? 0));
    child.once('error', () => done(1));
  });
}
