// The diagnostic bundle in memory: everything collected, redacted, judged, and listed with hashes. It can be looked at before anything is
// written (the manifest) and is packed only when somebody downloads it (pack.ts). Not for sending it anywhere: a bundle is never uploaded.
import { createHash, createHmac } from 'node:crypto';
import type * as Suffixes from 'tldts';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { inGroups, toBase32 } from '../../core/diagnostics/base32.ts';
import { choiceWords } from '../../core/diagnostics/connection-choice.ts';
import type { DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { isJudged, judgeDevice } from '../../core/diagnostics/findings.ts';
import { buildManifest, spokenId } from '../../core/diagnostics/manifest.ts';
import type { Manifest, ManifestFile, NamesKept, NotCollected, Recording } from '../../core/diagnostics/manifest.ts';
import { createPseudonyms, keyCheck, type KeyedHash, type Pseudonyms } from '../../core/diagnostics/pseudonyms.ts';
import { addCounts, logPieces, redactLog, redactText, redactValue } from '../../core/diagnostics/redact.ts';
import type { RedactionCounts, RedactOptions } from '../../core/diagnostics/redact.ts';
import type { ReportConnection } from '../../core/diagnostics/report-input.ts';
import { renderReport, reportedConnections } from '../../core/diagnostics/report.ts';
import { isInTimeline } from '../../core/diagnostics/timeline.ts';
import type { RefusedHandshake } from '../events/handshake-log.ts';
import { captureFile } from './capture.ts';
import { collectAll, collectorLimitMs, sourceCount } from './collectors.ts';
import type { BundleProgress, BundleSources, Collected, Collection } from './collectors.ts';
import { readConnections, type ConnectionReading, type ConnectionSource } from './gather-connections.ts';
import { packFile, type PackedFile } from './packed-file.ts';

/** Plain data. */
export type BundleOptions = {
  readonly device: string;
  /** Pinlight's own version. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 21 random bytes: five for the spoken id, sixteen for the key to the pseudonyms. */
  readonly random: Uint8Array;
  /** Home folders that are written as `~`. */
  readonly homes: readonly string[];
  readonly names: NamesKept['kind'];
  readonly note: string | null;
  readonly recording: Recording | null;
  /** Found by who asked, who may look at the device as the agent may not; null = the doctor was not run. */
  readonly doctor: DoctorReport | null;
  /** Handshakes for the capture; a string says why there are none; null = nobody asked for it. */
  readonly capture: readonly RefusedHandshake[] | string | null;
  /** No agent runs: only what it left could be collected. */
  readonly agentGone?: boolean;
  /** For one source, ms; `collectorLimitMs` when absent. */
  readonly limitMs?: number;
  /** For all files before compression; 64 MB when absent: mail systems of helpdesks refuse more. */
  readonly maxBytes?: number;
};

export type BundleFile = PackedFile & { readonly redactions: RedactionCounts; readonly holds?: string };

/** `files`: the manifest first and the report second, so that a reader knows what follows. `key`: to the pseudonyms; null where names are shown. */
export type Bundle = { readonly manifest: Manifest; readonly files: readonly BundleFile[]; readonly key: string | null };

/** The whole in this thread, for a process that has nothing else to do; the agent has a thread for the second half (bundle-thread.ts). */
export async function assembleBundle(sources: BundleSources & { readonly connections: ConnectionSource }, options: BundleOptions, onProgress: BundleProgress = () => undefined): Promise<Bundle> {
  return packFound(await collectAll(sources, options.limitMs ?? collectorLimitMs, onProgress), sources.connections, options, onProgress);
}

/** Reads the log, redacts and packs. A source that failed never fails the bundle: its file is named with the reason. Throws only faults of ours. */
export async function packFound(found: Collection, log: ConnectionSource, options: BundleOptions, onProgress: BundleProgress): Promise<Bundle> {
  const { now, recording, limitMs = collectorLimitMs } = options;
  const secret = options.random.subarray(5, 21);
  const hash: KeyedHash = (text) => createHmac('sha256', secret).update(text).digest();
  const hidden = options.names === 'pseudonyms';
  // Names are hidden only when all are known, so the log is read twice then.
  const met = hidden ? attempt(() => namesIn(readConnections(log, { now, recording, limitMs, isFull: () => false }))) : null;
  const redact: RedactOptions = { homes: options.homes, pseudonyms: hidden ? pseudonymsFor(found, met?.kind === 'collected' ? met.value : null, options, hash, await import('tldts')) : null };
  onProgress('collecting', sourceCount, sourceCount);
  const id = spokenId(options.random);
  const device = redactText(options.device, redact).text;
  const note = options.note === null ? null : redactText(options.note, redact).text;
  const budget = { left: options.maxBytes ?? 64 * 1024 * 1024 };
  const files: BundleFile[] = [];
  const notCollected: NotCollected[] = [];
  const leaveOut = (name: string, because: string): void => void notCollected.push({ name, because: redactText(because, redact).text });

  const step = (): void => onProgress('redacting', files.length + notCollected.length + 1, fileCount);
  /** Adds a file of `text`, made from a redacted value; answers that value for the report, null when there is none. */
  const add = <T>(name: string, redacted: Collected<Redacted<T>>, text: (value: T) => string): T | null => {
    step();
    if (redacted.kind === 'failed') {
      leaveOut(name, redacted.because);
      return null;
    }
    const { value, counts } = redacted.value;
    addParts(name, [text(value)], () => counts);
    return value;
  };
  /** `redactions` is asked when the last part has been made. */
  const addParts = (name: string, parts: Iterable<string | Buffer>, redactions: () => RedactionCounts): void => {
    const file = packFile(name, parts);
    addFile({ ...file, redactions: redactions() });
  };
  const addFile = (file: BundleFile): void => {
    if (file.bytes > budget.left) return leaveOut(file.name, `it has ${file.bytes} bytes and the bundle would grow beyond its limit`);
    budget.left -= file.bytes;
    files.push(file);
  };

  /** Page by page into the file; only what the report reads stays. Null = they could not be read. */
  const addConnections = (): { readonly rows: readonly ReportConnection[]; readonly held: string } | null => {
    step();
    if (met?.kind === 'failed') {
      leaveOut('connections.ndjson', met.because);
      return null;
    }
    const rows: ReportConnection[] = [];
    const counts: RedactionCounts[] = [];
    let [bytes, taken] = [0, 0];
    // No row whose names are not known.
    const isFull = (): boolean => bytes > mostConnectionBytes || (met?.value.cut === true && taken >= met.value.rows);
    const read = readConnections(log, { now, recording, limitMs, isFull });
    const parts = function* (): Generator<string> {
      for (const page of read.pages()) {
        const clean = redactValue(page, redact);
        counts.push(clean.counts);
        rows.push(...clean.value.filter((row, i) => rows.length + i < reportedConnections || isJudged(row) || isInTimeline(row, now, recording)).map(reportRow));
        const text = lines(clean.value);
        bytes += text.length;
        taken += page.length;
        yield text;
      }
    };
    const file = attempt(() => packFile('connections.ndjson', parts()));
    if (file.kind === 'failed') {
      leaveOut('connections.ndjson', file.because);
      return null;
    }
    const held = choiceWords(read.choice());
    addFile({ ...file.value, redactions: addCounts(counts), holds: held });
    return { rows, held };
  };

  /** In pieces, so that only one of them exists in many copies. */
  const addLog = (name: string, tail: Collected<string>): void => {
    step();
    if (tail.kind === 'failed') return leaveOut(name, tail.because);
    const counts: RedactionCounts[] = [];
    addParts(name, redactPieces(tail.value, redact, (one) => void counts.push(one)), () => addCounts(counts));
  };

  const clean = <T>(value: T): Redacted<T> => redactValue(value, redact);
  const status = add('status.json', map(found.status, ({ sequence, agent, counts }) => clean({ sequence, agent, counts })), json);
  const health = add('health.json', map(found.status, ({ warnings }) => clean(warnings)), json);
  const doctor = add('doctor.json', options.doctor === null ? { kind: 'failed', because: notRun } : map({ kind: 'collected', value: options.doctor }, clean), json);
  const policy = add('policy-effective.json', map(found.policy, clean), json);
  const apps = add('apps.json', map(found.apps, clean), json);
  const exclusions = add('exclusions.json', map(found.exclusions, clean), json);
  const trust = add('trust-stores.json', map(found.trust, clean), json);
  const versions = add('versions.json', map(found.versions, clean), json);
  const system = add('system.json', map(found.system, clean), json);
  add('network.json', map(found.network, clean), json);
  const selfTest = add('tls-selftest.json', map(found.selfTest, clean), json);
  const connections = addConnections();
  const audit = add('audit.ndjson', map(found.audit, clean), lines);
  addLog('agent.log', found.log);
  if (typeof options.capture === 'string') leaveOut('capture.pcapng', options.capture);
  else if (options.capture !== null) addParts('capture.pcapng', [captureFile(options.capture, id, redact)], () => ({}));

  const judged = attempt(() => judgeDevice({ agentGone: options.agentGone ?? false, warnings: health, policyProblems: policy?.problems ?? null, apps, connections: connections?.rows ?? null, stores: trust?.stores ?? null, selfTest }));
  const judgement = judged.kind === 'failed' ? null : judged.value;
  if (judged.kind === 'failed') leaveOut('findings.json', judged.because);
  else addParts('findings.json', [json(judgement)], () => ({}));
  const listed = files.map(describe);
  const report = attempt(() => renderReport({
    id, createdAt: options.now, device, version: options.version, note, recording: options.recording, names: options.names,
    agent: status?.agent ?? null, counts: status?.counts ?? null, warnings: health, doctor, policy, apps, exclusions,
    connections: connections?.rows ?? null, connectionsHeld: connections?.held ?? null, audit,
    stores: trust?.stores ?? null, versions, system, files: listed, notCollected,
    redactionCounts: addCounts(listed.map((file) => file.redactions)),
  }, judgement ?? { sentence: 'This device could not be judged.', findings: [] }, (text) => createHash('sha256').update(text).digest('base64')));
  if (report.kind === 'failed') leaveOut('report.html', report.because);
  const pages: BundleFile[] = report.kind === 'failed' ? [] : [{ ...packFile('report.html', [report.value]), redactions: {} }];
  const manifest = buildManifest({
    id, createdAt: options.now, device, version: options.version, note, recording: options.recording,
    names: hidden ? { kind: 'pseudonyms', check: keyCheck(hash) } : { kind: 'shown' }, files: [...pages.map(describe), ...listed], notCollected,
  });
  return {
    manifest, files: [{ ...packFile('manifest.json', [json(manifest)]), redactions: {} }, ...pages, ...files],
    key: hidden ? inGroups(toBase32(secret, 26)) : null,
  };
}

/** Some 700 bytes a connection: only hostile ones would come here. */
const mostConnectionBytes = 30 * 1024 * 1024;

/** Files that go through `step`. */
const fileCount = 14;

const notRun = 'the doctor was not run; `pinlight bundle` and the window of `pinlight open` run it';

/** Every name that stands in a field of its own; what only stands in sentences is found by its form. */
function pseudonymsFor(found: Collection, met: NamesMet | null, { device }: BundleOptions, hash: KeyedHash, { getDomain, parse }: typeof Suffixes): Pseudonyms {
  const [apps, exclusions, policy] = [orNone(found.apps), orNone(found.exclusions), found.policy.kind === 'failed' ? null : found.policy.value.policy];
  const hosts = [
    ...met?.hosts ?? [], ...apps.flatMap((app) => app.hosts.map(({ host }) => host)), ...exclusions.map(({ host }) => host),
    ...(policy?.rules ?? []).flatMap(({ when }) => when.host ?? []), ...Object.keys(policy?.network.localTargets ?? {}).map((target) => target.replace(/:\d+$/, '')),
  ].filter((host) => host !== '*');
  return createPseudonyms({
    names: {
      // With the domain, so that the house stays hidden where another of its hosts stands in a sentence.
      host: hosts.flatMap((host) => [host, getDomain(host) ?? '']),
      address: met?.addresses ?? [],
      user: [...met?.users ?? [], ...apps.map((app) => app.user ?? '')],
      device: [device],
    },
    hash, isPublicName: (name) => parse(name).isIcann === true,
  });
}

type NamesMet = { readonly hosts: ReadonlySet<string>; readonly addresses: ReadonlySet<string>; readonly users: ReadonlySet<string>; readonly rows: number; readonly cut: boolean };

/** Names that stand in a field of their own in the connections that will be packed. Throws when none can be read. */
function namesIn({ pages, isCut }: ConnectionReading): NamesMet {
  const [hosts, addresses, users] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let rows = 0;
  for (const page of pages()) {
    rows += page.length;
    for (const { host, serverName, ip, user } of page) {
      for (const name of [host, serverName]) if (name !== null) hosts.add(name);
      if (ip !== null) addresses.add(ip);
      if (user !== null) users.add(user);
    }
  }
  return { hosts, addresses, users, rows, cut: isCut() };
}

function orNone<T>(collected: Collected<readonly T[]>): readonly T[] {
  return collected.kind === 'failed' ? [] : collected.value;
}

type Redacted<T> = { readonly value: T; readonly counts: RedactionCounts };

function reportRow({ startedAt, appName, host, port, decided, disposition, reason, rule, outcome, error }: ConnectionRow): ReportConnection {
  return { startedAt, appName, host, port, decided, disposition, reason, rule, outcome, error };
}

function* redactPieces(log: string, redact: RedactOptions, onPiece: (counts: RedactionCounts) => void): Generator<string> {
  for (const piece of logPieces(log, 65_536)) {
    const { text, counts } = redactLog(piece, redact);
    onPiece(counts);
    yield text;
  }
}

function map<T, U>(collected: Collected<T>, change: (value: T) => U): Collected<U> {
  return collected.kind === 'failed' ? collected : attempt(() => change(collected.value));
}

/** A bundle is asked for when something is broken: a value of a shape nobody expected costs one file, not the bundle. */
function attempt<T>(make: () => T): Collected<T> {
  try {
    return { kind: 'collected', value: make() };
  } catch (thrown) {
    return { kind: 'failed', because: `it failed: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function describe({ name, bytes, sha256, redactions, holds }: BundleFile): ManifestFile {
  return { name, bytes, sha256, redactions, ...(holds === undefined ? {} : { holds }) };
}
