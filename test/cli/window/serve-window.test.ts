// The window server from outside: who gets a page, who gets an answer, and who gets neither. Raw requests, since browsers hide headers.
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text as readText } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createControlClient } from '../../../electron/client/control-client.ts';
import { serveWindow } from '../../../electron/cli/window/serve-window.ts';
import { findUid } from '../../../electron/cli/window/peer-uid.ts';
import type { WindowServer, WindowServerOptions } from '../../../electron/cli/window/serve-window.ts';
import { bundleBytes, startContractAgent } from '../../client/contract-agent.ts';
import type { ContractAgent } from '../../client/contract-agent.ts';
import { sampleBundleJob, sampleSnapshot } from '../../client/sample-state.ts';

let agent: ContractAgent;
let folder: string;
let server: WindowServer;
let clock: number;
beforeAll(async () => {
  agent = await startContractAgent();
  folder = await mkdtemp(join(tmpdir(), 'pl-window-'));
  await mkdir(join(folder, 'out', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), 'outside');
  await writeFile(join(folder, 'out', 'index.html'), '<!doctype html><html><head lang="en"><title>Pinlight</title></head><body></body></html>');
  await writeFile(join(folder, 'out', 'assets', 'app.js'), 'console.log(1)');
  await writeFile(join(folder, 'out', 'assets', 'notes.txt'), 'not served');
  await symlink(join(folder, 'secret.js'), join(folder, 'out', 'link.js'));
});
afterAll(async () => {
  await agent.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  clock = 1_000_000;
  server = await startWindow();
});
afterEach(async () => {
  await server.close();
});

function startWindow(changes: Partial<WindowServerOptions> = {}): Promise<WindowServer> {
  return serveWindow({ client: createControlClient({ controlPath: agent.controlPath }), folder: join(folder, 'out'), now: () => clock, uids: null, idleMs: 600_000, command: 'npx --no-install pinlight', ...changes });
}

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };
type Asked = { readonly method?: string; readonly path: string; readonly headers?: Readonly<Record<string, string | readonly string[]>>; readonly body?: string };

