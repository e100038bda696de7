// A server that asks for a client certificate: the app's own bytes reach it at the first attempt. Real servers, TLS 1.2 and 1.3, real agent.
import { spawn, type ChildProcess } from 'node:child_process';
import * as net from 'node:net';
import type * as tls from 'node:tls';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { makeClientCertificate, type ClientCertificate } from '../support/client-certificate.ts';
import { findCommand } from '../support/find-command.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { portOf } from '../support/port-of.ts';
import { readAll, tlsThrough, until } from '../support/tunnel.ts';
import { observationsAt, observed } from './observations.ts';

type Files = { readonly key: string; readonly cert: string; readonly clientCa: string; readonly folder: string };
type Server = { readonly title: string; readonly needs: string | null; readonly command: (port: number, version: '1.2' | '1.3', files: Files) => readonly string[] };

const openssl = (title: string, verify: string): Server => ({
  title, needs: 'openssl', command: (port, version, { key, cert, clientCa }) => [
    'openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-key', key, '-cert', cert, '-CAfile', clientCa, `-tls${version.replace('.', '_')}`, verify, '1', '-www', '-quiet'],
});
const nginx = (title: string, verify: string): Server => ({
  title, needs: 'nginx', command: (port, version, { key, cert, clientCa, folder }) => {
    const own = join(folder, `nginx-${port}`);
    mkdirSync(own);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${own}/${name};`).join(' ');
    writeFileSync(join(own, 'conf'), `daemon off; pid ${own}/pid; events {} http { access_log off; ${temporary} server { listen 127.0.0.1:${port} ssl;
      ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv${version}; ssl_verify_client ${verify}; ssl_client_certificate ${clientCa};
      location / { return 200 "verified: $ssl_client_verify"; } } }`);
    return ['nginx', '-p', own, '-e', join(own, 'error'), '-c', join(own, 'conf')];
  },
});
const gnutls = (title: string, ...more: string[]): Server => ({
  title, needs: 'gnutls-serv', command: (port, version, { key, cert, clientCa }) => [
    'gnutls-serv', '--http', '-p', String(port), '--x509keyfile', key, '--x509certfile', cert, '--x509cafile', clientCa, '--priority', `NORMAL:-VERS-ALL:+VERS-TLS${version}`, ...more],
});
const servers: readonly Server[] = [
  openssl('OpenSSL that may be refused', '-verify'), openssl('OpenSSL that insists', '-Verify'), nginx('nginx with optional', 'optional'), nginx('nginx with on', 'on'),
  gnutls('GnuTLS that may be refused'), gnutls('GnuTLS that insists', '--require-client-cert'),
];
const versions = ['1.2', '1.3'] as const;
const hostOf = (title: string, version: string): string => `${title.toLowerCase().replaceAll(' ', '-')}.${version.replace('.', '')}.pinlight.test`;
const node = (kind: string, version: string): string => `node-${kind}.${version.replace('.', '')}.pinlight.test`;

let authority: TestAuthority;
let client: ClientCertificate;
let agent: TestAgent;
const children: ChildProcess[] = [];
const origins: Origin[] = [];

beforeAll(async () => {
  authority = createTestAuthority();
  client = makeClientCertificate(authority.folder);
  const localTargets: Record<string, string> = {};
  for (const version of versions) {
    const leaf = authority.leaf(`*.${version.replace('.', '')}.pinlight.test`);
    const files = { key: join(authority.folder, `${version}.key`), cert: join(authority.folder, `${version}.pem`), clientCa: client.certFile, folder: authority.folder };
    writeFileSync(files.key, leaf.key);
    writeFileSync(files.cert, leaf.cert);
    for (const { title, needs, command } of servers) {
      if (needs !== null && findCommand(needs) === null) continue;
      const port = await freePort();
      const [name = '', ...args] = command(port, version, files);
      children.push(spawn(findCommand(name) ?? name, args, { stdio: ['pipe', 'ignore', 'ignore'] }));
      localTargets[`${hostOf(title, version)}:443`] = `127.0.0.1:${port}`;
      await until(`${title} on ${version} listens`, () => canConnect(port));
    }
    const range = { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` } as const;
    const asks = { requestCert: true, ca: client.pem };
    for (const [kind, options] of [['silent', {}], ['asks', { ...asks, rejectUnauthorized: false }], ['must-asks', { ...asks, rejectUnauthorized: false }], ['must-insists', asks]] as const) {
      const origin = await startOrigin(authority, node(kind, version), { leaf, tls: { ...range, ...options } });
      origins.push(origin);
      localTargets[`${origin.host}:443`] = `127.0.0.1:${origin.port}`;
    }
  }
  agent = await startTestAgent({
    defaults: { onInvalidUpstream: 'block' },
    rules: [
      ...versions.map((version) => ({ id: `must-${version}`, when: { host: [node('must-asks', version), node('must-insists', version)] }, do: 'inspect', mustInspect: true })),
      { id: 'own', when: { user: 'self' }, do: 'inspect' },
    ],
    network: { upstreamRoots: [authority.rootFile], localTargets },
  });
}, 60_000);

