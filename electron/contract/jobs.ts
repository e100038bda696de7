// Work in the agent that a person waits for: one small protocol for window, command line and tray. Not for how the work is done.
import type { DoctorReport } from '../core/diagnostics/doctor-report.ts';
import type { Manifest, NamesKept } from '../core/diagnostics/manifest.ts';
import type { ErrorBody } from './errors.ts';

/** How far something is. `done` of `total`, both in `unit`; `total` 0 = not known. */
export type Job<Phase extends string> = {
  readonly id: string;
  readonly phase: Phase;
  readonly done: number;
  readonly total: number;
  readonly unit: 'sources' | 'files' | 'bytes';
};

/** `ready`: it lies in the agent's memory and can be looked at and downloaded; `saving` is told by whoever downloads. */
export type BundlePhase = 'collecting' | 'redacting' | 'ready' | 'saving' | 'cancelled' | 'failed';

/** What a person wants of a bundle. Times: ms since the epoch. */
export type BundleRequest = {
  /** What they report, in own words; at most 1,000 characters. */
  readonly note?: string;
  /** Marks of a recording, both or none. */
  readonly from?: number;
  readonly to?: number;
  /** Absent = as policy says. */
  readonly names?: NamesKept['kind'];
  /** The capture of refused handshakes, where policy keeps one. */
  readonly capture?: 'handshakes';
};

/** What is sent by who has looked at the device, as a screen cannot. `doctor`: within the limits of `boundedDoctorReport`; absent = it was not run. */
export type ExaminedBundleRequest = BundleRequest & { readonly doctor?: DoctorReport };

export type BundleJob = Job<BundlePhase> & {
  /** What is inside and what was removed; null before `ready`. */
  readonly manifest: Manifest | null;
  /** How the file should be named; null before `ready`. */
  readonly fileName: string | null;
  /** Key to the pseudonyms, for the helpdesk and nobody else; null where names are shown. */
  readonly key: string | null;
  /** Sealed to the organisation's key: whoever saves it cannot open it. */
  readonly sealed: boolean;
  /** Why it failed. */
  readonly error: ErrorBody | null;
};
