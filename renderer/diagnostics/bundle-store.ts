// Where the person is with a bundle: recording, waiting for the agent, looking at what is inside. Outlives the screen, because a recording
// is made while they do something else. Not for how it looks.
import { create } from 'zustand';
import type { Bridge } from '../../electron/contract/bridge.ts';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { BundleJob, BundleRequest } from '../../electron/contract/jobs.ts';
import type { PolicyDiagnostics } from '../../electron/core/policy/policy.ts';
import { errorOf } from '../state/error-of.ts';

export type BundleStep =
  | { readonly kind: 'idle'; readonly error: ErrorBody | null }
  /** `from`: ms since the epoch. */
  | { readonly kind: 'recording'; readonly from: number }
  | { readonly kind: 'working'; readonly job: BundleJob | null }
  /** `saved`: name of the file once it is written. */
  | { readonly kind: 'ready'; readonly job: BundleJob; readonly saving: boolean; readonly saved: string | null; readonly error: ErrorBody | null };

const idle: BundleStep = { kind: 'idle', error: null };

/** What the person has typed and ticked. `names`: null = as policy says. */
type Wishes = { readonly note: string; readonly names: PolicyDiagnostics['names'] | null; readonly capture: boolean };

const noWishes: Wishes = { note: '', names: null, capture: false };

export const useBundle = create<{ readonly step: BundleStep; readonly wishes: Wishes }>(() => ({ step: idle, wishes: noWishes }));

export function wish(change: Partial<Wishes>): void {
  useBundle.setState(({ wishes }) => ({ wishes: { ...wishes, ...change } }));
}

function set(step: BundleStep): void {
  useBundle.setState({ step });
}

/** Marks the begin of a recording. */
export function beginRecording(now: number): void {
  set({ kind: 'recording', from: now });
}

/** Forgets the recording, or what the agent has made. */
export function discard(bridge: Bridge): void {
  const { step } = useBundle.getState();
  set(idle);
  if (step.kind === 'ready') wish(noWishes);
  const job = step.kind === 'working' || step.kind === 'ready' ? step.job : null;
  if (job !== null) void bridge.call('cancelBundle', { id: job.id }, {}).catch(() => undefined);
}

const askEveryMs = 200;

/** Has the agent collect, and looks how far it is until it is ready. */
export async function collect(bridge: Bridge, request: BundleRequest): Promise<void> {
  set({ kind: 'working', job: null });
  try {
    let { job } = await bridge.call('startBundle', {}, request);
    for (;;) {
      const { step } = useBundle.getState();
      // Discarded before the agent had answered, or another one was begun.
      if (step.kind !== 'working' || (step.job !== null && step.job.id !== job.id)) return void bridge.call('cancelBundle', { id: job.id }, {}).catch(() => undefined);
      if (job.phase === 'ready') return set({ kind: 'ready', job, saving: false, saved: null, error: null });
      if (job.phase === 'failed' || job.phase === 'cancelled') return set({ kind: 'idle', error: job.error });
      set({ kind: 'working', job });
      await new Promise((done) => { setTimeout(done, askEveryMs); });
      ({ job } = await bridge.call('bundleJob', { id: job.id }, {}));
    }
  } catch (thrown) {
    if (useBundle.getState().step.kind === 'working') set({ kind: 'idle', error: errorOf(thrown) });
  }
}

/** Saves what was looked at. */
export async function save(bridge: Bridge): Promise<void> {
  const { step } = useBundle.getState();
  if (step.kind !== 'ready') return;
  set({ ...step, saving: true, error: null });
  try {
    const saved = await bridge.saveBundle(step.job.id);
    set({ ...step, saving: false, saved: saved ?? step.saved });
  } catch (thrown) {
    set({ ...step, saving: false, error: errorOf(thrown) });
  }
}
