// The profile of a leaf (C4), and that every stack on this machine accepts it: openssl, GnuTLS, Go, Python, Java, Node.
import { execFile, execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAuthority, type Authority } from '../../../electron/agent/ca/authority.ts';
import { mintLeaf, pem } from '../../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import { addressBytes } from '../../../electron/core/policy/address.ts';
import { findCommand } from '../../support/find-command.ts';

const run = promisify(execFile);
const verifiers = fileURLToPath(new URL('verifiers', import.meta.url));
const day = 24 * 3600_000;
const longName = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.pinlight.test`;
const longestName = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(47)}.pinlight.test`;

let folder: string;
let authority: Authority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-mint-'));
  const loaded = loadAuthority(folder, 'laptop-7', Date.now());
  if (loaded.kind !== 'authority') throw new Error(loaded.why);
  authority = loaded.authority;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Leaf = { der: Buffer; file: string; key: string };
function leaf(host: string, kind: 'ec' | 'rsa' = 'ec'): Leaf {
  const pair = kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bytes = addressBytes(host);
  const der = mintLeaf({
    rootKey: authority.key, issuer: authority.subjectDer, rootKeyId: authority.keyId, publicKey: pair.publicKey,
    name: bytes === null ? { kind: 'dns', name: host } : { kind: 'ip', bytes }, notBefore: Date.now() - day, notAfter: Date.now() + 7 * day,
  });
  const file = join(folder, `${createHash('sha256').update(host + kind).digest('hex').slice(0, 12)}.pem`);
  writeFileSync(file, pem(der));
  return { der, file, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

describe('what a leaf says', () => {
  test.each(['ec', 'rsa'] as const)('an %s leaf is version 3, no CA, for signatures and servers only, with its one name and the identifier of the root', (kind) => {
    const { file } = leaf('api.pinlight.test', kind);
    const shown = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text'], { encoding: 'utf8' });
    expect(shown).toContain('Version: 3');
    expect(shown).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(shown).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    expect(shown).toMatch(/Extended Key Usage: ?\s+TLS Web Server Authentication\n/);
    expect(shown).toMatch(/Subject Alternative Name: ?\s+DNS:api\.pinlight\.test\n/);
    const root = execFileSync('openssl', ['x509', '-in', authority.certificatePath, '-noout', '-ext', 'subjectKeyIdentifier'], { encoding: 'utf8' });
    expect(shown.replaceAll(/\s|keyid:/g, '')).toContain(`AuthorityKeyIdentifier:${root.split('\n')[1]?.trim()}`);
    expect(shown).not.toMatch(/Name Constraints|TLS Feature|CRL Distribution|Authority Information/);
  });
  test('its issuer is the subject of the root byte for byte', () => {
    const read = readCertificate(leaf('api.pinlight.test').der);
    expect(read.kind).toBe('certificate');
    if (read.kind === 'certificate') expect(Buffer.from(read.facts.issuer).equals(Buffer.from(authority.subjectDer))).toBe(true);
  });
  test('a name of more than 64 characters leaves the subject empty and the SAN critical', () => {
    const shown = execFileSync('openssl', ['x509', '-in', leaf(longName).file, '-noout', '-subject', '-ext', 'subjectAltName'], { encoding: 'utf8' });
    expect(shown).toMatch(/subject=\s*\n/);
    expect(shown).toMatch(/Alternative Name: critical/);
  });
  test('a name of exactly 64 characters still stands in the subject', () => {
    const name = `${'a'.repeat(50)}.pinlight.test`;
    expect(name.length).toBe(64);
    expect(execFileSync('openssl', ['x509', '-in', leaf(name).file, '-noout', '-subject'], { encoding: 'utf8' })).toContain(name);
  });
  test.each([['127.0.0.1', 'IP Address:127.0.0.1'], ['2001:db8::1', 'IP Address:2001:DB8:0:0:0:0:0:1']])('%s becomes an address, never a DNS name', (host, san) => {
    const shown = execFileSync('openssl', ['x509', '-in', leaf(host).file, '-noout', '-ext', 'subjectAltName'], { encoding: 'utf8' });
    expect(shown).toContain(san);
    expect(shown).not.toContain('DNS:');
  });
  test('dates from 2050 on are written as GeneralizedTime', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const notAfter = Date.UTC(2051, 1, 3);
    const read = readCertificate(mintLeaf({
      rootKey: authority.key, issuer: authority.subjectDer, rootKeyId: authority.keyId, publicKey: key.publicKey,
      name: { kind: 'dns', name: 'x.test' }, notBefore: Date.UTC(2049, 11, 31, 23, 59, 59), notAfter,
    }));
    expect(read).toMatchObject({ kind: 'certificate', facts: { notAfter, notBefore: Date.UTC(2049, 11, 31, 23, 59, 59) } });
  });
});

const names = ['api.pinlight.test', 'under_score.pinlight.test', 'xn--bcher-kva.pinlight.test', longName, longestName, '127.0.0.1', '2001:db8::1'];

describe('openssl verify, strictly, as a server, by name', () => {
  test.each(names)('%s', (host) => {
    const how = addressBytes(host) === null ? '-verify_hostname' : '-verify_ip';
    const args = ['verify', '-x509_strict', '-purpose', 'sslserver', how, host, '-CAfile', authority.certificatePath];
    expect(execFileSync('openssl', [...args, leaf(host).file], { encoding: 'utf8' })).toContain('OK');
    expect(execFileSync('openssl', [...args, leaf(host, 'rsa').file], { encoding: 'utf8' })).toContain('OK');
  });
  test.each(['sslclient', 'smimesign', 'codesign'])('the leaf is refused for the purpose %s', (purpose) => {
    expect(() => execFileSync('openssl', ['verify', '-purpose', purpose, '-CAfile', authority.certificatePath, leaf('api.pinlight.test').file], { stdio: 'pipe' })).toThrow();
  });
  test('another name than its own is refused', () => {
    expect(() => execFileSync('openssl', ['verify', '-verify_hostname', 'www.api.pinlight.test', '-CAfile', authority.certificatePath, leaf('api.pinlight.test').file], { stdio: 'pipe' })).toThrow();
  });
});

describe('live handshakes with the stacks of this machine', () => {
  const live = ['api.pinlight.test', longName, '127.0.0.1'];
  const servers: tls.Server[] = [];
  let pairs: string[] = [];
  beforeAll(async () => {
    pairs = await Promise.all(live.map(async (host) => {
      const { der, key } = leaf(host);
      const server = tls.createServer({ cert: pem(der), key }, (socket) => {
        socket.on('error', () => undefined).resume();
      });
      server.on('tlsClientError', () => undefined);
      servers.push(server);
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return `${host}=${(server.address() as AddressInfo).port}`;
    }));
  });
  afterAll(() => { for (const server of servers) server.close(); });

  const expected = live.map((host) => `ok ${host}`).join('\n');
  test('Node', async () => {
    const results = await Promise.all(pairs.map((pair) => new Promise<string>((done) => {
      const at = pair.lastIndexOf('=');
      const host = pair.slice(0, at);
      const socket = tls.connect({ host: '127.0.0.1', port: Number(pair.slice(at + 1)), ca: [authority.certificatePem], ...(host === '127.0.0.1' ? {} : { servername: host }) });
      socket.once('secureConnect', () => {
        socket.destroy();
        done(`ok ${host}`);
      }).once('error', (error) => done(`refused ${host} ${error.message}`));
    })));
    expect(results.join('\n')).toBe(expected);
  });
  test('Python with its strict flag', async (context) => {
    if (missing('python3')) return context.skip();
    const { stdout } = await run('python3', [join(verifiers, 'verify.py'), authority.certificatePath, ...pairs]);
    expect(stdout.trim()).toBe(expected);
  });
  test('Go', { timeout: 120_000 }, async (context) => {
    if (missing('go')) return context.skip();
    const { stdout } = await run('go', ['run', join(verifiers, 'verify.go'), authority.certificatePath, ...pairs], { env: { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off' } });
    expect(stdout.trim()).toBe(expected);
  });
  test('Java', { timeout: 60_000 }, async (context) => {
    if (missing('java')) return context.skip();
    const { stdout } = await run('java', [join(verifiers, 'Verify.java'), authority.certificatePath, ...pairs]);
    expect(stdout.trim()).toBe(expected);
  });
  test('GnuTLS', async (context) => {
    if (missing('gnutls-cli')) return context.skip();
    const results: string[] = [];
    for (const pair of pairs) {
      const at = pair.lastIndexOf('=');
      const host = pair.slice(0, at);
      const args = ['--x509cafile', authority.certificatePath, '--port', pair.slice(at + 1), '--verify-hostname', host, '--logfile', '/dev/null'];
      // --sni-hostname with an address is refused by gnutls-cli itself.
      const ended = run('gnutls-cli', [...args, ...(host === '127.0.0.1' ? [] : ['--sni-hostname', host]), '127.0.0.1']);
      ended.child.stdin?.end();
      results.push(await ended.then(() => `ok ${host}`, (error: Error & { stdout: string }) => `refused ${host} ${error.message} ${error.stdout}`));
    }
    expect(results.join('\n')).toBe(expected);
  });
});

function missing(program: string): boolean {
  if (findCommand(program) !== null) return false;
  console.log(`skipped: ${program} is not installed`);
  return true;
}
