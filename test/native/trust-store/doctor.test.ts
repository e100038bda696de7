// The doctor on stores that are in a bad way, in a home of its own: each is worded, the rest goes on, nothing of the person's is lost.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDoctor } from '../../../native/trust-store/doctor.ts';
import type { DoctorRow } from '../../../native/trust-store/doctor.ts';
import { programOrSkip } from '../support/clients.ts';
import { makeAuthority, makeNssDatabase } from '../support/store-room.ts';

const certutil = programOrSkip('certutil');
const keytool = programOrSkip('keytool');
const javaCacerts = '/etc/ssl/certs/java/cacerts';

let folder: string;
let pem: string;
const at = (...names: string[]): string => path.join(folder, ...names);
const nss = (): string => at('home/.pki/nssdb');
const profile = (): string => at('home/.mozilla/firefox/p');

beforeEach(() => {
  folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'doctor-'));
  for (const name of ['home', 'state']) mkdirSync(at(name), { mode: 0o700 });
  pem = makeAuthority(at('state')).certificatePem;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type How = { readonly only: readonly string[]; readonly verb: 'status' | 'install' | 'remove'; readonly PATH?: string; readonly rootPem?: string; readonly password?: string };

async function doctor({ only, verb, PATH = '/usr/bin:/bin', rootPem = pem, password = 'changeit' }: How): Promise<readonly DoctorRow[]> {
  const javaHome = process.env['JAVA_HOME'];
  process.env['JAVA_HOME'] = at('jdk');
  try {
    const opened = await openDoctor({
      stateFolder: at('state'), roots: [rootPem], home: at('home'), env: { PATH, HOME: at('home') }, only, storePassword: password, now: () => 1_000, onProgress: () => undefined,
    });
    if (opened.kind !== 'doctor') throw new Error(`${opened.kind}: ${opened.why}`);
    try {
      return verb === 'status' ? await opened.doctor.status() : await opened.doctor[verb]({ dryRun: false });
    } finally {
      opened.doctor.close();
    }
  } finally {
    if (javaHome === undefined) delete process.env['JAVA_HOME'];
    else process.env['JAVA_HOME'] = javaHome;
  }
}

function makeProfile(): void {
  makeNssDatabase(profile());
  writeFileSync(at('home/.mozilla/firefox/profiles.ini'), '[Profile0]\nName=p\nIsRelative=1\nPath=p\n');
}

function makeJdk(): string {
  mkdirSync(at('jdk/lib/security'), { recursive: true });
  cpSync(javaCacerts, at('jdk/lib/security/cacerts'), { dereference: true });
  return at('jdk/lib/security/cacerts');
}

