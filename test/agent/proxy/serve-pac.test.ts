// The PAC on the proxy's own port: programs of this device get it, web pages do not, and nothing else is served.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent } from '../../support/agent.ts';
import type { TestAgent } from '../../support/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent({});
});
afterAll(() => agent.stop());

/** The whole answer to a request head; `PORT` stands for the proxy's own. */
async function answerTo(head: string): Promise<string> {
  const socket = connect(agent.proxyPort, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`${head.replaceAll('PORT', String(agent.proxyPort))}\r\n\r\n`);
  return text(socket);
}

test.each<[string, string]>([
  ['by address', 'GET /pinlight.pac?v=3 HTTP/1.1\r\nHost: 127.0.0.1:PORT'],
  ['by localhost', 'GET /pinlight.pac HTTP/1.0\r\nHost: localhost:PORT'],
])('a program gets it %s, in a form that no other origin can read', async (_name, head) => {
  const answer = await answerTo(head);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('content-type: application/x-ns-proxy-autoconfig\r\nx-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\ncache-control: no-store\r\n');
  expect(answer).toContain(`return "PROXY 127.0.0.1:${agent.proxyPort}; DIRECT";`);
});

test.each<[string, string, number]>([
  ['a page that came here by a name of its own', 'GET /pinlight.pac HTTP/1.1\r\nHost: evil.example:PORT', 403],
  ['a Host without the port', 'GET /pinlight.pac HTTP/1.1\r\nHost: 127.0.0.1', 403],
  ['no Host', 'GET /pinlight.pac HTTP/1.1', 400],
  ['another method', 'POST /pinlight.pac HTTP/1.1\r\nHost: 127.0.0.1:PORT', 400],
  ['another path', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT', 400],
  ['a request through the proxy to itself', 'GET http://127.0.0.1:PORT/pinlight.pac HTTP/1.1\r\nHost: 127.0.0.1:PORT', 403],
])('%s is refused', async (_name, head, status) => {
  const answer = await answerTo(head);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).not.toContain('FindProxyForURL');
});

test('it says what policy says now', async () => {
  agent.writePolicy({ version: 1, defaults: { failMode: 'closed' }, network: { port: 0 } });
  await expect.poll(() => answerTo('GET /pinlight.pac HTTP/1.1\r\nHost: localhost:PORT'), { timeout: 10_000 }).toContain(`return "PROXY 127.0.0.1:${agent.proxyPort}";`);
});
