// A server whose certificate does not hold never gets a leaf of ours: the app sees the server's own certificate, or an alert. Criteria A and C (SECURITY.md).
import { constants, createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mintLeaf, pem } from '../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../electron/core/ca/certificate.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { caExtensions, makeCertificate, type Pair } from './certificates.ts';
import { fetchThrough, type Seen } from './stage.ts';

const day = 24 * 3600_000;
const weak = 'DEFAULT:@SECLEVEL=0';
const until = (condition: () => void | Promise<void>): Promise<void> => vi.waitFor(condition, { timeout: 15_000, interval: 20 });

type Served = { readonly key: string; readonly cert: string };
type Bad = {
  readonly title: string; readonly host: string; readonly serve: () => Served; readonly options?: tls.TlsOptions; readonly reason: 'upstream-invalid' | 'upstream-failed'; readonly error: RegExp;
};

let folder: string;
let authority: TestAuthority;
let stranger: TestAuthority;
let root: Pair;
const origins = new Map<string, Origin>();
const served = new Map<string, string>();
let splicing: TestAgent;
let blocking: TestAgent;

const bad: readonly Bad[] = [
  { title: 'expired', host: 'expired.pinlight.test', serve: () => authority.leaf('expired.pinlight.test', { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day }), reason: 'upstream-invalid', error: /CERT_HAS_EXPIRED/ },
  { title: 'expired a second ago', host: 'just.pinlight.test', serve: () => authority.leaf('just.pinlight.test', { notAfter: Date.now() - 1_000 }), reason: 'upstream-invalid', error: /EXPIRED|expired/ },
  { title: 'not valid yet', host: 'future.pinlight.test', serve: () => authority.leaf('future.pinlight.test', { notBefore: Date.now() + day }), reason: 'upstream-invalid', error: /CERT_NOT_YET_VALID/ },
  { title: 'made for another name', host: 'wrong.pinlight.test', serve: () => authority.leaf('right.pinlight.test'), reason: 'upstream-invalid', error: /does not name wrong\.pinlight\.test/ },
  { title: 'made for the name above', host: 'sub.above.pinlight.test', serve: () => authority.leaf('above.pinlight.test'), reason: 'upstream-invalid', error: /does not name/ },
  { title: 'self-signed', host: 'self.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=self.pinlight.test', extensions: ['subjectAltName=DNS:self.pinlight.test'] }), reason: 'upstream-invalid', error: /SELF_SIGNED|DEPTH_ZERO/ },
  { title: 'of an unknown root', host: 'unknown.pinlight.test', serve: () => stranger.leaf('unknown.pinlight.test'), reason: 'upstream-invalid', error: /UNABLE_TO/ },
  { title: 'without subjectAltName', host: 'nosan.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=nosan.pinlight.test', issuer: root, extensions: ['basicConstraints=CA:FALSE'] }), reason: 'upstream-invalid', error: /subjectAltName/ },
  { title: 'with a partial wildcard', host: 'bad.pinlight.test', serve: () => authority.leaf('b*d.pinlight.test'), reason: 'upstream-invalid', error: /does not name/ },
  { title: 'with a wildcard over two labels', host: 'a.b.wide.pinlight.test', serve: () => authority.leaf('*.wide.pinlight.test'), reason: 'upstream-invalid', error: /does not name/ },
  { title: 'with a wildcard over a public suffix', host: 'shop.co.uk', serve: () => authority.leaf('*.co.uk'), reason: 'upstream-invalid', error: /does not name/ },
  { title: 'with the address as a DNS name', host: '192.0.2.77', serve: () => authority.leaf('192.0.2.77'), reason: 'upstream-invalid', error: /does not name/ },
  { title: 'signed by our own root, which policy even lists as trusted', host: 'ours.pinlight.test', serve: () => byOurRoot('ours.pinlight.test'), reason: 'upstream-invalid', error: /UNABLE_TO|SELF_SIGNED/ },
  { title: 'without its intermediate', host: 'chain.pinlight.test', serve: () => {
    const middle = makeCertificate(folder, { subject: '/CN=middle', issuer: root, extensions: caExtensions });
    return makeCertificate(folder, { subject: '/CN=chain', issuer: middle, extensions: ['subjectAltName=DNS:chain.pinlight.test'] });
  }, reason: 'upstream-invalid', error: /UNABLE_TO/ },
  { title: 'issued by a certificate that is no CA', host: 'noca.pinlight.test', serve: () => {
    const fake = makeCertificate(folder, { subject: '/CN=fake', issuer: root, extensions: ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'] });
    const leaf = makeCertificate(folder, { subject: '/CN=noca', issuer: fake, extensions: ['subjectAltName=DNS:noca.pinlight.test'] });
    return { key: leaf.key, cert: leaf.cert + fake.cert };
  }, reason: 'upstream-invalid', error: /INVALID_CA|UNABLE_TO|INVALID_PURPOSE|does not include certificate signing/ },
  { title: 'for clients only', host: 'eku.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=eku', issuer: root, extensions: ['subjectAltName=DNS:eku.pinlight.test', 'extendedKeyUsage=clientAuth'] }), reason: 'upstream-invalid', error: /INVALID_PURPOSE/ },
  { title: 'with an unknown critical extension', host: 'critical.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=critical', issuer: root, extensions: ['subjectAltName=DNS:critical.pinlight.test', '1.2.3.4.5=critical,ASN1:UTF8String:x'] }), reason: 'upstream-invalid', error: /\w/ },
  { title: 'outside its issuer\'s name constraints', host: 'constrained.pinlight.test', serve: () => {
    const middle = makeCertificate(folder, { subject: '/CN=narrow', issuer: root, extensions: [...caExtensions, 'nameConstraints=critical,permitted;DNS:elsewhere.test'] });
    const leaf = makeCertificate(folder, { subject: '/CN=constrained', issuer: middle, extensions: ['subjectAltName=DNS:constrained.pinlight.test'] });
    return { key: leaf.key, cert: leaf.cert + middle.cert };
  }, reason: 'upstream-invalid', error: /\w/ },
  { title: 'with a 1024-bit RSA key', host: 'rsa1024.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=rsa1024', issuer: root, newKey: ['-newkey', 'rsa:1024'], extensions: ['subjectAltName=DNS:rsa1024.pinlight.test'] }), options: { ciphers: weak }, reason: 'upstream-invalid', error: /\w/ },
  { title: 'signed with SHA-1', host: 'sha1.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=sha1', issuer: root, digest: 'sha1', extensions: ['subjectAltName=DNS:sha1.pinlight.test'] }), options: { ciphers: weak }, reason: 'upstream-invalid', error: /\w/ },
  { title: 'at a server that speaks TLS 1.1 only', host: 'old.pinlight.test', serve: () => authority.leaf('old.pinlight.test'), options: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: weak }, reason: 'upstream-failed', error: /\w/ },
  { title: 'at a server that knows static RSA only', host: 'static.pinlight.test', serve: () => makeCertificate(folder, { subject: '/CN=static', issuer: root, newKey: ['-newkey', 'rsa:2048'], extensions: ['subjectAltName=DNS:static.pinlight.test'] }), options: { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }, reason: 'upstream-failed', error: /\w/ },
  { title: 'at a server that knows CBC suites only', host: 'cbc.pinlight.test', serve: () => authority.leaf('cbc.pinlight.test'), options: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA' }, reason: 'upstream-failed', error: /\w/ },
];
const good = 'good.pinlight.test';
/** Their origins change their certificate, or end it, in the test. */
const swapped = 'swapped.pinlight.test';
const shortLived = 'short.pinlight.test';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-trust-'));
  authority = createTestAuthority();
  stranger = createTestAuthority();
  root = makeCertificate(folder, { subject: '/CN=Second test root', extensions: caExtensions });
  // The agents make their roots first: one row serves a certificate by such a root.
  const homes = [mkdtempSync(join(tmpdir(), 'pinlight-home-')), mkdtempSync(join(tmpdir(), 'pinlight-home-'))] as const;
  splicing = await startTestAgent({ rules: [] }, { home: homes[0] });
  blocking = await startTestAgent({ rules: [] }, { home: homes[1] });
  for (const { host, serve, options } of bad) await place(host, serve(), options);
  await place(good, authority.leaf(good));
  for (const [agent, onInvalidUpstream] of [[splicing, 'splice'], [blocking, 'block']] as const) await givePolicy(agent, onInvalidUpstream);
}, 120_000);
afterAll(async () => {
  for (const agent of [splicing, blocking]) {
    await agent.stop();
    rmSync(agent.home, { recursive: true, force: true });
  }
  await Promise.all([...origins.values()].map((origin) => origin.close()));
  authority.close();
  stranger.close();
  rmSync(folder, { recursive: true, force: true });
});

