// What the tray knows of the bundle that the window is making: how far it is, and where it was written. The window alone makes bundles,
// because it shows what is inside and the key to hidden names before anything is written. Not for making or writing one.
import type { BundleJob, BundlePhase } from '../contract/jobs.ts';

export type BundleState =
  | { readonly kind: 'none' }
  /** `done` of `total`; `total` 0 = not known. */
  | { readonly kind: 'working'; readonly phase: BundlePhase; readonly done: number; readonly total: number }
  /** `path`: where the last one lies. */
  | { readonly kind: 'saved'; readonly path: string };

export type BundleParts = {
  /** Ends a job in the agent. */
  readonly cancel: (job: string) => Promise<void>;
  readonly onChange: () => void;
  /** ms without a word after which a bundle counts as given up; as long as the agent keeps one when absent. */
  readonly quietMs?: number;
};

export type BundleWork = {
  readonly state: () => BundleState;
  /** The agent's answer to anything that the window asked; looks for a job in it. */
  readonly heard: (answer: unknown) => void;
  /** The window's bundle lies there; null = the person wanted no place, and the preview stands. */
  readonly saved: (path: string | null) => void;
  /** Rejects with PinlightError; does nothing while none is being made. */
  readonly cancel: () => Promise<void>;
};

const keptMs = 600_000;

/** Nothing in hand at first. */
export function createBundleWork({ cancel, onChange, quietMs = keptMs }: BundleParts): BundleWork {
  let state: BundleState = { kind: 'none' };
  let job: string | null = null;
  let quiet: NodeJS.Timeout | undefined;

  function set(next: BundleState, made: string | null): void {
    clearTimeout(quiet);
    state = next;
    job = made;
    // A window that was closed asks no more, and nobody would ever say that its bundle is gone.
    if (made !== null) quiet = setTimeout(() => set({ kind: 'none' }, null), quietMs).unref();
    onChange();
  }

  return {
    state: () => state,
    heard: (answer) => {
      const known = jobIn(answer);
      if (known === null) return;
      if (known.phase !== 'cancelled' && known.phase !== 'failed') set({ kind: 'working', phase: known.phase, done: known.done, total: known.total }, known.id);
      // A preview that is closed after saving is cancelled as well: what was written stays.
      else if (state.kind === 'working' && known.id === job) set({ kind: 'none' }, null);
    },
    saved: (path) => {
      if (path !== null) set({ kind: 'saved', path }, null);
    },
    cancel: async () => {
      const ended = job;
      if (ended === null) return;
      set({ kind: 'none' }, null);
      await cancel(ended);
    },
  };
}

function jobIn(answer: unknown): Pick<BundleJob, 'id' | 'phase' | 'done' | 'total'> | null {
  const job = typeof answer === 'object' && answer !== null && 'job' in answer ? answer.job as Partial<BundleJob> | null : null;
  return typeof job?.id === 'string' && job.phase !== undefined ? { id: job.id, phase: job.phase, done: job.done ?? 0, total: job.total ?? 0 } : null;
}
