// The control API of a real agent: who may speak, what is refused in words, what the stream says, how it ends. Criteria of group F (SECURITY.md).
import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { routePaths } from '../../../electron/contract/routes.ts';
import type { AgentEvent, Snapshot, StreamLine } from '../../../electron/contract/snapshot.ts';
import { reduce } from '../../../electron/contract/snapshot.ts';
import { findCommand } from '../../support/find-command.ts';
import { repository, startTestAgent, type TestAgent } from '../../support/agent.ts';

const run = promisify(execFile);
const until = (condition: () => void | Promise<void>, timeout = 10_000): Promise<void> => vi.waitFor(condition, { timeout, interval: 20 });

let agent: TestAgent;
beforeAll(async () => { agent = await startTestAgent({ rules: [] }); });
afterAll(() => agent.stop());

type Answer = { status: number; body: { ok: boolean; data?: unknown; error?: { code: string; message: string; advice: string } }; headers: http.IncomingHttpHeaders };
function ask(method: string, path: string, options: { headers?: Record<string, string>; body?: string | Buffer; control?: string } = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const outgoing = http.request({ socketPath: options.control ?? agent.controlPath, method, path, agent: false, headers: { host: 'pinlight', ...options.headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (text === '') return fail(new Error(`no body, status ${response.statusCode}`));
        done({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) as Answer['body'] });
      });
    });
    outgoing.on('error', fail);
    outgoing.end(options.body);
  });
}
const json = (body: unknown): { headers: Record<string, string>; body: string } => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
/** The answer must be worded: a stable code that is no bug, a sentence, advice. */
function worded(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.ok, answer.body.error?.code]).toEqual([status, false, code]);
  expect(answer.body.error?.message).toMatch(/\w+ \w+/);
  expect(answer.body.error?.advice).toMatch(/\w+ \w+/);
}

function second(home: string, policy: string): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(repository, 'electron/agent/main.ts'), '--policy', policy], { env: { ...process.env, PINLIGHT_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.once('close', (code) => done({ code, out, err }));
  });
}

describe('who may speak', () => {
  test('curl over the socket with the Host pinlight', async (context) => {
    if (findCommand('curl') === null) {
      console.log('skipped: curl is not installed');
      return context.skip();
    }
    const { stdout } = await run('curl', ['-sS', '--unix-socket', agent.controlPath, 'http://pinlight/v1/status']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { agent: { pid: agent.pid } } });
  });
  const routes = [...Object.values(routePaths).map(({ method, path }) => [method, path] as const), ['GET', '/v1/events'] as const, ['GET', '/v1/bundle'] as const, ['OPTIONS', '/v1/status'] as const, ['GET', '/nowhere'] as const];
  const foreign: Record<string, Record<string, string>> = {
    'an Origin': { origin: 'https://evil.test' }, 'the Origin null': { origin: 'null' }, 'its own Origin': { origin: 'http://pinlight' }, 'a Referer': { referer: 'https://evil.test/' },
    'another Host': { host: 'evil.test' }, 'localhost as Host': { host: 'localhost' }, 'a Host with port': { host: 'pinlight:80' }, 'a Host that ends like ours': { host: 'evil.pinlight' },
    'an empty Host': { host: '' },
  };
  test.each(Object.keys(foreign))('%s is refused before routing, on every path and method, and nothing changes', async (name) => {
    for (const [method, path] of routes) {
      const body = method === 'POST' ? json({ host: 'csrf.test', reason: 'forged', text: '', file: '' }) : { headers: {} };
      const answer = await ask(method, path, { ...body, headers: { ...body.headers, ...foreign[name] } });
      expect([method, path, answer.status, answer.body.error?.code]).toEqual([method, path, 403, 'foreign-origin']);
      expect(Object.keys(answer.headers).filter((header) => header.startsWith('access-control'))).toEqual([]);
    }
    expect((await agent.client.call('exclusions', {}, {})).exclusions.filter(({ host }) => host === 'csrf.test')).toEqual([]);
    expect(agent.process.exitCode).toBeNull();
  });
  test('a socket of mode 0600 in a folder of mode 0700', () => {
    expect(statSync(agent.controlPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(agent.controlPath)).mode & 0o777).toBe(0o700);
    expect(lstatSync(agent.controlPath).isSocket()).toBe(true);
  });
  test('another user cannot connect', (context) => {
    if (process.getuid?.() !== 0 || findCommand('setpriv') === null) {
      console.log('skipped: another user needs root and setpriv');
      return context.skip();
    }
    // The way to the socket is open to all here, so that what refuses is its folder and its own mode.
    chmodSync(agent.home, 0o755);
    const connect = 'require("net").connect(process.argv[1]).on("error",(e)=>{console.log(e.code);process.exit(1)}).on("connect",()=>{console.log("in");process.exit(0)})';
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', connect, agent.controlPath];
    const tried = spawnSync('setpriv', args, { encoding: 'utf8', cwd: '/' });
    expect([tried.status, tried.stdout.trim()]).toEqual([1, 'EACCES']);
    chmodSync(dirname(agent.controlPath), 0o755);
    expect(spawnSync('setpriv', args, { encoding: 'utf8', cwd: '/' }).stdout.trim()).toBe('EACCES');
    for (const name of ['root.key', 'pinlight.db', 'agent.log']) {
      expect(spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'cat', join(agent.home, name)]).status, name).not.toBe(0);
    }
    chmodSync(dirname(agent.controlPath), 0o700);
    chmodSync(agent.home, 0o700);
  });
});

