// Has a bundle made in a thread of its own (bundle-worker.ts) and hands it over. Not for what is in it (bundle.ts).
import { Worker } from 'node:worker_threads';
import type { LogPlace } from '../store/log-reader.ts';
import type { Bundle, BundleOptions } from './bundle.ts';
import type { BundleProgress, Collection } from './collectors.ts';

/** What the thread is given, as a copy. */
export type BundleTask = { readonly found: Collection; readonly log: LogPlace; readonly options: BundleOptions };

export type ThreadMessage =
  | { readonly kind: 'progress'; readonly phase: Parameters<BundleProgress>[0]; readonly done: number; readonly total: number }
  | { readonly kind: 'bundle'; readonly bundle: Bundle };

/** What a large bundle needs at most; a small young generation is touched whole, a large one too (`npm run bench:ui` measures both). */
const heap = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2 };

/** Rejects with what the thread throws, with an Error when it runs out of memory, and with the signal's reason; the thread has ended then. `onStarted`: it is at work. */
export async function packInThread(task: BundleTask, onProgress: BundleProgress, signal: AbortSignal, onStarted: () => void = () => undefined): Promise<Bundle> {
  signal.throwIfAborted();
  const worker = new Worker(workerFile(), { workerData: task, execArgv: [], resourceLimits: heap });
  try {
    return await new Promise((done, fail) => {
      worker.on('message', (message: ThreadMessage) => {
        if (message.kind === 'bundle') done(message.bundle);
        else onProgress(message.phase, message.done, message.total);
      });
      worker.once('message', onStarted);
      worker.once('error', fail);
      worker.once('exit', () => fail(new Error('the thread ended before the bundle was made')));
      signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true });
    });
  } finally {
    await worker.terminate();
  }
}

/** The sources run as they are; the bundled agent has the thread's code beside its own. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? 'bundle-worker.ts' : 'bundle-worker.mjs', import.meta.url);
}
