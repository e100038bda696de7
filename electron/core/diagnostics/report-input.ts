// What the report is made of: the fields it reads of an agent's answers, and no others.
// Core may not know the contract's types, and the contract's values fit these by their shape; bundle.ts hands them over.
import type { VisibleWarning } from '../health/warnings.ts';
import type { ConnectionOutcome, Disposition, Exclusion, Reason, Runtime, Verdict } from '../model.ts';
import type { Policy, PolicyProblem } from '../policy/policy.ts';
import type { DoctorReport } from './doctor-report.ts';
import type { ManifestFile, NamesKept, NotCollected, Recording } from './manifest.ts';
import type { RedactionCounts } from './redact.ts';

/** One app at one host. Times here and below: ms since the epoch. */
export type ReportHost = {
  readonly host: string;
  readonly verdict: Verdict;
  readonly next: { readonly disposition: Disposition; readonly sentence: string };
  readonly exclusion: Exclusion | null;
  readonly attempts: number;
  readonly firstSeen: number;
};

export type ReportApp = {
  readonly name: string;
  readonly path: string;
  readonly script: string | null;
  readonly package: string | null;
  readonly runtime: Runtime | null;
  readonly known: boolean;
  readonly hosts: readonly ReportHost[];
};

export type ReportConnection = {
  readonly startedAt: number;
  readonly appName: string | null;
  readonly host: string;
  readonly port: number;
  readonly decided: Disposition;
  readonly disposition: Disposition;
  readonly reason: Reason;
  readonly rule: string | null;
  readonly outcome: ConnectionOutcome | null;
  readonly error: string | null;
};

export type ReportStore = {
  readonly store: string;
  readonly kind: string;
  readonly path: string | null;
  readonly state: 'trusted' | 'missing' | 'unreadable' | 'not-checked';
  readonly detail: string;
};

export type ReportPolicy = {
  readonly generation: number;
  readonly policy: Policy;
  readonly problems: readonly PolicyProblem[];
  readonly files: readonly string[];
};

export type ReportAgent = {
  readonly version: string;
  readonly startedAt: number;
  readonly proxy: readonly string[];
  readonly stateFolder: string;
  readonly root: { readonly fingerprint: string; readonly subject: string; readonly notAfter: number; readonly keyProtection: string };
};

/** What the agent wrote down: pass-throughs, exclusions, pauses. `at`: ms since the epoch. */
export type ReportAudit = { readonly at: number; readonly kind: string; readonly detail: Readonly<Record<string, unknown>> };

/** The whole; null = not collected. */
export type ReportInput = {
  readonly id: string;
  readonly createdAt: number;
  readonly device: string;
  readonly version: string;
  /** What the person who asked reports. */
  readonly note: string | null;
  readonly recording: Recording | null;
  readonly names: NamesKept['kind'];
  readonly agent: ReportAgent | null;
  /** Connections since the agent started. */
  readonly counts: { readonly inspect: number; readonly bypass: number; readonly block: number } | null;
  readonly warnings: readonly VisibleWarning[] | null;
  readonly doctor: DoctorReport | null;
  readonly policy: ReportPolicy | null;
  readonly apps: readonly ReportApp[] | null;
  readonly exclusions: readonly Exclusion[] | null;
  /** Newest first: the newest of those in the bundle, and all that failed or were recorded. */
  readonly connections: readonly ReportConnection[] | null;
  /** Which connections the bundle has (connection-choice.ts). */
  readonly connectionsHeld: string | null;
  readonly audit: readonly ReportAudit[] | null;
  readonly stores: readonly ReportStore[] | null;
  readonly versions: Readonly<Record<string, string>> | null;
  readonly system: Readonly<Record<string, string | number>> | null;
  /** The other files of the bundle; the page cannot hold its own hash (the manifest does). */
  readonly files: readonly ManifestFile[];
  readonly notCollected: readonly NotCollected[];
  readonly redactionCounts: RedactionCounts;
};
