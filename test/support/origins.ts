// TLS origins for tests and the demo: real servers on loopback under a throwaway root of their own. Not a product part.
import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import * as tls from 'node:tls';
import { mintLeaf, mintRoot, pem } from '../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../electron/core/ca/certificate.ts';
import { makeClientCertificate, type ClientCertificate } from './client-certificate.ts';

const day = 24 * 3600_000;

export type TestAuthority = {
  readonly rootPem: string;
  readonly rootFile: string;
  readonly folder: string;
  /** Key (P-256, or RSA) and certificate for one name. Dates in ms since the epoch. */
  leaf(name: string, dates?: { notBefore?: number; notAfter?: number; rsa?: boolean }): { key: string; cert: string; publicKey: KeyObject };
  /** A certificate for programs; a server that wants it has `requestCert: true, ca: pem`. */
  clientCertificate(): ClientCertificate;
  close(): void;
};

/** A root that only these tests trust, and its leaves. */
export function createTestAuthority(): TestAuthority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const root = mintRoot({ key: pair.privateKey, publicKey: pair.publicKey, commonName: 'Test origins', notBefore: now - day, notAfter: now + 30 * day });
  const read = readCertificate(root);
  if (read.kind === 'malformed' || read.facts.keyId === null) throw new Error('the test root cannot be read');
  const { subject, keyId } = read.facts;
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-origins-'));
  const rootFile = join(folder, 'origins-root.pem');
  writeFileSync(rootFile, pem(root));
  return {
    rootPem: pem(root), rootFile, folder,
    leaf: (name, dates) => {
      const key = dates?.rsa === true ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const der = mintLeaf({
        rootKey: pair.privateKey, issuer: subject, rootKeyId: keyId, publicKey: key.publicKey, name: { kind: 'dns', name },
        notBefore: dates?.notBefore ?? now - day, notAfter: dates?.notAfter ?? now + 20 * day,
      });
      return { key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert: pem(der), publicKey: new X509Certificate(der).publicKey };
    },
    clientCertificate: () => makeClientCertificate(folder),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export type Origin = { readonly host: string; readonly port: number; close(): Promise<void> };

/** A TLS server on 127.0.0.1 for one name. `onConnection` speaks whatever it likes; without it, HTTP/1.1 (and HTTP/2, if ALPN offers h2) answers `hello from NAME`. */
export async function startOrigin(
  authority: TestAuthority, host: string,
  options: { onConnection?: (socket: tls.TLSSocket) => void; onRequest?: http.RequestListener; tls?: tls.TlsOptions; leaf?: { key: string; cert: string } } = {},
): Promise<Origin> {
  const leaf = options.leaf ?? authority.leaf(host);
  const answer: http.RequestListener = options.onRequest ?? ((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>${host}</title><p>hello from ${host}</p>\n`);
  });
  const web = http.createServer(answer);
  // The compatibility API of http2 has what these answers use.
  const web2 = http2.createServer(answer as unknown as (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void);
  const server = tls.createServer({ key: leaf.key, cert: leaf.cert, allowHalfOpen: true, ...options.tls }, options.onConnection ?? ((socket) => {
    // The HTTP server of an origin reads half-closed requests as ended.
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol === 'h2') {
      // node:http2 leaves it to the socket to answer the end of a client that says no GOAWAY (curl, Go).
      socket.once('end', () => socket.end());
      web2.emit('connection', socket);
    } else web.emit('connection', socket);
  }));
  server.on('tlsClientError', () => undefined);
  return open(server, host);
}

/** Listens on a free loopback port and closes open sockets with the server. */
export function open(server: NetServer, host: string): Promise<Origin> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({
    host, port: (server.address() as AddressInfo).port,
    close: () => new Promise((closed) => {
      server.close(() => closed());
      for (const socket of sockets) socket.destroy();
    }),
  })));
}
