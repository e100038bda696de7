// The one catch of a connection: whatever happens in a step ends that connection and is told, and nothing else ends. Routes as a whole: test/routes.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProxyContext } from '../../../electron/agent/proxy/proxy-context.ts';
import { serveConnection } from '../../../electron/agent/proxy/serve-connection.ts';
import { portOf } from '../../support/port-of.ts';

const bugs: unknown[] = [];
// Nothing of a proxy but an owner look-up that fails.
const proxy = { whoIs: async () => Promise.reject(new Error('no owner')), servedUid: 1, shared: false, onBug: (error: unknown) => bugs.push(error) } as unknown as ProxyContext;
const listener = createServer((client) => void serveConnection(client, proxy, () => undefined));
beforeAll(async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterAll(() => listener.close());

async function answerTo(head: string): Promise<string> {
  const socket = connect(portOf(listener), '127.0.0.1');
  socket.end(head);
  return text(socket);
}

// An unhandled rejection, which would be an agent's end, fails the run.
test('an owner look-up that fails while nobody waits for it is nobody\'s end', async () => {
  expect(await answerTo('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  await new Promise((done) => setTimeout(done, 50));
  expect(bugs).toEqual([]);
});