async function place(host: string, leaf: Served, options?: tls.TlsOptions): Promise<void> {
  origins.set(host, await startOrigin(authority, host, { leaf, ...(options === undefined ? {} : { tls: options }) }));
  served.set(host, createHash('sha256').update(new X509Certificate(leaf.cert).raw).digest('hex'));
}
async function givePolicy(agent: TestAgent, onInvalidUpstream: 'splice' | 'block', network: object = {}): Promise<void> {
  const localTargets = Object.fromEntries([...origins].map(([host, { port }]) => [`${host}:443`, `127.0.0.1:${port}`]));
  const { generation } = await agent.client.call('policy', {}, {});
  agent.writePolicy({
    version: 1, defaults: { onUnknownApp: 'inspect', onInvalidUpstream }, rules: [{ id: 'all', do: 'inspect' }],
    network: { port: 0, localTargets, upstreamRoots: [authority.rootFile, root.certFile, agent.rootFile], ...network },
  });
  await until(async () => expect((await agent.client.call('policy', {}, {})).generation).toBeGreaterThan(generation));
}
function byOurRoot(host: string): Served {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const read = readCertificate(new X509Certificate(readFileSync(splicing.rootFile)).raw);
  if (read.kind === 'malformed' || read.facts.keyId === null) throw new Error('no root');
  const der = mintLeaf({
    rootKey: createPrivateKey(readFileSync(join(splicing.home, 'root.key'))), issuer: read.facts.subject, rootKeyId: read.facts.keyId, publicKey: key.publicKey,
    name: { kind: 'dns', name: host }, notBefore: Date.now() - day, notAfter: Date.now() + day,
  });
  return { key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(der) };
}
/** An app that looks at whatever it is shown, weak things too. */
function look(agent: TestAgent, host: string, options: tls.ConnectionOptions = {}): Promise<Seen> {
  return fetchThrough(agent.proxyPort, `${host}:443`, { minVersion: 'TLSv1.1', ciphers: weak, ca: [readFileSync(agent.rootFile, 'utf8')], ...(/^\d/.test(host) ? { servername: '' } : {}), ...options });
}
async function newest(agent: TestAgent, host: string): Promise<ConnectionRow | undefined> {
  return (await agent.client.call('connections', { filter: `host = ${host}`, limit: '1' }, {})).rows[0];
}
async function issued(agent: TestAgent, host: string): Promise<{ sha256: string; upstream_sha256: string; upstream_result: string }[]> {
  // Asking for connections writes what waits.
  await agent.client.call('connections', { limit: '1' }, {});
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  try {
    return database.prepare<[string], { sha256: string; upstream_sha256: string; upstream_result: string }>('SELECT sha256, upstream_sha256, upstream_result FROM issued_leaves WHERE host = ?').all(host);
  } finally {
    database.close();
  }
}

