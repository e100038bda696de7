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
import type { BundleOptions, BundleSources } from '../../../electron/agent/diagnostics/bundle.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { connections, snapshot } from '../../core/diagnostics/device-fixture.ts';
import { plantedSecrets } from '../../core/diagnostics/planted-secrets.ts';
import { bundleOptions, deviceSources, makeZip } from './sources.ts';

const run = promisify(execFile);
let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'pinlight-bundle-')); });
afterAll(async () => { await rm(folder, { recursive: true, force: true }); });

async function bundle(replace: Partial<BundleSources> = {}, options: Partial<BundleOptions> = {}) {
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
  'versions.json', 'system.json', 'network.json', 'connections.ndjson', 'audit.ndjson', 'agent.log', 'findings.json',
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
    const hidden = await assembleBundle(deviceSources(), { ...bundleOptions, names: 'pseudonyms' });
    expect(hidden.files.find(({ name }) => name === 'doctor.json')?.bytes.toString()).toMatch(/"host-[^"]+ was not reached yet\."/);
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
      connections: async () => all.map((planted, id) => ({ ...row, id, error: planted, serverName: planted, appPath: planted })),
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
      connections: async () => connections.map((row) => ({ ...row, commandLine: ['planted-command'], body: 'planted-body' })),
    });
    expect(zip.length).toBeGreaterThan(0);
    for (const content of files.values()) expect(content.toString()).not.toMatch(/planted/);
  });
});

describe('sources that fail', () => {
  const names: readonly (readonly [keyof BundleSources, readonly string[]])[] = [
    ['status', ['status.json', 'health.json']], ['policy', ['policy-effective.json']], ['apps', ['apps.json']], ['exclusions', ['exclusions.json']],
    ['connections', ['connections.ndjson']], ['trust', ['trust-stores.json']], ['versions', ['versions.json']], ['audit', ['audit.ndjson']], ['logTail', ['agent.log']],
  ];

  test.each(names)('%s throws: the rest is there and the manifest says why', async (name, lost) => {
    const { manifest, files } = await bundle({ [name]: () => { throw new Error(`no ${name} <b>today</b>`); } });
    expect([...files.keys()]).toEqual(allFiles.filter((file) => !lost.includes(file)));
    expect(manifest.notCollected).toEqual(lost.map((file) => ({ name: file, because: `it failed: no ${name} <b>today</b>` })));
    expect(text(files, 'report.html')).toContain(`${lost[0]} was not collected, because it failed: no ${name} &lt;b&gt;today&lt;/b&gt;.`);
  });

  test.each(names)('%s hangs: the rest is there after the limit', async (name, lost) => {
    const { manifest } = await bundle({ [name]: () => new Promise<never>(() => {}) }, { collectorLimitMs: 50 });
    expect(manifest.notCollected).toEqual(lost.map((file) => ({ name: file, because: 'it took longer than 0.05 s' })));
  });

  it('all fail: there is still a report and a manifest', async () => {
    const { manifest, files } = await bundle(Object.fromEntries(names.map(([name]) => [name, () => Promise.reject(new Error('gone'))])));
    expect([...files.keys()]).toEqual(['manifest.json', 'report.html', 'doctor.json', 'system.json', 'network.json', 'findings.json']);
    expect(manifest.notCollected).toHaveLength(10);
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
  it('takes 2,500 connections of an endless source and closes it', async () => {
    let closed = false;
    const first = connections[0];
    if (first === undefined) throw new Error('the fixture is empty');
    async function* endless(row: ConnectionRow): AsyncGenerator<ConnectionRow> {
      try {
        for (;;) yield row;
      } finally {
        closed = true;
      }
    }
    const { files } = await bundle({ connections: async () => endless(first) });
    expect(text(files, 'connections.ndjson').trimEnd().split('\n')).toHaveLength(2_500);
    expect(closed).toBe(true);
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

it('lets the proxy work in between: no turn of the loop takes longer than half a second', async () => {
  const first = connections[0];
  if (first === undefined) throw new Error('the fixture is empty');
  const line = `${JSON.stringify({ level: 30, msg: 'connection 17 from curl to https://a.example/x?y=1 was bypassed', path: '/home/ann/x' })}\n`;
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await bundle({ connections: async () => Array.from({ length: 5_000 }, () => first), logTail: async (max) => line.repeat(max / line.length) });
  clearInterval(timer);
  expect(longest).toBeLessThan(500);
});

describe('the work', () => {
  it('tells how far it is: sources first, then files, never backwards', async () => {
    const steps: [string, number, number][] = [];
    await assembleBundle(deviceSources(), { ...bundleOptions, onProgress: (phase, done, total) => steps.push([phase, done, total]) });
    expect(steps[0]).toEqual(['collecting', 0, 11]);
    expect(steps.filter(([phase]) => phase === 'collecting').at(-1)).toEqual(['collecting', 11, 11]);
    expect(steps.at(-1)).toEqual(['redacting', 13, 13]);
    for (const [i, [phase, done]] of steps.entries()) expect(phase !== steps[i - 1]?.[0] || done > (steps[i - 1]?.[1] ?? 0)).toBe(true);
  });

  it('ends at the next step when it is cancelled, with rows still to do', async () => {
    const ended = new AbortController();
    const first = connections[0];
    if (first === undefined) throw new Error('the fixture is empty');
    let last = 0;
    const making = assembleBundle(deviceSources({ connections: async () => Array.from({ length: 5_000 }, () => first) }), {
      ...bundleOptions, signal: ended.signal, onProgress: (phase, done) => {
        last = done;
        if (phase === 'redacting' && done === 9) ended.abort();
      },
    });
    await expect(making).rejects.toMatchObject({ name: 'AbortError' });
    expect(last).toBe(9);
  });

  it('a reader that goes away in the middle of the download costs nobody anything', async () => {
    const made = await assembleBundle(deviceSources({ logTail: async () => Array.from({ length: 90_000 }, (_, i) => `line ${i * 7919}`).join('\n') }), bundleOptions);
    const stream = packBundle(made, null);
    stream.once('data', () => stream.destroy());
    await new Promise((done) => { stream.once('close', done); });
    expect((await unpack(await buffer(packBundle(made, null)))).size).toBe(allFiles.length);
  });
});
