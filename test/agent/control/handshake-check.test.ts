// The servers that `pinlight trust … --handshake` has programs visit: whom they are trusted by, what is told of a visit, and that all end with the request.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as tls from 'node:tls';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import { createHandshakeChecks } from '../../../electron/agent/control/handshake-check.ts';
import type { HandshakeLine } from '../../../electron/contract/routes.ts';
import { startTestAgent, type TestAgent } from '../../support/agent.ts';
import { portOf } from '../../support/port-of.ts';

let agent: TestAgent;
let open: AbortController[] = [];
beforeAll(async () => { agent = await startTestAgent({ rules: [] }); });
afterEach(() => {
  for (const one of open) one.abort();
  open = [];
});
afterAll(() => agent.stop());

type Check = { readonly lines: HandshakeLine[]; readonly own: number; readonly stranger: number; end(): void };
async function begin(pairs = 1): Promise<Check> {
  const controller = new AbortController();
  open.push(controller);
  const stream = await agent.client.openHandshakes({ pairs, root: 'current' }, controller.signal);
  stream.on('error', () => undefined);
  const lines: HandshakeLine[] = [];
  createInterface({ input: stream }).on('line', (line) => lines.push(JSON.parse(line) as HandshakeLine)).on('error', () => undefined);
  await vi.waitFor(() => expect(lines).toHaveLength(1), 10_000);
  const [ready] = lines;
  if (ready?.kind !== 'ready') throw new Error('not ready');
  expect(ready.pairs).toHaveLength(pairs);
  const [first] = ready.pairs;
  return { lines, own: first?.own ?? 0, stranger: first?.stranger ?? 0, end: () => controller.abort() };
}
/** `trusted`, or the code with which the client refuses. */
function visit(port: number, options: tls.ConnectionOptions = {}): Promise<{ result: string; certificate: tls.PeerCertificate | null }> {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: [readFileSync(agent.rootFile, 'utf8')], ...options });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve({ result: error.code ?? error.message, certificate: null }));
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      socket.write('GET /secret HTTP/1.1\r\nHost: localhost\r\nUser-Agent: visitor/1.2\r\n\r\n');
      socket.once('data', () => {
        socket.destroy();
        resolve({ result: 'trusted', certificate });
      });
    });
  });
}

test('one server is localhost under the root, for minutes; the other is nobody\'s', async () => {
  const check = await begin();
  const own = await visit(check.own);
  expect(own.result).toBe('trusted');
  expect(own.certificate?.subjectaltname).toBe('DNS:localhost');
  expect(Date.parse(own.certificate?.valid_to ?? '') - Date.now()).toBeLessThan(10 * 60_000);
  expect((await visit(check.stranger)).result).toBe('CERT_SIGNATURE_FAILURE');
  expect((await visit(check.own, { ca: [] })).result).not.toBe('trusted');
});

test('the caller is told who came, what was asked and who refused; no key is among it', async () => {
  const check = await begin();
  await visit(check.own);
  await visit(check.own, { ca: [] });
  await vi.waitFor(() => expect(check.lines.map((line) => line.kind)).toEqual(['ready', 'met', 'asked', 'met', 'failed']), 10_000);
  expect(check.lines[2]).toEqual({ kind: 'asked', port: check.own, path: '/secret', agent: 'visitor/1.2' });
  expect(check.lines[4]).toMatchObject({ kind: 'failed', port: check.own, code: expect.any(String) });
  expect(JSON.stringify(check.lines)).not.toMatch(/PRIVATE|BEGIN/);
});

test('each leaf under the root is in the issuance log', async () => {
  await begin();
  await agent.client.call('connections', { limit: '1' }, {});
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  expect(database.prepare("SELECT DISTINCT host, upstream_result FROM issued_leaves WHERE upstream_result = 'handshake-check'").all()).toEqual([{ host: 'localhost', upstream_result: 'handshake-check' }]);
  database.close();
});

test('every server listens on loopback alone, and ends when the caller leaves', async () => {
  const check = await begin(3);
  expect((await visit(check.own)).result).toBe('trusted');
  check.end();
  await vi.waitFor(async () => expect((await visit(check.own)).result).toBe('ECONNREFUSED'), 10_000);
});