describe('what is refused in words', () => {
  test.each([['PUT', '/v1/status'], ['DELETE', '/v1/status'], ['GET', '/v1/stop'], ['HEAD', '/v1/stop'], ['GET', '/'], ['GET', '/v2/status'], ['GET', '/v1/status/'], ['GET', '/v1/../v1/nothing']])('%s %s', async (method, path) => {
    if (method === 'HEAD') expect(await headStatus(path)).toBe(404);
    else worded(await ask(method, path), 404, 'no-such-route');
  });
  test.each([['POST', '/v1/events'], ['POST', '/v1/bundle'], ['DELETE', '/v1/events']])('%s %s', async (method, path) => {
    worded(await ask(method, path, method === 'POST' ? json({}) : {}), 400, 'bad-request');
  });
  test.each(['//', '/\\', '//[', 'http://[/v1/status', '*'])('the target %s, and the agent lives', async (target) => {
    const raw = await exchange(`GET ${target} HTTP/1.1\r\nHost: pinlight\r\nConnection: close\r\n\r\n`);
    expect(raw).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(raw).not.toContain('"bug"');
  });
  test.each<[string, string | Buffer, string | undefined]>([
    ['no content type', '{}', undefined], ['a form', 'host=x', 'application/x-www-form-urlencoded'], ['text, as a page may send without asking', '{}', 'text/plain'],
    ['a type that only begins like JSON', '{}', 'application/jsonp'],
    ['no JSON', '{"host":', 'application/json'], ['the JSON null', 'null', 'application/json'], ['a JSON number', '7', 'application/json'],
    ['a JSON list', '[1]', 'application/json'], ['a JSON text', '"x"', 'application/json'], ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), 'application/json'],
    ['an empty object', '{}', 'application/json'], ['a host that is no text', '{"host":{},"reason":"x"}', 'application/json'],
    ['an empty reason', '{"host":"a.test","reason":" "}', 'application/json'], ['hours that are no number', '{"host":"a.test","reason":"x","hours":"1"}', 'application/json'],
    ['hours without end', '{"host":"a.test","reason":"x","hours":1e999}', 'application/json'], ['a host that is no pattern', '{"host":"a b","reason":"x"}', 'application/json'],
    ['an app that is no text', '{"host":"a.test","reason":"x","app":{}}', 'application/json'], ['a nested prototype', '{"__proto__":{"host":"a.test","reason":"x"}}', 'application/json'],
  ])('a new exclusion with %s', async (_, body, type) => {
    worded(await ask('POST', '/v1/exclusions', { body, headers: type === undefined ? {} : { 'content-type': type } }), 400, 'bad-request');
    expect((await agent.client.call('exclusions', {}, {})).exclusions.filter(({ kind }) => kind === 'user')).toEqual([]);
  });
  test('a body of 3 MB, with the answer still readable', async () => {
    worded(await ask('POST', '/v1/bundles', { headers: { 'content-type': 'application/json' }, body: Buffer.alloc(3_000_000, 0x20) }), 400, 'bad-request');
  });
  test('a body that never ends, sent in pieces', async () => {
    const answer = await new Promise<number>((done, fail) => {
      const outgoing = http.request({ socketPath: agent.controlPath, method: 'POST', path: '/v1/bundles', agent: false, headers: { host: 'pinlight', 'content-type': 'application/json' } }, (response) => {
        clearInterval(sending);
        response.resume().on('end', () => done(response.statusCode ?? 0)).on('error', fail);
      });
      const sending = setInterval(() => outgoing.write(Buffer.alloc(200_000, 0x20)), 1);
      outgoing.on('error', (error) => {
        clearInterval(sending);
        fail(error);
      });
    });
    expect(answer).toBe(400);
  });
  test.each(['limit=0', 'limit=x', 'limit=99999', 'before=-1', 'before=x', 'filter=nonsense%20eq%20', 'filter=(((('])('connections?%s', async (query) => {
    const answer = await ask('GET', `/v1/connections?${query}`);
    worded(answer, 400, query.startsWith('filter') ? 'bad-filter' : 'bad-request');
  });
  test('an app nobody has seen, an exclusion that is not there', async () => {
    worded(await ask('GET', '/v1/explain?app=nothing'), 404, 'no-such-app');
    worded(await ask('GET', '/v1/explain'), 404, 'no-such-app');
    worded(await ask('DELETE', '/v1/exclusions?id=nothing'), 404, 'no-such-exclusion');
    worded(await ask('DELETE', '/v1/exclusions'), 404, 'no-such-exclusion');
  });
  test('a test of an app nobody has seen, without a host, and where policy inspects nothing', async () => {
    worded(await ask('POST', '/v1/tests', json({ app: 'nothing', host: 'a.test' })), 404, 'no-such-app');
    worded(await ask('POST', '/v1/tests', json({})), 404, 'no-such-app');
    await proxyRefusal(agent);
    await until(async () => expect((await agent.client.call('apps', {}, {})).apps).not.toEqual([]));
    const app = (await agent.client.call('apps', {}, {})).apps[0]?.id ?? '';
    worded(await ask('POST', '/v1/tests', json({ app, host: 'a.test' })), 409, 'test-not-possible');
    worded(await ask('GET', `/v1/tests?app=${app}`), 400, 'bad-request');
    expect((await ask('GET', `/v1/tests?app=${app}&host=a.test`)).body).toMatchObject({ ok: true, data: { test: null } });
    expect((await ask('DELETE', `/v1/tests?app=${app}&host=a.test`)).body).toMatchObject({ ok: true, data: { test: null } });
  });
  test('a predefined exclusion that somebody wants to remove', async () => {
    const fixed = (await agent.client.call('exclusions', {}, {})).exclusions.find(({ kind }) => kind === 'predefined');
    worded(await ask('DELETE', `/v1/exclusions?id=${fixed?.id ?? ''}`), 409, 'exclusion-fixed');
  });
  test.each<[string, string]>([
    ['garbage', '\x16\x03\x01\x02\x00garbage\r\n\r\n'], ['a CONNECT', 'CONNECT pinlight:1 HTTP/1.1\r\nHost: pinlight\r\n\r\n'],
    ['a WebSocket handshake', 'GET /v1/events HTTP/1.1\r\nHost: pinlight\r\nOrigin: http://evil.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n'],
    ['a length and chunks at once', 'POST /v1/stop HTTP/1.1\r\nHost: pinlight\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a head of 64 kB', `GET /v1/status HTTP/1.1\r\nHost: pinlight\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`],
    ['two Hosts', 'GET /v1/status HTTP/1.1\r\nHost: pinlight\r\nHost: evil.test\r\nConnection: close\r\n\r\n'],
  ])('%s is refused and the next caller is served', async (_, bytes) => {
    expect(await exchange(bytes)).not.toMatch(/^HTTP\/1\.1 (200|101)/);
    expect(agent.process.exitCode).toBeNull();
    expect((await agent.client.call('status', {}, {})).agent.pid).toBe(agent.pid);
  });
});

