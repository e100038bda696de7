// Opens a bundle: its archive, its manifest, its files, and whether they are what the manifest says. Used by the command line and by the window.
// Not for the archive's format (read-zip) or for sealed bundles, which only a key opens (seal-format). A manifest proves that nothing
// was changed by accident; it is not signed, so it does not prove who made it.
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';
import type { Finding } from './findings.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import { crc32, readZipDirectory, zipLimits } from './read-zip.ts';
import { isSealed } from './seal-format.ts';

/** What a runtime has to bring. */
export type BundleTools = {
  /** Raw deflate; null when the data is damaged or has more than `most` bytes. */
  readonly inflate: (packed: Uint8Array, most: number) => Promise<Uint8Array | null>;
  /** SHA-256 in hex. */
  readonly sha256: (bytes: Uint8Array) => Promise<string>;
  /** UTF-8; null when it is none. */
  readonly text: (bytes: Uint8Array) => string | null;
};

export type FileState = 'good' | 'changed' | 'missing' | 'unlisted';

/** `holds`: as in the manifest. */
export type BundleFileView = Pick<ManifestFile, 'name' | 'bytes' | 'holds'> & { readonly state: FileState };

/** A bundle that could be read. `files`: those of the manifest in its order, then what it does not name. */
export type OpenedBundle = {
  readonly manifest: Manifest;
  readonly files: readonly BundleFileView[];
  /** True when every file is there, unchanged, and no other. */
  readonly intact: boolean;
  /** One sentence about the device; null when the bundle has none. */
  readonly sentence: string | null;
  readonly findings: readonly Finding[];
  /** Text of a file, null when it is not there or is no text. */
  readonly text: (name: string) => string | null;
};

export type BundleRead = { readonly kind: 'bundle'; readonly bundle: OpenedBundle } | { readonly kind: 'sealed' } | { readonly kind: 'invalid'; readonly why: Sentence };

/** A packed bundle has at most as many bytes as it would unpack to; more is not even read. */
export const largestBundle = 129 * 1024 * 1024;

export async function readBundle(bytes: Uint8Array, tools: BundleTools): Promise<BundleRead> {
  if (isSealed(bytes)) return { kind: 'sealed' };
  const directory = readZipDirectory(bytes);
  if (directory.kind === 'invalid') return directory;
  const contents = new Map<string, Uint8Array>();
  for (const { name, method, packed, size, crc } of directory.entries) {
    const content = method === 'stored' ? packed : await tools.inflate(packed, size);
    if (content === null || content.length !== size) return { kind: 'invalid', why: sentence('bundle.unpacks-wrong', { name }) };
    if (crc32(content) !== crc) return { kind: 'invalid', why: sentence('bundle.file-damaged', { name }) };
    contents.set(name, content);
  }
  const text = (name: string): string | null => {
    const content = contents.get(name);
    return content === undefined ? null : tools.text(content);
  };
  const manifest = parseJson(text('manifest.json'));
  if (!isManifest(manifest)) return { kind: 'invalid', why: sentence('bundle.no-manifest') };
  const files: BundleFileView[] = [];
  for (const { name, bytes: size, sha256, holds } of manifest.files) {
    const content = contents.get(name);
    const good = content !== undefined && content.length === size && await tools.sha256(content) === sha256;
    files.push({ name, bytes: content?.length ?? size, state: content === undefined ? 'missing' : good ? 'good' : 'changed', ...(holds === undefined ? {} : { holds }) });
  }
  const listed = new Set(['manifest.json', ...manifest.files.map(({ name }) => name)]);
  for (const [name, content] of contents) if (!listed.has(name)) files.push({ name, bytes: content.length, state: 'unlisted' });
  const found = parseJson(text('findings.json'));
  const { sentence: about, findings } = isRecord(found) ? found : { sentence: null, findings: [] };
  return {
    kind: 'bundle',
    bundle: {
      manifest, files, intact: files.every(({ state }) => state === 'good'), text,
      sentence: typeof about === 'string' ? about : null, findings: Array.isArray(findings) ? findings.filter(isFinding) : [],
    },
  };
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function isManifest(value: unknown): value is Manifest {
  return isRecord(value) && value['format'] === 1 && ['id', 'createdAt', 'device', 'version', 'kept'].every((key) => typeof value[key] === 'string')
    && (value['note'] === null || typeof value['note'] === 'string') && isRecord(value['names']) && isRecord(value['redactionCounts'])
    && (value['recording'] === null || (isRecord(value['recording']) && ['from', 'to'].every((key) => isMoment(value['recording'], key))))
    && Object.values(value['redactionCounts']).every((count) => typeof count === 'number') && isListOf(value['neverCollected'], (one) => typeof one === 'string')
    && isListOf(value['notCollected'], (one) => isRecord(one) && typeof one['name'] === 'string' && typeof one['because'] === 'string')
    && isFileList(value['files'])
    && !Number.isNaN(Date.parse(String(value['createdAt'])));
}

/** No more files than an archive may have, none twice: each is hashed. */
function isFileList(value: unknown): boolean {
  const names = new Set<string>();
  return isListOf(value, (one) => isRecord(one) && typeof one['name'] === 'string' && typeof one['bytes'] === 'number' && typeof one['sha256'] === 'string'
    && ['string', 'undefined'].includes(typeof one['holds']) && !names.has(one['name']) && names.add(one['name']).size <= zipLimits.entries);
}

/** A time that a date can show. */
function isMoment(value: unknown, key: string): boolean {
  return isRecord(value) && typeof value[key] === 'number' && Math.abs(value[key]) < 8.64e15;
}

function isFinding(value: unknown): value is Finding {
  return isRecord(value) && ['problem', 'cause', 'fix', 'who', 'tell'].every((key) => typeof value[key] === 'string')
    && ['problem', 'attention', 'note'].includes(String(value['level'])) && [value['evidence'], value['against']].every((list) => isListOf(list, (line) => typeof line === 'string'));
}

function isListOf(value: unknown, fits: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
