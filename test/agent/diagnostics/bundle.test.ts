// Real archives: read back with yauzl, unzip and Python; hashes, failing sources, planted secrets, limits.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { assembleBundle } from '../../../electron/agent/diagnostics/bundle.ts';
import { packBundle } from '../../../electron/agent/diagnostics/pack.ts';
import type { BundleOptions } from '../../../electron/agent/diagnostics/bundle.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import type { Recording } from '../../../electron/core/diagnostics/manifest.ts';
import { connections, now, snapshot } from '../../core/diagnostics/device-fixture.ts';
import { plantedSecrets } from '../../core/diagnostics/planted-secrets.ts';
import { bundleOptions, deviceSources, makeZip, sourceOf, type DeviceSources } from './sources.ts';

const run = promisify(execFile);
const [sampleRow] = connections as readonly [ConnectionRow, ...ConnectionRow[]];
let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'pinlight-bundle-')); });
afterAll(async () => { await rm(folder, { recursive: true, force: true }); });

async function bundle(replace: Partial<DeviceSources> = {}, options: Partial<BundleOptions> = {}) {
  const { zip, bundle: { manifest, key } } = await makeZip(deviceSources(replace), options);
  return { zip, manifest, key, files: await unpack(zip) };
}

async function unpack(zip: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const archive = await fromBufferPromise(zip);
  for await (const entry of archive.eachEntry()) files.set(entry.fileName, await buffer(await archive.openReadStreamPromise(entry)));
  return files;
}

function text(files: Map<string, Buffer>, name: string): string {
  return files.get(name)?.toString() ?? `no ${name}`;
}

const allFiles = [
  'manifest.json', 'report.html', 'status.json', 'health.json', 'doctor.json', 'policy-effective.json', 'apps.json', 'exclusions.json', 'trust-stores.json',
  'versions.json', 'system.json', 'network.json', 'tls-selftest.json', 'connections.ndjson', 'audit.ndjson', 'agent.log', 'findings.json',
];

describe('a whole bundle', () => {
  it('has every file, the manifest first and the report second, and hashes that match', async () => {
    const { manifest, files } = await bundle();
    expect([...files.keys()]).toEqual(allFiles);
    expect(JSON.parse(text(files, 'manifest.json'))).toEqual(manifest);
    expect(manifest.notCollected).toEqual([]);
    expect(manifest.files.map((file) => file.name)).toEqual(allFiles.slice(1));
    for (const file of manifest.files) {
      const bytes = files.get(file.name) ?? Buffer.alloc(0);
      expect([file.name, file.bytes, file.sha256]).toEqual([file.name, bytes.length, createHash('sha256').update(bytes).digest('hex')]);
    }
  });

  it('passes unzip -t and python3 -m zipfile -t, and unpacks as files only their owner may read', async () => {
    const path = join(folder, 'whole.zip');
    await writeFile(path, (await bundle()).zip);
    expect((await run('unzip', ['-t', path])).stdout).toContain('No errors detected');
    expect((await run('python3', ['-m', 'zipfile', '-t', path])).stdout).toContain('Done testing');
    expect((await run('unzip', ['-Z', path, 'manifest.json'])).stdout).toMatch(/^-rw------- /);
  });

  it('counts what was removed for each file and in sum', async () => {
    const { manifest, files } = await bundle();
    expect(manifest.files.find((file) => file.name === 'agent.log')?.redactions).toEqual({ home: 1 });
    expect(manifest.redactionCounts.home).toBeGreaterThan(3);
    expect(text(files, 'agent.log')).toContain('slow look-up in ~"');
    expect(text(files, 'report.html')).toContain(`${manifest.redactionCounts.home} × home`);
  });

  it('redacts what the doctor found like any other file, and says so where nobody ran it', async () => {
    const { manifest, files } = await bundle();
    expect(JSON.parse(text(files, 'doctor.json'))).toMatchObject({ ok: false, checks: [{ name: 'agent' }, { name: 'stores', text: 'The root is missing in nss:~/.pki/nssdb.' }, { name: 'internet' }] });
    expect(manifest.files.find((file) => file.name === 'doctor.json')?.redactions).toEqual({ home: 1 });
    const hidden = await bundle({}, { names: 'pseudonyms' });
    expect(text(hidden.files, 'doctor.json')).toMatch(/"host-[^"]+ was not reached yet\."/);
    const without = await assembleBundle(deviceSources(), { ...bundleOptions, doctor: null });
    expect(without.manifest.notCollected).toEqual([{ name: 'doctor.json', because: expect.stringContaining('the doctor was not run') }]);
  });

  it('lists each connection on a line of its own and facts about this system', async () => {
    const { files } = await bundle();
    const rows = text(files, 'connections.ndjson').trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(rows).toEqual(connections);
    expect(JSON.parse(text(files, 'system.json'))).toMatchObject({ system: process.platform, architecture: process.arch });
  });
});

