// The root key of a user's own agent under the session's keyring: a real bus and GNOME's real keyring, unlocked, locked, missing and stuck; and whole
// agents that come up with the same root, or inspect nothing and wait, but never make a second one.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import type { CliContext } from '../../../electron/cli/context.ts';
import { uninstallSteps, type StepResult } from '../../../electron/cli/uninstall-steps.ts';
import { fileModeOnly, type SealResult, type SecretStore } from '../../../electron/core/ca/secret-store.ts';
import { openSecretStore } from '../../../native/secret-store/index.ts';
import { secretServiceStore, sessionBus } from '../../../native/secret-store/secret-service.ts';
import { fetchThrough } from '../../routes/stage.ts';
import { repository, startTestAgent, type TestAgent } from '../../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../../support/origins.ts';
import { missingForSession, startSession, type Session } from './session.ts';

const onLinux = process.platform === 'linux';
const uid = process.geteuid?.() ?? -1;
const possible = onLinux && missingForSession === null;
if (!possible) console.log(`skipped: ${onLinux ? `${missingForSession} is missing` : 'not Linux'}, so no root key is sealed under a real keyring`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-keyring-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const secret = Buffer.from('the key');
const storeAt = (address: string): SecretStore => secretServiceStore({ folder, uid, env: { DBUS_SESSION_BUS_ADDRESS: address } });
const bytesOf = (result: SealResult): Uint8Array => {
  if (result.kind === 'unavailable') throw new Error(result.why);
  return result.bytes;
};
const unavailable = (why: string): object => ({ kind: 'unavailable', why: expect.stringContaining(why) });

describe.runIf(onLinux)('which bus is asked', () => {
  let server: net.Server;
  let socket: string;
  let clients: net.Socket[];
  beforeEach(async () => {
    socket = join(folder, 'bus');
    clients = [];
    server = net.createServer((client) => clients.push(client));
    await new Promise<void>((done) => server.listen(socket, done));
  });
  afterEach(async () => {
    const closed = new Promise((done) => server.close(done));
    for (const client of clients) client.destroy();
    await closed;
  });

  test('a socket of this user', () => expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket},guid=00` }, uid)).toBe(`unix:path=${socket}`));
  test('with bytes escaped as D-Bus does', () => expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket.replace('bus', '%62us')}` }, uid)).not.toBeNull());
  test.runIf(uid === 0)('not another user\'s, as in an environment that sudo kept', () => {
    chownSync(socket, 65_534, 65_534);
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }, uid)).toBeNull();
  });
  test.each<readonly [string, () => string]>([
    ['that is switched off', () => 'disabled:'], ['without an address', () => ''], ['that is not there', () => `unix:path=${join(folder, 'none')}`], ['that is a folder', () => `unix:path=${folder}`],
    ['of no file', () => 'unix:abstract=/tmp/bus'], ['over the network', () => 'tcp:host=127.0.0.1,port=1'], ['with a broken escape', () => 'unix:path=/tmp/%zz'],
  ])('not one %s', (_name, address) => expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: address() }, uid)).toBeNull());
  test('without an address in the environment, the one of the user\'s manager; a user that is not signed in has none', () => expect(sessionBus({}, 4_000_000)).toBeNull());

  test('without a bus nothing is asked: sealing, opening, trying again and forgetting say so', async () => {
    const store = storeAt('disabled:');
    expect(store.seal(secret)).toMatchObject(unavailable('no session bus'));
    expect(store.open(secret)).toMatchObject(unavailable('no session bus'));
    expect(await store.ready?.()).toBe(false);
    expect([store.forget(false), store.forget(true)]).toEqual([null, expect.stringContaining('no session bus')]);
  });
  test('a service never asks one', () => expect(openSecretStore({ folder, env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }, service: true })).toBeNull());
  test('one that accepts and says nothing is given up after 3 s, and nobody waits for it again', async () => {
    const store = storeAt(`unix:path=${socket}`);
    const began = performance.now();
    expect(store.open(secret)).toMatchObject(unavailable('no answer'));
    expect(performance.now() - began).toBeGreaterThan(2_900);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(childrenOf(process.pid)).not.toContain('secret-service-child');
    await vi.waitFor(() => expect(clients.length).toBeGreaterThan(0), 10_000);
    const asked = clients.length;
    // A next root is made, sealed and read, and sealed again: each would be 3 s on the proxy's thread.
    for (const result of [store.seal(secret), store.open(secret)]) expect(result).toMatchObject(unavailable('no answer'));
    await new Promise((done) => setTimeout(done, 200));
    expect(clients.length).toBe(asked);
    expect(await store.ready?.()).toBe(false);
    expect(clients.length).toBeGreaterThan(asked);
    expect(childrenOf(process.pid)).not.toContain('secret-service-child');
  }, 40_000);
});

