// The evidence of real programs that refuse, accept or say nothing: what is recorded of each, on TLS 1.2 and 1.3. Real agent, real origins.
// Forms F1 to F5: core/tls/handshake-outcome.test.ts says them. Every host must be inspected, so that no refusal earns a pass-through.
import { spawn } from 'node:child_process';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandshakeEvidence, HandshakeOutcome } from '../../electron/core/model.ts';
import { lateLimitMs } from '../../electron/core/tls/handshake-outcome.ts';
import { findCommand } from '../support/find-command.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, open, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { portOf } from '../support/port-of.ts';
import { connectThrough, readAll, tlsThrough, until } from '../support/tunnel.ts';
import { observationsAt, observed, visitUntilNamed } from './observations.ts';

type Place = { readonly host: string; readonly proxyPort: number; /** A port that leads through the proxy to the host, for programs without CONNECT. */ readonly door: number };
type Run = (place: Place) => readonly string[];
type Form = { readonly outcome: HandshakeOutcome['kind']; readonly sign?: string; readonly evidence: Partial<Record<keyof HandshakeEvidence, unknown>>; readonly silentAfterLeaf?: true };

const f1 = (alert: number): Form => ({ outcome: 'refused', sign: 'alert', evidence: { clientFinished: false, alert, alertBy: 'client', closeKind: 'none' } });
const f2: Form = { outcome: 'refused', sign: 'silent-early', evidence: { clientFinished: false, alert: null, alertBy: null }, silentAfterLeaf: true };
const f3 = (alert: number): Form => ({ outcome: 'refused', sign: 'alert', evidence: { clientFinished: true, alert, alertBy: 'client', closeKind: 'none' } });
/** Without a goodbye it is FIN or RST by a race (measured). */
const f4 = (end: 'goodbye' | 'bare'): Form => ({
  outcome: 'refused', sign: 'silent-late',
  evidence: { clientFinished: true, alert: null, alertBy: null, closeKind: end === 'goodbye' ? 'close-notify' : expect.stringMatching(/^(fin|rst)$/) },
});
const f5: Form = { outcome: 'established', evidence: { clientFinished: true, alert: null, closeKind: 'none' } };

let authority: TestAuthority;
let agent: TestAgent;
let both = '';
const origins: Origin[] = [];

