// A relay whose app has ended its half: it stays while the server has something to say, and goes when the server hangs.
import { once } from 'node:events';
import * as net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { relay } from '../../../electron/agent/proxy/relay.ts';
import { open } from '../../support/origins.ts';
import { readAll } from '../../support/tunnel.ts';

const halfClosedMs = 300;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** An app's socket whose bytes a relay carries to `serve`; `over` resolves with the relay. */
async function stage(serve: (socket: net.Socket) => void): Promise<{ app: net.Socket; over: Promise<unknown> }> {
  const origin = await open(net.createServer({ allowHalfOpen: true }, serve), 'origin.test');
  let over: Promise<unknown> = Promise.resolve();
  const proxy = await open(net.createServer({ allowHalfOpen: true }, (client) => {
    over = relay(client, net.connect({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true }), halfClosedMs);
  }), 'proxy.test');
  closers.push(proxy.close, origin.close);
  const app = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  app.write('question');
  await once(app, 'connect');
  return { app, over: new Promise((done) => { app.once('close', () => done(over)); }) };
}

test('a server that neither answers nor ends is left when the app has', async () => {
  const { app, over } = await stage((socket) => socket.resume());
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
    }, halfClosedMs / 4);
    socket.resume().once('close', () => clearInterval(timer));
  });
  app.end();
  expect((await readAll(app)).toString()).toBe(`${'answer '.repeat(10)}end`);
  await over;
});
