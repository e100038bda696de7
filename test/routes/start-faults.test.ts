// What the disk and the machine may do to an agent, at its start and while it runs: worded, bounded, and traffic goes on where it can.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi, type TestContext } from 'vitest';
import { createControlClient, type ControlClient } from '../../electron/client/control-client.ts';
import { repository } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { fetchThrough } from './stage.ts';

const until = (condition: () => void | Promise<void>, timeout = 20_000): Promise<void> => vi.waitFor(condition, { timeout, interval: 50 });
const shop = 'shop.pinlight.test';

let authority: TestAuthority;
let origin: Origin;
let home: string;
let policyFile: string;
let running: ChildProcess[];

beforeAll(async () => {
  authority = createTestAuthority();
  origin = await startOrigin(authority, shop);
});
afterAll(async () => {
  await origin.close();
  authority.close();
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pinlight-home-'));
  policyFile = join(mkdtempSync(join(tmpdir(), 'pinlight-policy-')), 'policy.json');
  writeFileSync(policyFile, JSON.stringify(policy(0)));
  running = [];
});
afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
  }
  rmSync(home, { recursive: true, force: true });
  rmSync(dirname(policyFile), { recursive: true, force: true });
});

function policy(port: number): object {
  return {
    version: 1, defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', do: 'inspect' }],
    network: { port, localTargets: { [`${shop}:443`]: `127.0.0.1:${origin.port}` }, upstreamRoots: [authority.rootFile] },
  };
}

type Started = { kind: 'ready'; port: number; rootFile: string; child: ChildProcess; client: ControlClient } | { kind: 'ended'; code: number | null; err: string };

