// The diagnostic bundle: everything collected, redacted, listed with hashes, and streamed as one zip archive.
// Not for choosing where it is written (the asker does) and not for sending it anywhere: a bundle is never uploaded.
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { setImmediate as othersRan } from 'node:timers/promises';
import { ZipFile } from 'yazl';
import { PinlightError } from '../../contract/errors.ts';
import { buildManifest, spokenId } from '../../core/diagnostics/manifest.ts';
import type { Manifest, ManifestFile, NotCollected } from '../../core/diagnostics/manifest.ts';
import { addCounts, logPieces, redactLog, redactText, redactValue } from '../../core/diagnostics/redact.ts';
import type { RedactionCounts, RedactOptions } from '../../core/diagnostics/redact.ts';
import { renderReport } from '../../core/diagnostics/report.ts';
import { collectAll } from './collectors.ts';
import type { BundleSources, Collected } from './collectors.ts';

export type { BundleSources, BundleTrust } from './collectors.ts';

export type BundleOptions = {
  readonly device: string;
  /** Pinlight's own version. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Five random bytes or more, for the spoken id. */
  readonly random: Uint8Array;
  /** Home folders that are written as `~`. */
  readonly homes: readonly string[];
  /** For one collector, ms; 10 s when absent: a person waits for the bundle. */
  readonly collectorLimitMs?: number;
  /** For all files before compression; 64 MB when absent: mail systems of helpdesks refuse more. */
  readonly maxBytes?: number;
};

/**
 * The archive as a stream, at once; it begins to flow when everything is collected. `done` answers the manifest when the last byte is
 * handed over, and rejects with `bundle-unwritable` when the reader goes away before. A collector that fails never fails the bundle.
 */
