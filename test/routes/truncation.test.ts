// An end that was cut off must not arrive as a proper one: a reset or a bare close on one leg never becomes a close_notify on the other.
// One known exception: on an inspected connection Node reports a server's bare FIN and its close_notify alike, so that row is bypass only.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findCommand } from '../support/find-command.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, type TestAuthority } from '../support/origins.ts';

const program = fileURLToPath(new URL('ends.py', import.meta.url));
const inspected = 'inspect.pinlight.test';
const bypassed = 'bypass.pinlight.test';

let authority: TestAuthority;
let agent: TestAgent;
let server: ChildProcess;
let lines: AsyncIterator<string>;

beforeAll(async () => {
  if (findCommand('python3') === null) return;
  authority = createTestAuthority();
  const leaf = authority.leaf(inspected);
  const file = join(authority.folder, 'server.pem');
  writeFileSync(file, leaf.key + leaf.cert);
  server = spawn('python3', ['-u', program, 'server', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  lines = linesOf(server)[Symbol.asyncIterator]();
  const port = String((await lines.next()).value);
  agent = await startTestAgent({
    defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'by', when: { host: bypassed }, do: 'bypass' }, { id: 'all', do: 'inspect' }],
    network: { upstreamRoots: [authority.rootFile], localTargets: { [`${inspected}:443`]: `127.0.0.1:${port}`, [`${bypassed}:443`]: `127.0.0.1:${port}` } },
  });
});
afterAll(async () => {
  if (findCommand('python3') === null) return;
  server.kill();
  await agent.stop();
  authority.close();
});
beforeEach((context) => {
  if (findCommand('python3') !== null) return;
  console.log('skipped: telling the ends of a TLS connection apart needs python3');
  context.skip();
});

// `how`: who ends (c, s) and how: reset, bare FIN, close_notify. `sees`: what the other one sees after all 50,000 bytes.
test.each([
  ['the app resets', 'c-reset', 'cut 50000'], ['the app closes without a word', 'c-fin', 'cut 50000'], ['the app says goodbye', 'c-notify', 'proper 50000'],
  ['the server resets', 's-reset', /^cut \d+/], ['the server closes without a word', 's-fin', 'cut 50000'], ['the server says goodbye', 's-notify', 'proper 50000'],
])('%s', async (_, how, sees) => {
  // Node tells a bare FIN and a close_notify alike, on either leg (ARCHITECTURE.md): only untouched the difference goes through.
  for (const host of how.endsWith('-fin') ? [bypassed] : [inspected, bypassed]) {
    const client = spawn('python3', ['-u', program, 'client', String(agent.proxyPort), host, how], { stdio: ['ignore', 'pipe', 'inherit'] });
    const fromClient = linesOf(client)[Symbol.asyncIterator]();
    const { value } = await (how.startsWith('c') ? lines : fromClient).next();
    if (typeof sees === 'string') expect([host, value]).toEqual([host, sees]);
    else expect(value).toMatch(sees);
    client.kill();
  }
});

function linesOf(child: ChildProcess): Interface {
  if (child.stdout === null) throw new Error('no output');
  return createInterface({ input: child.stdout });
}
