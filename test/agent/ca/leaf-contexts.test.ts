// Leaves per upstream certificate, name, protocol, version and key: what shares one, what never does, how many are kept, how they end.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadAuthority, type Authority } from '../../../electron/agent/ca/authority.ts';
import { createLeafContexts, type IssuedLeaf, type LeafContext, type LeafContexts, type LeafRequest } from '../../../electron/agent/ca/leaf-contexts.ts';
import { leafKeyFor, whyUnanswerable } from '../../../electron/core/ca/leaf-profile.ts';
import { readClientHello, type ClientHello } from '../../../electron/core/tls/client-hello.ts';

const hour = 3600_000;
const day = 24 * hour;
const now = Date.now();
let folder: string;
let authority: Authority;
let issued: IssuedLeaf[];
let contexts: LeafContexts;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-leaves-'));
  const loaded = loadAuthority(folder, 'laptop-7', now);
  if (loaded.kind !== 'authority') throw new Error(loaded.why);
  authority = loaded.authority;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  issued = [];
  contexts = createLeafContexts(authority, (leaf) => issued.push(leaf), () => undefined);
});

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const request = (change: Partial<LeafRequest> = {}): LeafRequest => ({
  account: '1000', host: 'api.pinlight.test', upstreamHash: hash('one'), upstreamNotAfter: now + 30 * day, alpn: 'http/1.1', maxVersion: 'TLSv1.3', bulk: 'AES128', key: 'ec', rule: 'own', ...change,
});
function context(change: Partial<LeafRequest> = {}, at = now): LeafContext {
  const result = contexts.contextFor(request(change), at);
  if (result.kind !== 'context') throw new Error(result.why);
  return result;
}

type Shown = { fingerprint: string; version: string | null; alpn: string | false | null; type: string | undefined; reused: boolean };
async function shown(leaf: LeafContext, client: tls.ConnectionOptions): Promise<Shown> {
  leaf.server.on('secureConnection', (socket) => socket.on('error', () => undefined).resume());
  const front = net.createServer((socket) => leaf.server.emit('connection', socket.on('error', () => undefined)));
  await new Promise<void>((done) => front.listen(0, '127.0.0.1', done));
  try {
    return await new Promise((done, fail) => {
      const socket = tls.connect({ host: '127.0.0.1', port: (front.address() as net.AddressInfo).port, servername: 'api.pinlight.test', ca: [authority.certificatePem], ...client });
      socket.once('error', fail).once('secureConnect', () => {
        const peer = socket.getPeerCertificate();
        done({
          fingerprint: createHash('sha256').update(peer.raw).digest('hex'), version: socket.getProtocol(), alpn: socket.alpnProtocol,
          type: peer.asn1Curve ?? (peer.modulus === undefined ? undefined : 'rsa'), reused: socket.isSessionReused(),
        });
        socket.destroy();
      });
    });
  } finally {
    front.close();
  }
}

async function helloOf(options: tls.ConnectionOptions): Promise<ClientHello> {
  return new Promise((done, fail) => {
    const server = net.createServer((socket) => socket.on('error', () => undefined).once('data', (bytes) => {
      const read = readClientHello(bytes);
      socket.destroy();
      server.close();
      if (read.kind === 'client-hello') done(read.hello);
      else fail(new Error(read.kind));
    }));
    server.listen(0, '127.0.0.1', () => tls.connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port, ...options }).on('error', () => undefined));
  });
}

describe('what shares a leaf', () => {
  test('the same request twice is one leaf, recorded once', () => {
    expect(context().leaf.sha256).toBe(context().leaf.sha256);
    expect(issued).toHaveLength(1);
    expect(issued[0]).toMatchObject({ host: 'api.pinlight.test', upstreamHash: hash('one') });
  });
  test.each<[string, Partial<LeafRequest>]>([
    // C6: issuer and serial play no part, so two upstream certificates that share both are still two.
    ['another upstream certificate, whatever its issuer and serial', { upstreamHash: hash('two') }],
    ['another name', { host: 'www.pinlight.test' }],
    ['another protocol', { alpn: 'h2' }],
    ['no protocol', { alpn: null }],
    ['another version', { maxVersion: 'TLSv1.2' }],
    ['another key', { key: 'rsa' }],
    ['another user', { account: '1001' }],
    ['nobody known', { account: null }],
  ])('%s is another one', (_, change) => {
    expect(context(change).leaf.sha256).not.toBe(context().leaf.sha256);
    expect(issued).toHaveLength(2);
  });
  test('2,000 upstream certificates are 2,000 leaves, and at most 400 are kept', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i += 1) seen.add(context({ upstreamHash: hash(String(i)) }).leaf.sha256);
    expect(seen.size).toBe(2_000);
    expect(contexts.size()).toBeLessThanOrEqual(400);
  });
  test('what was used last goes last', () => {
    const kept = context({ host: 'kept.pinlight.test' }).leaf.sha256;
    for (let i = 0; i < 500; i += 1) {
      context({ upstreamHash: hash(String(i)) });
      if (i % 100 === 0) context({ host: 'kept.pinlight.test' });
    }
    expect(context({ host: 'kept.pinlight.test' }).leaf.sha256).toBe(kept);
  });
});

