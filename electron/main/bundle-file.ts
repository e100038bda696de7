// Writes a diagnostic bundle to the place the person chose: whole or not at all. Not for the dialog (app.ts) or the content (agent).
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { PinlightError } from '../contract/errors.ts';
import type { ControlClient } from '../client/control-client.ts';

/** Downloads the bundle of a job that is ready to `path`. Rejects with PinlightError: the client's, or `bundle-unwritable`. */
export async function writeBundle(client: Pick<ControlClient, 'downloadBundle'>, path: string, job: string): Promise<void> {
  const partial = `${path}.part`;
  try {
    // Readable by its owner only: names of hosts and apps stand in it.
    await client.downloadBundle(createWriteStream(partial, { mode: 0o600 }), { job });
    await rename(partial, path);
  } catch (thrown) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (thrown instanceof PinlightError) throw thrown;
    throw new PinlightError('bundle-unwritable', thrown instanceof Error ? thrown.message : String(thrown));
  }
}