function childrenOf(pid: number): string {
  return spawnSync('ps', ['--ppid', String(pid), '-o', 'args='], { encoding: 'utf8' }).stdout;
}

describe.runIf(possible)('a keyring', () => {
  let session: Session;
  beforeAll(async () => {
    session = await startSession(true);
  });
  afterAll(() => session.end());
  const store = (): SecretStore => storeAt(session.env.DBUS_SESSION_BUS_ADDRESS);

  test('unlocked: sealed without the secret in it, opened by a later one under the one entry, and forgotten', async () => {
    await session.keyring('unlocked');
    const sealed = bytesOf(store().seal(secret));
    expect(Buffer.from(sealed).includes(secret)).toBe(false);
    const entry = session.entry(folder);
    expect(entry).toMatch(/^[0-9a-f]{64}$/);
    const other = bytesOf(store().seal(Buffer.from('the next key')));
    expect(session.entry(folder)).toBe(entry);
    await session.keyring('unlocked');
    expect(Buffer.from(bytesOf(store().open(sealed)))).toEqual(secret);
    expect(Buffer.from(bytesOf(store().open(other))).toString()).toBe('the next key');
    expect(await store().ready?.()).toBe(true);
    expect(store().forget(true)).toBeNull();
    expect(session.entry(folder)).toBe('');
    expect(store().forget(true)).toBeNull();
    expect(store().open(sealed)).toMatchObject(unavailable('shows no key'));
    expect(await store().ready?.()).toBe(false);
  });
  test('unlocked, with something else as our entry: neither used nor replaced', async () => {
    await session.keyring('unlocked');
    spawnSync('secret-tool', ['store', '--label=x', 'service', 'Pinlight root key', 'username', folder], { env: { ...process.env, ...session.env }, input: 'no key' });
    expect(store().seal(secret)).toMatchObject(unavailable('no key'));
    expect(session.entry(folder)).toBe('no key');
    expect(store().forget(true)).toBeNull();
  });
  test('locked: worded, no dialogue, no second key; what cannot be removed is said; unlocked, it opens', async () => {
    await session.keyring('unlocked');
    const sealed = bytesOf(store().seal(secret));
    const entry = session.entry(folder);
    await session.keyring('locked');
    for (const result of [store().open(sealed), store().seal(secret)]) expect(result).toMatchObject(unavailable('is locked'));
    expect(await store().ready?.()).toBe(false);
    expect(store().forget(true)).toMatch(/^the entry "Pinlight root key".*locked/);
    await session.keyring('unlocked');
    expect(session.entry(folder)).toBe(entry);
    expect(Buffer.from(bytesOf(store().open(sealed)))).toEqual(secret);
    expect(store().forget(true)).toBeNull();
  });
  test('locked and without an entry: nothing is stored and no dialogue opens', async () => {
    await session.keyring('unlocked');
    await session.keyring('locked');
    expect(store().seal(secret)).toMatchObject(unavailable('is locked'));
    expect(store().forget(false)).toBeNull();
    await session.keyring('unlocked');
    expect(session.entry(folder)).toBe('');
    expect(session.said()).not.toContain('Prompter');
  });
  test('stuck at first: given up, and used once it answers', async () => {
    await session.keyring('unlocked');
    let stuck = true;
    const through = net.createServer((client) => {
      client.on('error', () => undefined);
      if (stuck) return;
      const bus = net.connect(/unix:path=([^,]+)/.exec(session.env.DBUS_SESSION_BUS_ADDRESS)?.[1] ?? '');
      bus.on('error', () => undefined).pipe(client).pipe(bus);
    });
    await new Promise<void>((done) => through.listen(join(folder, 'through'), done));
    const late = storeAt(`unix:path=${join(folder, 'through')}`);
    const sealed = bytesOf(store().seal(secret));
    expect(late.open(sealed)).toMatchObject(unavailable('no answer'));
    stuck = false;
    expect(late.open(sealed)).toMatchObject(unavailable('no answer'));
    expect(await late.ready?.()).toBe(true);
    expect(Buffer.from(bytesOf(late.open(sealed)))).toEqual(secret);
    expect(store().forget(true)).toBeNull();
    through.close();
  }, 40_000);
  test('another state folder of the user has an entry of its own', async () => {
    await session.keyring('unlocked');
    const sealed = bytesOf(store().seal(secret));
    const other = secretServiceStore({ folder: `${folder}/other`, uid, env: session.env });
    expect(other.open(sealed)).toMatchObject(unavailable('shows no key'));
    bytesOf(other.seal(secret));
    expect(other.forget(true)).toBeNull();
    expect(session.entry(folder)).not.toBe('');
    expect(store().forget(true)).toBeNull();
  });
});