test('a certificate that holds: the app sees our leaf, and the log ties it to the server\'s certificate', async () => {
  const seen = await look(splicing, good);
  expect(seen).toMatchObject({ authorized: true });
  expect(seen.text).toContain(`hello from ${good}`);
  expect(await issued(splicing, good)).toEqual([{ sha256: seen.fingerprint, upstream_sha256: served.get(good), upstream_result: 'verified' }]);
});

describe('with onInvalidUpstream splice the app sees the server\'s own certificate, and no leaf comes into being', () => {
  test.each(bad)('$title', async ({ host, reason, error }) => {
    for (let round = 0; round < 2; round += 1) {
      const seen = await look(splicing, host);
      expect(seen.fingerprint).toBe(served.get(host));
      // Whoever trusts our root trusts what it signed; only the agent itself must not.
      expect(seen.authorized).toBe(host === 'ours.pinlight.test');
      expect(seen.text).toContain('hello from');
    }
    expect(await issued(splicing, host)).toEqual([]);
    const row = await newest(splicing, host);
    expect(row).toMatchObject({ decided: 'inspect', disposition: 'bypass', reason: { code: reason }, outcome: { kind: 'passed' } });
    expect(row?.error).toMatch(error);
  });
  test('and no app is thought to pin for it', async () => {
    const { apps } = await splicing.client.call('apps', {}, {});
    const verdicts = apps.flatMap(({ hosts }) => hosts.filter(({ host }) => bad.some((row) => row.host === host)).map(({ host, verdict }) => [host, verdict.kind]));
    expect(verdicts.filter(([, kind]) => kind !== 'undetermined')).toEqual([]);
    expect((await splicing.client.call('exclusions', {}, {})).exclusions.filter(({ kind }) => kind === 'learned')).toEqual([]);
  });
});

describe('with onInvalidUpstream block the app gets an alert, and no leaf comes into being', () => {
  test.each(bad)('$title', async ({ host, reason }) => {
    await expect(look(blocking, host)).rejects.toThrow(/alert number 49|access denied/i);
    expect(await issued(blocking, host)).toEqual([]);
    await until(async () => expect(await newest(blocking, host)).toMatchObject({ decided: 'inspect', disposition: 'block', reason: { code: reason }, outcome: { kind: 'blocked' } }));
  });
});

