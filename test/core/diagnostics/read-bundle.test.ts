// Bundles that strangers send: 200 hostile ones and every cut of a good one are refused or found out, and none costs memory or leaves its place.
// What our own writer makes is read; yauzl, an independent reader, agrees on it.
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { nodeBundleTools } from '../../../electron/client/read-bundle-file.ts';
import { diffBundles } from '../../../electron/core/diagnostics/diff-bundles.ts';
import type { ManifestFile } from '../../../electron/core/diagnostics/manifest.ts';
import { readBundle, type BundleRead, type OpenedBundle } from '../../../electron/core/diagnostics/read-bundle.ts';
import { readZipDirectory, zipLimits } from '../../../electron/core/diagnostics/read-zip.ts';
import { say } from '../../../electron/core/sentence.ts';
import { deviceSources, makeZip } from '../../agent/diagnostics/sources.ts';
import { forge, type Forged } from './forged-zip.ts';
import { hostile, policy } from './device-fixture.ts';

const text = (content: string): Buffer => Buffer.from(content);
const ok: Forged = { name: 'manifest.json', content: text('{}') };

let good: Buffer;
beforeAll(async () => { good = (await makeZip(deviceSources(), { note: hostile[1] })).zip; });

const named = (count: number): ManifestFile[] => Array.from({ length: count }, (_, i) => ({ name: `more-${i}`, bytes: 1, sha256: '', redactions: {} }));

/** What is wrong with the file, in English. */
async function refusal(zip: Uint8Array): Promise<string> {
  const read = await readBundle(zip, nodeBundleTools);
  return read.kind === 'invalid' ? say(read.why) : read.kind;
}

async function open(zip: Uint8Array): Promise<OpenedBundle> {
  const read = await readBundle(zip, nodeBundleTools);
  if (read.kind !== 'bundle') throw new Error(`not opened: ${JSON.stringify(read)}`);
  return read.bundle;
}

/** A good bundle with some files changed, under a directory that fits them. */
async function repacked(change: (name: string, content: Buffer) => Buffer | null): Promise<Buffer> {
  const files: Forged[] = [];
  const archive = await fromBufferPromise(good);
  for await (const entry of archive.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    const content = change(entry.fileName, Buffer.concat(chunks));
    if (content !== null) files.push({ name: entry.fileName, content });
  }
  return forge(files);
}

