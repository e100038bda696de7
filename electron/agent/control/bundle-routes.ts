// The routes of a bundle: begin, look, end, download; and what a bundle may ask of the agent's parts, as its asker may see them.
// Not for what is made of it (agent/diagnostics).
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { PinlightError } from '../../contract/errors.ts';
import type { BundleJob, BundleRequest, ExaminedBundleRequest } from '../../contract/jobs.ts';
import type { PolicyAnswer, TrustAnswer } from '../../contract/routes.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { readDoctorReport } from '../../core/diagnostics/doctor-report.ts';
import type { DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import type { Recording } from '../../core/diagnostics/manifest.ts';
import type { Exclusion } from '../../core/model.ts';
import type { Policy, PolicyDiagnostics } from '../../core/policy/policy.ts';
import type { BundleOptions } from '../diagnostics/bundle.ts';
import { administrators, type BundleJobs } from '../diagnostics/bundle-jobs.ts';
import type { BundleSources, NetworkFacts } from '../diagnostics/collectors.ts';
import { packBundle } from '../diagnostics/pack.ts';
import type { HandshakeLog } from '../events/handshake-log.ts';
import type { LogReader } from '../store/log-reader.ts';
import type { Store } from '../store/store.ts';

/** The agent as who asks may see it. */
export type BundleContext = {
  readonly bundles: BundleJobs;
  readonly handshakes: HandshakeLog;
  readonly store: Pick<Store, 'flush' | 'newestAudit'>;
  readonly log: Pick<LogReader, 'place'>;
  readonly snapshot: () => Snapshot;
  readonly policyAnswer: () => PolicyAnswer;
  readonly exclusions: () => readonly Exclusion[];
  readonly trust: () => Promise<TrustAnswer>;
  readonly versions: () => Record<string, string>;
  readonly network: () => Promise<NetworkFacts>;
  readonly selfTest: BundleSources['selfTest'];
  readonly logTail: (maxBytes: number) => Promise<string>;
  readonly homes: readonly string[];
  readonly now: () => number;
  readonly account: string;
  readonly administrator: boolean;
};

/** Throws `bad-request`, and `not-permitted-by-policy` where names are wanted that policy hides. */
export function startBundle(context: BundleContext, request: ExaminedBundleRequest): BundleJob {
  const snapshot = context.snapshot();
  const { device, version } = snapshot.agent;
  return context.bundles.start(ownerOf(context), { sources: sourcesOf(context, snapshot), log: context.log.place() }, readBundleRequest({ ...context, policy: context.policyAnswer().policy, device, version, now: context.now() }, request));
}

/** Who asks for a bundle of what. `handshakes`: a string says why there are none. */
export type BundleAsker = Pick<BundleContext, 'homes' | 'administrator'> & Pick<BundleOptions, 'device' | 'version' | 'now'> & {
  readonly policy: Pick<Policy, 'diagnostics'>;
  readonly handshakes: HandshakeLog | string;
};

/** The request as far as it is one and policy allows it. Throws as `startBundle`. */
export function readBundleRequest(asker: BundleAsker, request: ExaminedBundleRequest): BundleOptions & { readonly sealTo: string | null } {
  const { device, version, now, homes, policy: { diagnostics } } = asker;
  const names = namesFor(request.names, diagnostics);
  return {
    device, version, now, random: randomBytes(21), homes, names, note: noteOf(request.note), recording: recordingOf(request),
    capture: captureFor(asker, request, names, diagnostics), sealTo: diagnostics.sealTo, doctor: doctorOf(request.doctor),
  };
}

export function bundleJob(context: BundleContext, id: string | undefined): BundleJob {
  return context.bundles.job(ownerOf(context), id ?? '');
}

export function cancelBundle(context: BundleContext, id: string | undefined): BundleJob {
  return context.bundles.cancel(ownerOf(context), id ?? '');
}

/** The bundle of a job that is ready, as bytes. */
export async function sendBundle(response: ServerResponse, context: BundleContext, id: string | null): Promise<void> {
  const { bundle, sealTo, fileName } = context.bundles.bundle(ownerOf(context), id ?? '');
  response.writeHead(200, {
    'content-type': sealTo === null ? 'application/zip' : 'application/octet-stream', 'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'no-store', 'x-content-type-options': 'nosniff',
  });
  await pipeline(packBundle(bundle, sealTo), response);
}

/** Administrators share theirs; a user of a service sees own ones alone. */
function ownerOf({ administrator, account }: BundleContext): string {
  return administrator ? administrators : `user ${account}`;
}

function sourcesOf(context: BundleContext, snapshot: Snapshot): BundleSources {
  return {
    status: async () => snapshot,
    policy: async () => context.policyAnswer(),
    apps: async () => snapshot.apps,
    exclusions: async () => context.exclusions(),
    audit: async (limit) => {
      // What was written down names apps and hosts of every user.
      if (!context.administrator) throw new Error('it is for administrators');
      context.store.flush();
      return context.store.newestAudit(limit);
    },
    trust: context.trust,
    versions: async () => context.versions(),
    network: context.network,
    selfTest: context.selfTest,
    logTail: context.logTail,
  };
}

function namesFor(wanted: unknown, { names }: PolicyDiagnostics): PolicyDiagnostics['names'] {
  if (wanted === undefined) return names;
  if (wanted !== 'shown' && wanted !== 'pseudonyms') throw new PinlightError('bad-request', 'names must be "shown" or "pseudonyms"');
  if (wanted === 'shown' && names === 'pseudonyms') throw new PinlightError('not-permitted-by-policy', 'The policy (diagnostics.names) wants pseudonyms in every bundle.');
  return wanted;
}

function captureFor({ handshakes, administrator }: BundleAsker, { capture }: BundleRequest, names: PolicyDiagnostics['names'], { captureHandshakes }: PolicyDiagnostics): BundleOptions['capture'] {
  if (capture === undefined) return null;
  if (capture !== 'handshakes') throw new PinlightError('bad-request', 'capture must be "handshakes"');
  if (typeof handshakes === 'string') return handshakes;
  if (captureHandshakes === 0) return 'the policy keeps no handshakes (diagnostics.captureHandshakes)';
  if (names === 'pseudonyms') return 'a capture shows names as they were on the wire, and this bundle hides them';
  if (!administrator) return 'it is for administrators';
  const kept = handshakes.all();
  return kept.length === 0 ? 'no app has refused a handshake since the policy asked to keep them' : kept;
}

function doctorOf(doctor: unknown): DoctorReport | null {
  if (doctor === undefined) return null;
  const report = readDoctorReport(doctor);
  if (report === null) throw new PinlightError('bad-request', 'doctor must be what `pinlight doctor` found');
  return report;
}

const longestNote = 1_000;

function noteOf(note: unknown): string | null {
  if (note === undefined || note === '') return null;
  if (typeof note !== 'string' || note.length > longestNote) throw new PinlightError('bad-request', `the note must be text of at most ${longestNote} characters`);
  return note;
}

function recordingOf({ from, to }: BundleRequest): Recording | null {
  if (from === undefined && to === undefined) return null;
  const fits = (at: unknown): at is number => typeof at === 'number' && Number.isFinite(at) && at >= 0 && at < 8.64e15;
  if (!fits(from) || !fits(to) || to < from) throw new PinlightError('bad-request', 'a recording has two marks, the first before the second');
  return { from, to };
}