describe('names that differ', () => {
  test('an SNI that the server\'s certificate does not carry is not trusted, whatever CONNECT said', async () => {
    const seen = await look(splicing, good, { servername: 'other.pinlight.test' });
    expect(seen.fingerprint).toBe(served.get(good));
    expect(await issued(splicing, 'other.pinlight.test')).toEqual([]);
  });
  test('a CONNECT to another name than the certificate\'s, with the right SNI, is inspected under the SNI', async () => {
    await place('alias.pinlight.test', authority.leaf('real.pinlight.test'));
    await givePolicy(splicing, 'splice');
    const seen = await look(splicing, 'alias.pinlight.test', { servername: 'real.pinlight.test' });
    expect(seen).toMatchObject({ authorized: true });
    expect(await issued(splicing, 'real.pinlight.test')).toHaveLength(1);
    expect(await issued(splicing, 'alias.pinlight.test')).toEqual([]);
  });
  test('without SNI the name of CONNECT counts', async () => {
    expect(await look(splicing, good, { servername: '', checkServerIdentity: () => undefined })).toMatchObject({ authorized: true });
    expect((await look(splicing, 'wrong.pinlight.test', { servername: '' })).fingerprint).toBe(served.get('wrong.pinlight.test'));
  });
});

describe('servers that change', () => {
  test('a good certificate first, a bad one on the second connection: the second is not covered by the first', async () => {
    let context = authority.leaf(swapped);
    const origin = await startOrigin(authority, swapped, { leaf: context, tls: {
      SNICallback: (_name, done) => done(null, tls.createSecureContext(context)), secureOptions: constants.SSL_OP_NO_TICKET,
    } });
    origins.set(swapped, origin);
    await givePolicy(splicing, 'splice');
    expect(await look(splicing, swapped)).toMatchObject({ authorized: true });
    context = stranger.leaf(swapped);
    const own = createHash('sha256').update(new X509Certificate(context.cert).raw).digest('hex');
    const before = (await issued(splicing, swapped)).length;
    expect((await look(splicing, swapped)).fingerprint).toBe(own);
    expect((await issued(splicing, swapped)).length).toBe(before);
  });
  test('a session that is resumed after the certificate has expired is judged again', { timeout: 60_000 }, async () => {
    const notAfter = (Math.floor(Date.now() / 1000) + 8) * 1000;
    const leaf = authority.leaf(shortLived, { notAfter });
    const reused: boolean[] = [];
    const origin = await startOrigin(authority, shortLived, { leaf, onConnection: (socket) => {
      reused.push(socket.isSessionReused());
      socket.on('error', () => undefined).once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello from short'));
    } });
    origins.set(shortLived, origin);
    await givePolicy(splicing, 'splice');
    expect(await look(splicing, shortLived)).toMatchObject({ authorized: true });
    expect(await look(splicing, shortLived)).toMatchObject({ authorized: true });
    expect(reused).toEqual([false, true]);
    const before = (await issued(splicing, shortLived)).length;
    while (Date.now() <= notAfter + 1_000) await wait(100);
    const seen = await look(splicing, shortLived);
    expect(seen.fingerprint).toBe(createHash('sha256').update(new X509Certificate(leaf.cert).raw).digest('hex'));
    expect(seen.authorized).toBe(false);
    expect((await issued(splicing, shortLived)).length).toBe(before);
    // Our own words, not OpenSSL's CERT_HAS_EXPIRED: the session was resumed, and what refused was the second judgement.
    expect((await newest(splicing, shortLived))?.error).toBe('the certificate has expired');
  });
});

test('where policy refuses what no revocation list speaks of and names no list, no server is inspected', async () => {
  await givePolicy(splicing, 'splice', { unknownRevocation: 'refuse' });
  expect((await look(splicing, good)).fingerprint).toBe(served.get(good));
  expect(await newest(splicing, good)).toMatchObject({ disposition: 'bypass', reason: { code: 'upstream-invalid' }, error: 'no current revocation list tells whether the certificate was revoked' });
  await givePolicy(splicing, 'splice', { unknownRevocation: 'allow' });
  expect(await look(splicing, good)).toMatchObject({ authorized: true });
});

test('nothing of this was a fault of ours', () => {
  for (const agent of [splicing, blocking]) {
    expect(readFileSync(join(agent.home, 'agent.log'), 'utf8').split('\n').filter((line) => line.includes('fault of ours'))).toEqual([]);
  }
});