describe.skipIf(certutil === null)('NSS databases', () => {
  test('installed, installed again without a change, removed; another certificate in it stays', async () => {
    makeNssDatabase(nss());
    const other = makeAuthority(at('other'));
    writeFileSync(at('corp.pem'), execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=Corp'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    execFileSync('certutil', ['-A', '-d', `sql:${nss()}`, '-n', 'Corp', '-t', 'C,,', '-i', at('corp.pem')]);
    execFileSync('certutil', ['-A', '-d', `sql:${nss()}`, '-n', 'an old one', '-t', 'C,,', '-a'], { input: other.certificatePem });
    expect(await doctor({ only: ['nss'], verb: 'status' })).toMatchObject([{ state: 'missing', roots: 1, detail: expect.stringContaining('earlier installation') }]);
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'installed', roots: 1 }]);
    const bytes = readFileSync(path.join(nss(), 'cert9.db'));
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'nothing' }]);
    expect(readFileSync(path.join(nss(), 'cert9.db')).equals(bytes)).toBe(true);
    expect(await doctor({ only: ['nss'], verb: 'remove' })).toMatchObject([{ state: 'missing', done: 'removed', roots: 0 }]);
    expect(execFileSync('certutil', ['-L', '-d', `sql:${nss()}`], { encoding: 'utf8' })).toMatch(/Corp +C,,/);
  });

  test('one that has lost its trust in our root is mended', async () => {
    makeNssDatabase(nss());
    await doctor({ only: ['nss'], verb: 'install' });
    const nickname = /^(Pinlight [0-9a-f]+) /m.exec(execFileSync('certutil', ['-L', '-d', `sql:${nss()}`], { encoding: 'utf8' }))?.[1] ?? '';
    execFileSync('certutil', ['-M', '-d', `sql:${nss()}`, '-n', nickname, '-t', ',,']);
    expect(await doctor({ only: ['nss'], verb: 'status' })).toMatchObject([{ state: 'missing', roots: 1 }]);
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'installed' }]);
  });

  test('a password: left byte for byte, and said', async () => {
    writeFileSync(at('password'), 'correct horse\n');
    makeNssDatabase(nss(), at('password'));
    const before = readFileSync(path.join(nss(), 'cert9.db'));
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'missing', done: 'refused', detail: expect.stringContaining('protected by a password') }]);
    expect(readFileSync(path.join(nss(), 'cert9.db')).equals(before)).toBe(true);
  });

  test('a broken profile: left byte for byte, and the others go on', async () => {
    makeNssDatabase(nss());
    makeProfile();
    writeFileSync(path.join(profile(), 'cert9.db'), 'no database');
    const rows = await doctor({ only: ['nss', 'firefox'], verb: 'install' });
    expect(rows).toMatchObject([{ kind: 'nss', done: 'installed' }, { kind: 'firefox', state: 'unreadable', done: 'refused', detail: expect.stringContaining('damaged') }]);
    expect(readFileSync(path.join(profile(), 'cert9.db'), 'utf8')).toBe('no database');
  });

  test('a database that somebody holds: said, and the same command works afterwards', async () => {
    makeNssDatabase(nss());
    // Another process: closing any descriptor of the file here would let our own lock go.
    const holder = spawn(process.execPath, ['-e', 'const d = new (require("better-sqlite3"))(process.argv[1]); d.exec("BEGIN EXCLUSIVE"); console.log("held"); process.stdin.resume()', path.join(nss(), 'cert9.db')], { cwd: process.cwd() });
    await once(holder.stdout, 'data');
    const [held] = await doctor({ only: ['nss'], verb: 'install' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(held).toMatchObject({ state: 'missing', done: 'refused' });
    expect(held?.detail).toMatch(/certutil|in use/);
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'installed' }]);
  }, 90_000);

  test('a program that reads the store and does not accept the root: said, and again when nothing is left to do', async () => {
    makeNssDatabase(nss());
    mkdirSync(at('bin'));
    writeFileSync(at('bin/certutil'), `#!/bin/sh\n[ "$1" = -V ] && exit 1\nexec ${certutil} "$@"\n`, { mode: 0o755 });
    const PATH = `${at('bin')}:/usr/bin:/bin`;
    const not = { state: 'trusted', accepted: false, detail: expect.stringContaining('not accepted by certutil') };
    expect(await doctor({ only: ['nss'], verb: 'install', PATH })).toMatchObject([{ ...not, done: 'installed' }]);
    expect(await doctor({ only: ['nss'], verb: 'install', PATH })).toMatchObject([{ ...not, done: 'nothing' }]);
    expect(await doctor({ only: ['nss'], verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'nothing', accepted: true }]);
  });

  test('without certutil: read all the same, and the package is named', async () => {
    makeNssDatabase(nss());
    mkdirSync(at('bin'));
    const found = await doctorWithout('certutil', { only: ['nss'], verb: 'install' });
    expect(found).toMatchObject([{ state: 'missing', done: 'refused', detail: expect.stringContaining('libnss3-tools') }]);
  });
});