describe('planted secrets', () => {
  it(`none of ${plantedSecrets.length} is in any file, wherever it was planted`, async () => {
    const all = plantedSecrets.map((planted) => planted.text);
    const warning = snapshot.warnings[0];
    const row = connections[0];
    if (warning === undefined || row === undefined) throw new Error('the fixture is empty');
    const { files, manifest } = await bundle({
      status: async () => ({ ...snapshot, warnings: all.map((planted) => ({ ...warning, text: planted, values: { message: planted } })) }),
      exclusions: async () => all.map((planted, i) => ({
        id: String(i), kind: 'user', host: 'a', appId: null, appName: planted, appHash: null, reason: planted, verdict: null, createdAt: 1, expiresAt: null,
      })),
      connections: sourceOf(all.map((planted, id) => ({ ...row, id, error: planted, serverName: planted, appPath: planted }))),
      versions: async () => Object.fromEntries(all.flatMap((planted, i) => [[planted, '1'], [String(i), planted]])),
      apps: () => Promise.reject(new Error(all.join('\n'))),
      logTail: async () => all.map((planted) => `${JSON.stringify({ msg: planted, inner: JSON.stringify({ planted }) })}\n${planted}\n`).join(''),
    });
    for (const [name, bytes] of files) {
      const content = bytes.toString();
      for (const planted of plantedSecrets) {
        for (const form of [planted.secret, JSON.stringify(planted.secret).slice(1, -1)]) {
          expect(content.includes(form), `${planted.where} in ${name}`).toBe(false);
        }
      }
    }
    expect(Object.values(manifest.redactionCounts).reduce((a, b) => a + b, 0)).toBeGreaterThan(300);
  });

  it('fields that nobody listed do not get in: a PEM beside the root, a command line on a row', async () => {
    const { zip, files } = await bundle({
      trust: async () => ({ root: { ...snapshot.agent.root, pem: 'planted pem' }, stores: [] }),
      connections: sourceOf(connections.map((row) => ({ ...row, commandLine: ['planted-command'], body: 'planted-body' }))),
    });
    expect(zip.length).toBeGreaterThan(0);
    for (const content of files.values()) expect(content.toString()).not.toMatch(/planted/);
  });
});

