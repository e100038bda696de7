// The app's leg gives no session tickets, whichever version: counted by openssl s_client through a real agent.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../clients/program.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';

const host = 'tickets.pinlight.test';
const openssl = findCommand('openssl');
if (openssl === null) console.log('skipped: openssl is not here to count session tickets');

let authority: TestAuthority;
let origin: Origin;
let agent: TestAgent;
beforeAll(async () => {
  authority = createTestAuthority();
  origin = await startOrigin(authority, host);
  agent = await startTestAgent({ network: { localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` }, upstreamRoots: [authority.rootFile] } });
});
afterAll(async () => {
  await agent.stop();
  await origin.close();
  authority.close();
});

test.runIf(openssl !== null).each(['-tls1_3', '-tls1_2'])('none with %s', async (version) => {
  const heard = await runCommand('openssl', [
    's_client', '-proxy', agent.proxy, '-connect', `${host}:443`, '-servername', host, '-CAfile', agent.rootFile, '-verify_return_error', '-ign_eof', version,
  ], { input: `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, expect: /HTTP\/1\.1 200/ });
  expect(heard.ok).toBe(true);
  expect(heard.text).not.toMatch(/New Session Ticket|TLS session ticket:/);
});