describe('a bundle of ours', () => {
  it('opens whole, and says what its manifest, its findings and yauzl say', async () => {
    const bundle = await open(good);
    expect(bundle).toMatchObject({ intact: true, manifest: { id: 'PL-0410-6105', note: hostile[1] } });
    expect(bundle.findings.length).toBeGreaterThan(5);
    expect(bundle.sentence).toContain('problems to solve');
    const names: string[] = [];
    for await (const entry of (await fromBufferPromise(good)).eachEntry()) names.push(entry.fileName);
    expect(['manifest.json', ...bundle.files.map(({ name }) => name)]).toEqual(names);
    expect(bundle.text('connections.ndjson')).toContain('"id":1');
    const holds = bundle.files.flatMap((file) => (file.holds === undefined ? [] : [[file.name, file.holds]]));
    expect(holds).toEqual([['connections.ndjson', bundle.manifest.files.find(({ name }) => name === 'connections.ndjson')?.holds]]);
  });

  it('a manifest that says anything but text of what a file holds is none', async () => {
    const changed = await repacked((name, content) => (name === 'manifest.json' ? text(content.toString().replace(/"holds": *"[^"]*"/, '"holds": ["x"]')) : content));
    expect(await refusal(changed)).toContain('manifest');
  });

  it('a changed, a missing and an added file are found out', async () => {
    const bundle = await open(await repacked((name, content) => (name === 'apps.json' ? Buffer.concat([content, text(' ')]) : name === 'agent.log' ? null : content)));
    expect(bundle.intact).toBe(false);
    expect(bundle.files.filter(({ state }) => state !== 'good').map(({ name, state }) => `${name} ${state}`)).toEqual(['apps.json changed', 'agent.log missing']);
    const manifest = await repacked((name, content) => (name === 'manifest.json' ? text(content.toString().replace('"name": "agent.log"', '"name": "other.log"')) : content));
    expect((await open(manifest)).files.filter(({ state }) => state !== 'good').map(({ state }) => state)).toEqual(['missing', 'unlisted']);
  });

  it('with findings of another shape shows none of them', async () => {
    const bundle = await open(await repacked((name, content) => (name === 'findings.json' ? text('{"sentence":7,"findings":[{"problem":{}},null,3]}') : content)));
    expect(bundle).toMatchObject({ sentence: null, findings: [] });
  });

  it('differs from another in what was set, and not in what always moves', async () => {
    const other = (await makeZip(deviceSources({ policy: async () => ({ ...policy, policy: { ...policy.policy, defaults: { ...policy.policy.defaults, onPinned: 'block' } } }) }))).zip;
    expect(diffBundles(await open(good), await open(other))).toEqual([{ path: 'policy-effective.json policy.defaults.onPinned', before: '"bypass"', after: '"block"' }]);
    expect(diffBundles(await open(good), await open(good))).toEqual([]);
  });
});

describe('refused', () => {
  const names = [
    '../evil', '..', '.', '/etc/passwd', 'a/b', 'a\\b', '..\\evil', 'C:evil', 'C:\\evil', '\u0000', 'a\u0000.json', '', ' ', '.hidden', '~', '-rf', 'a\nb', 'con:', 'a'.repeat(65), 'é.json',
    '\u202egnp.exe', '%2e%2e', 'report.html/', './report.html', 'manifest.json\u0000.exe', '*', '?', '|', '<b>', '$(id)', '`id`', ';', '&', '"', "'", '\u001b[2J',
  ];
  test.each(names)('a file named %j', async (name) => {
    expect(await refusal(forge([ok, { name, content: text('x') }]))).toContain('no plain name');
  });

  const forgeries: readonly (readonly [string, () => Buffer, string])[] = [
    ['a symbolic link', () => forge([ok, { name: 'a.json', content: text('/etc/passwd'), attributes: 0o120777 }]), 'no ordinary file'],
    ['a device', () => forge([ok, { name: 'a.json', content: text(''), attributes: 0o060600 }]), 'no ordinary file'],
    ['a folder', () => forge([ok, { name: 'a', content: text(''), attributes: 0o040755 }]), 'no ordinary file'],
    ['a name twice', () => forge([ok, ok]), 'twice'],
    ['an encrypted file', () => forge([{ ...ok, flags: 0x0801 }]), 'encrypted'],
    ['sizes behind the data', () => forge([{ ...ok, flags: 0x0808 }]), 'encrypted or written'],
    ['a file that names a gigabyte', () => forge([{ ...ok, size: 2 ** 30, local: { size: 2 ** 30 } }]), 'more than any file'],
    ['ten files that are each near the limit', () => forge(Array.from({ length: 10 }, (_, i) => ({ name: `f${i}`, content: text('x'), size: zipLimits.fileBytes, local: { size: zipLimits.fileBytes } }))), 'more than any bundle'],
    ['a bomb: 40 MB of zeros that claims a kilobyte', () => forge([{ name: 'manifest.json', content: Buffer.alloc(40_000_000), size: 1_000, local: { size: 1_000 } }]), 'does not unpack'],
    ['a file that is shorter than it claims', () => forge([{ ...ok, size: 100, local: { size: 100 } }]), 'does not unpack'],
    ['a wrong checksum', () => forge([{ ...ok, crc: 1 }]), 'damaged'],
    ['a local head with another name', () => forge([{ ...ok, local: { name: 'manifest.jsox' } }]), 'two ways'],
    ['a local head with another size', () => forge([{ ...ok, local: { size: 3 } }]), 'two ways'],
    ['two entries that share bytes', () => forge([ok, { name: 'b.json', content: text('{}'), offset: 0 }]), 'not where'],
    ['an entry behind the end', () => forge([{ ...ok, offset: 100_000 }]), 'not where'],
    ['bytes between two files', () => forge([{ ...ok, gap: 7 }, { name: 'b', content: text('x') }]), 'not where'],
    ['bytes behind the last file', () => forge([{ ...ok, gap: 7 }]), 'belong to no file'],
    ['a program before the archive', () => forge([ok], { before: text('MZ...........') }), 'no zip file'],
    ['a comment behind the end', () => forge([ok], { comment: 'PK' }), 'added at its end'],
    ['more files than it names', () => forge([ok, { name: 'b', content: text('x') }], { count: 1 }), 'belong to no file'],
    ['fewer files than it names', () => forge([ok], { count: 2 }), 'directory is damaged'],
    ['100 files', () => forge(Array.from({ length: 100 }, (_, i) => ({ name: `f${i}`, content: text('x') }))), 'names 100 files'],
    ['no file', () => forge([]), 'no zip file'],
    ['stored with two sizes', () => forge([{ ...ok, method: 0, size: 5, local: { size: 5 } }]), 'two sizes'],
    ['nothing', () => Buffer.alloc(0), 'no zip file'],
    ['a picture', () => Buffer.from('\u0089PNG\r\n\u001a\n'.padEnd(200), 'latin1'), 'no zip file'],
    ['a manifest that is none', () => forge([ok]), 'no manifest'],
    ['a manifest that is an array', () => forge([{ ...ok, content: text('[]') }]), 'no manifest'],
    ['a manifest that is no text', () => forge([{ ...ok, content: Buffer.from([0xff, 0xfe, 0x00]) }]), 'no manifest'],
    ['no manifest', () => forge([{ name: 'report.html', content: text('x') }]), 'no manifest'],
  ];
  test.each(forgeries)('%s', async (_name, make, why) => {
    expect(await refusal(make())).toContain(why);
  });

  it('manifests with every field of another type: 80 of them', async () => {
    const manifest = JSON.parse((await open(good)).text('manifest.json') ?? '') as Record<string, unknown>;
    const fields = ['format', 'id', 'createdAt', 'device', 'version', 'note', 'recording', 'names', 'files', 'notCollected', 'redactionCounts', 'neverCollected', 'kept'];
    const wrong = [[{}], 7n, true, { from: 'x', to: 1 }, { from: 1e300, to: 1 }, ['x', 3], [null]].map((value) => (typeof value === 'bigint' ? Number(value) : value));
    let refused = 0;
    for (const field of fields) {
      for (const value of wrong) {
        const read: BundleRead = await readBundle(forge([{ ...ok, content: text(JSON.stringify({ ...manifest, [field]: value })) }]), nodeBundleTools);
        // An empty-looking record is a fair one for these two.
        if (read.kind === 'invalid') refused += 1;
        else expect(['names', 'redactionCounts']).toContain(field);
      }
    }
    expect(refused).toBeGreaterThanOrEqual(80);
  });

  it.each<[string, (files: readonly ManifestFile[]) => readonly ManifestFile[]]>([
    ['names a file twice', (files) => [...files, ...files.slice(0, 1)]],
    ['names one file 100,000 times', (files) => Array.from({ length: 100_000 }, () => files[0] as ManifestFile)],
    ['names one file more than an archive may have', (files) => [...files, ...named(zipLimits.entries + 1 - files.length)]],
  ])('a manifest that %s, and not one that names as many as there may be', async (_name, change) => {
    const { manifest } = await open(good);
    const holding = (files: readonly ManifestFile[]): Buffer => forge([{ ...ok, content: text(JSON.stringify({ ...manifest, files })) }]);
    expect(await refusal(holding(change(manifest.files)))).toContain('no manifest');
    expect((await open(holding([...manifest.files, ...named(zipLimits.entries - manifest.files.length)]))).files).toHaveLength(zipLimits.entries);
  });

  it('every cut of a good bundle, at 60 places and at each of the last 64 bytes', async () => {
    const cuts = [...Array.from({ length: 60 }, (_, i) => Math.floor((good.length * i) / 60)), ...Array.from({ length: 64 }, (_, i) => good.length - 1 - i)];
    for (const cut of cuts) expect(readZipDirectory(good.subarray(0, cut)).kind, String(cut)).toBe('invalid');
  });
});

it('whatever single byte is changed: refused, found out, or without any effect on what is read', { timeout: 60_000 }, async () => {
  const whole = await open(good);
  const summary = (bundle: OpenedBundle): string => createHash('sha256').update(JSON.stringify([bundle.manifest, bundle.files, ...bundle.files.map(({ name }) => bundle.text(name))])).digest('hex');
  const expected = summary(whole);
  await fc.assert(fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
    const changed = Uint8Array.from(good);
    changed[at] = (changed[at] ?? 0) ^ change;
    const read = await readBundle(changed, nodeBundleTools);
    if (read.kind === 'bundle' && read.bundle.intact) expect(summary(read.bundle)).toBe(expected);
  }), { numRuns: 150 });
});

it('any bytes at all: an answer, never an exception', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, likeZip) => {
    const zip = likeZip ? Buffer.concat([Buffer.from('PK\u0003\u0004'), bytes, Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]) : bytes;
    expect((await readBundle(zip, nodeBundleTools)).kind).not.toBe('bundle');
  }), { numRuns: 500 });
});
