// `pinlight open --no-browser` as a user starts it, for tests and benches. Not a product part.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repository } from './agent.ts';

export const chromiumPath = process.env['PINLIGHT_CHROMIUM'] ?? '/usr/bin/chromium';
export const chromiumArguments = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Starts the window server of the agent in `home`; answers the one-time address it prints. */
export function openWindow(home: string): Promise<{ readonly url: string; readonly stop: () => void }> {
  const child = spawn(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'open', '--no-browser'], { env: { ...process.env, PINLIGHT_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((done, fail) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(text)?.[0];
      if (url !== undefined) done({ url, stop: () => void child.kill('SIGTERM') });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', (code) => fail(new Error(`pinlight open ended with ${code}: ${text}`)));
  });
}
