// The one bundle that the tray has in hand: collected, cancelled, put where the person chose. Not for how it is made (client/make-bundle)
// or written (bundle-file), and not for the window's own bundles.
import { PinlightError } from '../contract/errors.ts';
import type { BundleJob, BundlePhase } from '../contract/jobs.ts';

export type BundleState =
  | { readonly kind: 'none' }
  /** `done` of `total`; `total` 0 = not known. */
  | { readonly kind: 'working'; readonly phase: BundlePhase; readonly done: number; readonly total: number }
  /** `path`: where the last one lies. */
  | { readonly kind: 'saved'; readonly path: string };

export type BundleParts = {
  readonly make: (progress: { readonly signal: AbortSignal; readonly onJob: (job: BundleJob) => void }) => Promise<BundleJob>;
  /** Asks for the place; null = the person wants none. */
  readonly save: (job: string) => Promise<string | null>;
  readonly onChange: () => void;
};

export type BundleWork = {
  readonly state: () => BundleState;
  /** Rejects with PinlightError when it failed; does nothing while one is being made. */
  readonly start: () => Promise<void>;
  readonly cancel: () => void;
};

/** Nothing in hand at first. */
export function createBundleWork({ make, save, onChange }: BundleParts): BundleWork {
  let state: BundleState = { kind: 'none' };
  let running: AbortController | null = null;

  function set(next: BundleState): void {
    state = next;
    onChange();
  }

  return {
    state: () => state,
    async start() {
      if (running !== null) return;
      running = new AbortController();
      let path: string | null = null;
      try {
        const job = await make({ signal: running.signal, onJob: ({ phase, done, total }) => set({ kind: 'working', phase, done, total }) });
        path = await save(job.id);
      } catch (thrown) {
        if (!(thrown instanceof PinlightError) || thrown.code !== 'bundle-cancelled') throw thrown;
      } finally {
        running = null;
        set(path === null ? { kind: 'none' } : { kind: 'saved', path });
      }
    },
    cancel: () => running?.abort(),
  };
}
