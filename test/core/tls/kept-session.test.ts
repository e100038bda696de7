// Real sessions of node:tls, of both versions: what is kept of them resumes, and the certificate is in none of TLS 1.3. Not for who is judged again (test/routes/upstream-trust).
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { withoutPeerCertificate } from '../../../electron/core/tls/kept-session.ts';
import { createTestAuthority } from '../../support/origins.ts';
import { portOf } from '../../support/port-of.ts';

const host = 'kept.session.test';
const authority = createTestAuthority();
const leaf = authority.leaf(host);
const server = createServer(leaf, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.end('hello');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
afterAll(() => {
  server.close();
  authority.close();
});

/** One connection to its end, with the last session the server gave. */
async function visit(options: ConnectionOptions): Promise<{ readonly session: Buffer; readonly resumed: boolean; readonly authorized: boolean; readonly certificate: Buffer | undefined }> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: portOf(server), servername: host, ca: readFileSync(authority.rootFile), ...options });
  let session = Buffer.alloc(0);
  socket.on('session', (one) => { session = one; });
  await once(socket, 'secureConnect');
  const seen = { resumed: socket.isSessionReused(), authorized: socket.authorized, certificate: socket.getPeerX509Certificate()?.raw };
  socket.resume();
  await once(socket, 'close');
  return { session, ...seen };
}

const { session: whole, certificate } = await visit({ minVersion: 'TLSv1.3' });
const kept = Buffer.from(withoutPeerCertificate(whole));

describe('TLS 1.3', () => {
  test('the certificate is gone, and nothing else', () => {
    expect(certificate?.length).toBeGreaterThan(200);
    expect(whole.includes(certificate ?? '')).toBe(true);
    expect(kept.includes(certificate ?? '')).toBe(false);
    // Its own tag and length, and what the whole became shorter by.
    expect(whole.length - kept.length).toBe((certificate?.length ?? 0) + 4);
    expect(withoutPeerCertificate(kept)).toBe(kept);
  });

  test('it resumes, again and again, and shows no certificate', async () => {
    for (let times = 0; times < 3; times += 1) expect(await visit({ minVersion: 'TLSv1.3', session: kept })).toMatchObject({ resumed: true, authorized: true, certificate: undefined });
  });

  test('another server\'s name does not resume it', async () => {
    expect(await visit({ minVersion: 'TLSv1.3', session: kept, servername: 'other.session.test', checkServerIdentity: () => undefined })).toMatchObject({ resumed: false });
  });
});

test('TLS 1.2: it stays as it is, and resumes', async () => {
  const { session } = await visit({ maxVersion: 'TLSv1.2' });
  expect(withoutPeerCertificate(session)).toBe(session);
  expect(await visit({ maxVersion: 'TLSv1.2', session })).toMatchObject({ resumed: true, authorized: true });
});

test('what is no session stays as it is', () => {
  const head = Buffer.from('\0nodejs:tls:session:1\0');
  for (const bytes of [Buffer.alloc(0), head, Buffer.concat([head, Buffer.from([0xff, 0xff, 0x30])]), Buffer.from('3082000030', 'hex')]) expect(withoutPeerCertificate(bytes)).toBe(bytes);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (noise, headed) => {
    const bytes = headed ? Buffer.concat([head, noise]) : noise;
    return withoutPeerCertificate(bytes) === bytes;
  }));
});
