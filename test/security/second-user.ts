// Another user of this machine (uid 65534), and a bundle of the agent as files: what rows about secrets and rights share. Not a product part.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { unzip } from '../support/unzip.ts';
import { run } from './legs.ts';

export const strangerUid = 65_534;

/** Why nobody else can be played here; null when it can. */
export function noSecondUser(): string | null {
  return process.getuid?.() === 0 && findCommand('setpriv') !== null ? null : 'another user needs root and setpriv';
}

/** Runs a program as the other user; the code is null when it was killed. */
export function asStranger(command: readonly string[], uid = strangerUid): Promise<{ code: number | null; text: string }> {
  return run(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command], { cwd: '/', env: { HOME: '/nonexistent' } });
}

/** What `pinlight bundle` saves, by name in the archive. */
export async function bundleOf(agent: TestAgent): Promise<ReadonlyMap<string, Buffer>> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-row-bundle-'));
  try {
    const file = join(folder, 'bundle.zip');
    const { code, text } = await run([process.execPath, join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '-o', file], { env: { PINLIGHT_HOME: agent.home } });
    if (code !== 0) throw new Error(text);
    return await unzip(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