describe.skipIf(keytool === null || !existsSync(javaCacerts))('keystores of a JDK', () => {
  test('removed again, the keystore is what it was byte for byte, owner and mode too', async () => {
    const file = makeJdk();
    chmodSync(file, 0o640);
    const before = readFileSync(file);
    const only = [`java:${at('jdk')}`];
    expect(await doctor({ only, verb: 'install' })).toMatchObject([{ state: 'trusted', done: 'installed', detail: expect.stringContaining('accepted by keytool') }]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(await doctor({ only, verb: 'remove' })).toMatchObject([{ state: 'missing', done: 'removed', roots: 0 }]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('changed by somebody else since: only our entry goes', async () => {
    const file = makeJdk();
    const only = [`java:${at('jdk')}`];
    await doctor({ only, verb: 'install' });
    writeFileSync(at('corp.pem'), execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=Corp'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    execFileSync('keytool', ['-importcert', '-noprompt', '-alias', 'corp', '-file', at('corp.pem'), '-keystore', file, '-storepass', 'changeit'], { stdio: 'ignore' });
    expect(await doctor({ only, verb: 'remove' })).toMatchObject([{ done: 'removed', roots: 0 }]);
    expect(execFileSync('keytool', ['-list', '-keystore', file, '-storepass', 'changeit'], { encoding: 'utf8' })).toMatch(/^corp,/m);
  });

  test('another password: said, left byte for byte, and done when it is given', async () => {
    const file = makeJdk();
    execFileSync('keytool', ['-storepasswd', '-keystore', file, '-storepass', 'changeit', '-new', 'another one'], { stdio: 'ignore' });
    const before = readFileSync(file);
    const only = [`java:${at('jdk')}`];
    expect(await doctor({ only, verb: 'install' })).toMatchObject([{ done: 'refused', detail: expect.stringContaining('--storepass-file') }]);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(await doctor({ only, verb: 'install', password: 'another one' })).toMatchObject([{ state: 'trusted', done: 'installed' }]);
  });

  test('no keystore at all in the file', async () => {
    const file = makeJdk();
    writeFileSync(file, 'text');
    expect(await doctor({ only: [`java:${at('jdk')}`], verb: 'install' })).toMatchObject([{ state: 'unreadable', done: 'refused' }]);
    expect(readFileSync(file, 'utf8')).toBe('text');
  });
});

describe('who may ask for what', () => {
  test('a certificate that is no root of Pinlight\'s is not installed', async () => {
    const corp = execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=Corp'], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
    await expect(doctor({ only: [], verb: 'status', rootPem: corp })).rejects.toThrow('not-a-root');
  });

  test('a store that is not here is named with those that are', async () => {
    await expect(doctor({ only: ['frob'], verb: 'status' })).rejects.toThrow(/no-such-store: there is no store "frob" here; there are: .*environment/);
  });
});

/** With a PATH that has every tool but one: tools are looked for in the system's folders too, so the one is hidden by a file that cannot be started. */
async function doctorWithout(tool: string, how: How): Promise<readonly DoctorRow[]> {
  const { createToolRunner } = await import('../../../native/trust-store/run-tool.ts');
  const { storesOf } = await import('../../../native/trust-store/stores-of.ts');
  const runner = createToolRunner({ PATH: '/usr/bin:/bin', HOME: at('home') }, 'test');
  const stores = storesOf({
    home: at('home'), env: {}, machine: false, ownFolder: at('state/trust'), scratch: at('state'), storePassword: 'changeit',
    tools: { ...runner, find: (name) => (name === tool ? null : runner.find(name)) },
  }, 'linux').filter((store) => how.only.includes(store.kind));
  return Promise.all(stores.map(async (store) => {
    const found = await store.check();
    const blocked = store.blocked();
    return {
      store: store.name, kind: store.kind, path: store.path, state: found.kind === 'read' ? 'missing' : found.kind, roots: 0,
      done: blocked === null ? 'nothing' : 'refused', needsRights: false, accepted: null, holdsNext: false, detail: blocked?.why ?? '',
    };
  }));
}
