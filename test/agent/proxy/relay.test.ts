// A relay whose app has ended its half, or left: it stays while somebody has something to say, and goes when the server hangs.
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { relay, type RelayEnd } from '../../../electron/agent/proxy/relay.ts';
import type { Held } from '../../../electron/core/model.ts';
import { connectionOf, createProcessAttribution } from '../../../native/process-attribution/index.ts';
import { createTestAuthority, open, type TestAuthority } from '../../support/origins.ts';
import { readAll } from '../../support/tunnel.ts';

const limits = { halfClosedMs: 300, unreadCheckMs: 100 };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Stage = { readonly app: net.Socket; /** What carries it. */ readonly tcp: net.Socket; readonly over: Promise<RelayEnd>; /** What was answered about the app so far. */ readonly asked: readonly Held[] };

/** An app's socket whose bytes a relay carries to `serve`, in TLS on both legs if `secure`. */
async function stage(serve: (socket: net.Socket) => void, secure = false, isHeld?: () => Held): Promise<Stage> {
  const attribution = createProcessAttribution();
  const asked: Held[] = [];
  const authority = secure ? createTestAuthority() : null;
  const wrap = (onConnection: (socket: net.Socket) => void): net.Server => (authority === null ? net.createServer({ allowHalfOpen: true }, onConnection) : tls.createServer({ ...authority.leaf('a.test'), allowHalfOpen: true }, onConnection));
  const origin = await open(wrap(serve), 'origin.test');
  let settle: (end: RelayEnd) => void = () => undefined;
  const over = new Promise<RelayEnd>((done) => { settle = done; });
  let client: net.Socket | null = null;
  const inner = wrap((leg) => {
    const raw = client;
    if (raw === null) throw new Error('nobody has connected');
    const server = dial(origin.port);
    void relay(leg, authority === null ? server : secured(server, authority), { limits, isHeld: () => {
      const held = isHeld?.() ?? attribution.isHeld(connectionOf(raw));
      asked.push(held);
      return held;
    } }).then(settle);
  });
  const proxy = await open(net.createServer({ allowHalfOpen: true }, (raw) => {
    client = raw;
    inner.emit('connection', raw);
  }), 'proxy.test');
  closers.push(proxy.close, origin.close, () => attribution.close(), () => authority?.close());
  const tcp = dial(proxy.port);
  const app = authority === null ? tcp : secured(tcp, authority);
  app.on('error', () => undefined);
  await once(app, authority === null ? 'connect' : 'secureConnect');
  return { app, tcp, over, asked };
}

const dial = (port: number): net.Socket => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
const secured = (socket: net.Socket, { rootPem }: TestAuthority): tls.TLSSocket => tls.connect({ socket, ca: rootPem, servername: 'a.test' });

test('a server that neither answers nor ends is left when the app has', async () => {
  const { app, over } = await stage((socket) => socket.resume());
  app.write('question');
  app.end();
  app.resume();
  await over;
});

test('a server that goes on answering an app that has said all is heard to its end', async () => {
  const { app, over } = await stage((socket) => {
    let left = 10;
    const timer = setInterval(() => {
      socket.write('answer ');
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      socket.end('end');
    }, limits.halfClosedMs / 4);
    socket.resume().once('close', () => clearInterval(timer));
  });
  app.write('question');
  app.end();
  expect((await readAll(app)).toString()).toBe(`${'answer '.repeat(10)}end`);
  await over;
});

const possible = process.platform === 'linux';
if (!possible) console.log('skipped: whether an app is still there is asked of real sockets on Linux only');

/** More than the buffers on the way take. */
const tooMuch = Buffer.alloc(30_000_000, 65);

describe.runIf(possible).each([['spliced', false], ['inspected', true]] as const)('%s, and a server that does not read', (_name, secure) => {
  const deaf = (socket: net.Socket): void => void socket.pause();

  test.each([['closes', ({ app }: Stage) => app.destroy()], ['resets', ({ tcp }: Stage) => tcp.resetAndDestroy()]] as const)('an app that %s is noticed, and both legs end as broken', async (_how, leaves) => {
    const set = await stage(deaf, secure);
    const { app, over, asked } = set;
    app.write(tooMuch);
    await expect.poll(() => asked).toContain('held');
    leaves(set);
    expect(await over).toMatchObject({ first: 'app', appError: { code: 'ECONNABORTED' } });
    expect(asked.at(-1)).toBe('nobody');
  });

  test('an app that has said all and waits for the answer gets it, however often was asked', async () => {
    let taken = 0;
    let hear = (): void => undefined;
    const { app, over, asked } = await stage((socket) => {
      socket.on('data', (bytes: Buffer) => { taken += bytes.length; }).pause().once('end', () => socket.end(`${taken} heard`));
      hear = () => void socket.resume();
    }, secure);
    app.end(tooMuch);
    await expect.poll(() => asked.length).toBeGreaterThan(3);
    expect(new Set(asked)).toEqual(new Set(['held']));
    hear();
    expect((await readAll(app)).toString()).toBe(`${tooMuch.length} heard`);
    await over;
  });

  test('where nobody can tell, the connection stays', async () => {
    let hear = (): void => undefined;
    const { app, over, asked } = await stage((socket) => {
      socket.pause().once('end', () => socket.end());
      hear = () => void socket.resume();
    }, secure, () => 'unknown');
    app.write(tooMuch);
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    app.destroy();
    const before = asked.length;
    await expect.poll(() => asked.length).toBeGreaterThan(before + 3);
    hear();
    await over;
  });
});

test('nobody is asked about an app that merely waits for a server that thinks', async () => {
  const { app, over, asked } = await stage((socket) => socket.once('data', (bytes) => { setTimeout(() => socket.end(bytes), limits.unreadCheckMs * 4); }));
  app.write('question');
  expect((await readAll(app)).toString()).toBe('question');
  app.end();
  await over;
  expect(asked).toEqual([]);
});
