// What is made of one visit: by what the server met and how the program ended, and which programs are asked about a store.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programsOf } from '../../../native/trust-store/handshake-programs.ts';
import { judge, versionIn } from '../../../native/trust-store/handshakes.ts';
import type { Met } from '../../../native/trust-store/handshakes.ts';
import type { ToolResult } from '../../../native/trust-store/run-tool.ts';
import { nothing } from '../../../native/trust-store/trust-store.ts';
import type { Caller, TrustStore } from '../../../native/trust-store/trust-store.ts';

const program = { name: 'curl', tool: '/usr/bin/curl', absentCode: 77 };
const ended = (code: number, errors = ''): ToolResult => ({ kind: 'ended', code, output: '', errors });
const nobody: Met = { connected: false, asked: null, failed: null };
const came: Met = { ...nobody, connected: true };

describe('a visit', () => {
  test.each<[string, ToolResult, Met, ReturnType<typeof judge>]>([
    ['a request came', ended(0), { ...came, asked: 'curl/8.14.1' }, { kind: 'accepted', agent: 'curl/8.14.1' }],
    ['a request came, and the program was stopped for it', ended(-1), { ...came, asked: '' }, { kind: 'accepted', agent: '' }],
    ['a request came on one connection after another had failed', ended(0), { ...came, asked: 'Chrome/1', failed: 'ECONNRESET' }, { kind: 'accepted', agent: 'Chrome/1' }],
    ['it said no in an alert', ended(60), { ...came, failed: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }, { kind: 'refused', why: 'unknown ca' }],
    ['it said no as BoringSSL names it', ended(-1), { ...came, failed: 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN' }, { kind: 'refused', why: 'certificate unknown' }],
    ['it finished the handshake and left without a word', ended(5), came, { kind: 'refused', why: 'it ended the connection' }],
    ['it left in mid-handshake', ended(5), { ...came, failed: 'ECONNRESET' }, { kind: 'refused', why: 'it ended the connection' }],
    ['an old one had no TLS in common', ended(35), { ...came, failed: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }, { kind: 'unasked', why: 'curl has no TLS in common with the check' }],
    ['it hung after it came', { kind: 'timeout' }, came, { kind: 'unasked', why: 'curl did not end in time and was stopped' }],
    ['it never came', ended(0), nobody, { kind: 'unasked', why: 'curl did not connect' }],
    ['it could not even start', ended(1, 'no default toolchain\n'), nobody, { kind: 'unasked', why: 'curl ended with 1: no default toolchain' }],
    ['it printed without end', { kind: 'too-much' }, nobody, { kind: 'unasked', why: 'curl printed without end and was stopped' }],
    ['it is gone', { kind: 'absent' }, nobody, { kind: 'absent' }],
    ['its script says that the library is not there', ended(77), nobody, { kind: 'absent' }],
  ])('%s', (_name, result, met, expected) => expect(judge(program, result, met)).toEqual(expected));

  test.each([
    ['curl/8.14.1', 'curl', '8.14.1'], ['Mozilla/5.0 (X11) HeadlessChrome/156.0.0.0 Safari/537.36', 'Chrome', '156.0.0.0'], ['cargo/1.95.0 (f2d3 2026)', 'cargo', '1.95.0'],
    ['python-requests/2.34.2', 'python-requests', '2.34.2'], ['', 'openssl', null], ['curl/', 'curl', null], ['curl/\u001b[2J', 'curl', null],
  ])('the version in %j', (agent, token, version) => expect(versionIn(agent, token)).toBe(version));
});

describe('the programs of a store', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'pinlight-programs-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const storeOf = (kind: TrustStore['kind'], name: string, file: string | null, variables: Readonly<Record<string, string>> = {}): TrustStore => ({
    name, kind, path: file, blocked: () => null, check: () => Promise.resolve(nothing), install: () => Promise.resolve({ kind: 'changed' }), uninstall: () => Promise.resolve({ kind: 'changed' }), variables: () => variables,
  });
  /** A caller on whose PATH these programs are. */
  const callerWith = (installed: readonly string[], env: NodeJS.ProcessEnv = {}): Caller => {
    const find = (tool: string): string | null => {
      if (!installed.includes(path.basename(tool))) return null;
      const file = path.join(home, path.basename(tool));
      writeFileSync(file, '');
      return file;
    };
    return { home, env, machine: false, ownFolder: home, scratch: home, storePassword: '', tools: { find, run: () => Promise.resolve({ kind: 'absent' }), outlived: () => [] } };
  };
  const url = new URL('https://localhost:4433/page');

  test('a program that is not there is left out, of the environment as of the system', () => {
    expect(programsOf(storeOf('environment', 'environment', null), callerWith(['git', 'node']), true).map(({ name }) => name)).toEqual(['node', 'git']);
    expect(programsOf(storeOf('environment', 'environment', null), callerWith(['git', 'node']), false)).toEqual([]);
  });
  test('variables that are set already stay, and ours stand for the rest', () => {
    const [node] = programsOf(storeOf('environment', 'environment', null, { NODE_EXTRA_CA_CERTS: '/ours', SSL_CERT_FILE: '/ours' }), callerWith(['node'], { NODE_EXTRA_CA_CERTS: '/theirs', SSL_CERT_FILE: '' }), true);
    expect(node?.env(home)).toEqual({ NODE_EXTRA_CA_CERTS: '/theirs', SSL_CERT_FILE: '/ours' });
  });
  test('a browser gets a home of its own with a copy of the database', () => {
    const database = path.join(home, '.pki/nssdb');
    mkdirSync(database, { recursive: true });
    for (const name of ['cert9.db', 'key4.db', 'pkcs11.txt']) writeFileSync(path.join(database, name), name);
    const [chromium] = programsOf(storeOf('nss', `nss:${database}`, path.join(database, 'cert9.db')), callerWith(['chromium']), true);
    const folder = mkdtempSync(path.join(home, 'visit-'));
    chromium?.prepare?.(folder);
    // pkcs11.txt names the folder of the original.
    expect(['cert9.db', 'key4.db', 'pkcs11.txt'].map((name) => existsIn(path.join(folder, '.pki/nssdb'), name))).toEqual([true, true, false]);
    expect(chromium?.env(folder)).toMatchObject({ HOME: folder });
    expect(chromium?.args(url, folder)).toEqual(expect.arrayContaining([`--user-data-dir=${folder}/profile`, url.href]));
    expect(chromium?.args(url, folder)).not.toContain('--no-sandbox');
  });
  test.each<[string, TrustStore['kind'], string, readonly string[], string]>([
    ['a database without any browser', 'nss', 'nss:/somewhere', [], 'no browser that reads it was found'],
    ['a profile without Firefox', 'firefox', 'firefox:/somewhere', [], 'it was not found'],
    ['a keystore whose JDK has no keytool', 'java', 'java:/somewhere', [], 'it was not found'],
    ['a policy of a browser that is gone', 'browser-policy', 'browser-policy:/etc/brave', ['chromium'], 'no browser that reads it was found'],
  ])('%s is named with its reason', (_name, kind, name, installed, why) => {
    expect(programsOf(storeOf(kind, name, '/somewhere/cert9.db'), callerWith(installed), true).map(({ missing }) => missing)).toEqual([why]);
  });
  test('a snap\'s database is named with its reason', () => {
    const database = path.join(home, 'snap/chromium/current/.pki/nssdb');
    expect(programsOf(storeOf('nss', `nss:${database}`, path.join(database, 'cert9.db')), callerWith(['chromium']), true)[0]?.missing).toMatch(/snap/);
  });
});

function existsIn(folder: string, name: string): boolean {
  try {
    rmSync(path.join(folder, name));
    return true;
  } catch {
    return false;
  }
}
