// The tray's bundle from start to file: what it tells on the way, how it ends. Not for how the tray words it (tray-model.test.ts).
import { expect, test } from 'vitest';
import { PinlightError } from '../../electron/contract/errors.ts';
import type { BundleJob } from '../../electron/contract/jobs.ts';
import { createBundleWork } from '../../electron/main/bundle-work.ts';
import type { BundleParts, BundleState, BundleWork } from '../../electron/main/bundle-work.ts';

const job: BundleJob = { id: 'j', phase: 'collecting', done: 3, total: 11, unit: 'sources', manifest: null, fileName: null, key: null, sealed: false, error: null };
const ready: BundleJob = { ...job, phase: 'ready', done: 11, fileName: 'a.zip' };

/** Work whose every state is kept. */
function watched(parts: Partial<BundleParts>): { readonly work: BundleWork; readonly seen: BundleState[] } {
  const seen: BundleState[] = [];
  const work: BundleWork = createBundleWork({
    make: ({ onJob }) => { onJob(job); return Promise.resolve(ready); },
    save: () => Promise.resolve('/home/ada/a.zip'), onChange: () => seen.push(work.state()), ...parts,
  });
  return { work, seen };
}

const cancelled = (): never => { throw new PinlightError('bundle-cancelled', 'The bundle was cancelled.'); };
const working = { kind: 'working', phase: 'collecting', done: 3, total: 11 };

test.each<[string, Partial<BundleParts>, BundleState]>([
  ['where it was written is told', {}, { kind: 'saved', path: '/home/ada/a.zip' }],
  ['a person who chooses no place has none', { save: () => Promise.resolve(null) }, { kind: 'none' }],
  ['a cancelled one leaves nothing behind and is no failure', { make: ({ onJob }) => { onJob(job); return Promise.reject(new PinlightError('bundle-cancelled', '')); } }, { kind: 'none' }],
])('%s', async (_name, parts, end) => {
  const { work, seen } = watched(parts);
  await work.start();
  expect(seen).toEqual([working, end]);
});

test('a failure is passed on, and another can be begun', async () => {
  const { work, seen } = watched({ save: () => Promise.reject(new PinlightError('bundle-unwritable', 'no space')) });
  await expect(work.start()).rejects.toMatchObject({ code: 'bundle-unwritable' });
  expect(seen.at(-1)).toEqual({ kind: 'none' });
  await expect(work.start()).rejects.toMatchObject({ code: 'bundle-unwritable' });
});

test('one at a time, and cancelling ends the one that runs', async () => {
  let made = 0;
  const { work, seen } = watched({ make: ({ signal, onJob }) => {
    made += 1;
    onJob(job);
    return new Promise<BundleJob>((resolve) => signal.addEventListener('abort', () => resolve(ready))).then(cancelled);
  } });
  work.cancel();
  const first = work.start();
  await work.start();
  expect([made, work.state()]).toEqual([1, working]);
  work.cancel();
  await first;
  expect(seen.at(-1)).toEqual({ kind: 'none' });
});