describe('sources that fail', () => {
  const names: readonly (readonly [keyof DeviceSources, readonly string[]])[] = [
    ['status', ['status.json', 'health.json']], ['policy', ['policy-effective.json']], ['apps', ['apps.json']], ['exclusions', ['exclusions.json']],
    ['trust', ['trust-stores.json']], ['versions', ['versions.json']], ['network', ['network.json']], ['selfTest', ['tls-selftest.json']], ['audit', ['audit.ndjson']], ['logTail', ['agent.log']],
  ];

  /** A source that does this, whatever it is asked. */
  const acting = (name: keyof DeviceSources, act: () => Promise<never>): Partial<DeviceSources> => ({ [name]: act });
  const logThrows = (message: string): Partial<DeviceSources> => {
    const fail = (): never => { throw new Error(message); };
    return { connections: { page: fail, count: fail } };
  };

  test.each(names)('%s throws: the rest is there and the manifest says why', async (name, lost) => {
    const { manifest, files } = await bundle(acting(name, () => { throw new Error(`no ${name} <b>today</b>`); }));
    expect([...files.keys()]).toEqual(allFiles.filter((file) => !lost.includes(file)));
    expect(manifest.notCollected).toEqual(lost.map((file) => ({ name: file, because: `it failed: no ${name} <b>today</b>` })));
    expect(text(files, 'report.html')).toContain(`${lost[0]} was not collected, because it failed: no ${name} &lt;b&gt;today&lt;/b&gt;.`);
  });

  it.each<'shown' | 'pseudonyms'>(['shown', 'pseudonyms'])('the log throws, names %s: the rest is there and the manifest says why', async (kept) => {
    const { manifest, files } = await bundle(logThrows('no log today'), { names: kept });
    expect([...files.keys()]).toEqual(allFiles.filter((file) => file !== 'connections.ndjson'));
    expect(manifest.notCollected).toEqual([{ name: 'connections.ndjson', because: 'it failed: no log today' }]);
  });

  test.each(names)('%s hangs: the rest is there after the limit', async (name, lost) => {
    const { manifest } = await bundle(acting(name, () => new Promise<never>(() => {})), { limitMs: 50 });
    expect(manifest.notCollected).toEqual(lost.map((file) => ({ name: file, because: 'it took longer than 0.05 s' })));
  });

  it('all fail: there is still a report and a manifest', async () => {
    const { manifest, files } = await bundle(Object.assign(logThrows('gone'), ...names.map(([name]) => acting(name, () => Promise.reject(new Error('gone'))))));
    expect([...files.keys()]).toEqual(['manifest.json', 'report.html', 'doctor.json', 'system.json', 'findings.json']);
    expect(manifest.notCollected).toHaveLength(12);
    expect(text(files, 'report.html')).toContain('cannot judge this device');
  });

  it('a source that answers something else than promised costs its own file only', async () => {
    const absent = await bundle({ apps: () => Promise.resolve(JSON.parse('null')), status: () => Promise.resolve(JSON.parse('null')) });
    expect(absent.manifest.notCollected.map((entry) => entry.name)).toEqual(['status.json', 'health.json', 'apps.json']);
    const odd = await bundle({ policy: () => Promise.resolve(JSON.parse('{"problems":[],"files":[]}')) });
    expect(odd.manifest.notCollected.map((entry) => entry.name)).toEqual(['report.html']);
    expect(odd.files.has('policy-effective.json')).toBe(true);
  });
});

