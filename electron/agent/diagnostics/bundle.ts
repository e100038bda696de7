// The diagnostic bundle in memory: everything collected, redacted, judged, and listed with hashes. It can be looked at before anything is
// written (the manifest) and is packed only when somebody downloads it (pack.ts). Not for sending it anywhere: a bundle is never uploaded.
import { createHash, createHmac } from 'node:crypto';
import { setImmediate as othersRan } from 'node:timers/promises';
import { getDomain, parse } from 'tldts';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { inGroups, toBase32 } from '../../core/diagnostics/base32.ts';
import { choiceWords, hasFailed, isRecorded } from '../../core/diagnostics/connection-choice.ts';
import type { DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { judgeDevice } from '../../core/diagnostics/findings.ts';
import { buildManifest, spokenId } from '../../core/diagnostics/manifest.ts';
import type { Manifest, ManifestFile, NamesKept, NotCollected, Recording } from '../../core/diagnostics/manifest.ts';
import { createPseudonyms, keyCheck, type KeyedHash, type Pseudonyms } from '../../core/diagnostics/pseudonyms.ts';
import { addCounts, logPieces, redactLog, redactText, redactValue } from '../../core/diagnostics/redact.ts';
import type { RedactionCounts, RedactOptions } from '../../core/diagnostics/redact.ts';
import type { ReportConnection } from '../../core/diagnostics/report-input.ts';
import { renderReport } from '../../core/diagnostics/report.ts';
import type { RefusedHandshake } from '../events/handshake-log.ts';
import { captureFile } from './capture.ts';
import { collectAll, sourceCount } from './collectors.ts';
import type { BundleSources, Collected, Collection } from './collectors.ts';
import type { GatheredConnections } from './gather-connections.ts';
import { packFile, type PackedFile } from './packed-file.ts';

export type { BundleSources, BundleTrust } from './collectors.ts';

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
  /** For one collector, ms; 10 s when absent: a person waits for the bundle. */
  readonly collectorLimitMs?: number;
  /** For all files before compression; 64 MB when absent: mail systems of helpdesks refuse more. */
  readonly maxBytes?: number;
  readonly onProgress?: (phase: 'collecting' | 'redacting', done: number, total: number) => void;
  /** Ends the work at the next step; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
};

export type BundleFile = PackedFile & { readonly redactions: RedactionCounts; readonly holds?: string };

/** `files`: the manifest first and the report second, so that a reader knows what follows. `key`: to the pseudonyms; null where names are shown. */
export type Bundle = { readonly manifest: Manifest; readonly files: readonly BundleFile[]; readonly key: string | null };

/** Collects and redacts. A collector that fails never fails the bundle: its file is named with the reason. */
export async function assembleBundle(sources: BundleSources, options: BundleOptions): Promise<Bundle> {
  const progress = options.onProgress ?? (() => undefined);
  let asked = 0;
  progress('collecting', 0, sourceCount);
  const found = await collectAll(sources, { now: options.now, recording: options.recording, limitMs: options.collectorLimitMs ?? 10_000, signal: options.signal }, () => progress('collecting', asked += 1, sourceCount));
  options.signal?.throwIfAborted();
  const secret = options.random.subarray(5, 21);
  const hash: KeyedHash = (text) => createHmac('sha256', secret).update(text).digest();
  const hidden = options.names === 'pseudonyms';
  const redact: RedactOptions = { homes: options.homes, pseudonyms: hidden ? pseudonymsFor(found, options, hash) : null };
  const id = spokenId(options.random);
  const device = redactText(options.device, redact).text;
  const note = options.note === null ? null : redactText(options.note, redact).text;
  const budget = { left: options.maxBytes ?? 64 * 1024 * 1024 };
  const files: BundleFile[] = [];
  const notCollected: NotCollected[] = [];
  const leaveOut = (name: string, because: string): void => void notCollected.push({ name, because: redactText(because, redact).text });

  const step = (): void => {
    options.signal?.throwIfAborted();
    progress('redacting', files.length + notCollected.length + 1, fileCount);
  };
  /** Adds a file of `text`, made from a redacted value; answers that value for the report, null when there is none. */
  const add = async <T>(name: string, making: Collected<Redacted<T>> | Promise<Collected<Redacted<T>>>, text: (value: T) => string): Promise<T | null> => {
    const collected = await making;
    step();
    if (collected.kind === 'failed') {
      leaveOut(name, collected.because);
      return null;
    }
    const { value, counts } = collected.value;
    await addParts(name, [text(value)], () => counts);
    return value;
  };
  /** `redactions` is asked when the last part has been made. */
  const addParts = async (name: string, parts: Iterable<string | Buffer> | AsyncIterable<string>, redactions: () => RedactionCounts, holds?: string): Promise<void> => {
    const file = await packFile(name, parts);
    if (file.bytes > budget.left) return leaveOut(name, `it has ${file.bytes} bytes and the bundle would grow beyond its limit`);
    budget.left -= file.bytes;
    files.push({ ...file, redactions: redactions(), ...(holds === undefined ? {} : { holds }) });
  };

  /** Row by row into the file; only what the report reads stays. */
  const addConnections = async (): Promise<ReportConnection[] | null> => {
    step();
    if (found.connections.kind === 'failed') {
      leaveOut('connections.ndjson', found.connections.because);
      return null;
    }
    const rows: ReportConnection[] = [];
    const counts: RedactionCounts[] = [];
    const parts = redactPages(found.connections.value, redact, pause, (part) => {
      counts.push(part.counts);
      rows.push(...part.value.filter((row, i) => rows.length + i < reportedRows || hasFailed(row) || isRecorded(row, options.recording)).map(reportRow));
    });
    await addParts('connections.ndjson', parts, () => addCounts(counts), choiceWords(found.connections.value.choice));
    return rows;
  };

  // The proxy lives in this process: other work gets its turn after each part.
  const pause: Pause = async () => {
    await othersRan();
    options.signal?.throwIfAborted();
  };
  const clean = <T>(value: T): Redacted<T> => redactValue(value, redact);
  // Apps, exclusions, connections and warnings have files of their own; the recent ones twice would only be read twice.
  const status = await add('status.json', map(found.status, ({ sequence, agent, counts }) => clean({ sequence, agent, counts })), json);
  const health = await add('health.json', map(found.status, (snapshot) => clean(snapshot.warnings)), json);
  const doctor = await add('doctor.json', options.doctor === null ? { kind: 'failed', because: notRun } : map({ kind: 'collected', value: options.doctor }, clean), json);
  const policy = await add('policy-effective.json', map(found.policy, clean), json);
  const apps = await add('apps.json', redactRows(found.apps, redact, pause), json);
  const exclusions = await add('exclusions.json', redactRows(found.exclusions, redact, pause), json);
  const trust = await add('trust-stores.json', map(found.trust, clean), json);
  const versions = await add('versions.json', map(found.versions, clean), json);
  const system = await add('system.json', map(found.system, clean), json);
  await add('network.json', map(found.network, clean), json);
  const connections = await addConnections();
  const audit = await add('audit.ndjson', redactRows(found.audit, redact, pause), lines);
  await add('agent.log', redactWholeLog(found.log, redact, pause), (log) => log);
  if (typeof options.capture === 'string') leaveOut('capture.pcapng', options.capture);
  else if (options.capture !== null) await addParts('capture.pcapng', [captureFile(options.capture, id, redact)], () => ({}));

  const judged = attempt(() => judgeDevice({ agentGone: options.agentGone ?? false, warnings: health, policyProblems: policy?.problems ?? null, apps, connections, stores: trust?.stores ?? null }));
  const judgement = judged.kind === 'failed' ? null : judged.value;
  if (judged.kind === 'failed') leaveOut('findings.json', judged.because);
  else await addParts('findings.json', [json(judgement)], () => ({}));
  const listed = files.map(describe);
  const report = attempt(() => renderReport({
    id, createdAt: options.now, device, version: options.version, note, recording: options.recording, names: options.names,
    agent: status?.agent ?? null, counts: status?.counts ?? null, warnings: health, doctor, policy, apps, exclusions, connections,
    connectionsHeld: found.connections.kind === 'failed' ? null : choiceWords(found.connections.value.choice), audit,
    stores: trust?.stores ?? null, versions, system, files: listed, notCollected,
    redactionCounts: addCounts(listed.map((file) => file.redactions)),
  }, judgement ?? { sentence: 'This device could not be judged.', findings: [] }, (text) => createHash('sha256').update(text).digest('base64')));
  if (report.kind === 'failed') leaveOut('report.html', report.because);
  const pages: BundleFile[] = report.kind === 'failed' ? [] : [{ ...await packFile('report.html', [report.value]), redactions: {} }];
  const manifest = buildManifest({
    id, createdAt: options.now, device, version: options.version, note, recording: options.recording,
    names: hidden ? { kind: 'pseudonyms', check: keyCheck(hash) } : { kind: 'shown' }, files: [...pages.map(describe), ...listed], notCollected,
  });
  return {
    manifest, files: [{ ...await packFile('manifest.json', [json(manifest)]), redactions: {} }, ...pages, ...files],
    key: hidden ? inGroups(toBase32(secret, 26)) : null,
  };
}

/** Files that go through `add`. */
const fileCount = 13;

const notRun = 'the doctor was not run; `pinlight bundle` and the window of `pinlight open` run it';

/** Every name that stands in a field of its own; what only stands in sentences is found by its form. */
function pseudonymsFor(found: Collection, { device }: BundleOptions, hash: KeyedHash): Pseudonyms {
  const met = found.connections.kind === 'failed' ? null : found.connections.value.names;
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

function orNone<T>(collected: Collected<readonly T[]>): readonly T[] {
  return collected.kind === 'failed' ? [] : collected.value;
}

type Pause = () => Promise<void>;

type Redacted<T> = { readonly value: T; readonly counts: RedactionCounts };

/** A part, 100 rows or 64 kB of log, takes about 30 ms. */
async function redactRows<T>(collected: Collected<readonly T[]>, redact: RedactOptions, pause: Pause): Promise<Collected<Redacted<readonly T[]>>> {
  if (collected.kind === 'failed') return collected;
  const value: T[] = [];
  const counts: RedactionCounts[] = [];
  for (let at = 0; at < collected.value.length; at += 100) {
    const part = redactValue(collected.value.slice(at, at + 100), redact);
    value.push(...part.value);
    counts.push(part.counts);
    await pause();
  }
  return { kind: 'collected', value: { value, counts: addCounts(counts) } };
}

/** Lines of redacted rows, a part at a time; `onPart` sees each. */
async function* redactPages({ pages }: GatheredConnections, redact: RedactOptions, pause: Pause, onPart: (part: Redacted<readonly ConnectionRow[]>) => void): AsyncGenerator<string> {
  for await (const page of pages()) {
    for (let at = 0; at < page.length; at += 100) {
      const part = redactValue(page.slice(at, at + 100), redact);
      onPart(part);
      yield lines(part.value);
      await pause();
    }
  }
}

/** The newest, for its table; of the others the report reads those that failed or were recorded. */
const reportedRows = 100;

function reportRow({ startedAt, appName, host, port, decided, disposition, reason, rule, outcome, error }: ConnectionRow): ReportConnection {
  return { startedAt, appName, host, port, decided, disposition, reason, rule, outcome, error };
}

async function redactWholeLog(collected: Collected<string>, redact: RedactOptions, pause: Pause): Promise<Collected<Redacted<string>>> {
  if (collected.kind === 'failed') return collected;
  const text: string[] = [];
  const counts: RedactionCounts[] = [];
  for (const piece of logPieces(collected.value, 65_536)) {
    const part = redactLog(piece, redact);
    text.push(part.text);
    counts.push(part.counts);
    await pause();
  }
  return { kind: 'collected', value: { value: text.join(''), counts: addCounts(counts) } };
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