test('who is amid a handshake, or behind one and silent, is cut off as well', async () => {
  const check = await begin();
  const amid = connect(check.own, '127.0.0.1');
  const behind = tls.connect({ port: check.own, host: '127.0.0.1', servername: 'localhost', ca: [readFileSync(agent.rootFile, 'utf8')] });
  const ended = [amid, behind].map((socket) => new Promise((done) => socket.on('error', () => undefined).once('close', done)));
  await new Promise((done) => behind.once('secureConnect', done));
  await vi.waitFor(() => expect(check.lines.filter(({ kind }) => kind === 'met')).toHaveLength(2), 10_000);
  check.end();
  // Node itself would end the first after 15 s, and the second never.
  await expect(Promise.race([Promise.all(ended), new Promise((_done, fail) => setTimeout(() => fail(new Error('still connected')), 5_000))])).resolves.toHaveLength(2);
});

test('there is room for 64 connections to all servers of a check, and again when they have ended', async () => {
  const check = await begin(8);
  const [ready] = check.lines;
  const ports = ready?.kind === 'ready' ? ready.pairs.flatMap(({ own, stranger }) => [own, stranger]) : [];
  const connected = new Set<Socket>();
  for (let index = 0; index < 80; index++) {
    const socket = connect(ports[index % ports.length] ?? 0, '127.0.0.1', () => connected.add(socket));
    socket.on('error', () => undefined).once('close', () => connected.delete(socket));
  }
  await vi.waitFor(() => expect(check.lines.filter(({ kind }) => kind === 'met')).toHaveLength(64), 10_000);
  await vi.waitFor(() => expect(connected.size).toBe(64), 10_000);
  for (const socket of connected) socket.destroy();
  await vi.waitFor(async () => expect((await visit(check.own)).result).toBe('trusted'), 10_000);
});

test.each([['none', 0], ['half a pair', 1.5], ['too many', 65], ['no number', Number.NaN]])('%s is refused in words', async (_name, pairs) => {
  await expect(agent.client.openHandshakes({ pairs, root: 'current' }, AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'bad-request' });
});

test('a next root that is not there is refused in words', async () => {
  await expect(agent.client.openHandshakes({ pairs: 1, root: 'next' }, AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'root-unusable' });
});

test('of a service\'s users each has one check, and the last place is for administrators', async () => {
  const serve = createHandshakeChecks();
  const home = mkdtempSync(join(tmpdir(), 'pinlight-checks-'));
  const loaded = loadAuthority(home, 'laptop-7', Date.now());
  if (loaded.kind !== 'authority') throw new Error(loaded.why);
  const front = createServer((request, response) => {
    const owner = request.url === '/root' ? null : request.url ?? '';
    serve(response, { owner, root: loaded.authority, pairs: 1, now: Date.now(), onIssue: () => undefined }).catch((error: Error) => response.writeHead(409).end(error.message));
  });
  await new Promise<void>((done) => front.listen(0, '127.0.0.1', done));
  const ask = (owner: string): Promise<IncomingMessage> => new Promise((done, fail) => get({ port: portOf(front), path: owner, agent: false }, done).on('error', fail));
  const [ann, bob, eve] = [await ask('/ann'), await ask('/bob'), await ask('/eve')];
  expect([ann, bob, eve].map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  expect([(await ask('/ann')).statusCode, (await ask('/mel')).statusCode, (await ask('/root')).statusCode]).toEqual([409, 409, 200]);
  ann.destroy();
  await vi.waitFor(async () => expect((await ask('/mel')).statusCode).toBe(409), 10_000);
  bob.destroy();
  await vi.waitFor(async () => expect((await ask('/ann')).statusCode).toBe(200), 10_000);
  front.closeAllConnections();
  front.close();
  rmSync(home, { recursive: true });
});

test('a fifth check at once waits for its turn in words, and gets it', async () => {
  const checks = await Promise.all([begin(), begin(), begin(), begin()]);
  await expect(agent.client.openHandshakes({ pairs: 1, root: 'current' }, AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'checks-busy' });
  const [first] = checks;
  first?.end();
  await vi.waitFor(async () => { await begin(); }, 10_000);
});