describe('how long a leaf lives', () => {
  test('seven days in all, of which a day at most and half a day at least are over', () => {
    const { leaf } = context();
    expect(leaf.notAfter - leaf.notBefore).toBeLessThanOrEqual(7 * day);
    expect(leaf.notAfter).toBeGreaterThanOrEqual(now + 6 * day);
    expect(leaf.notBefore).toBeGreaterThanOrEqual(now - day);
    expect(leaf.notBefore).toBeLessThanOrEqual(now - day / 2);
  });
  test('never past the server certificate', () => {
    expect(context({ upstreamNotAfter: now + 2 * hour }).leaf.notAfter).toBe(now + 2 * hour);
  });
  test('never past the root', () => {
    const at = authority.notAfter - 3 * day;
    expect(context({ upstreamNotAfter: at + 90 * day }, at).leaf.notAfter).toBe(authority.notAfter);
  });
  test('an hour before its end it is made anew', () => {
    const first = context().leaf;
    expect(context({}, first.notAfter - hour - 1).leaf.sha256).toBe(first.sha256);
    expect(context({}, first.notAfter - hour).leaf.sha256).not.toBe(first.sha256);
  });
  test.each<[string, () => number, number]>([
    ['a clock before the root', () => authority.notBefore - 1, now + 30 * day],
    ['a clock after the root', () => authority.notAfter, now + 900 * day],
    ['a server certificate that has ended', () => now, now - 1],
  ])('%s makes none, and none is recorded', (_, at, upstreamNotAfter) => {
    expect(contexts.contextFor(request({ upstreamNotAfter }), at())).toMatchObject({ kind: 'impossible' });
    expect(issued).toHaveLength(0);
  });
  test('a clock that is set back behind the leaf does not hand out one that is not valid yet', () => {
    context({}, now + 3 * day);
    expect(context({}, now).leaf.notBefore).toBeLessThanOrEqual(now);
  });
});

describe('what an app is shown', () => {
  test('the leaf that was recorded, with the protocol of the server', async () => {
    const leaf = context();
    const seen = await shown(leaf, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(seen).toMatchObject({ fingerprint: leaf.leaf.sha256, version: 'TLSv1.3', alpn: 'http/1.1', type: 'prime256v1' });
  });
  test('no version above the one of the server', async () => {
    expect(await shown(context({ maxVersion: 'TLSv1.2' }), {})).toMatchObject({ version: 'TLSv1.2' });
  });
  test('an RSA leaf to a TLS 1.2 client without ECDSA suites', async () => {
    expect(await shown(context({ maxVersion: 'TLSv1.2', key: 'rsa' }), { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' })).toMatchObject({ type: 'rsa' });
  });
  test.each([['static RSA', 'AES128-GCM-SHA256'], ['CBC', 'ECDHE-ECDSA-AES128-SHA256'], ['finite-field DH', 'DHE-RSA-AES128-GCM-SHA256']])('%s is refused', async (_, ciphers) => {
    await expect(shown(context({ maxVersion: 'TLSv1.2', key: 'rsa' }), { ciphers, maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });
  test('no session is handed out that a second connection could resume', async () => {
    const leaf = context({ maxVersion: 'TLSv1.2' });
    let session: Buffer | undefined;
    const first = net.createServer((socket) => leaf.server.emit('connection', socket));
    await new Promise<void>((done) => first.listen(0, '127.0.0.1', done));
    await new Promise<void>((done, fail) => {
      const socket = tls.connect({ host: '127.0.0.1', port: (first.address() as net.AddressInfo).port, servername: 'api.pinlight.test', ca: [authority.certificatePem] });
      socket.once('error', fail).once('secureConnect', () => {
        session = socket.getSession();
        socket.destroy();
        done();
      });
    });
    first.close();
    expect(await shown(leaf, session === undefined ? {} : { session })).toMatchObject({ reused: false });
  });
});

describe('which key a client gets', () => {
  test.each<[string, tls.ConnectionOptions, 'TLSv1.2' | 'TLSv1.3', 'ec' | 'rsa']>([
    ['TLS 1.3', {}, 'TLSv1.3', 'ec'],
    ['TLS 1.2 with ECDSA suites', { maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'ec'],
    ['TLS 1.2 with RSA suites only', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, 'TLSv1.2', 'rsa'],
    ['TLS 1.3, but RSA suites only for 1.2, at a TLS 1.3 server', { ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256' }, 'TLSv1.3', 'ec'],
    ['TLS 1.3, but RSA suites only for 1.2, at a TLS 1.2 server', { ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256' }, 'TLSv1.2', 'rsa'],
  ])('%s', async (_, options, version, key) => {
    const hello = await helloOf(options);
    expect(leafKeyFor(hello, version)).toBe(key);
    expect(whyUnanswerable(hello)).toBeNull();
  });
  test('a client without ECDSA signatures is not answered at all: it could not verify our root', async () => {
    expect(whyUnanswerable(await helloOf({ maxVersion: 'TLSv1.2', sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' }))).toContain('ECDSA');
  });
});