describe('the event stream', () => {
  test('begins with the snapshot, then tells each change once, in order, so that both sides stay equal', async () => {
    const lines: StreamLine[] = [];
    const stop = new AbortController();
    const watching = agent.client.watch((signal) => {
      if (signal.kind !== 'disconnected') lines.push(signal);
    }, { signal: stop.signal });
    await until(() => expect(lines[0]?.kind).toBe('snapshot'));
    const { exclusion } = await agent.client.call('addExclusion', {}, { host: 'watched.test', reason: 'test' });
    await proxyRefusal(agent);
    await until(() => expect(lines.some((line) => line.kind === 'connection')).toBe(true));
    await agent.client.call('removeExclusion', { id: exclusion.id }, {});
    await until(() => expect(lines.filter((line) => line.kind === 'exclusions')).toHaveLength(2));
    stop.abort();
    await watching;
    const [first, ...rest] = lines as [{ kind: 'snapshot'; snapshot: Snapshot }, ...AgentEvent[]];
    const events = rest.filter((line) => 'sequence' in line);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => first.snapshot.sequence + 1 + i));
    const folded = events.reduce(reduce, first.snapshot);
    const fresh = await agent.client.call('status', {}, {});
    expect({ ...folded, apps: [], sequence: 0 }).toEqual({ ...fresh, apps: [], sequence: 0 });
  });
  test('a listener that does not read is cut with a reason, and others keep theirs', { timeout: 60_000 }, async () => {
    const slow = net.connect(agent.controlPath);
    await new Promise((done) => slow.once('connect', done));
    slow.pause();
    slow.write('GET /v1/events HTTP/1.1\r\nHost: pinlight\r\n\r\n');
    let heard = 0;
    const stop = new AbortController();
    const watching = agent.client.watch(() => { heard += 1; }, { signal: stop.signal });
    await until(() => expect(heard).toBeGreaterThan(0));
    // Each change of the exclusions carries the whole list: some hundred make the backlog overflow.
    const reason = 'r'.repeat(480);
    const made: string[] = [];
    for (let i = 0; i < 160; i += 1) made.push((await agent.client.call('addExclusion', {}, { host: `slow${i}.test`, reason })).exclusion.id);
    const before = heard;
    for (const id of made) await agent.client.call('removeExclusion', { id }, {});
    await until(() => expect(heard).toBeGreaterThanOrEqual(before + 160));
    let text = '';
    const ended = new Promise((done) => slow.once('close', done));
    slow.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('end', () => slow.end());
    slow.resume();
    await until(() => expect(text).toContain('listener-too-slow'));
    slow.end();
    await ended;
    stop.abort();
    await watching;
  });
});