async function ask({ method = 'GET', path, headers = {}, body }: Asked): Promise<Answer> {
  const outgoing = request({ host: '127.0.0.1', port: server.port, method, path, headers: { host: `127.0.0.1:${server.port}`, ...headers }, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

const tokenPath = (): string => server.url.slice(`http://127.0.0.1:${server.port}`.length);

async function openPage(): Promise<{ readonly bearer: string; readonly cookie: string }> {
  const page = await ask({ path: tokenPath() });
  const bearer = /<meta name="pinlight-session" content="([\w-]{43})">/.exec(page.body.toString())?.[1];
  const cookie = page.headers['set-cookie']?.[0]?.split(';')[0];
  if (bearer === undefined || cookie === undefined) throw new Error(`no session in ${page.status} ${page.body.toString()}`);
  return { bearer, cookie };
}

function call(bearer: string | null, call_: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return ask({
    method: 'POST', path: '/bridge/call', body: typeof call_ === 'string' ? call_ : JSON.stringify(call_),
    headers: { 'content-type': 'application/json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
  });
}

describe('the page', () => {
  test('the link gives the page with a session in it and a cookie for its assets', async () => {
    const page = await ask({ path: tokenPath(), headers: { 'sec-fetch-site': 'none' } });
    expect(page.status).toBe(200);
    expect(page.body.toString()).toMatch(/<head lang="en"><meta name="pinlight-session" content="[\w-]{43}"><meta name="pinlight-command" content="npx --no-install pinlight"><title>/);
    expect(page.headers['set-cookie']?.[0]).toMatch(new RegExp(`^pinlight-${server.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`));
    expect(page.body.toString()).not.toContain(page.headers['set-cookie']?.[0]?.split(/[=;]/)[1] ?? '?');
  });

  test('the link works once', async () => {
    await openPage();
    const again = await ask({ path: tokenPath(), headers: { accept: 'text/html,*/*' } });
    expect(again.status).toBe(403);
    expect(again.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(again.body.toString()).toContain('<p>This link was used already, or is older than two minutes. Run npx --no-install pinlight open again.</p>');
    expect((await ask({ path: '/', headers: { accept: 'text/html' } })).body.toString()).toContain('<p>This address needs a link.');
  });

  test('the link works for two minutes', async () => {
    clock += 119_999;
    expect((await ask({ path: tokenPath() })).status).toBe(200);
    await server.close();
    server = await startWindow();
    clock += 120_000;
    expect((await ask({ path: tokenPath() })).status).toBe(403);
  });

  test('a reload gets the page by its cookie, without the session in it', async () => {
    const { cookie } = await openPage();
    const page = await ask({ path: '/', headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    expect(page.status).toBe(200);
    expect(page.body.toString()).not.toContain('pinlight-session');
    expect((await ask({ path: '/assets/app.js', headers: { cookie: `other=1; ${cookie}` } })).body.toString()).toBe('console.log(1)');
  });

  const refused: readonly { name: string; path: string; status: number }[] = [
    { name: 'a path out of the folder', path: '/../secret.js', status: 404 },
    { name: 'an encoded path out of the folder', path: '/%2e%2e/secret.js', status: 404 },
    { name: 'a path out of the folder with encoded slashes', path: '/..%2fsecret.js', status: 404 },
    { name: 'a path out of the folder with a backslash', path: '/..\\secret.js', status: 404 },
    { name: 'a link in the folder', path: '/link.js', status: 404 },
    { name: 'a file of a kind that windows do not have', path: '/assets/notes.txt', status: 404 },
    { name: 'a folder', path: '/assets/', status: 404 },
    { name: 'a name that objects have', path: '/__proto__', status: 404 },
  ];
  test.each(refused)('$name is not there, even for the window itself', async ({ path, status }) => {
    const { cookie } = await openPage();
    const answer = await ask({ path, headers: { cookie } });
    expect(answer.status).toBe(status);
    expect(answer.body.toString()).not.toContain('outside');
  });

  test.each(['/', '/?token=', '/?token=wrong', '/assets/app.js', '/index.html', '/nothing'])('%s without link or cookie is refused', async (path) => {
    expect((await ask({ path })).status).toBe(403);
  });

  test('every answer, refusals too, carries the safety headers and no CORS header', async () => {
    const { bearer, cookie } = await openPage();
    const answers = await Promise.all([
      ask({ path: '/', headers: { cookie } }), ask({ path: '/' }), ask({ path: '/', headers: { host: 'evil.example' } }), call(bearer, { route: 'status' }),
      call(null, {}), ask({ method: 'OPTIONS', path: '/bridge/call', headers: { 'access-control-request-method': 'POST', 'access-control-request-private-network': 'true' } }),
    ]);
    for (const { headers } of answers) {
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('strangers', () => {
  const strange: readonly { name: string; headers: (port: number) => Readonly<Record<string, string>> }[] = [
    { name: 'a rebound name', headers: (port) => ({ host: `evil.example:${port}` }) },
    { name: 'localhost, which other names can be mapped to', headers: (port) => ({ host: `localhost:${port}` }) },
    { name: 'the address without the port', headers: () => ({ host: '127.0.0.1' }) },
    { name: 'a name that ends like ours', headers: (port) => ({ host: `evil.127.0.0.1:${port}` }) },
    { name: 'another page', headers: () => ({ origin: 'https://evil.example' }) },
    { name: 'a sandboxed page', headers: () => ({ origin: 'null' }) },
    { name: 'a page on another port of this host', headers: (port) => ({ origin: `http://127.0.0.1:${port + 1}` }) },
    { name: 'a request from another site', headers: () => ({ 'sec-fetch-site': 'cross-site' }) },
    { name: 'a request from another port, which is the same site', headers: () => ({ 'sec-fetch-site': 'same-site' }) },
  ];
  test.each(strange)('$name gets 403 before any routing, even with link, session and cookie', async ({ headers }) => {
    const { bearer, cookie } = await openPage();
    const extra = headers(server.port);
    for (const asked of [{ path: '/' }, { path: '/bridge/watch' }, { path: '/bridge/nothing' }, { method: 'OPTIONS', path: '/bridge/call' }, { method: 'DELETE', path: '/' }]) {
      const answer = await ask({ ...asked, headers: { cookie, authorization: `Bearer ${bearer}`, ...extra } });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ ok: false, error: { code: 'foreign-origin' } });
    }
    expect((await call(bearer, { route: 'status' }, extra)).status).toBe(403);
  });

  test('a stranger does not use up the link', async () => {
    expect((await ask({ path: tokenPath(), headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect((await ask({ path: tokenPath() })).status).toBe(200);
  });

  const raw: readonly { name: string; text: (port: number) => string; answer: RegExp }[] = [
    { name: 'two Host headers', text: (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: 127.0.0.1:${port}\r\n\r\n`, answer: /^HTTP\/1.1 (400|403)/ },
    { name: 'no Host header', text: () => 'GET / HTTP/1.1\r\n\r\n', answer: /^HTTP\/1.1 400/ },
    { name: 'an absolute-form target', text: (port) => `GET http://127.0.0.1:${port}/?token=x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`, answer: /^HTTP\/1.1 403/ },
    { name: 'a target that is no URL', text: (port) => `GET //[ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`, answer: /^HTTP\/1.1 403/ },
    { name: 'a WebSocket', text: (port) => `GET /bridge/watch HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, answer: /^$/ },
    { name: 'a tunnel', text: (port) => `CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, answer: /^$/ },
  ];
  test.each(raw)('$name leads nowhere', async ({ text, answer }) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(text(server.port));
    const received = (await buffer(socket)).toString();
    expect(received).toMatch(answer);
    expect(received).not.toContain('pinlight-session');
  });
});

describe('another user of this machine', () => {
  test.skipIf(process.platform !== 'linux' ? sayWhy('who connects is only told on Linux') : false)('gets nothing and does not use up the link', async () => {
    await server.close();
    // The same program is a stranger to a server for somebody else, and no stranger to its own; root may do everything, so it connects as another user.
    const uid = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);
    server = await startWindow({ uids: [uid + 1] });
    expect(await statusSeenBy(uid, server.url)).toBe('403');
    // All of 127.0.0.0/8 is this machine, and whose program comes from elsewhere in it is not looked up.
    expect(await statusSeenBy(uid, server.url, '127.0.0.2')).toBe('403');
    await server.close();
    server = await startWindow({ uids: [uid] });
    expect(await statusSeenBy(uid, server.url)).toBe('200');
    expect(await statusSeenBy(uid, server.url)).toBe('403');
  });

  const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const tables: readonly { name: string; line: string; uid: number | null }[] = [
    { name: 'the client\'s side of the connection', line: '   1: 0100007F:C001 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 20 4 30 10 -1', uid: 1000 },
    { name: 'our own side does not count', line: '   1: 0100007F:9C40 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 20 4 30 10 -1', uid: null },
    { name: 'an IPv6 socket connected to the IPv4 address', line: '   1: 0000000000000000FFFF00000100007F:C001 0000000000000000FFFF00000100007F:9C40 01 00000000:00000000 00:00000000 00000000  1001        0 1', uid: 1001 },
    { name: 'another connection', line: '   1: 0100007F:C002 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 20 4 30 10 -1', uid: null },
    { name: 'a line that is cut', line: '   1: 0100007F:C001 0100007F:9C40 01', uid: null },
  ];
  test.each(tables)('/proc/net/tcp: $name', ({ line, uid }) => {
    expect(findUid(`${header}\n${line}\n`, 0xc001, 0x9c40)).toBe(uid);
  });
});

describe('calls', () => {
  test('a call with the session is passed on and answered in the envelope', async () => {
    const { bearer } = await openPage();
    const answer = await call(bearer, { route: 'status', query: {}, body: {} });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({ ok: true, data: sampleSnapshot() });
    await call(bearer, { route: 'addExclusion', query: {}, body: { host: 'a.example', reason: 'r' } });
    expect(agent.seen.at(-1)).toEqual({ route: 'addExclusion', query: {}, body: { host: 'a.example', reason: 'r' } });
  });

  test('a bundle goes with what this process found on the device, whatever the page says of it', async () => {
    await server.close();
    const found = { ok: true, checks: [{ name: 'agent', state: 'ok', text: 'x'.repeat(600), fix: null, ms: 1 }] } as const;
    server = await startWindow({ examine: async () => found });
    const { bearer } = await openPage();
    await call(bearer, { route: 'startBundle', query: {}, body: { note: 'slow', doctor: { ok: true, checks: [] } } });
    expect(agent.seen.at(-1)).toEqual({ route: 'startBundle', query: {}, body: { note: 'slow', doctor: { ok: true, checks: [{ ...found.checks[0], text: `${'x'.repeat(499)}…` }] } } });
  });

  test('the doctor answers who has the session, by POST alone, and only where this process can look', async () => {
    const look = async (headers: Readonly<Record<string, string>>, method = 'POST'): Promise<Answer> => ask({ method, path: '/bridge/doctor', headers: { 'content-type': 'application/json', ...headers } });
    const { bearer } = await openPage();
    const none = await look({ authorization: `Bearer ${bearer}` });
    expect(none.status).toBe(404);
    expect(JSON.parse(none.body.toString())).toMatchObject({ ok: false, error: { message: expect.stringContaining('npx --no-install pinlight doctor') } });
    await server.close();
    const found = { ok: true, checks: [{ name: 'agent', state: 'ok', text: 'It answers.', fix: null, ms: 1 }] } as const;
    server = await startWindow({ examine: async () => found });
    const again = await openPage();
    expect(JSON.parse((await look({ authorization: `Bearer ${again.bearer}` })).body.toString())).toEqual({ ok: true, data: found });
    expect((await look({ authorization: `Bearer ${again.bearer}` }, 'GET')).status).toBe(405);
    expect((await look({})).status).toBe(403);
  });

  test('a refusal of the agent keeps its code and status', async () => {
    const { bearer } = await openPage();
    const answer = await call(bearer, { route: 'explain', query: { app: 'nobody' } });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ ok: false, error: { code: 'no-such-app' } });
  });

  const unauthorised: readonly { name: string; headers: (session: { bearer: string; cookie: string }) => Readonly<Record<string, string>> }[] = [
    { name: 'nothing', headers: () => ({}) },
    { name: 'the cookie alone', headers: ({ cookie }) => ({ cookie }) },
    { name: 'the cookie\'s value as session', headers: ({ cookie }) => ({ authorization: `Bearer ${cookie.split('=')[1]}` }) },
    { name: 'the link\'s token as session', headers: () => ({ authorization: `Bearer ${server.url.split('=')[1]}` }) },
    { name: 'the session as cookie', headers: ({ bearer }) => ({ cookie: `pinlight-${server.port}=${bearer}` }) },
    { name: 'a session that is one letter short', headers: ({ bearer }) => ({ authorization: `Bearer ${bearer.slice(1)}` }) },
  ];
  test.each(unauthorised)('$name opens no endpoint', async ({ headers }) => {
    const session = await openPage();
    const before = agent.seen.length;
    for (const path of ['/bridge/watch', '/bridge/bundle', '/bridge/nothing']) expect((await ask({ path, headers: headers(session) })).status).toBe(403);
    expect((await call(null, { route: 'status' }, headers(session))).status).toBe(403);
    expect(agent.seen).toHaveLength(before);
  });

  const bad: readonly { name: string; body: unknown; headers?: Readonly<Record<string, string>>; status: number; code: string }[] = [
    { name: 'a route that no screen may use', body: { route: 'stop' }, status: 403, code: 'not-permitted' },
    { name: 'a route that does not exist', body: { route: 'frobnicate' }, status: 403, code: 'not-permitted' },
    { name: 'a name that objects have', body: { route: 'constructor' }, status: 403, code: 'not-permitted' },
    { name: 'query values that are no strings', body: { route: 'explain', query: { app: ['x'] } }, status: 400, code: 'bad-request' },
    { name: 'a body that is no object', body: { route: 'status', body: 'x' }, status: 400, code: 'bad-request' },
    { name: 'a call that is no object', body: [1], status: 400, code: 'bad-request' },
    { name: 'something that is not JSON', body: '{', status: 400, code: 'bad-request' },
    { name: 'a form\'s content type', body: { route: 'status' }, headers: { 'content-type': 'text/plain' }, status: 415, code: 'bad-request' },
    { name: 'a content type that begins like JSON', body: { route: 'status' }, headers: { 'content-type': 'application/json-patch+json' }, status: 415, code: 'bad-request' },
    { name: 'a body over 64 kB', body: { route: 'status', query: { x: 'x'.repeat(65_536) } }, status: 413, code: 'bad-request' },
    { name: 'a body over 64 kB that does not say so', body: { route: 'status', query: { x: 'x'.repeat(65_536) } }, headers: { 'transfer-encoding': 'chunked' }, status: 413, code: 'bad-request' },
  ];
  test.each(bad)('$name: $status', async ({ body, headers, status, code }) => {
    const { bearer } = await openPage();
    const before = agent.seen.length;
    const answer = await call(bearer, body, headers);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ ok: false, error: { code } });
    expect(agent.seen).toHaveLength(before);
  });

  test.each([['GET', '/bridge/call'], ['POST', '/bridge/watch'], ['POST', '/bridge/bundle'], ['PUT', '/bridge/call'], ['OPTIONS', '/bridge/call']])('%s %s is not a way in', async (method, path) => {
    const { bearer } = await openPage();
    expect((await ask({ method, path, headers: { authorization: `Bearer ${bearer}` } })).status).toBe(405);
  });

  test('the bundle comes as a named zip file', async () => {
    const { bearer } = await openPage();
    const answer = await ask({ path: `/bridge/bundle?job=${sampleBundleJob.id}`, headers: { authorization: `Bearer ${bearer}` } });
    expect(answer.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-disposition': expect.stringMatching(/^attachment; filename="pinlight-diag-LAPTOP-42-\d{8}T\d{6}Z-PL-7K3M-Q2XA\.zip"$/) });
    expect(answer.body.equals(bundleBytes)).toBe(true);
  });
});

describe('the event stream and the end', () => {
  test('passes events on as they come and lets go of the agent when the window closes', async () => {
    const { bearer } = await openPage();
    const outgoing = request({ host: '127.0.0.1', port: server.port, path: '/bridge/watch', headers: { authorization: `Bearer ${bearer}` }, agent: false });
    outgoing.on('error', () => undefined);
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    let received = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
    });
    response.on('error', () => undefined);
    await vi.waitUntil(() => received.endsWith('\n'), { timeout: 5_000 });
    expect(response.headers['content-type']).toContain('application/x-ndjson');
    agent.emit({ sequence: 11, kind: 'exclusions', exclusions: [] });
    await vi.waitUntil(() => received.trimEnd().split('\n').length === 2, { timeout: 5_000 });
    expect(received.trimEnd().split('\n').map((line): unknown => JSON.parse(line))).toMatchObject([{ kind: 'snapshot' }, { kind: 'exclusions', sequence: 11 }]);
    outgoing.destroy();
    await vi.waitUntil(() => agent.streams.size === 0, { timeout: 5_000 });
  });

  test('a window that does not read is cut instead of being buffered for', async () => {
    const { bearer } = await openPage();
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(`GET /bridge/watch HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${bearer}\r\n\r\n`);
    await vi.waitUntil(() => agent.streams.size === 1, { timeout: 5_000 });
    const padding = 'x'.repeat(1024 * 1024);
    for (let sequence = 11; sequence < 60; sequence += 1) agent.emit({ sequence, kind: 'exclusions', exclusions: [], padding });
    await vi.waitUntil(() => agent.streams.size === 0, { timeout: 10_000 });
    socket.destroy();
  });

  test('it is not idle while a window is open, and is when none has been for so long', async () => {
    await server.close();
    const brief = await startWindow({ idleMs: 400 });
    server = brief;
    const { bearer } = await openPage();
    const outgoing = request({ host: '127.0.0.1', port: brief.port, path: '/bridge/watch', headers: { authorization: `Bearer ${bearer}` }, agent: false });
    outgoing.on('error', () => undefined);
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    response.on('error', () => undefined).resume();
    const opened = performance.now();
    await vi.waitUntil(() => performance.now() - opened > 800, { timeout: 5_000 });
    expect(brief.idle.aborted).toBe(false);
    outgoing.destroy();
    await vi.waitUntil(() => brief.idle.aborted, { timeout: 5_000 });
  });

  test('without a built window it does not start', async () => {
    await expect(serveWindow({ client: createControlClient(), folder: join(folder, 'out', 'assets'), now: () => clock, uids: null, idleMs: 1, command: 'pinlight' })).rejects.toMatchObject({ code: 'window-not-built' });
  });
});

/** The status of a request for `url` by a program of that user. */
async function statusSeenBy(uid: number, url: string, localAddress = '127.0.0.1'): Promise<string> {
  const script = "require('node:http').get(process.argv[1], { localAddress: process.argv[2] }, (response) => { console.log(response.statusCode); response.resume(); })";
  const child = spawn(process.execPath, ['-e', script, url, localAddress], process.getuid?.() === 0 ? { uid, gid: uid, cwd: '/' } : {});
  return (await readText(child.stdout)).trim();
}

function sayWhy(why: string): true {
  process.stderr.write(`skipped: ${why}\n`);
  return true;
}
