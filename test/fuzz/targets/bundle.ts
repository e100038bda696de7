// Fuzz targets for bundles that somebody sends in: the archive's directory, and the documents in an archive that is sound.
import { nodeBundleTools } from '../../../electron/client/read-bundle-file.ts';
import { buildManifest } from '../../../electron/core/diagnostics/manifest.ts';
import { diffBundles } from '../../../electron/core/diagnostics/diff-bundles.ts';
import { readBundle } from '../../../electron/core/diagnostics/read-bundle.ts';
import { readZipDirectory, zipLimits } from '../../../electron/core/diagnostics/read-zip.ts';
import { forge } from '../../core/diagnostics/forged-zip.ts';
import type { Target } from '../engine.ts';
import { insist, tokens } from '../insist.ts';

const manifest = (): Buffer => Buffer.from(JSON.stringify(buildManifest({
  id: 'PL-7K3M-Q2XA', createdAt: 1_700_000_000_000, device: 'LAPTOP', version: '1.0.0', note: 'a note', names: { kind: 'shown' }, recording: { from: 1, to: 2 },
  files: [{ name: 'a.txt', bytes: 1, sha256: '00', redactions: { token: 1 } }], notCollected: [{ name: 'b', because: 'c' }],
})));

const zip: Target = {
  name: 'zip', files: ['core/diagnostics/read-zip.ts'], limit: 4_000,
  words: ['504b0304', '504b0102', '504b0506', '504b0708', '0800', '0000', 'ffffffff', 'ffff', '2e2e2f', '0100'].map((hex) => Buffer.from(hex, 'hex')),
  get seeds() { return [forge([{ name: 'manifest.json', content: manifest() }, { name: 'a.txt', content: Buffer.from('a'), method: 0 }]), forge([{ name: 'x', content: Buffer.alloc(0) }])]; },
  run: async (input) => {
    const read = readZipDirectory(input);
    if (read.kind === 'entries') {
      insist(read.entries.length <= zipLimits.entries && new Set(read.entries.map(({ name }) => name)).size === read.entries.length, 'names each file once, and not without end');
      for (const { name, packed, size } of read.entries) {
        insist(/^[A-Za-z0-9][\w.-]*$/.test(name), `a name stays in its folder: ${name}`);
        insist(packed.length <= input.length && size <= zipLimits.fileBytes, 'a file lies within the archive');
      }
    }
    await readBundle(input, nodeBundleTools);
  },
};

const documents: Target = {
  name: 'bundle', files: ['core/diagnostics/read-bundle.ts', 'core/diagnostics/diff-bundles.ts'], limit: 4_000,
  words: tokens(['{', '}', '[', ']', '"', ':', ',', 'null', '1e999', '"__proto__":', '"files":[', '"recording":', '"findings":', '"sentence":', '"level":"problem"', '"evidence":[]', '\n---\n']),
  get seeds() {
    const finding = { level: 'problem', problem: 'a', cause: 'b', fix: 'c', who: 'd', tell: 'e', evidence: ['x'], against: [] };
    return [Buffer.concat([manifest(), Buffer.from(`\n---\n${JSON.stringify({ sentence: 'one', findings: [finding] })}`)]), manifest()];
  },
  run: async (input) => {
    const parts = Buffer.from(input).toString('latin1').split('\n---\n').map((text) => Buffer.from(text, 'latin1'));
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = parts;
    const read = await readBundle(forge([{ name: 'manifest.json', content: first, method: 0 }, { name: 'findings.json', content: second, method: 0 }]), nodeBundleTools);
    if (read.kind !== 'bundle') return;
    insist(read.bundle.files.every(({ name }) => typeof name === 'string') && Array.isArray(read.bundle.findings), 'what was opened can be shown');
    insist(diffBundles(read.bundle, read.bundle).length === 0, 'a bundle does not differ from itself');
  },
};

export const bundleTargets: readonly Target[] = [zip, documents];