describe.runIf(possible)('uninstalling', () => {
  let session: Session;
  beforeAll(async () => {
    session = await startSession(true);
    for (const [name, value] of Object.entries(session.env)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await session.end();
  });
  const removeFiles = (): Promise<StepResult> => {
    vi.stubEnv('PINLIGHT_HOME', folder);
    const step = uninstallSteps.find(({ name }) => name === 'files');
    if (step === undefined) throw new Error('no such step');
    return step.run({} as CliContext, []);
  };
  const seal = (): void => expect(loadAuthority(folder, 'd', Date.now(), storeAt(session.env.DBUS_SESSION_BUS_ADDRESS))).toMatchObject({ authority: { keyProtection: expect.stringContaining('keyring') } });

  test('takes the entry away with the files', async () => {
    await session.keyring('unlocked');
    seal();
    expect(session.entry(folder)).not.toBe('');
    expect(await removeFiles()).toMatchObject({ done: 'removed', left: [] });
    expect(session.entry(folder)).toBe('');
  });
  test('says what a locked keyring keeps, and takes it away when run again', async () => {
    await session.keyring('unlocked');
    seal();
    await session.keyring('locked');
    expect(await removeFiles()).toMatchObject({ done: 'in part', left: [expect.stringMatching(/"Pinlight root key".*locked/)] });
    await session.keyring('unlocked');
    expect(await removeFiles()).toMatchObject({ left: [] });
    expect(session.entry(folder)).toBe('');
  });
  test('has nothing to say of a keyring where the key lay plain', async () => {
    vi.stubEnv('DBUS_SESSION_BUS_ADDRESS', 'disabled:');
    loadAuthority(folder, 'd', Date.now());
    expect(await removeFiles()).toMatchObject({ done: 'removed', left: [] });
  });
});

describe.runIf(possible)('a bus on which nobody keeps secrets', () => {
  let bare: Session;
  beforeAll(async () => {
    bare = await startSession(false);
  });
  afterAll(() => bare.end());
  const store = (): SecretStore => storeAt(bare.env.DBUS_SESSION_BUS_ADDRESS);

  test('a first root lies plain, and its words say so', () => {
    const made = loadAuthority(join(folder, 'state'), 'd', Date.now(), store());
    expect(made).toMatchObject({ kind: 'authority', authority: { keyProtection: fileModeOnly.words } });
    expect(store().forget(false)).toBeNull();
  });
  test('a sealed one cannot be opened: said, and nothing is made anew', () => {
    expect(store().open(secret)).toMatchObject(unavailable('org.freedesktop.secrets was not provided'));
    expect(store().forget(true)).toMatch(/was not provided/);
  });
});

describe.runIf(possible)('an agent', () => {
  const shop = 'shop.pinlight.test';
  const bundled = join(repository, 'build/out/agent/main.mjs');
  const hasBundle = existsSync(join(repository, 'build/out/agent/secret-service-child.mjs'));
  if (!hasBundle) console.log('skipped: the bundled agent is not built (`npm run build`), so only the sources were started under a keyring');
  let authority: TestAuthority;
  let origin: Origin;
  let session: Session;
  let agents: TestAgent[];
  beforeAll(async () => {
    authority = createTestAuthority();
    origin = await startOrigin(authority, shop);
  });
  afterAll(async () => {
    await origin.close();
    authority.close();
  });
  beforeEach(async () => {
    session = await startSession(true);
    agents = [];
    mkdirSync(join(folder, 'state'));
  });
  afterEach(async () => {
    for (const agent of agents) await agent.stop();
    await session.end();
  });

  const file = (name: string): string => readFileSync(join(folder, 'state', name), 'latin1');
  const start = async (env: Record<string, string> = session.env, main?: string): Promise<TestAgent> => {
    const policy = { defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', do: 'inspect' }], network: { localTargets: { [`${shop}:443`]: `127.0.0.1:${origin.port}` }, upstreamRoots: [authority.rootFile] } };
    const agent = await startTestAgent(policy, { home: join(folder, 'state'), env, ...(main === undefined ? {} : { main }) });
    agents.push(agent);
    return agent;
  };
  const restart = async (agent: TestAgent, ...args: Parameters<typeof start>): Promise<TestAgent> => {
    await agent.stop();
    return start(...args);
  };
  const rootOf = async (agent: TestAgent) => (await agent.client.call('trust', {}, {})).root;
  const warnings = async (agent: TestAgent): Promise<string[]> => (await agent.client.call('status', {}, {})).warnings.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  const isInspected = async (agent: TestAgent): Promise<boolean> => {
    const seen = await fetchThrough(agent.proxyPort, `${shop}:443`, { ca: [readFileSync(agent.rootFile, 'utf8')] });
    expect(seen.text).toContain(`hello from ${shop}`);
    return seen.authorized;
  };
  /** Neither as text nor as PKCS#8, whose inside names the curve (prime256v1). */
  const showsNoKey = (): boolean => {
    const [first, body = ''] = file('root.key').split('\n');
    const curve = Buffer.from('06082a8648ce3d030107', 'hex');
    return first === 'pinlight-sealed secret-service' && !file('root.key').includes('PRIVATE KEY') && !Buffer.from(body, 'base64').includes(curve) && !Buffer.from(file('root.key'), 'latin1').includes(curve);
  };

  test.each([['from its sources', undefined], ...(hasBundle ? [['bundled', bundled] as const] : [])] as const)('%s: no key can be read off the disk, the same root after a restart, inspected with it', async (_name, main) => {
    await session.keyring('unlocked');
    const first = await start(session.env, main);
    const made = await rootOf(first);
    expect(showsNoKey()).toBe(true);
    expect(made.keyProtection).toContain('keyring of the session');
    expect(await isInspected(first)).toBe(true);
    const again = await restart(first, session.env, main);
    expect((await rootOf(again)).fingerprint).toBe(made.fingerprint);
    expect(await warnings(again)).toEqual([]);
    expect(await isInspected(again)).toBe(true);
    expect(session.said()).not.toContain('Prompter');
  });
  test('with a key that lies plain: sealed at the next start with a keyring, and the root stays', async () => {
    const plain = await start({ DBUS_SESSION_BUS_ADDRESS: 'disabled:' });
    const made = await rootOf(plain);
    expect(made.keyProtection).toBe(fileModeOnly.words);
    await session.keyring('unlocked');
    const sealed = await restart(plain);
    expect(await rootOf(sealed)).toMatchObject({ fingerprint: made.fingerprint, keyProtection: expect.stringContaining('keyring') });
    expect(showsNoKey()).toBe(true);
  });
  test('with the keyring locked, or without a session: nothing is inspected, no root is made; unlocked, it inspects without a new start', async () => {
    await session.keyring('unlocked');
    const first = await start();
    const { fingerprint } = await rootOf(first);
    const before = [file('root.key'), file('root.pem')];
    await session.keyring('locked');
    const locked = await restart(first);
    expect(await warnings(locked)).toEqual(['root-locked']);
    expect((await rootOf(locked)).fingerprint).toBe('');
    expect(await isInspected(locked)).toBe(false);
    const without = await restart(locked, { DBUS_SESSION_BUS_ADDRESS: 'disabled:' });
    expect(await warnings(without)).toEqual(['root-locked']);
    const waiting = await restart(without);
    expect([file('root.key'), file('root.pem')]).toEqual(before);
    await session.keyring('unlocked');
    // Asking for the root looks at once; by itself the agent looks every minute.
    expect((await rootOf(waiting)).fingerprint).toBe(fingerprint);
    expect(await warnings(waiting)).toEqual([]);
    expect(await isInspected(waiting)).toBe(true);
    expect(session.said()).not.toContain('Prompter');
  }, 60_000);
  test('writes the wrapping key nowhere', async () => {
    await session.keyring('unlocked');
    await start();
    const key = session.entry(join(folder, 'state'));
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    for (const name of ['agent.log', 'root.key']) expect(file(name)).not.toContain(key);
  });
});
