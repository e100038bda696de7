// Bundles on their way and bundles that wait to be fetched: a few, each for ten minutes, in memory alone and for who asked for it.
// Not for what is in them (bundle.ts).
import { randomUUID } from 'node:crypto';
import { errorBody, PinlightError } from '../../contract/errors.ts';
import type { BundleJob } from '../../contract/jobs.ts';
import { bundleFileName } from '../../core/diagnostics/manifest.ts';
import type { LogPlace } from '../store/log-reader.ts';
import type { Bundle, BundleOptions } from './bundle.ts';
import { packInThread } from './bundle-thread.ts';
import { collectAll, collectorLimitMs, type BundleProgress, type BundleSources } from './collectors.ts';

/** Time to read the preview and choose a place. */
const keptMs = 600_000;
/** A finished one may weigh 64 MB. A user of a service has one. */
const mostOfAdministrators = 2;
const mostOfUsers = 2;

/** Where a bundle's facts are: what is asked in the agent, and the log that the bundle's own thread reads. */
export type BundleOrigin = { readonly sources: BundleSources; readonly log: LogPlace };

export type BundleJobs = {
  /** An earlier one of `owner` gives way. Throws `bundles-busy` where other users' fill the room; nobody's gives way to another's. */
  start(owner: string, from: BundleOrigin, options: BundleOptions & { readonly sealTo: string | null }): BundleJob;
  /** Throws `no-such-bundle`, also for somebody else's. */
  job(owner: string, id: string): BundleJob;
  cancel(owner: string, id: string): BundleJob;
  /** A bundle that is ready, with the key it has to be sealed to. */
  bundle(owner: string, id: string): { readonly bundle: Bundle; readonly sealTo: string | null; readonly fileName: string };
  close(): void;
};

/** Whose all administrators' are. */
export const administrators = 'administrator';

type Entry = { readonly owner: string; job: BundleJob; bundle: Bundle | null; readonly sealTo: string | null; readonly ended: AbortController; readonly timer: NodeJS.Timeout };

/** What the process holds and can do without: what was freed, before and after the work; what the start of a thread has read of the program. */
type Memory = { giveBack(): void; dropProgramPages(): void };

/** `onReady` hears the spoken id of each bundle that was made, `onBug` what should not happen. */
export function createBundleJobs(onReady: (id: string) => void, onBug: (error: unknown) => void, memory: Memory): BundleJobs {
  const entries = new Map<string, Entry>();
  /** Ends when the one before has collected: it starts programs and asks every store. */
  let turn: Promise<unknown> = Promise.resolve();
  const find = (owner: string, id: string): Entry => {
    const entry = entries.get(id);
    if (entry === undefined || entry.owner !== owner) throw new PinlightError('no-such-bundle', 'there is no such bundle, or no longer');
    return entry;
  };
  const drop = (entry: Entry): void => {
    clearTimeout(entry.timer);
    entry.ended.abort();
    entry.bundle = null;
    entries.delete(entry.job.id);
  };

  async function run(entry: Entry, { sources, log }: BundleOrigin, options: BundleOptions): Promise<void> {
    const { signal } = entry.ended;
    try {
      const onProgress: BundleProgress = (phase, done, total) => {
        if (!signal.aborted) entry.job = { ...entry.job, phase, done, total, unit: phase === 'collecting' ? 'sources' : 'files' };
      };
      const collecting = turn.then(() => {
        signal.throwIfAborted();
        return collectAll(sources, options.limitMs ?? collectorLimitMs, onProgress);
      });
      turn = collecting.catch(() => undefined);
      const found = await collecting;
      signal.throwIfAborted();
      memory.giveBack();
      const bundle = await packInThread({ found, log, options }, onProgress, signal, memory.dropProgramPages).finally(memory.giveBack);
      // Cancelled while the thread was ending, it is nobody's.
      signal.throwIfAborted();
      const { manifest, files, key } = bundle;
      entry.bundle = bundle;
      entry.job = { ...entry.job, phase: 'ready', done: files.length, total: files.length, manifest, key, fileName: fileNameOf(bundle, options.now, entry.sealTo) };
      onReady(manifest.id);
    } catch (thrown) {
      if (signal.aborted) return;
      onBug(thrown);
      entry.job = { ...entry.job, phase: 'failed', error: errorBody(thrown) };
    }
  }

  return {
    start: (owner, from, { sealTo, ...options }) => {
      const own = [...entries.values()].filter((entry) => entry.owner === owner);
      for (const entry of own.slice(0, own.length + 1 - (owner === administrators ? mostOfAdministrators : 1))) drop(entry);
      const users = [...entries.values()].filter((entry) => entry.owner !== administrators).length;
      if (owner !== administrators && users >= mostOfUsers) throw new PinlightError('bundles-busy', 'bundles are being made for others');
      const id = randomUUID();
      const entry: Entry = {
        owner, bundle: null, sealTo, ended: new AbortController(),
        job: { id, phase: 'collecting', done: 0, total: 0, unit: 'sources', manifest: null, fileName: null, key: null, sealed: sealTo !== null, error: null },
        timer: setTimeout(() => drop(entry), keptMs).unref(),
      };
      entries.set(id, entry);
      void run(entry, from, options);
      return entry.job;
    },
    job: (owner, id) => find(owner, id).job,
    cancel: (owner, id) => {
      const entry = find(owner, id);
      drop(entry);
      entry.job = { ...entry.job, phase: 'cancelled', manifest: null, key: null, fileName: null };
      return entry.job;
    },
    bundle: (owner, id) => {
      const { bundle, sealTo, job } = find(owner, id);
      if (bundle === null) throw new PinlightError('no-such-bundle', 'the bundle is not ready');
      return { bundle, sealTo, fileName: job.fileName ?? '' };
    },
    close: () => {
      for (const entry of entries.values()) drop(entry);
    },
  };
}

/** How the file should be called; `now` in ms since the epoch. Hidden names hide the device too. */
export function fileNameOf({ manifest, key }: Bundle, now: number, sealTo: string | null): string {
  const name = bundleFileName(key === null ? manifest.device : 'device', now, manifest.id);
  return sealTo === null ? name : `${name}.sealed`;
}