/** Starts an agent. `mount`: a file system put over the state folder in a mount namespace of its own; seen from here through /proc. */
function start(options: { mount?: string; policies?: string[] } = {}): Promise<Started> {
  const main = [process.execPath, join(repository, 'electron/agent/main.ts'), ...(options.policies ?? [policyFile]).flatMap((file) => ['--policy', file]), '--ready-json'];
  const [command = '', ...args] = options.mount === undefined ? main
    : ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o ${options.mount} none "$PINLIGHT_HOME" && exec "$@"`, 'sh', ...main];
  const child = spawn(command, args, { env: { ...process.env, PINLIGHT_HOME: home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return new Promise((done) => {
    let [out, err] = ['', ''];
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (!out.includes('\n')) return;
      const line = JSON.parse(out) as { proxy: string[]; root: string; control: string };
      const inside = (path: string): string => (options.mount === undefined ? path : `/proc/${child.pid}/root${path}`);
      done({
        kind: 'ready', port: Number(line.proxy[0]?.split(':').at(-1)), rootFile: inside(line.root), child,
        client: createControlClient({ controlPath: inside(line.control) }),
      });
    });
    child.once('close', (code) => done({ kind: 'ended', code, err }));
  });
}
function ready(started: Started): Extract<Started, { kind: 'ready' }> {
  if (started.kind === 'ended') throw new Error(`ended with ${started.code}: ${started.err}`);
  return started;
}
function ended(started: Started): Extract<Started, { kind: 'ended' }> {
  if (started.kind === 'ready') throw new Error('it started');
  return started;
}
async function inspected(agent: Extract<Started, { kind: 'ready' }>): Promise<boolean> {
  const seen = await fetchThrough(agent.port, `${shop}:443`, { ca: [readFileSync(agent.rootFile, 'utf8')] });
  expect(seen.text).toContain(`hello from ${shop}`);
  return seen.authorized;
}
async function passedUnread(agent: Extract<Started, { kind: 'ready' }>): Promise<boolean> {
  const seen = await fetchThrough(agent.port, `${shop}:443`, { ca: [authority.rootPem] });
  return seen.authorized && seen.text.includes(`hello from ${shop}`);
}
const warnings = async (client: ControlClient): Promise<string[]> => (await client.call('status', {}, {})).warnings.map(({ code }) => code);
function skipWithoutMounts(context: TestContext): void {
  if (process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0) return;
  console.log('skipped: a file system of its own needs root and unshare');
  context.skip();
}

test('a policy that is broken at the start is named with file and line, and the others count', async () => {
  const broken = join(home, 'broken.json');
  writeFileSync(broken, '{"version": 1,\n"rules": [}');
  const agent = ready(await start({ policies: [broken, policyFile] }));
  const { warnings: shown } = await agent.client.call('status', {}, {});
  expect(shown).toMatchObject([{ code: 'policy-invalid', severity: 'error' }]);
  expect(shown[0]?.text).toContain(`${broken}, line 2`);
  expect(await inspected(agent)).toBe(true);
});

test.each<[string, Buffer]>([['text', Buffer.from('no database at all, only text. '.repeat(200))], ['an empty header', Buffer.alloc(8_192)]])('a database that is %s is set aside and traffic is inspected', async (_, content) => {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'pinlight.db'), content);
  const agent = ready(await start());
  expect(await warnings(agent.client)).toEqual(['store-corrupt']);
  expect(readdirSync(home).some((name) => name.startsWith('pinlight.db.damaged-'))).toBe(true);
  expect(await inspected(agent)).toBe(true);
  await until(async () => expect((await agent.client.call('connections', {}, {})).rows).not.toEqual([]));
});

test('a database of a newer Pinlight stops the start in words', async () => {
  const first = ready(await start());
  const gone = new Promise((done) => first.child.once('exit', done));
  first.child.kill('SIGTERM');
  await gone;
  const file = openSync(join(home, 'pinlight.db'), 'r+');
  writeSync(file, Buffer.from([0, 0, 3, 231]), 0, 4, 60);
  closeSync(file);
  const { code, err } = ended(await start());
  expect(code).toBe(1);
  expect(err).toMatch(/newer Pinlight.*\[state-unusable\]\n.+\w/);
});

test.each(['root.key', 'root.pem'])('a spoilt %s: everything passes uninspected, in words, and no second root appears', async (name) => {
  const first = ready(await start());
  const gone = new Promise((done) => first.child.once('exit', done));
  first.child.kill('SIGTERM');
  await gone;
  writeFileSync(join(home, name), 'spoilt');
  const agent = ready(await start());
  expect(await warnings(agent.client)).toEqual(['root-unusable']);
  expect(await passedUnread(agent)).toBe(true);
  expect(readFileSync(join(home, name), 'utf8')).toBe('spoilt');
  expect((await agent.client.call('trust', {}, {})).root.pem).toBe('');
});

test('a port that is taken is an error that names who has it', async () => {
  const taken = net.createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  const { port } = taken.address() as net.AddressInfo;
  writeFileSync(policyFile, JSON.stringify(policy(port)));
  const { code, err } = ended(await start());
  taken.close();
  expect(code).toBe(1);
  expect(err).toContain(`port ${port} is held by ${process.execPath} (pid ${process.pid})`);
  expect(err).toMatch(/\[port-taken\]\n.+network\.port/);
});

test('two agents with two state folders and one port: the second names the first', async () => {
  const first = ready(await start());
  writeFileSync(policyFile, JSON.stringify(policy(first.port)));
  const other = home;
  home = mkdtempSync(join(tmpdir(), 'pinlight-home-'));
  const { err } = ended(await start());
  expect(err).toContain(`(pid ${first.child.pid})`);
  rmSync(home, { recursive: true, force: true });
  home = other;
});

test('a state folder that cannot be written stops the start in words, without a trace', async (context) => {
  skipWithoutMounts(context);
  const { code, err } = ended(await start({ mount: 'ro' }));
  expect(code).toBe(1);
  expect(err).toMatch(/\[state-unusable\]\n.+\w/);
  expect(err).not.toContain('    at ');
});

test('a state folder that is a file stops the start in words', async () => {
  rmSync(home, { recursive: true, force: true });
  writeFileSync(home, '');
  const { code, err } = ended(await start());
  expect(code).toBe(1);
  expect(err).toMatch(/\[state-unusable\]\n.+\w/);
});

test('a disk that is full at the start: either it runs, or it says in words that it cannot', async (context) => {
  skipWithoutMounts(context);
  const started = await start({ mount: 'size=8k' });
  if (started.kind === 'ready') expect(await passedUnread(started) || await inspected(started)).toBe(true);
  else {
    expect(started.code).toBe(1);
    expect(started.err).toMatch(/\[state-unusable\]\n.+\w/);
  }
});

test('a disk that fills up costs rows, not traffic; with space again the rows come back and the warning goes', { timeout: 90_000 }, async (context) => {
  skipWithoutMounts(context);
  const agent = ready(await start({ mount: 'size=8m' }));
  expect(await inspected(agent)).toBe(true);
  await until(async () => expect((await agent.client.call('connections', {}, {})).rows).toHaveLength(1));
  const seenFromHere = `/proc/${agent.child.pid}/root${home}`;
  const filler = join(seenFromHere, 'filler');
  const { bavail, bsize } = statfsSync(seenFromHere);
  writeFileSync(filler, Buffer.alloc(bavail * bsize));
  let visits = 0;
  await until(async () => {
    for (let i = 0; i < 20; i += 1) {
      expect(await inspected(agent)).toBe(true);
      visits += 1;
    }
    expect(await warnings(agent.client)).toContain('store-unwritable');
  }, 60_000);
  // Everything that only reads still answers.
  expect((await agent.client.call('connections', { limit: '1' }, {})).rows).toHaveLength(1);
  expect((await agent.client.call('policy', {}, {})).problems).toEqual([]);
  expect((await agent.client.call('addExclusion', {}, { host: 'kept.test', reason: 'while the disk is full' })).exclusion.id).toMatch(/^user-/);
  expect(await inspected(agent)).toBe(true);
  rmSync(filler);
  await until(async () => {
    await agent.client.call('connections', {}, {});
    expect(await warnings(agent.client)).not.toContain('store-unwritable');
  });
  expect((await agent.client.call('connections', { limit: '1000' }, {})).rows.length).toBeGreaterThanOrEqual(Math.min(visits, 1_000));
  expect(agent.child.exitCode).toBeNull();
});

test('a kill in the middle of writing leaves a store that opens, and the same root', { timeout: 60_000 }, async () => {
  let fingerprint = '';
  for (let round = 0; round < 5; round += 1) {
    const agent = ready(await start());
    const { agent: state, warnings: shown } = await agent.client.call('status', {}, {});
    expect(shown).toEqual([]);
    expect(fingerprint === '' || fingerprint === state.root.fingerprint).toBe(true);
    fingerprint = state.root.fingerprint;
    const visits = Array.from({ length: 10 }, () => inspected(agent).catch(() => null));
    await visits[0];
    const gone = new Promise((done) => agent.child.once('exit', done));
    agent.child.kill('SIGKILL');
    await gone;
    await Promise.all(visits);
  }
});