export function streamBundle(sources: BundleSources, options: BundleOptions): { readonly stream: Readable; readonly done: Promise<Manifest> } {
  const stream = new PassThrough();
  const done = new Promise<Manifest>((resolve, reject) => {
    let manifest: Manifest | null = null;
    stream.once('error', reject);
    stream.once('close', () => {
      if (manifest !== null && stream.readableEnded) resolve(manifest);
      else reject(new PinlightError('bundle-unwritable', 'The bundle was not read to its end'));
    });
    const produce = async (): Promise<void> => {
      const bundle = await assemble(sources, options);
      manifest = bundle.manifest;
      if (!stream.destroyed) writeZip(bundle, options.now, stream);
    };
    produce().catch((thrown: unknown) => {
      stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
  });
  // Whoever only pipes the stream learns of a failure there; `done` then has no reader and must not end the process.
  done.catch(() => {});
  return { stream, done };
}

type BundleFile = { readonly name: string; readonly bytes: Buffer; readonly redactions: RedactionCounts };
type Bundle = { readonly manifest: Manifest; readonly files: readonly BundleFile[] };

async function assemble(sources: BundleSources, options: BundleOptions): Promise<Bundle> {
  const found = await collectAll(sources, options.collectorLimitMs ?? 10_000);
  const redact: RedactOptions = { homes: options.homes };
  const id = spokenId(options.random);
  const device = redactText(options.device, redact).text;
  const budget = { left: options.maxBytes ?? 64 * 1024 * 1024 };
  const files: BundleFile[] = [];
  const notCollected: NotCollected[] = [];

  /** Adds a file of `text`, made from a redacted value; answers that value for the report, null when there is none. */
  const add = <T>(name: string, collected: Collected<Redacted<T>>, text: (value: T) => string): T | null => {
    if (collected.kind === 'failed') {
      notCollected.push({ name, because: redactText(collected.because, redact).text });
      return null;
    }
    const { value, counts } = collected.value;
    addBytes(name, Buffer.from(text(value)), counts);
    return value;
  };
  const addBytes = (name: string, bytes: Buffer, redactions: RedactionCounts): void => {
    if (bytes.length > budget.left) {
      notCollected.push({ name, because: `it has ${bytes.length} bytes and the bundle would grow beyond its limit` });
      return;
    }
    budget.left -= bytes.length;
    files.push({ name, bytes, redactions });
  };

  const clean = <T>(value: T): Redacted<T> => redactValue(value, redact);
  // Apps, exclusions, connections and warnings have files of their own; the recent ones twice would only be read twice.
  const status = add('status.json', map(found.status, ({ sequence, agent, counts }) => clean({ sequence, agent, counts })), json);
  const health = add('health.json', map(found.status, (snapshot) => clean(snapshot.warnings)), json);
  const policy = add('policy.json', map(found.policy, clean), json);
  const apps = add('apps.json', await redactRows(found.apps, redact), json);
  const exclusions = add('exclusions.json', await redactRows(found.exclusions, redact), json);
  const trust = add('trust-stores.json', map(found.trust, clean), json);
  const versions = add('versions.json', map(found.versions, clean), json);
  const system = add('system.json', map(found.system, clean), json);
  const connections = add('connections.ndjson', await redactRows(found.connections, redact), (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  add('agent.log', await redactWholeLog(found.log, redact), (log) => log);

  const listed = files.map(describe);
  const report = attempt(() => renderReport({
    id, createdAt: options.now, device, version: options.version,
    agent: status?.agent ?? null, counts: status?.counts ?? null, warnings: health, policy, apps, exclusions, connections,
    stores: trust?.stores ?? null, versions, system, files: listed, notCollected,
    redactionCounts: addCounts(listed.map((file) => file.redactions)),
  }, (text) => createHash('sha256').update(text).digest('base64')));
  if (report.kind === 'failed') notCollected.push({ name: 'report.html', because: redactText(report.because, redact).text });
  const pages: BundleFile[] = report.kind === 'failed' ? [] : [{ name: 'report.html', bytes: Buffer.from(report.value), redactions: {} }];
  const manifest = buildManifest({
    id, createdAt: options.now, device, version: options.version, files: [...pages.map(describe), ...listed], notCollected,
  });
  return { manifest, files: [{ name: 'manifest.json', bytes: Buffer.from(json(manifest)), redactions: {} }, ...pages, ...files] };
}

type Redacted<T> = { readonly value: T; readonly counts: RedactionCounts };

/**
 * 5,000 rows or 2 MB of log take about a second, and the proxy lives in this process: other work gets its turn after each part.
 * 100 rows or 64 kB of log take about 30 ms.
 */
async function redactRows<T>(collected: Collected<readonly T[]>, redact: RedactOptions): Promise<Collected<Redacted<readonly T[]>>> {
  if (collected.kind === 'failed') return collected;
  const value: T[] = [];
  const counts: RedactionCounts[] = [];
  for (let at = 0; at < collected.value.length; at += 100) {
    const part = redactValue(collected.value.slice(at, at + 100), redact);
    value.push(...part.value);
    counts.push(part.counts);
    await othersRan();
  }
  return { kind: 'collected', value: { value, counts: addCounts(counts) } };
}

async function redactWholeLog(collected: Collected<string>, redact: RedactOptions): Promise<Collected<Redacted<string>>> {
  if (collected.kind === 'failed') return collected;
  const text: string[] = [];
  const counts: RedactionCounts[] = [];
  for (const piece of logPieces(collected.value, 65_536)) {
    const part = redactLog(piece, redact);
    text.push(part.text);
    counts.push(part.counts);
    await othersRan();
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

function describe(file: BundleFile): ManifestFile {
  return { name: file.name, bytes: file.bytes.length, sha256: createHash('sha256').update(file.bytes).digest('hex'), redactions: file.redactions };
}

/** The manifest first, so that a reader knows what follows. Sizes stand before the data, which readers that cannot seek need. */
function writeZip(bundle: Bundle, now: number, stream: PassThrough): void {
  const zip = new ZipFile();
  for (const file of bundle.files) zip.addBuffer(file.bytes, file.name, { mtime: new Date(now), mode: 0o100600 });
  zip.outputStream.pipe(stream);
  zip.end();
}
