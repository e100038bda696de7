// Which store a running program reads, asked while it waits on a real loopback connection. Linux only.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppIdentity, TrustView } from '../../../electron/core/model.ts';
import { createAppIdentifier } from '../../../native/app-identity/index.ts';
import type { AppIdentifier, ProcessOwner } from '../../../native/app-identity/index.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { ProcessAttribution } from '../../../native/process-attribution/index.ts';
import { createTrustProbe, judge } from '../../../native/trust-store/index.ts';
import type { TrustProbe } from '../../../native/trust-store/index.ts';
import { bareEnv, makeRoot, openLoopback, programOrSkip, realProgram, startClient, stopClient } from '../support/clients.ts';
import type { Loopback } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: the trust probe knows processes on Linux only so far');

function identity(program: string, runtime: AppIdentity['runtime']): AppIdentity {
  return { id: program, name: 'x', path: program, script: null, package: null, signer: null, hash: null, runtime, perCallTrust: false, known: false };
}

describe.runIf(linux)('viewOf', () => {
  let server: Loopback;
  let attribution: ProcessAttribution;
  let identifier: AppIdentifier;
  let probe: TrustProbe;
  let folder: string;
  let pem: string;
  const at = (...names: string[]): string => path.join(folder, ...names);
  const url = (): string => `https://127.0.0.1:${server.port}/`;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'view-'));
    const root = makeRoot(folder, 'root');
    pem = root.pemFile;
    mkdirSync(at('empty'));
    writeFileSync(at('c.mjs'), 'await fetch(process.argv[2]).catch(()=>{});');
    writeFileSync(at('c.py'), 'import urllib.request,sys\nurllib.request.urlopen(sys.argv[1])\n');
    writeFileSync(at('C.java'), 'public class C { public static void main(String[] a) throws Exception { new java.net.URL(a[0]).openStream(); } }');
    server = await openLoopback();
    attribution = createProcessAttribution();
    identifier = createAppIdentifier();
    probe = createTrustProbe({ rootDer: readFileSync(root.derFile), stateFolder: folder });
  });
  afterAll(async () => {
    attribution.close();
    identifier.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  async function viewOf(command: string, args: readonly string[], env: Record<string, string>): Promise<TrustView | null> {
    const child = startClient(command, args, { env: { ...bareEnv, HOME: folder, ...env }, cwd: folder });
    try {
      const { connection } = await server.next();
      const owner = await attribution.ownerOf(connection, 5000);
      if (owner.kind !== 'process') throw new Error(`no owner: ${owner.why}`);
      const app = await identifier.identify(owner);
      const view = await probe.viewOf(owner, app);
      const start = performance.now();
      const again = probe.viewOf(owner, app);
      expect(again).toEqual(view); // a value now, no promise
      expect(performance.now() - start).toBeLessThan(50);
      return view;
    } finally {
      await stopClient(child);
    }
  }

  test.each([
    ['curl reads the system store', 'curl', () => ['-s', url()], () => ({}), { store: 'system', holdsRoot: false }],
    ['curl reads the file of --cacert, relative to its folder', 'curl', () => ['-s', '--cacert', 'root.pem', url()], () => ({}), { store: 'root.pem', holdsRoot: true }],
    ['curl -k verifies nothing', 'curl', () => ['-sk', url()], () => ({}), { store: 'none', holdsRoot: null }],
    ['curl reads CURL_CA_BUNDLE', 'curl', () => ['-s', url()], () => ({ CURL_CA_BUNDLE: pem }), { holdsRoot: true, because: 'CURL_CA_BUNDLE names it' }],
    ['wget ignores SSL_CERT_FILE', 'wget', () => ['-q', '-t1', '-O', '/dev/null', url()], () => ({ SSL_CERT_FILE: pem }), { store: 'system', holdsRoot: false }],
    ['wget adds the file of its option', 'wget', () => ['-q', '-t1', '-O', '/dev/null', `--ca-certificate=${pem}`, url()], () => ({}), { holdsRoot: true }],
    ['openssl reads SSL_CERT_FILE', 'openssl', () => ['s_client', '-connect', `127.0.0.1:${server.port}`], () => ({ SSL_CERT_FILE: pem }), { holdsRoot: true }],
    ['openssl reads -CAfile', 'openssl', () => ['s_client', '-CAfile', pem, '-connect', `127.0.0.1:${server.port}`], () => ({}), { holdsRoot: true }],
    ['gnutls-cli reads its file', 'gnutls-cli', () => ['--x509cafile', pem, '-p', String(server.port), '127.0.0.1'], () => ({}), { holdsRoot: true }],
    ['gnutls-cli alone reads the system store', 'gnutls-cli', () => ['-p', String(server.port), '127.0.0.1'], () => ({}), { store: 'system', holdsRoot: false }],
    ['git reads GIT_SSL_CAINFO', 'git', () => ['ls-remote', url()], () => ({ GIT_SSL_CAINFO: pem }), { holdsRoot: true }],
    ['Python lacks the root by default', 'python3', () => ['c.py', url()], () => ({}), { store: 'system', holdsRoot: false }],
    ['Python reads SSL_CERT_FILE', 'python3', () => ['c.py', url()], () => ({ SSL_CERT_FILE: pem }), { store: expect.stringContaining('root.pem'), holdsRoot: true }],
    ['Python with another list for requests cannot be told', 'python3', () => ['c.py', url()], () => ({ SSL_CERT_FILE: pem, REQUESTS_CA_BUNDLE: '/dev/null' }), { holdsRoot: null }],
    ['Java lacks the root in its JDK', 'java', () => ['C.java', url()], () => ({}), { store: expect.stringMatching(/^java:\//), holdsRoot: false }],
  ] as const)('%s', async (_name, program, args, env, expected) => {
    const file = programOrSkip(program);
    if (file === null) return;
    expect(await viewOf(file, args(), env())).toMatchObject(expected);
  });

  test.each([
    ['Node lacks the root by default', [], () => ({}), { store: 'node-bundled', holdsRoot: false, because: 'NODE_EXTRA_CA_CERTS is not set' }],
    ['Node adds NODE_EXTRA_CA_CERTS', [], () => ({ NODE_EXTRA_CA_CERTS: pem }), { holdsRoot: true }],
    ['Node with the system store lacks a root that is not there', ['--use-system-ca'], () => ({}), { store: 'system', holdsRoot: false }],
    ['Node with OpenSSL\'s store reads SSL_CERT_FILE', ['--use-openssl-ca'], () => ({ SSL_CERT_FILE: pem }), { holdsRoot: true }],
  ] as const)('%s', async (_name, flags, env, expected) => {
    expect(await viewOf(process.execPath, [...flags, 'c.mjs', url()], env())).toMatchObject(expected);
  });

  test('Java reads the keystore of its property, with its password', async () => {
    const java = programOrSkip('java');
    const keytool = programOrSkip('keytool');
    if (java === null || keytool === null) return;
    const make = (store: string, type: string, password: string): void => {
      execFileSync(keytool, ['-importcert', '-noprompt', '-alias', 'a', '-file', pem, '-keystore', at(store), '-storetype', type, '-storepass', password], { stdio: 'ignore' });
    };
    make('t.jks', 'JKS', 'changeit');
    make('t.p12', 'PKCS12', 'other password');
    expect(await viewOf(java, [`-Djavax.net.ssl.trustStore=${at('t.jks')}`, 'C.java', url()], {})).toMatchObject({ store: `java:${at('t.jks')}`, holdsRoot: true, because: 'the command line names it' });
    const options = `-Djavax.net.ssl.trustStore=${at('t.p12')} "-Djavax.net.ssl.trustStorePassword=other password"`;
    expect(await viewOf(java, ['C.java', url()], { JAVA_TOOL_OPTIONS: options })).toMatchObject({ store: `java:${at('t.p12')}`, holdsRoot: true });
  });

  test('a Go program is told by its build id and reads SSL_CERT_FILE', async () => {
    const go = programOrSkip('go');
    if (go === null) return;
    writeFileSync(at('main.go'), 'package main\nimport ("net";"os";"time")\nfunc main() { c, _ := net.Dial("tcp", os.Args[1]); _ = c; time.Sleep(time.Hour) }\n');
    execFileSync(go, ['build', '-o', at('client'), at('main.go')], { stdio: 'ignore', timeout: 60_000, env: { ...bareEnv, HOME: folder, GOCACHE: at('gocache'), GOFLAGS: '-mod=mod', CGO_ENABLED: '0', GO111MODULE: 'off' } });
    const address = `127.0.0.1:${server.port}`;
    expect(await viewOf(at('client'), [address], { SSL_CERT_FILE: pem, SSL_CERT_DIR: at('empty') })).toMatchObject({ store: pem, holdsRoot: true });
    expect(await viewOf(at('client'), [address], {})).toMatchObject({ store: 'system', holdsRoot: false });
  }, 90_000);

  test('browsers: the database of the home folder and of the profile', async () => {
    const certutil = programOrSkip('certutil');
    if (certutil === null) return;
    for (const database of ['home/.local/share/pki/nssdb', 'profile']) {
      mkdirSync(at(database), { recursive: true });
      execFileSync(certutil, ['-N', '-d', `sql:${at(database)}`, '--empty-password'], { stdio: 'ignore', timeout: 30_000 });
      execFileSync(certutil, ['-A', '-d', `sql:${at(database)}`, '-n', 'root', '-t', 'C,,', '-i', pem], { stdio: 'ignore', timeout: 30_000 });
    }
    // A stand-in process with the right environment: the probe goes by path, arguments and environment, not by what the program does.
    const child = startClient('/bin/sleep', ['600'], { env: { ...bareEnv, HOME: at('home') } });
    const owner = (pathName: string, commandLine: readonly string[]): ProcessOwner => ({ kind: 'process', pid: child.pid ?? 0, uid: process.getuid?.() ?? 0, user: null, startedAt: Date.now() + 1000, path: pathName, commandLine, parents: [], sandbox: null });
    try {
      expect(await probe.viewOf(owner('/usr/lib/chromium/chromium', ['chromium']), identity('/usr/lib/chromium/chromium', 'chromium'))).toMatchObject({ store: `nss:${at('home')}`, holdsRoot: true });
      mkdirSync(at('home/.pki/nssdb'), { recursive: true });
      execFileSync(certutil, ['-N', '-d', `sql:${at('home/.pki/nssdb')}`, '--empty-password'], { stdio: 'ignore', timeout: 30_000 });
      expect(await probe.viewOf(owner('/usr/lib/chromium/chromium', ['chromium']), identity('/usr/lib/chromium/chromium', 'chromium'))).toMatchObject({ holdsRoot: false });
      const firefox = '/usr/lib/firefox-esr/firefox-esr';
      expect(await probe.viewOf(owner(firefox, [firefox, '--profile', at('profile')]), identity(firefox, 'firefox'))).toMatchObject({ store: `nss:${at('profile')}`, holdsRoot: true });
      expect(await probe.viewOf(owner(firefox, [firefox]), identity(firefox, 'firefox'))).toMatchObject({ holdsRoot: null, because: 'its profile is not known' });
    } finally {
      await stopClient(child);
    }
  });

  test('a process that has ended, and one whose kind is unknown', async () => {
    const app: AppIdentity = { id: 'a', name: 'curl', path: '/usr/bin/curl', script: null, package: null, signer: null, hash: null, runtime: 'openssl', perCallTrust: true, known: true };
    const owner: ProcessOwner = { kind: 'process', pid: 2 ** 30, uid: 0, user: null, startedAt: 0, path: '/usr/bin/curl', commandLine: ['curl'], parents: [], sandbox: null };
    expect(await probe.viewOf(owner, app)).toEqual({ store: 'system', holdsRoot: null, because: 'the process has ended', stale: false });
    expect(await probe.viewOf({ ...owner, path: realProgram('/bin/sleep') }, { ...app, runtime: null })).toBeNull();
  });
});

describe('judge', () => {
  const choice = { store: 's', places: [], because: 'b', untellable: false, loadsOnce: true, alternative: null };
  test.each([
    ['an old store that holds the root', choice, { holds: true, changedAt: 5 }, null, true],
    ['a store changed after the program had started', choice, { holds: true, changedAt: 1500 }, null, null],
    ['a store changed since that lacks the root', choice, { holds: false, changedAt: 1500 }, null, false],
    ['the same for a program that reads it anew each time', { ...choice, loadsOnce: false }, { holds: true, changedAt: 1500 }, null, true],
    ['a store that cannot be read', choice, { holds: null, changedAt: 5 }, null, null],
    ['two stores that agree', choice, { holds: false, changedAt: 5 }, { holds: false, changedAt: 5 }, false],
    ['two stores that differ', choice, { holds: true, changedAt: 5 }, { holds: false, changedAt: 5 }, null],
    ['a program that verifies nothing', { ...choice, untellable: true }, { holds: true, changedAt: 5 }, null, null],
  ])('%s', (_name, given, main, other, expected) => {
    expect(judge(given, main, other, 10).holdsRoot).toBe(expected);
  });

  test('only a store that got the root after the program had loaded it is stale', () => {
    const stale = (given: typeof choice, holds: boolean, changedAt: number): boolean => judge(given, { holds, changedAt }, null, 10).stale;
    expect([stale(choice, true, 1500), stale(choice, true, 5), stale(choice, false, 1500), stale({ ...choice, loadsOnce: false }, true, 1500)]).toEqual([true, false, false, false]);
  });
});
