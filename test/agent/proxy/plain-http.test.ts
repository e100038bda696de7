// Plain requests to servers that stop: each ends after its time, whether its app waits for an answer or uploads. With an agent: test/routes.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlainHttp } from '../../../electron/agent/proxy/plain-http.ts';
import type { ProxyContext } from '../../../electron/agent/proxy/proxy-context.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import { portOf } from '../../support/port-of.ts';

const rows: ConnectionRow[] = [];
const sockets = new Set<Socket>();
let silent: Server;
let listener: Server;

beforeAll(async () => {
  // Accepts and reads nothing.
  silent = createServer({ pauseOnConnect: true }, (socket) => sockets.add(socket.on('error', () => undefined)));
  const policy = mergePolicy([], []);
  const proxy = {
    servedUid: null, selfUid: null, os: 'linux', now: Date.now, policy: () => policy, monitor: { verdictAt: () => null },
    store: { nextConnectionId: () => 1, putConnection: () => undefined }, log: { opened: () => undefined, record: (row: ConnectionRow, over: boolean) => over && rows.push(row) },
    dial: async () => {
      const socket = connect(portOf(silent), '127.0.0.1').on('error', () => socket.destroy());
      await once(socket, 'connect');
      return { kind: 'connected', socket, address: '127.0.0.1', forward: null };
    },
    onBug: (error: unknown) => { throw error; },
  } as unknown as ProxyContext;
  const serve = createPlainHttp(proxy, 500);
  listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    serve(client.on('error', () => undefined), { owner: { kind: 'unknown', why: 'gone', uid: null, sandbox: null }, app: null });
    client.resume();
  });
  for (const server of [silent, listener]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of [silent, listener]) server.close();
});

test('an app that waits for an answer is told', async () => {
  const app = connect(portOf(listener), '127.0.0.1');
  app.write('GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n');
  let said = '';
  app.on('data', (chunk) => { said += String(chunk); });
  await once(app, 'end');
  app.destroy();
  expect(said).toMatch(/^HTTP\/1\.1 502 .*ETIMEDOUT/s);
  expect(rows.splice(0)).toMatchObject([{ outcome: { kind: 'upstream', code: 'ETIMEDOUT' } }]);
});

test('an upload that the server does not take ends as well, with its app gone or there', async () => {
  const app = connect(portOf(listener), '127.0.0.1').on('error', () => undefined);
  app.write('POST http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100000000\r\n\r\n');
  app.write(Buffer.alloc(50_000_000));
  await expect.poll(() => rows.length).toBe(1);
  app.destroy();
  expect(rows.splice(0)).toMatchObject([{ outcome: { kind: 'upstream', code: 'ETIMEDOUT' } }]);
});