afterAll(async () => {
  // First, so that an agent that did not start leaves no server behind.
  await Promise.all(children.map((child) => new Promise((done) => {
    child.once('exit', done);
    child.kill('SIGTERM');
  })));
  await agent.stop();
  await Promise.all(origins.map((origin) => origin.close()));
  authority.close();
});

/** One request of an app that owns a certificate; who answered, and what. */
async function visit(host: string, more: tls.ConnectionOptions = {}): Promise<{ issuer: string; text: string }> {
  const socket = await tlsThrough(agent.proxyPort, host, {
    ca: [authority.rootPem, readFileSync(agent.rootFile, 'utf8')], cert: readFileSync(client.certFile), key: readFileSync(client.keyFile), ...more,
  });
  const issuer = socket.getPeerX509Certificate()?.issuer ?? '';
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return { issuer, text: (await readAll(socket)).toString() };
}
const rowOf = async (host: string) => until('the row', async () => (await agent.client.call('connections', { filter: `host == "${host}"` }, {})).rows[0]);

describe.each(servers)('$title', ({ title, needs }) => {
  const missing = needs !== null && findCommand(needs) === null;
  if (missing) console.log(`skipped: ${title}: no ${needs} here`);
  test.skipIf(missing).each(versions)('is reached by the app itself at the first attempt, on TLS %s', async (version) => {
    const host = hostOf(title, version);
    const { issuer, text } = await visit(host);
    expect(issuer).toContain('Test origins');
    expect(text).toContain('HTTP/1');
    if (needs === 'nginx') expect(text).toContain('verified: SUCCESS');
    expect(await rowOf(host)).toMatchObject({ decided: 'inspect', disposition: 'bypass', reason: { code: 'client-certificate' } });
    expect(await observed(agent, host)).toMatchObject({
      disposition: 'bypass', outcome: { kind: 'passed', data: true }, evidence: null, circumstances: { clientCertificateAsked: true, upstream: 'not-inspected' },
    });
  });
});

describe.each(versions)('on TLS %s', (version) => {
  // Groups, so that the server leg is the classical one, the hybrid one, and one without TLS 1.3.
  test.each<[string, tls.ConnectionOptions]>([
    ['X25519 first', { ecdhCurve: 'X25519:P-256' }], ['the hybrid of X25519 and ML-KEM first', { ecdhCurve: 'X25519MLKEM768:X25519:P-256' }], ['P-256', { ecdhCurve: 'P-256' }],
  ])('the question is seen whatever the app offers: %s', async (_, options) => {
    expect((await visit(node('asks', version), options)).issuer).toContain('Test origins');
  });

  test('a server that does not ask is inspected, full and resumed', async () => {
    const host = node('silent', version);
    for (let count = 0; count < 3; count += 1) expect((await visit(host)).issuer).toContain('Pinlight root');
    expect((await observationsOf(host)).every(({ circumstances }) => !circumstances.clientCertificateAsked)).toBe(true);
  });

  test('a host that must be inspected is inspected without one, and asks anew each time', async () => {
    const host = node('must-asks', version);
    for (let count = 0; count < 2; count += 1) expect((await visit(host)).issuer).toContain('Pinlight root');
    const all = await observationsOf(host);
    expect(all.every(({ outcome, circumstances }) => outcome.kind === 'established' && circumstances.clientCertificateAsked)).toBe(true);
  });

  test('a host that must be inspected and insists fails, and the observation says why', async () => {
    const host = node('must-insists', version);
    await visit(host).catch(() => undefined);
    const [first] = await observationsOf(host);
    expect(first?.circumstances.clientCertificateAsked).toBe(true);
    expect((await rowOf(host)).disposition).not.toBe('bypass');
  });
});

const observationsOf = (host: string) => until(`observations at ${host}`, () => {
  const found = observationsAt(agent, host);
  return found.length > 0 ? found : null;
});

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const port = portOf(server);
      server.close(() => done(port));
    });
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => done(true));
    socket.on('error', () => done(false)).once('connect', () => socket.destroy());
  });
}