describe('starting and stopping', () => {
  test('a second agent for the same state folder says so and ends with 0; the first one keeps its socket', async () => {
    const ended = await second(agent.home, join(agent.home, 'test-policy.json'));
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(/running already.*another Pinlight agent runs/);
    expect((await agent.client.call('status', {}, {})).agent.pid).toBe(agent.pid);
  });
  test('a socket that a killed agent left is replaced', async () => {
    const home = mkdtempSync(join(tmpdir(), 'pinlight-stale-'));
    try {
      const first = await startTestAgent({ rules: [] }, { home });
      const gone = new Promise((done) => first.process.once('exit', done));
      first.process.kill('SIGKILL');
      await gone;
      expect(existsSync(first.controlPath)).toBe(true);
      const again = await startTestAgent({ rules: [] }, { home });
      expect((await again.client.call('status', {}, {})).agent.pid).toBe(again.pid);
      await again.stop();
      expect(existsSync(again.controlPath)).toBe(false);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
  test('a plain file in the place of the socket is replaced, a link to somebody else\'s file is not followed', async () => {
    const home = mkdtempSync(join(tmpdir(), 'pinlight-place-'));
    try {
      const first = await startTestAgent({ rules: [] }, { home });
      await first.stop();
      writeFileSync(first.controlPath, 'not a socket');
      const again = await startTestAgent({ rules: [] }, { home });
      expect(lstatSync(again.controlPath).isSocket()).toBe(true);
      await again.stop();
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
  test('the stop route ends the agent: 0, no socket, no open proxy, an answer to whoever asked', async () => {
    const own = await startTestAgent({ rules: [] });
    const gone = new Promise<number | null>((done) => own.process.once('exit', done));
    expect(await own.client.call('stop', {}, {})).toEqual({ stopping: true });
    expect(await gone).toBe(0);
    expect(existsSync(own.controlPath)).toBe(false);
    await expect(own.client.call('status', {}, {})).rejects.toMatchObject({ code: 'agent-not-running' });
    await own.stop();
  });
  test('it ends in time with streams and tunnels open', async () => {
    const own = await startTestAgent({ rules: [] });
    const stream = net.connect(own.controlPath, () => stream.write('GET /v1/events HTTP/1.1\r\nHost: pinlight\r\n\r\n'));
    const half = net.connect(own.proxyPort, '127.0.0.1', () => half.write('CONNECT never'));
    for (const socket of [stream, half]) socket.on('error', () => undefined);
    await new Promise((done) => stream.once('data', done));
    const from = performance.now();
    await own.stop();
    expect(performance.now() - from).toBeLessThan(4_000);
    expect(own.process.exitCode).toBe(0);
  });
});

function headStatus(path: string): Promise<number> {
  return new Promise((done, fail) => {
    http.request({ socketPath: agent.controlPath, method: 'HEAD', path, agent: false, headers: { host: 'pinlight' } }, (response) => done(response.resume().statusCode ?? 0)).on('error', fail).end();
  });
}

/** Sends bytes as they are and collects what comes back until the end, or 2 s of the server keeping it open. */
function exchange(bytes: string): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = net.connect(agent.controlPath, () => socket.write(bytes, 'latin1'));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('error', () => undefined).on('close', () => done(text));
  });
}

/** One connection that the proxy refuses: loopback is no target. */
function proxyRefusal(of: TestAgent): Promise<void> {
  return new Promise((done) => {
    const socket = net.connect(of.proxyPort, '127.0.0.1', () => socket.write('CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n'));
    socket.on('error', () => undefined).on('close', () => done()).resume();
  });
}