const scripts = {
  node: `import http from 'node:http'; import tls from 'node:tls'; import fs from 'node:fs';
const [port, host, ca, stay] = process.argv.slice(2);
http.request({ host: '127.0.0.1', port, method: 'CONNECT', path: host + ':443' }).on('connect', (_, socket) => {
  const secure = tls.connect({ socket, servername: host, ca: fs.readFileSync(ca) }, () => stay ? setTimeout(() => secure.destroy(), Number(stay)) : secure.end('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'));
  secure.on('error', () => process.exit(1)).resume();
}).end();`,
  python: `import socket, ssl, sys
port, host, ca, how = sys.argv[1:5]
raw = socket.create_connection(('127.0.0.1', int(port)))
raw.sendall(f'CONNECT {host}:443 HTTP/1.1\\r\\n\\r\\n'.encode())
raw.recv(4096)
secure = ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=host)
if how == 'send': secure.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); secure.recv(10)
if how == 'unwrap': secure.unwrap()
secure.close()`,
  // Another program (exec) or another process (fork) goes on with the socket of this one, before the handshake or after it.
  changing: `import os, socket, ssl, sys
port, host, ca, how, when = sys.argv[1:6]
def secured(raw): return ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=host)
def ask(secure): secure.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); secure.recv(10)
if how == 'second': ask(secured(socket.socket(fileno=int(when)))); sys.exit()
raw = socket.create_connection(('127.0.0.1', int(port)))
raw.sendall(f'CONNECT {host}:443 HTTP/1.1\\r\\n\\r\\n'.encode())
raw.recv(4096)
if how == 'exec' and when == 'before':
    os.set_inheritable(raw.fileno(), True)
    os.execv(sys.executable, [sys.executable, sys.argv[0], port, host, ca, 'second', str(raw.fileno())])
if when == 'after': raw = secured(raw)
if how == 'exec':
    os.set_inheritable(raw.fileno(), True)
    os.execvp('sleep', ['sleep', '1.2'])
if os.fork() > 0: os._exit(0)
os.setsid()
ask(secured(raw) if when == 'before' else raw)`,
  // Says hello and leaves; another process of its refuses what comes.
  leaving: `import os, socket, ssl, sys, time
port, host, ca = sys.argv[1:4]
raw = socket.create_connection(('127.0.0.1', int(port)))
raw.sendall(f'CONNECT {host}:443 HTTP/1.1\\r\\n\\r\\n'.encode())
raw.recv(4096)
heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
hands = ssl.create_default_context(cafile=ca).wrap_bio(heard, said, server_hostname=host)
def go_on():
    try: hands.do_handshake()
    finally: raw.sendall(said.read())
try: go_on()
except ssl.SSLWantReadError: pass
if os.fork() > 0:
    time.sleep(1.5)
    os._exit(0)
os.setsid()
while True:
    heard.write(raw.recv(65536))
    try: go_on()
    except ssl.SSLWantReadError: continue
    except ssl.SSLCertVerificationError: break
raw.close()`,
  java: `import java.io.*; import java.net.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
class Client { public static void main(String[] a) throws Exception {
  KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType()); store.load(null, null); int n = 0;
  for (var c : CertificateFactory.getInstance("X.509").generateCertificates(new FileInputStream(a[2]))) store.setCertificateEntry("c" + n++, c);
  var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()); trust.init(store);
  var context = SSLContext.getInstance("TLS"); context.init(null, trust.getTrustManagers(), null);
  Socket raw = new Socket("127.0.0.1", Integer.parseInt(a[0])); raw.getOutputStream().write(("CONNECT " + a[1] + ":443 HTTP/1.1\\r\\n\\r\\n").getBytes());
  raw.getInputStream().read(new byte[4096]);
  SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(raw, a[1], 443, true); secure.startHandshake(); secure.close();
} }`,
  go: `package main
import ("crypto/tls"; "crypto/x509"; "fmt"; "net"; "os")
func main() {
  roots := x509.NewCertPool(); pem, _ := os.ReadFile(os.Args[3]); roots.AppendCertsFromPEM(pem)
  raw, _ := net.Dial("tcp", "127.0.0.1:" + os.Args[1]); fmt.Fprintf(raw, "CONNECT %s:443 HTTP/1.1\\r\\n\\r\\n", os.Args[2]); raw.Read(make([]byte, 4096))
  secure := tls.Client(raw, &tls.Config{ServerName: os.Args[2], RootCAs: roots})
  if secure.Handshake() != nil { os.Exit(1) }
  secure.Close()
}`,
};
const script = (name: string): string => join(authority.folder, name);
const proxy = (place: Place): string => `http://127.0.0.1:${place.proxyPort}`;
const curl = (ca: () => string, ...more: string[]): Run => (place) => ['curl', '-sS', '--max-time', '20', '--proxy', proxy(place), '--cacert', ca(), ...more, `https://${place.host}/`];
const node = (ca: () => string, ...more: string[]): Run => (place) => [process.execPath, script('client.mjs'), String(place.proxyPort), place.host, ca(), ...more];
const python = (ca: () => string, how: string): Run => (place) => ['python3', script('client.py'), String(place.proxyPort), place.host, ca(), how];
const openssl = (ca: () => string): Run => (place) => [
  'openssl', 's_client', '-proxy', `127.0.0.1:${place.proxyPort}`, '-connect', `${place.host}:443`, '-servername', place.host, '-CAfile', ca(), '-verify_return_error'];
const gnutls = (ca: () => string): Run => (place) => [
  'gnutls-cli', '-p', String(place.door), '127.0.0.1', '--sni-hostname', place.host, '--verify-hostname', place.host, '--x509cafile', ca()];
const java = (ca: () => string): Run => (place) => ['java', script('Client.java'), String(place.proxyPort), place.host, ca()];
const go = (ca: () => string): Run => (place) => [script('go-client'), String(place.proxyPort), place.host, ca()];
const trusting = (): string => both;
/** Trusts the origins' root, which vouches for the origin, and not ours. */
const distrusting = (): string => authority.rootFile;
const wrongPin = ['--pinnedpubkey', `sha256//${Buffer.alloc(32).toString('base64')}`];