describe('limits', () => {
  const plain: ConnectionRow = { ...sampleRow, startedAt: now, outcome: { kind: 'passed', data: true }, disposition: 'bypass', reason: { code: 'exclusion', detail: null } };
  const failed: ConnectionRow = { ...plain, outcome: { kind: 'refused', sign: 'alert', alert: 48 }, disposition: 'inspect', host: 'refused.example' };
  const day = 24 * 3_600_000;
  const many = (count: number, row: ConnectionRow): ConnectionRow[] => Array.from({ length: count }, () => row);
  const numbered = (rows: readonly ConnectionRow[]): ConnectionRow[] => rows.map((row, i) => ({ ...row, id: rows.length - i }));

  test.each<[string, readonly ConnectionRow[], Recording | null, number, string]>([
    ['a short log is there whole', many(3, plain), null, 3, 'all 3 connections'],
    ['the newest 2,500 of what went well', many(9_000, plain), null, 2_500, '2,500 of 9,000 connections: all 0 that failed in 7 days, the newest 2,500 of the rest'],
    ['a failure of yesterday behind 5,000 others, and none of last month',
      [...many(5_000, plain), ...many(2, { ...failed, startedAt: now - day }), ...many(2, { ...failed, startedAt: now - 30 * day })], null, 2_502,
      '2,502 of 5,004 connections: all 2 that failed in 7 days, the newest 2,500 of the rest'],
    ['a blocked one, and one whose server was not to be trusted',
      [...many(5_000, plain), { ...plain, disposition: 'block' }, { ...plain, reason: { code: 'upstream-invalid', detail: 'expired' } }], null, 2_502,
      '2,502 of 5,002 connections: all 2 that failed in 7 days, the newest 2,500 of the rest'],
    ['a recording whole, however long, and what failed beside it',
      [...many(3_000, plain), ...many(4_000, { ...plain, startedAt: now - day }), ...many(100, plain), { ...failed, startedAt: now - 2 * day }], { from: now - day, to: now - day + 1 }, 6_501,
      '6,501 of 7,101 connections: all 4,000 of the recording, all 1 that failed in 7 days, the newest 2,500 of the rest'],
    ['not more than 20,000 that failed', [...many(2_500, plain), ...many(20_300, failed)], null, 22_500,
      '22,500 of 22,800 connections: the newest 20,000 that failed in 7 days, the newest 2,500 of the rest'],
  ])('%s', { timeout: 30_000 }, async (_name, rows, recording, count, words) => {
    const { files, manifest } = await bundle({ connections: sourceOf(numbered(rows)) }, { recording });
    const ids = text(files, 'connections.ndjson').trimEnd().split('\n').map((line) => (JSON.parse(line) as ConnectionRow).id);
    expect(ids).toHaveLength(count);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    expect(manifest.files.find(({ name }) => name === 'connections.ndjson')?.holds).toBe(words);
    expect(text(files, 'report.html')).toContain(words);
  });

  it('what was read before the log stopped answering is kept, and the bundle says that there is more', async () => {
    const source = sourceOf(numbered(many(2_000, plain)));
    let asked = 0;
    const { files, manifest } = await bundle({ connections: { ...source, page: (...query) => {
      if ((asked += 1) > 3) throw new Error('too slow');
      return source.page(...query);
    } } });
    expect(text(files, 'connections.ndjson').trimEnd().split('\n')).toHaveLength(300);
    expect(manifest.files.find(({ name }) => name === 'connections.ndjson')?.holds).toContain('older ones did not fit');
  });

  it('hides the names of every row that is there, when the log stops answering while they are read', async () => {
    const rows = numbered(many(2_000, plain).map((row, i) => ({ ...row, host: `host${i}`, serverName: null })));
    const source = sourceOf(rows);
    let asked = 0;
    const { files } = await bundle({ connections: { ...source, page: (...query) => {
      if ((asked += 1) === 4) throw new Error('too slow');
      return source.page(...query);
    } } }, { names: 'pseudonyms' });
    const lines = text(files, 'connections.ndjson').trimEnd().split('\n').map((line) => JSON.parse(line) as ConnectionRow);
    expect(lines).toHaveLength(300);
    expect(lines.filter(({ host }) => !host.startsWith('host-'))).toEqual([]);
  });

  it('a log that was cut begins with a whole line', async () => {
    const line = `${JSON.stringify({ msg: 'x'.repeat(200) })}\n`;
    const long = `ssword":"plantedHalf"}\n${line.repeat(12_000)}`.slice(0, 3_000_000);
    const { files } = await bundle({ logTail: async () => long });
    const log = text(files, 'agent.log');
    expect(log.length).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(log.startsWith('{"msg":"x')).toBe(true);
    const exact = await bundle({ logTail: async (max) => `plantedHalf"}\n${line.repeat(12_000)}`.slice(0, max) });
    expect(text(exact.files, 'agent.log')).not.toContain('plantedHalf');
  });

  it('what would pass the total limit is named instead of packed', async () => {
    const { manifest, files } = await bundle({ logTail: async () => 'a line\n'.repeat(50_000) }, { maxBytes: 200_000 });
    expect(files.has('agent.log')).toBe(false);
    expect(manifest.notCollected).toEqual([{ name: 'agent.log', because: 'it has 350000 bytes and the bundle would grow beyond its limit' }]);
  });
});

describe('the work', () => {
  it('tells how far it is: sources first, then files, never backwards', async () => {
    const steps: [string, number, number][] = [];
    await assembleBundle(deviceSources(), bundleOptions, (phase, done, total) => steps.push([phase, done, total]));
    expect(steps[0]).toEqual(['collecting', 0, 12]);
    expect(steps.filter(([phase]) => phase === 'collecting').at(-1)).toEqual(['collecting', 12, 12]);
    expect(steps.at(-1)).toEqual(['redacting', 14, 14]);
    for (const [i, [phase, done]] of steps.entries()) expect(phase !== steps[i - 1]?.[0] || done > (steps[i - 1]?.[1] ?? 0)).toBe(true);
  });

  it('a reader that goes away in the middle of the download costs nobody anything', async () => {
    const made = await assembleBundle(deviceSources({ logTail: async () => Array.from({ length: 90_000 }, (_, i) => `line ${i * 7919}`).join('\n') }), bundleOptions);
    const stream = packBundle(made, null);
    stream.once('data', () => stream.destroy());
    await new Promise((done) => { stream.once('close', done); });
    expect((await unpack(await buffer(packBundle(made, null)))).size).toBe(allFiles.length);
  });
});
