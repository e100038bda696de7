// Has the agent make a bundle and tells how far it is. Not for downloading it (control-client) or for where it is put.
import { setTimeout as wait } from 'node:timers/promises';
import { PinlightError } from '../contract/errors.ts';
import type { BundleJob, ExaminedBundleRequest } from '../contract/jobs.ts';
import type { ControlClient } from './control-client.ts';

/** Often enough to look smooth; a bundle takes one to ten seconds. */
const askEveryMs = 150;

/**
 * Resolves when the bundle is ready. Rejects with PinlightError: the agent's own, or `bundle-cancelled` when `signal` aborts, after the
 * agent has been told to stop.
 */
export async function makeBundle(
  client: Pick<ControlClient, 'call'>, request: ExaminedBundleRequest, { signal, onJob }: { readonly signal?: AbortSignal; readonly onJob?: (job: BundleJob) => void },
): Promise<BundleJob> {
  let { job } = await client.call('startBundle', {}, request);
  for (;;) {
    onJob?.(job);
    if (job.phase === 'ready') return job;
    if (job.phase === 'failed') throw new PinlightError(job.error?.code ?? 'bug', job.error?.message ?? 'The bundle could not be made.');
    if (job.phase === 'cancelled') throw new PinlightError('bundle-cancelled', 'The bundle was cancelled.');
    await wait(askEveryMs, undefined, { signal }).catch(() => undefined);
    if (signal?.aborted === true) {
      await client.call('cancelBundle', { id: job.id }, {}).catch(() => undefined);
      throw new PinlightError('bundle-cancelled', 'The bundle was cancelled.');
    }
    ({ job } = await client.call('bundleJob', { id: job.id }, {}));
  }
}