/** Name, the commands it needs, how it runs, and the form on TLS 1.2 and 1.3. */
const programs: readonly (readonly [string, readonly string[], Run, Form, Form])[] = [
  ['curl without the root', ['curl'], curl(distrusting), f1(48), f1(48)],
  ['curl that pins', ['curl'], curl(trusting, ...wrongPin), f4('goodbye'), f4('goodbye')],
  ['curl over HTTP/2 with the root', ['curl'], curl(trusting, '--http2'), f5, f5],
  ['curl over HTTP/1.1 without the root', ['curl'], curl(distrusting, '--http1.1'), f1(48), f1(48)],
  ['wget without the root', ['wget'], (place) => ['wget', '-q', '-O', '-', '--tries=1', `--ca-certificate=${distrusting()}`, `https://${place.host}/`], f4('bare'), f4('bare')],
  ['openssl s_client without the root', ['openssl'], openssl(distrusting), f1(48), f1(48)],
  ['openssl s_client for the handshake only', ['openssl'], openssl(trusting), f4('goodbye'), f4('goodbye')],
  ['gnutls-cli without the root', ['gnutls-cli'], gnutls(distrusting), f1(42), f1(42)],
  ['Node without the root', [], node(distrusting), f4('bare'), f2],
  ['Node with the root', [], node(trusting), f5, f5],
  ['Python without the root', ['python3'], python(distrusting, 'send'), f1(48), f1(48)],
  ['Python that pins and closes', ['python3'], python(trusting, 'close'), f4('bare'), f4('bare')],
  ['Python that pins and says goodbye', ['python3'], python(trusting, 'unwrap'), f4('goodbye'), f4('goodbye')],
  ['Java without the root', ['java', 'javac'], java(distrusting), f1(46), f1(46)],
  ['Java that pins after the handshake', ['java', 'javac'], java(trusting), f4('goodbye'), f4('goodbye')],
  ['Go without the root', ['go'], go(distrusting), f1(42), f1(42)],
  ['Go that pins after the handshake', ['go'], go(trusting), f4('goodbye'), f4('goodbye')],
  ['NSS tstclnt without the root', ['tstclnt'], (place) => ['tstclnt', '-D', '-h', '127.0.0.1', '-p', String(place.door), '-a', place.host], f3(48), f1(48)],
];
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const hostOf = (program: string, version: string): string => `${program.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${version.replace(/\D/g, '')}.pinlight.test`;
const silent = 'silent.pinlight.test';
/** Its server answers after half a second. */
const slow = 'slow.pinlight.test';
/** Speaks TLS 1.2; its door never ends a connection. */
const open12 = 'open.12.pinlight.test';
const changes = ['exec before', 'exec after', 'fork before', 'fork after'].map((change) => [change, `${change.replace(' ', '-')}.13.pinlight.test`] as const);
const broken = 'broken.pinlight.test';

beforeAll(async () => {
  authority = createTestAuthority();
  for (const version of versions) {
    const leaf = authority.leaf(`*.${version.replace(/\D/g, '')}.pinlight.test`);
    const server = http2.createSecureServer({ key: leaf.key, cert: leaf.cert, allowHTTP1: true, minVersion: version, maxVersion: version }, (_request, response) => { response.end('hello'); });
    server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
    origins.push(await open(server, version));
  }
  origins.push(await startOrigin(authority, silent), await open(breakingServer(), broken), await open(slowServer(), slow));
  const localTargets: Record<string, string> = {};
  for (const [program] of programs) versions.forEach((version, index) => { localTargets[`${hostOf(program, version)}:443`] = `127.0.0.1:${origins[index]?.port ?? 0}`; });
  localTargets[`${open12}:443`] = `127.0.0.1:${origins[0]?.port ?? 0}`;
  for (const [, host] of changes) localTargets[`${host}:443`] = `127.0.0.1:${origins[1]?.port ?? 0}`;
  for (const origin of origins.slice(versions.length)) localTargets[`${origin.host}:443`] = `127.0.0.1:${origin.port}`;
  agent = await startTestAgent({
    rules: [{ id: 'all', when: { user: 'self' }, do: 'inspect', mustInspect: true }], network: { upstreamRoots: [authority.rootFile], localTargets },
  });
  both = join(authority.folder, 'both.pem');
  writeFileSync(both, readFileSync(agent.rootFile, 'utf8') + authority.rootPem);
  writeFileSync(script('client.mjs'), scripts.node);
  writeFileSync(script('client.py'), scripts.python);
  writeFileSync(script('changing.py'), scripts.changing);
  writeFileSync(script('leaving.py'), scripts.leaving);
  writeFileSync(script('Client.java'), scripts.java);
  if (findCommand('go') === null) return;
  mkdirSync(script('go'));
  writeFileSync(script('go/main.go'), scripts.go);
  await run(['go', 'build', '-o', script('go-client'), script('go/main.go')], 0);
}, 120_000);

