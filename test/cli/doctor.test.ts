// `pinlight doctor` against real agents, and its look at servers past the proxy. Each fault is made for real and named with what mends it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { doctorChecks } from '../../electron/cli/doctor/checks.ts';
import { askProxy, lookAtServer } from '../../electron/cli/doctor/probe.ts';
import { makeAuthority, serveHello } from '../native/support/store-room.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { runPinlight } from './run-pinlight.ts';

type Row = { readonly name: string; readonly state: 'ok' | 'wrong' | 'unknown'; readonly text: string; readonly fix: string | null };
type Report = { readonly ok: boolean; readonly checks: readonly Row[] };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pinlight-doctor-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function examine(folder: string, ...args: readonly string[]): Promise<{ readonly report: Report; readonly row: (name: string) => Row; readonly code: number | null }> {
  const ran = await runPinlight(['doctor', '--json', ...args], { home: folder, env: { HOME: folder } });
  const report = (JSON.parse(ran.stdout) as { readonly data: Report }).data;
  return { report, code: ran.code, row: (name) => {
    const found = report.checks.find((check) => check.name === name);
    if (found === undefined) throw new Error(`no check ${name}`);
    return found;
  } };
}

describe('without an agent', () => {
  test('that is what is wrong, with how to start it; what needs one is not known, and nothing else is wrong', async () => {
    const { report, row, code } = await examine(home);
    expect(code).toBe(1);
    expect(row('agent')).toMatchObject({ state: 'wrong', fix: expect.stringContaining('npm start') });
    expect(report.checks.filter((check) => check.state === 'wrong').map((check) => check.name)).toEqual(['agent']);
    expect(report.checks.map((check) => check.name)).toEqual(doctorChecks.map((check) => check.name));
  }, 60_000);
  test('the port held by another program is named with it', async () => {
    const other = createTcpServer();
    await new Promise<void>((resolve, reject) => {
      other.once('error', reject).listen(18443, '127.0.0.1', resolve);
    }).catch(() => undefined);
    const { row } = await examine(home);
    expect(row('port')).toMatchObject({ state: 'wrong', text: expect.stringContaining('(process ') });
    other.close();
  }, 60_000);
  test('for people: marks, texts, and what mends it below', async () => {
    const ran = await runPinlight(['doctor'], { home, env: { HOME: home } });
    expect(ran.stdout).toMatch(/^\[!!\] agent +No agent answers\.\n +Start it with/m);
    expect(ran.stdout).toMatch(/^\[ok\] service/m);
    expect(ran.stdout).toContain('is wrong.');
  }, 60_000);
});

describe('with an agent', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startTestAgent({});
  });
  afterAll(() => agent.stop());

  test('agent, proxy, port, root, key, policy, disk and history are as they should be', async () => {
    const { report, row } = await examine(agent.home);
    expect(['agent', 'proxy', 'port', 'root', 'key', 'policy', 'clock', 'disk', 'database'].map(row).filter((one) => one.state !== 'ok')).toEqual([]);
    // No store of a test machine holds this agent's root.
    expect(row('stores')).toMatchObject({ state: 'wrong', fix: expect.stringContaining('trust install') });
    expect(report.ok).toBe(false);
  }, 60_000);
  test('a key that is open to others', async () => {
    chmodSync(join(agent.home, 'root.key'), 0o644);
    expect((await examine(agent.home)).row('key')).toMatchObject({ state: 'wrong', text: expect.stringContaining('644'), fix: expect.stringContaining('chmod 600') });
    chmodSync(join(agent.home, 'root.key'), 0o600);
  }, 60_000);
  test('a policy that cannot be read: by the policy\'s check', async () => {
    writeFileSync(join(agent.home, 'test-policy.json'), '{"version":1,"rules":7}');
    await expect.poll(async () => (await agent.client.call('policy', {}, {})).problems.length).toBeGreaterThan(0);
    const { report, row } = await examine(agent.home);
    expect(row('policy')).toMatchObject({ state: 'wrong', text: expect.stringContaining('test-policy.json') });
    expect(report.checks.map(({ name }) => name), 'said once').not.toContain('policy-invalid');
    agent.writePolicy({ version: 1, network: { port: 0 } });
  }, 60_000);
});

describe('a look past the proxy', () => {
  test('a server that only a private authority vouches for is not taken as public', async () => {
    const server = await serveHello(makeAuthority(join(home, 'authority')));
    const look = await lookAtServer('localhost', server.port);
    expect(look).toMatchObject({ kind: 'untrusted', by: expect.stringContaining('Pinlight root for') });
    server.close();
  });
  test('nobody there', async () => expect(await lookAtServer('localhost', 1)).toMatchObject({ kind: 'unreachable' }));
  test.each<[string, string, number | null]>([['a proxy that refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n', 403], ['something that is no proxy', 'SSH-2.0-x\r\n', null]])('%s', async (_name, answer, code) => {
    const server: Server = createTcpServer((socket) => void socket.once('data', () => socket.end(answer)));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    expect(await askProxy((server.address() as AddressInfo).port)).toBe(code);
    server.close();
  });
});
