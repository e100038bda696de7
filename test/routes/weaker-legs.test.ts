// What neither leg may be talked into: renegotiation, a fallback, another cipher than the server's. Real agent, Node servers, openssl s_client.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestAgent } from '../support/agent.ts';
import { startTestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { tlsThrough, until } from '../support/tunnel.ts';
import { lastRow, sClient } from '../security/legs.ts';

const [plain, asks, newer, older, weaker] = ['plain', 'asks', 'newer', 'older', 'weaker'].map((name) => `${name}.weaker.test`) as [string, string, string, string, string];
let authority: TestAuthority;
let agent: TestAgent;
let renegotiated: number;
const origins: Origin[] = [];

beforeAll(async () => {
  authority = createTestAuthority();
  renegotiated = 0;
  origins.push(
    await startOrigin(authority, plain), await startOrigin(authority, newer), await startOrigin(authority, older, { tls: { maxVersion: 'TLSv1.2' } }),
    await startOrigin(authority, weaker, { tls: { ciphers: 'TLS_AES_128_GCM_SHA256' } }),
    await startOrigin(authority, asks, { tls: { maxVersion: 'TLSv1.2' }, onConnection: (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.renegotiate({ rejectUnauthorized: false, requestCert: true }, () => { renegotiated += 1; }));
    } }),
  );
  agent = await startTestAgent({
    defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', do: 'inspect' }],
    network: { upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries(origins.map(({ host, port }) => [`${host}:443`, `127.0.0.1:${port}`])) },
  });
});
afterAll(async () => {
  await agent.stop();
  await Promise.all(origins.map((origin) => origin.close()));
  authority.close();
});

test('a server that renegotiates loses its connection, and nothing else happens', async () => {
  const socket = await tlsThrough(agent.proxyPort, asks, { rejectUnauthorized: false });
  let over = false;
  for (const end of ['error', 'end', 'close'] as const) socket.once(end, () => { over = true; });
  socket.resume().write('hello');
  await until('the connection ends', () => over);
  socket.destroy();
  expect(renegotiated).toBe(0);
  expect((await agent.client.call('status', {}, {})).counts.inspect).toBeGreaterThan(0);
});

test('an app that renegotiates is refused', async () => {
  const { text } = await sClient(agent, plain, ['-tls1_2'], { input: 'R\n', hold: true, timeoutMs: 5_000 });
  expect(text).toMatch(/RENEGOTIATING[^]*no renegotiation/);
});

test('an app that fell back from what the server has hears it from the server', async () => {
  expect((await sClient(agent, newer, ['-tls1_2', '-fallback_scsv'])).text).toContain('SSL alert number 86');
  expect((await lastRow(agent, newer)).reason).toEqual({ code: 'incompatible', detail: 'the server speaks TLSv1.3, which the app did not offer' });
  expect((await sClient(agent, older, ['-tls1_2', '-fallback_scsv'])).version).toBe('TLSv1.2');
  expect((await lastRow(agent, older)).disposition).toBe('inspect');
});

test('an app that does not offer the like of the server\'s cipher gets the server\'s own bytes', async () => {
  const options = { rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
  await expect(tlsThrough(agent.proxyPort, weaker, { ...options, ciphers: 'TLS_AES_256_GCM_SHA384' })).rejects.toThrow('alert number 40');
  expect((await lastRow(agent, weaker)).reason).toEqual({ code: 'incompatible', detail: 'the server chose TLS_AES_128_GCM_SHA256, the like of which the app did not offer' });
  const socket = await tlsThrough(agent.proxyPort, weaker, options);
  expect(socket.getCipher().name).toBe('TLS_AES_128_GCM_SHA256');
  socket.destroy();
});