afterAll(async () => {
  await agent.stop();
  await Promise.all(origins.map((origin) => origin.close()));
  authority.close();
});

describe.each(programs)('%s', (program, needs, how, ...forms) => {
  const missing = needs.filter((name) => findCommand(name) === null);
  if (missing.length > 0) console.log(`skipped: ${program}: no ${missing.join(', ')} here`);
  test.skipIf(missing.length > 0).each(versions.map((version, index) => [version, forms[index] as Form] as const))('leaves its evidence on %s', async (version, form) => {
    const host = hostOf(program, version);
    const door = await openDoor(host);
    await visitUntilNamed(agent, host, () => run(how({ host, proxyPort: agent.proxyPort, door: door.port }), agent.proxyPort));
    const observation = await observed(agent, host);
    await door.close();
    expect(observation).toMatchObject({ disposition: 'inspect', outcome: { kind: form.outcome, ...(form.sign === undefined ? {} : { sign: form.sign }) } });
    expect(observation.evidence).toMatchObject({ leafSent: true, leafValid: true, resumed: false, fault: null, closedBy: 'client', tls: version, ...form.evidence });
    expect(observation.circumstances).toMatchObject({ clientCertificateAsked: false, ech: false, upstream: 'verified' });
    const { bytesAfterLeaf = 0, appBytes = -1, msSinceLeaf = -1, handshakeMs = -1 } = observation.evidence ?? {};
    // A program that answers our flight with nothing but its end has sent no byte; all others some, and none the size of a hello.
    expect(bytesAfterLeaf > 0 || form.silentAfterLeaf === true).toBe(true);
    if (form.outcome !== 'established') expect(bytesAfterLeaf).toBeLessThan(260);
    expect(appBytes > 0).toBe(form.outcome === 'established');
    expect(msSinceLeaf).toBeGreaterThanOrEqual(0);
    expect(msSinceLeaf).toBeLessThan(form.outcome === 'established' ? Infinity : lateLimitMs);
    expect(handshakeMs).toBeGreaterThan(0);
  }, 60_000);
});

const withoutNss = findCommand('tstclnt') === null;
if (withoutNss) console.log('skipped: an alert on a connection that stays open: no tstclnt here');
test.skipIf(withoutNss)('an alert after the handshake ends the connection, though the app leaves it open', async () => {
  const door = await openDoor(open12, false);
  await visitUntilNamed(agent, open12, () => run(['tstclnt', '-D', '-h', '127.0.0.1', '-p', String(door.port), '-a', open12], 0));
  expect(await observed(agent, open12)).toMatchObject({ outcome: { kind: 'refused', sign: 'alert' }, evidence: { clientFinished: true, alert: 48 } });
  await door.close();
});

test('an app that stays and says nothing is unused, with the time it stayed', async () => {
  await run(node(trusting, '1300')({ host: silent, proxyPort: agent.proxyPort, door: 0 }), agent.proxyPort);
  const { outcome, evidence } = await observed(agent, silent);
  expect(outcome).toEqual({ kind: 'unused' });
  expect(evidence).toMatchObject({ clientFinished: true, appBytes: 0, closeKind: 'fin' });
  expect(evidence?.msSinceLeaf).toBeGreaterThanOrEqual(lateLimitMs);
});

