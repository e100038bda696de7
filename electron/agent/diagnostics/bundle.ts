// The diagnostic bundle: everything collected, redacted, listed with hashes, and streamed as one zip archive.
// Not for choosing where it is written (the asker does) and not for sending it anywhere: a bundle is never uploaded.
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { PinlightError } from '../../contract/errors.ts';
import { buildManifest, spokenId } from '../../core/diagnostics/manifest.ts';
import type { Manifest, ManifestFile, NotCollected } from '../../core/diagnostics/manifest.ts';
import { addCounts, redactLog, redactText, redactValue } from '../../core/diagnostics/redact.ts';
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

  /** Adds a file of `text`, made from a redacted value; answers the value for the report, null when there is none. */
  const add = <T>(name: string, collected: Collected<T>, text: (value: T) => string): T | null => {
    if (collected.kind === 'failed') {
      notCollected.push({ name, because: redactText(collected.because, redact).text });
      return null;
    }
    const clean = redactValue(collected.value, redact);
    addBytes(name, Buffer.from(text(clean.value)), clean.counts);
    return clean.value;
  };
  const addBytes = (name: string, bytes: Buffer, redactions: RedactionCounts): void => {
    if (bytes.length > budget.left) {
      notCollected.push({ name, because: `it has ${bytes.length} bytes and the bundle would grow beyond its limit` });
      return;
    }
    budget.left -= bytes.length;
    files.push({ name, bytes, redactions });
  };

  // Apps, exclusions, connections and warnings have files of their own; the recent ones twice would only be read twice.
  const status = add('status.json', map(found.status, ({ sequence, agent, counts }) => ({ sequence, agent, counts })), json);
  const health = add('health.json', map(found.status, (snapshot) => snapshot.warnings), json);
  const policy = add('policy.json', found.policy, json);
  const apps = add('apps.json', found.apps, json);
  const exclusions = add('exclusions.json', found.exclusions, json);
  const trust = add('trust-stores.json', found.trust, json);
  const versions = add('versions.json', found.versions, json);
  const system = add('system.json', found.system, json);
  const connections = add('connections.ndjson', found.connections, (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  if (found.log.kind === 'failed') notCollected.push({ name: 'agent.log', because: redactText(found.log.because, redact).text });
  else {
    const log = redactLog(found.log.value, redact);
    addBytes('agent.log', Buffer.from(log.text), log.counts);
  }

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
