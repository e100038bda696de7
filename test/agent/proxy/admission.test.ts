// Whose programs may use the proxy: of a user's own agent that user's and root's, of root's agent everybody's. Real agents, clients of three accounts.
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountOf, servedUidOf, whyNotServed } from '../../../electron/agent/proxy/admission.ts';
import { startTestAgent, type TestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../../support/origins.ts';
import { portOf } from '../../support/port-of.ts';
import { until } from '../../support/tunnel.ts';

const [root, user, stranger] = [0, 65_533, 65_534];
const as = (uid: number): readonly string[] => [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

test.each([
  ['a user\'s own agent', 1000, 'linux', false, 1000],
  ['root\'s agent', 0, 'linux', false, null],
  ['the service', 990, 'linux', true, null],
  ['one on macOS, where steering is the machine\'s', 501, 'macos', false, null],
  ['one on Windows, which has no uids', null, 'windows', false, null],
] as const)('%s', (_name, uid, os, service, served) => {
  expect(servedUidOf(uid, os, service)).toBe(served);
});

test.each([
  ['everybody is served: anybody passes', null, 1001, 'served'],
  ['the user itself passes', 1000, 1000, 'served'],
  ['root passes', 1000, 0, 'served'],
  ['another user does not', 1000, 1001, 'other-user'],
  ['one that is not known passes', 1000, null, 'served'],
] as const)('%s', (_name, served, uid, expected) => {
  expect(whyNotServed({ kind: 'unknown', why: 'denied', uid, sandbox: null }, served)?.reason.code ?? 'served').toBe(expected);
});

test.each([
  ['a uid tells one user from another', 1001, '1001'],
  ['without one nobody is told from anybody', null, null],
] as const)('%s', (_name, uid, expected) => {
  expect(accountOf({ kind: 'unknown', why: 'denied', uid, sandbox: null })).toBe(expected);
});

const possible = process.platform === 'linux' && process.getuid?.() === root && findCommand('setpriv') !== null;
if (!possible) console.log('skipped: clients of other users need Linux, root and setpriv');
const openssl = findCommand('openssl');
if (openssl === null) console.log('skipped: openssl is not here to show leaves to two users');

describe.runIf(possible)('the proxy', () => {
  let origin: net.Server;
  /** Answers until it is closed. */
  let passing: net.Server;
  let authority: TestAuthority;
  let inspected: Origin;
  let home: string;
  let accepted = 0;
  let agents: { readonly users: TestAgent; readonly roots: TestAgent };
  beforeAll(async () => {
    origin = net.createServer((socket) => {
      accepted += 1;
      socket.on('error', () => undefined).end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    });
    await new Promise<void>((resolve) => {
      origin.listen(0, '127.0.0.1', resolve);
    });
    const at = `127.0.0.1:${portOf(origin)}`;
    passing = net.createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => {
      passing.listen(0, '127.0.0.1', resolve);
    });
    authority = createTestAuthority();
    inspected = await startOrigin(authority, 'leaf.test');
    const policy = { network: { localTargets: { 'whose.test:443': at, 'whose.test:80': at, 'passing.test:443': `127.0.0.1:${portOf(passing)}` } } };
    home = mkdtempSync(join(tmpdir(), 'pinlight-admission-'));
    chownSync(home, user, user);
    agents = { users: await startTestAgent(policy, { home, before: ['setpriv', ...as(user)] }), roots: await startTestAgent({
      rules: [{ id: 'leaf', when: { host: 'leaf.test' }, do: 'inspect', mustInspect: true }],
      network: { upstreamRoots: [authority.rootFile], localTargets: { ...policy.network.localTargets, 'leaf.test:443': `127.0.0.1:${inspected.port}` } },
    }) };
  });
  afterAll(async () => {
    await agents.users.stop();
    await agents.roots.stop();
    origin.close();
    await inspected.close();
    authority.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** What the proxy answers to a request of this account. */
  async function ask(agent: TestAgent, uid: number, head: string): Promise<string> {
    const script = 'const s = require("net").connect(+process.argv[1], "127.0.0.1", () => s.write(process.argv[2])); let t = ""; s.on("data", (d) => { t += d; if (t.startsWith("HTTP/1.1 200")) s.destroy(); }).on("error", () => {}).on("close", () => console.log(t));';
    const { stdout } = await promisify(execFile)('setpriv', [...as(uid), process.execPath, '-e', script, String(agent.proxyPort), head], { cwd: '/', timeout: 20_000 });
    return stdout;
  }
  const tunnel = 'CONNECT whose.test:443 HTTP/1.1\r\nHost: whose.test:443\r\n\r\n';
  const plain = 'GET http://whose.test/ HTTP/1.1\r\nHost: whose.test\r\n\r\n';

  test.each([
    ['of a user serves that user\'s tunnels', 'users', user, tunnel, '200'],
    ['of a user serves that user\'s plain requests', 'users', user, plain, '204'],
    ['of a user serves root', 'users', root, tunnel, '200'],
    ['of root serves everybody', 'roots', stranger, tunnel, '200'],
    ['of root serves everybody\'s plain requests', 'roots', stranger, plain, '204'],
  ] as const)('%s', async (_name, agent, uid, head, status) => {
    expect(await ask(agents[agent], uid, head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  // After the user's own: the target has answered a moment ago, and would be promised before it is dialled.
  test.each([['tunnels', tunnel, 443], ['plain requests', plain, 80]] as const)('of a user refuses another user\'s %s in words, dials nothing, and logs it', async (_name, head, port) => {
    expect(await ask(agents.users, user, head)).toMatch(/^HTTP\/1\.1 20\d /);
    const before = accepted;
    const answer = await ask(agents.users, stranger, head);
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer).toContain('Pinlight: blocked: the program is another user\'s, and this agent serves its own user alone.');
    expect(accepted).toBe(before);
    const row = await until('its row', async () => (await agents.users.client.call('status', {}, {})).recent.find((one) => one.reason.code === 'other-user' && one.port === port));
    expect(row).toMatchObject({ host: 'whose.test', decided: 'block', disposition: 'block', outcome: { kind: 'blocked' } });
  });

  test('for several users promises a tunnel to whoever was there a moment ago, and tells nobody else that somebody was', async () => {
    const there = tunnel.replaceAll('whose.test', 'passing.test');
    expect(await ask(agents.roots, user, there)).toMatch(/^HTTP\/1\.1 200 /);
    await new Promise((done) => { passing.close(done); });
    expect(await ask(agents.roots, stranger, there)).toMatch(/^HTTP\/1\.1 502 /);
    expect(await ask(agents.roots, user, there)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.runIf(openssl !== null)('for several users shows each a leaf of their own', async () => {
    const leafFor = async (uid: number): Promise<string> => {
      const show = `openssl s_client -proxy 127.0.0.1:${agents.roots.proxyPort} -connect leaf.test:443 -servername leaf.test </dev/null`;
      const { stdout } = await promisify(execFile)('setpriv', [...as(uid), 'sh', '-c', show], { cwd: '/', timeout: 20_000 });
      const shown = new X509Certificate(stdout.slice(stdout.indexOf('-----BEGIN')));
      expect(shown.issuer).toContain('Pinlight root');
      return shown.fingerprint256;
    };
    const first = await leafFor(user);
    expect(await leafFor(stranger)).not.toBe(first);
    expect(await leafFor(user)).toBe(first);
  });
});
