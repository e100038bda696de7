// A disturbed device under a real agent: a network that changes, a captive portal, a root that was made anew. Learning pauses and says so.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControlClient, type ControlClient } from '../../electron/client/control-client.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { until } from '../support/tunnel.ts';
import { fetchThrough } from './stage.ts';

const pauses = async (client: ControlClient): Promise<string[]> =>
  (await client.call('status', {}, {})).warnings.filter(({ code }) => code === 'learning-paused').map(({ text }) => text);
const paused = (client: ControlClient): Promise<string> => until('learning pauses', async () => (await pauses(client))[0]);

describe('certificates and roots', () => {
  const hosts = ['www.one.test', 'two.test', 'three.test', 'four.test'] as const;
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let origins: Origin[];
  let portals: Origin[];
  let agent: TestAgent;
  let home: string;

  const policy = (places: readonly Origin[]): Record<string, unknown> => ({
    defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', do: 'inspect' }],
    network: { port: 0, localTargets: Object.fromEntries(places.map(({ host, port }) => [`${host}:443`, `127.0.0.1:${port}`])), upstreamRoots: [authority.rootFile] },
  });
  const fetchAll = async (names: readonly string[]): Promise<string[]> => {
    const roots = [readFileSync(agent.rootFile, 'utf8'), stranger.rootPem];
    return Promise.all(names.map(async (host) => (await fetchThrough(agent.proxyPort, `${host}:443`, { ca: roots })).fingerprint));
  };

  beforeAll(async () => {
    [authority, stranger] = [createTestAuthority(), createTestAuthority()];
    [origins, portals] = await Promise.all([authority, stranger].map((one) => Promise.all(hosts.map((host) => startOrigin(one, host))))) as [Origin[], Origin[]];
    home = mkdtempSync(join(tmpdir(), 'pinlight-home-'));
    agent = await startTestAgent(policy(origins), { home });
  });
  afterAll(async () => {
    await agent.stop();
    await Promise.all([...origins, ...portals].map((origin) => origin.close()));
    authority.close();
    stranger.close();
    rmSync(home, { recursive: true, force: true });
  });

  it('three servers whose certificates turn invalid at once are a captive portal, and a refusal after it carries that', async () => {
    await fetchAll(hosts);
    expect(await pauses(agent.client)).toEqual([]);
    // One server after the other is taken over; the fourth stays as it was.
    agent.writePolicy({ version: 1, ...policy([...portals.slice(0, 3), ...origins.slice(3)]) });
    await until('the agent reads the policy', async () => (await agent.client.call('policy', {}, {})).policy.network.localTargets['two.test:443'] === `127.0.0.1:${portals[1]?.port}`);
    await fetchAll(hosts.slice(0, 2));
    expect(await pauses(agent.client)).toEqual([]);
    await fetchAll(hosts.slice(2, 3));
    expect(await paused(agent.client)).toMatch(/^Just now, a captive portal answered for other servers\. Until \d\d:\d\d:\d\d a refused connection says nothing/);

    await fetchThrough(agent.proxyPort, 'four.test:443', { ca: [], rejectUnauthorized: true }).catch(() => undefined);
    const { apps } = await agent.client.call('apps', {}, {});
    const { observations } = await until('the refusal is recorded', async () => {
      const answer = await agent.client.call('explain', { app: apps[0]?.id ?? '', host: 'four.test' }, {});
      return answer.observations[0]?.outcome.kind === 'refused' && answer;
    });
    expect(observations.map(({ circumstances }) => circumstances.disturbance?.kind ?? null)).toEqual(['portal', null]);
    expect(observations[0]?.circumstances.rootAgeMs).toBeGreaterThan(0);
    // Our own process is older than the root, but what it reads (Node's own list) lacks the root anyway.
    expect(observations[0]).toMatchObject({ circumstances: { olderThanRoot: false }, trust: { holdsRoot: false, stale: false } });
    expect(await agent.client.call('exclusions', {}, {})).toMatchObject({ exclusions: expect.not.arrayContaining([expect.objectContaining({ kind: 'learned' })]) });
  });

  it('a root made anew on a device that knows apps pauses learning; a plain start does not', async () => {
    await agent.stop();
    agent = await startTestAgent(policy(origins), { home });
    expect(await pauses(agent.client)).toEqual([]);
    await agent.stop();
    for (const file of ['root.pem', 'root.key']) rmSync(join(home, file));
    agent = await startTestAgent(policy(origins), { home });
    expect(await pauses(agent.client)).toEqual([expect.stringMatching(/^Just now, the root certificate was renewed\./)]);
  });
});

const may = findCommand('unshare') !== null && findCommand('ip') !== null && findCommand('nsenter') !== null
  && spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
if (!may) console.log('skipped: a network namespace of its own needs root, unshare, nsenter and ip');

describe.skipIf(!may)('a network that changes under the agent', () => {
  let home: string;
  let child: ChildProcess;
  let client: ControlClient;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'pinlight-home-'));
    const policyFile = join(home, 'policy.json');
    writeFileSync(policyFile, JSON.stringify({ version: 1, network: { port: 0 } }));
    child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, join(repository, 'electron/agent/main.ts'), '--policy', policyFile, '--ready-json'], {
      env: { ...process.env, PINLIGHT_HOME: home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      client = createControlClient({ controlPath: (JSON.parse(line) as { control: string }).control });
      break;
    }
  });
  afterAll(async () => {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
    rmSync(home, { recursive: true, force: true });
  });

  it('pauses learning within seconds, and says why', async () => {
    expect(await pauses(client)).toEqual([]);
    const plug = 'ip link add uplink0 type veth peer name far0 && ip addr add 198.51.100.7/24 dev uplink0 && ip link set uplink0 up && ip link set far0 up';
    expect(spawnSync('nsenter', [`--net=/proc/${child.pid}/ns/net`, 'sh', '-c', plug]).status).toBe(0);
    expect(await paused(client)).toMatch(/^Just now, the network changed\./);
  });
});
