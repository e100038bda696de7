// The thread a bundle is made in: reads the log, redacts, judges and packs. It has a heap of its own that ends with it, and the proxy does
// not wait meanwhile. Bundled into a file of its own (build/vite.agent.config.ts). Not for asking the agent's parts (collectors.ts).
import { parentPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { collectGarbage } from '../health/collect-garbage.ts';
import { openForReading } from '../store/open-for-reading.ts';
import { packFound } from './bundle.ts';
import type { BundleTask, ThreadMessage } from './bundle-thread.ts';
import { logSource } from './log-source.ts';

const { found, log, options } = workerData as BundleTask;
const tell = (message: ThreadMessage): void => parentPort?.postMessage(message, []);
let database: Database.Database | null = null;
const source = logSource(() => (database ??= openForReading(log.path)), log.uid, options.now);
// V8 would let this young heap grow threefold before its first look: 15 ms each 300 rows save 15 MB.
let pages = 0;
const page: typeof source.page = (...asked) => {
  if ((pages += 1) % 3 === 0) collectGarbage();
  return source.page(...asked);
};
const bundle = await packFound(found, { ...source, page }, options, (phase, done, total) => tell({ kind: 'progress', phase, done, total }));
tell({ kind: 'bundle', bundle });
