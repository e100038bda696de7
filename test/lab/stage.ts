// Where the lab plays: origins of every sort on loopback, and fresh agents before them. Not for what is played (situations.ts).
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import type { Place } from '../clients/program.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, open, type Origin, type TestAuthority } from '../support/origins.ts';
import type { OriginKind } from './situations.ts';

export type TlsVersion = '1.2' | '1.3';

export type Origins = {
  readonly authority: TestAuthority;
  /** `127.0.0.1:PORT` of the origin of that sort and version. */
  addressOf(kind: OriginKind, version: TlsVersion): string;
  certificateOf(host: string): string;
  /** Requests answered for a host so far. */
  served(host: string): number;
  readonly clientCertificate: { readonly certFile: string; readonly keyFile: string };
  close(): Promise<void>;
};

export type Stage = { readonly agent: TestAgent; readonly place: Place; close(): Promise<void> };

/** How late a `slow` origin begins its handshake: long enough for an app to lose patience first. */
const slowMs = 1_500;

export async function openOrigins(): Promise<Origins> {
  const authority = createTestAuthority();
  const clientCertificate = authority.clientCertificate();
  const leaves = new Map<string, { key: string; cert: string; context: tls.SecureContext }>();
  const served = new Map<string, number>();
  const leafOf = (host: string, rsa = false): { key: string; cert: string; context: tls.SecureContext } => {
    const known = leaves.get(`${host} ${rsa}`);
    if (known !== undefined) return known;
    const { key, cert } = authority.leaf(host, { rsa });
    // `ca` belongs here: the server's own is not looked at once SNI has chosen a context.
    const leaf = { key, cert, context: tls.createSecureContext({ key, cert, ca: clientCertificate.pem }) };
    leaves.set(`${host} ${rsa}`, leaf);
    return leaf;
  };
  const answer = (host: string, path: string, response: http.ServerResponse | http2.Http2ServerResponse): void => {
    served.set(host, (served.get(host) ?? 0) + 1);
    response.setHeader('content-type', 'text/html');
    if (path === '/stalled') return;
    response.end(`<!doctype html><title>${host}</title><p>hello from ${host}</p>\n${pages[path]?.(host) ?? ''}`);
  };
  const web = http.createServer((request, response) => answer((request.headers.host ?? '').split(':')[0] ?? '', request.url ?? '/', response));
  const servers = new Map<string, Origin>();
  for (const version of ['1.2', '1.3'] as const) {
    for (const kind of ['plain', 'h2', 'slow', 'asks', 'demands', 'rsa'] as const satisfies readonly OriginKind[]) {
      const fallback = leafOf('lab.pinlight.test');
      const options: tls.TlsOptions = {
        key: fallback.key, cert: fallback.cert, allowHalfOpen: kind !== 'h2', maxVersion: `TLSv${version}`,
        SNICallback: (name, done) => done(null, leafOf(name, kind === 'rsa').context),
        ...(kind === 'asks' || kind === 'demands' ? { requestCert: true, rejectUnauthorized: kind === 'demands' } : {}),
      };
      const server = kind === 'h2'
        ? http2.createSecureServer({ ...options, allowHTTP1: true }, (request, response) => answer(request.authority.split(':')[0] ?? '', request.url, response))
        : tls.createServer(options, (socket) => {
          socket.on('error', () => socket.destroy());
          web.emit('connection', socket);
        });
      server.on('tlsClientError', () => undefined);
      // Late by TCP, because a resumed session would make a slow handshake a quick one.
      const front = kind === 'slow' ? net.createServer((socket) => void setTimeout(() => server.emit('connection', socket), slowMs)) : server;
      servers.set(`${kind} ${version}`, await open(front, kind));
    }
  }
  return {
    authority, clientCertificate, certificateOf: (host) => leafOf(host).cert, served: (host) => served.get(host) ?? 0,
    addressOf: (kind, version) => `127.0.0.1:${servers.get(`${kind} ${version}`)?.port}`,
    close: async () => {
      await Promise.all([...servers.values()].map((server) => server.close()));
      authority.close();
    },
  };
}

/** A fresh agent that finds these hosts on the stage, under the embedded rules unless `rules` says otherwise. */
export async function openStage(origins: Origins, version: TlsVersion, hosts: ReadonlyMap<string, OriginKind>, rules?: readonly unknown[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-lab-'));
  const agent = await startTestAgent({
    ...(rules === undefined ? {} : { rules }),
    network: {
      localTargets: Object.fromEntries([...hosts].map(([host, kind]) => [`${host}:443`, origins.addressOf(kind, version)])),
      upstreamRoots: [origins.authority.rootFile],
    },
  });
  return {
    agent,
    place: { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: origins.authority.rootFile, folder, clientCertificate: origins.clientCertificate },
    close: async () => {
      await agent.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What browsers find besides the greeting; hosts named here are in the situations that ask for them. */
const pages: Readonly<Record<string, (host: string) => string>> = {
  '/preconnect': (host) => `<link rel="preconnect" href="https://spare.${host}/">`,
  '/leave': (host) => `<img src="https://slow.${host}/x.png"><script>setTimeout(() => { location.href = '/'; }, 300);</script>`,
};
