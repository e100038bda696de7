// Real programs that connect to a real loopback server, named by what /proc and dpkg say about them. Linux only.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppIdentity } from '../../../electron/core/model.ts';
import { createAppIdentifier } from '../../../native/app-identity/index.ts';
import type { AppIdentifier, ProcessOwner } from '../../../native/app-identity/index.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { ProcessAttribution } from '../../../native/process-attribution/index.ts';
import { openLoopback, programOrSkip, realProgram, startClient, stopClient } from '../support/clients.ts';
import type { Loopback } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: app identity exists for Linux only so far');

describe.runIf(linux)('identify', () => {
  let server: Loopback;
  let attribution: ProcessAttribution;
  let identifier: AppIdentifier;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'identity-'));
    server = await openLoopback();
    attribution = createProcessAttribution();
    identifier = createAppIdentifier();
    writeFileSync(path.join(folder, 'sync.py'), 'import socket,sys,time\ns=socket.create_connection(("127.0.0.1",int(sys.argv[1])))\ntime.sleep(600)\n');
    writeFileSync(path.join(folder, 'app.mjs'), 'import net from "node:net";\nnet.connect(Number(process.argv[2]),"127.0.0.1").resume();setInterval(()=>{},1e6);\n');
    writeFileSync(path.join(folder, 'Client.java'), 'public class Client { public static void main(String[] a) throws Exception { new java.net.Socket("127.0.0.1", Integer.parseInt(a[0])).getInputStream().read(); } }\n');
  });
  afterAll(async () => {
    attribution.close();
    identifier.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** Starts the client, asks for its identity until its hash is there, stops it. */
  async function identityOf(command: string, args: readonly string[]): Promise<{ identity: AppIdentity; owner: ProcessOwner; again: unknown }> {
    const child = startClient(command, args, { cwd: folder });
    try {
      const { connection } = await server.next();
      const owner = await attribution.ownerOf(connection, 5000);
      if (owner.kind !== 'process') throw new Error(`no owner: ${owner.why}`);
      const start = performance.now();
      const first = await identifier.identify(owner);
      expect(performance.now() - start).toBeLessThan(2000); // 150 ms by its own clock, on a machine that may be busy
      await expect.poll(async () => (await identifier.identify(owner)).hash, { timeout: 20_000 }).not.toBeNull();
      const identity = await identifier.identify(owner);
      expect(identity.id).toBe(first.id);
      return { identity, owner, again: identifier.identify(owner) };
    } finally {
      await stopClient(child);
    }
  }

  const url = (): string => `https://127.0.0.1:${server.port}/`;
  test.each([
    ['curl', () => ['-s', url()], { name: 'curl', runtime: /openssl|gnutls/, perCallTrust: true }],
    ['wget', () => ['-q', '-t', '1', '-O', '/dev/null', url()], { name: 'wget', runtime: /gnutls|openssl/, perCallTrust: true }],
    ['openssl', () => ['s_client', '-connect', `127.0.0.1:${server.port}`], { name: 'openssl', runtime: /openssl/, perCallTrust: true }],
    ['gnutls-cli', () => ['-p', String(server.port), '127.0.0.1'], { name: 'gnutls-cli', runtime: /gnutls/, perCallTrust: true }],
  ] as const)('%s of the distribution is packaged, hashed and chooses its trust per call', async (program, args, expected) => {
    const file = programOrSkip(program);
    if (file === null) return;
    const { identity, owner, again } = await identityOf(file, args());
    expect(identity).toMatchObject({ name: expected.name, path: realProgram(file), script: null, signer: null, perCallTrust: expected.perCallTrust });
    expect(identity.runtime).toMatch(expected.runtime);
    expect(identity.hash).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'));
    expect(identity.id).toBe(createHash('sha256').update(`${realProgram(file)}\0\0${owner.uid}`).digest('hex').slice(0, 16));
    expect(again).toEqual(identity); // a value, no promise
    if (existsSync(`/var/lib/dpkg/info/${program}.md5sums`)) {
      expect(identity.package).toMatch(new RegExp(`^${program} \\S+$`));
      expect(identity.known).toBe(true);
    }
  });

  test('git\'s helper is named with the TLS library that its libcurl uses', async () => {
    const git = programOrSkip('git');
    if (git === null) return;
    const { identity } = await identityOf(git, ['ls-remote', url()]);
    expect(identity.name).toMatch(/^git-remote-http/);
    expect(identity).toMatchObject({ runtime: expect.stringMatching(/gnutls|openssl/), perCallTrust: false });
  });

  test('a script is told from its interpreter, and another content is another version', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    const first = await identityOf(python, ['-u', 'sync.py', String(server.port)]);
    expect(first.identity).toMatchObject({ name: 'python3 · sync.py', path: realProgram(python), script: path.join(folder, 'sync.py'), runtime: 'python', perCallTrust: false, known: false });
    const copy = readFileSync(path.join(folder, 'sync.py'), 'utf8');
    writeFileSync(path.join(folder, 'sync.py'), `${copy}# changed\n`);
    const second = await identityOf(python, ['-u', 'sync.py', String(server.port)]);
    expect(second.identity.id).toBe(first.identity.id);
    expect(second.identity.hash).not.toBe(first.identity.hash);
  });

  test('inline code has no script and chooses its trust per call', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    const { identity } = await identityOf(python, ['-c', readFileSync(path.join(folder, 'sync.py'), 'utf8'), String(server.port)]);
    expect(identity).toMatchObject({ name: 'python3', script: null, perCallTrust: true, known: false });
  });

  test('Node is named with its script, and two scripts are two apps', async () => {
    writeFileSync(path.join(folder, 'other.mjs'), readFileSync(path.join(folder, 'app.mjs')));
    const one = await identityOf(process.execPath, ['--enable-source-maps', './app.mjs', String(server.port)]);
    const two = await identityOf(process.execPath, ['other', String(server.port)].map((word) => (word === 'other' ? 'other.mjs' : word)));
    expect(one.identity).toMatchObject({ name: 'node · app.mjs', runtime: 'node', script: path.join(folder, 'app.mjs') });
    expect(two.identity.id).not.toBe(one.identity.id);
  });

  test('Java is named with its source file', async () => {
    const java = programOrSkip('java');
    if (java === null) return;
    const { identity } = await identityOf(java, ['Client.java', String(server.port)]);
    expect(identity).toMatchObject({ name: 'java · Client.java', runtime: 'java', path: realProgram(java), script: path.join(folder, 'Client.java'), perCallTrust: false });
  });

  test('a copy of a packaged program is not known', async () => {
    const curl = programOrSkip('curl');
    if (curl === null) return;
    const copy = path.join(folder, 'curl');
    copyFileSync(curl, copy);
    chmodSync(copy, 0o755);
    const { identity } = await identityOf(copy, ['-s', url()]);
    expect(identity).toMatchObject({ name: 'curl', path: copy, package: null, known: false });
  });

  test.each([
    ['chromium', '/usr/lib/chromium/chromium', 'chromium'],
    ['firefox', '/usr/lib/firefox-esr/firefox-esr', 'firefox'],
    ['go', '/usr/lib/go-1.19/bin/go', 'go'],
  ])('%s is told by its files alone when its process has ended', async (program, file, runtime) => {
    if (!existsSync(file)) {
      console.log(`skipped: ${program} is not installed`);
      return;
    }
    const owner: ProcessOwner = { kind: 'process', pid: 2 ** 30, uid: 1000, user: null, startedAt: 0, path: file, commandLine: [file], parents: [], sandbox: null };
    const identity = await identifier.identify(owner);
    expect(identity).toMatchObject({ path: file, script: null, runtime, perCallTrust: false });
  });

  test('an executable that is not there still gets an identity', async () => {
    const owner: ProcessOwner = { kind: 'process', pid: 2 ** 30, uid: 1000, user: 'x', startedAt: 1, path: '/nowhere/tool', commandLine: [], parents: [], sandbox: null };
    expect(await identifier.identify(owner)).toEqual({
      id: createHash('sha256').update('/nowhere/tool\0\x001000').digest('hex').slice(0, 16),
      name: 'tool', path: '/nowhere/tool', script: null, package: null, signer: null, hash: null, runtime: null, perCallTrust: false, known: false,
    });
  });
});
