// CONNECT through proxies that behave badly: slow, endless, resetting, rude, absent, and ourselves. Those that behave well are in test/routes.
import * as net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connectThrough, type ThroughWay } from '../../../electron/agent/proxy/upstream-proxy.ts';
import { portOf } from '../../support/port-of.ts';

const target = { host: 'shop.pinlight.test', port: 443 };
const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A proxy that answers the first bytes it hears; null: nothing at all. */
function proxy(answer: ((socket: net.Socket) => void) | null): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => answer?.(socket));
  });
  servers.push(server);
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(portOf(server))));
}

const way = (port: number, host = '127.0.0.1'): ThroughWay => ({ kind: 'proxy', proxy: { host, port, credentials: null }, authorization: null });

describe('a proxy', () => {
  test.each<[string, ((socket: net.Socket) => void) | null, string]>([
    ['that never answers', null, 'ERR_PROXY_TIMEOUT'],
    ['that answers byte by byte and does not end', (socket) => {
      const timer = setInterval(() => socket.write('H'), 5);
      socket.once('close', () => clearInterval(timer));
    }, 'ERR_PROXY_TIMEOUT'],
    ['whose head has more than 64 kB', (socket) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`), 'ERR_PROXY_ANSWER'],
    ['whose head never ends', (socket) => void socket.write('a'.repeat(300_000)), 'ERR_PROXY_ANSWER'],
    ['that resets', (socket) => void socket.resetAndDestroy(), 'ERR_PROXY_ANSWER'],
    ['that closes in the middle of its head', (socket) => void socket.end('HTTP/1.1 200 Conn'), 'ERR_PROXY_ANSWER'],
    ['that speaks something else', (socket) => void socket.write('220 mail.example ESMTP\r\n\r\n'), 'ERR_PROXY_ANSWER'],
    ['that wants NTLM', (socket) => void socket.write('HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n'), 'ERR_PROXY_SIGN_IN'],
  ])('%s is a worded failure, and its socket is gone', async (_name, answer, code) => {
    let seen: net.Socket | null = null;
    const port = await proxy((socket) => {
      seen = socket;
      answer?.(socket);
    });
    const closed = new Promise((done) => servers[0]?.once('connection', (socket) => socket.resume().once('close', done)));
    expect(await connectThrough(way(port), target, 'tunnel', new Set(), { connect: 1_000, answer: 300 })).toMatchObject({ kind: 'failed', code });
    await closed;
    expect(seen).not.toBeNull();
  });

  test('that is not there cannot be reached', async () => {
    expect(await connectThrough(way(1), target, 'tunnel', new Set())).toMatchObject({ kind: 'failed', code: 'ERR_PROXY_UNREACHABLE' });
    expect(await connectThrough(way(1, 'no-such-host.invalid'), target, 'tunnel', new Set())).toMatchObject({ kind: 'failed', code: 'ERR_PROXY_UNREACHABLE' });
  });

  test.each([['127.0.0.1'], ['localhost'], ['0.0.0.0']])('that is ourselves, as %s, is not connected to', async (host) => {
    const port = await proxy(null);
    let connections = 0;
    servers[0]?.on('connection', () => { connections += 1; });
    expect(await connectThrough(way(port, host), target, 'tunnel', new Set([port]))).toMatchObject({ kind: 'failed', code: 'ERR_PROXY_LOOP' });
    expect(connections).toBe(0);
  });

  test('hears the name that was asked for, and what the server says at once is kept', async () => {
    let heard = '';
    const port = await proxy(null);
    servers[0]?.on('connection', (socket) => socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString();
      if (heard.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nVia: x\r\n\r\n220 hello');
    }));
    const result = await connectThrough({ ...way(port), authorization: 'Basic YTpi' }, { host: 'fd00::1', port: 25 }, 'tunnel', new Set());
    if (result.kind === 'failed') throw new Error(result.code);
    expect(heard).toBe('CONNECT [fd00::1]:25 HTTP/1.1\r\nHost: [fd00::1]:25\r\nProxy-Authorization: Basic YTpi\r\n\r\n');
    expect(String(result.socket.read())).toBe('220 hello');
    result.socket.destroy();
  });
});