test('a server that breaks off after its handshake is upstream trouble, whoever is answered first', async () => {
  const app = await tlsThrough(agent.proxyPort, broken, { ca: readFileSync(agent.rootFile) }).catch(() => null);
  if (app !== null) await readAll(app).catch(() => undefined);
  const { outcome, evidence, circumstances } = await observed(agent, broken);
  expect(outcome).toEqual({ kind: 'upstream', code: 'ECONNRESET' });
  expect(evidence).toMatchObject({ leafSent: true, appBytes: 0, closedBy: 'agent' });
  expect(circumstances.upstream).toBe('verified');
});

const withoutPython = findCommand('python3') === null;
if (withoutPython) console.log('skipped: programs that change in mid-connection: no python3 here');
test.skipIf(withoutPython).each(changes)('a program that is another one by %s the handshake is recorded as it began', async (change, host) => {
  const [how = '', when = ''] = change.split(' ');
  await run(['python3', script('changing.py'), String(agent.proxyPort), host, both, how, when], agent.proxyPort);
  const { outcome } = await observed(agent, host);
  expect(outcome).toEqual({ kind: change === 'exec after' ? 'unused' : 'established' });
  const row = await until('the row', async () => (await agent.client.call('connections', { filter: `host == "${host}"` }, {})).rows.find((one) => one.durationMs !== null));
  expect(row.appName).toContain('changing.py');
  expect(readFileSync(join(agent.home, 'agent.log'), 'utf8')).not.toContain('a fault of ours');
});

test.skipIf(withoutPython)('a process that is gone when our certificate comes has been asked before which store it reads', async () => {
  await visitUntilNamed(agent, slow, () => run(['python3', script('leaving.py'), String(agent.proxyPort), slow, distrusting()], agent.proxyPort));
  expect(await observed(agent, slow)).toMatchObject({
    outcome: { kind: 'refused', sign: 'alert', alert: 48 }, trust: { store: 'system', because: expect.stringContaining('SSL_CERT_FILE is not set') as string },
  });
});

test('an app that leaves before our certificate is not observed', async () => {
  const before = observationsAt(agent, silent).length;
  const raw = await connectThrough(agent.proxyPort, silent);
  raw.destroy();
  await expect.poll(async () => (await agent.client.call('connections', { filter: `host == "${silent}"` }, {})).rows.some((row) => row.outcome?.kind === 'abandoned')).toBe(true);
  expect(observationsAt(agent, silent)).toHaveLength(before);
});

/** Resets every connection when its handshake is over. */
function breakingServer(): net.Server {
  const context = tls.createSecureContext(authority.leaf(broken));
  return net.createServer((raw) => {
    new tls.TLSSocket(raw, { isServer: true, secureContext: context }).on('error', () => undefined).once('secure', () => raw.resetAndDestroy());
  });
}

function slowServer(): net.Server {
  const context = tls.createSecureContext(authority.leaf(slow));
  return net.createServer((raw) => {
    raw.on('error', () => undefined);
    setTimeout(() => new tls.TLSSocket(raw, { isServer: true, secureContext: context }).on('error', () => undefined), 3_000);
  });
}

/** A loopback port that leads through the proxy to a host and passes each end on as it comes, or the program's end never. */
async function openDoor(host: string, passesEnd = true): Promise<{ port: number; close: () => Promise<unknown> }> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (program) => {
    program.on('error', () => undefined);
    void connectThrough(agent.proxyPort, host).then((tunnel) => {
      tunnel.on('error', () => program.destroy());
      program.pipe(tunnel, { end: passesEnd });
      tunnel.pipe(program);
    }, () => program.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: portOf(server), close: () => new Promise((done) => server.close(done)) };
}

/** Runs a program to its end with nothing to read and no environment but a proxy. */
function run(command: readonly string[], proxyPort: number): Promise<number | null> {
  const [name = '', ...args] = command;
  return new Promise((done, fail) => {
    const child = spawn(name, args, {
      stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '', HOME: authority.folder, GO111MODULE: 'off', ...(proxyPort === 0 ? {} : { https_proxy: `http://127.0.0.1:${proxyPort}` }) },
    });
    child.once('error', fail);
    child.once('close', done);
  });
}
