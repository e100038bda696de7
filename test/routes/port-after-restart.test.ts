// Policy names another port while the agent runs: the proxy stays where programs were pointed at, and a warning says so.
import { afterEach, expect, test, vi } from 'vitest';
import { startTestAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';

let agent: TestAgent;
afterEach(() => agent.stop());

test('another port in policy is a warning until policy names the old one again', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({});
  const warnings = async () => (await agent.client.call('status', {}, {})).warnings.filter(({ code }) => code === 'port-after-restart');
  expect(await warnings()).toEqual([]);
  agent.writePolicy({ version: 1, network: { port: 18_999 } });
  await vi.waitUntil(async () => (await warnings()).length === 1, { timeout: 20_000 });
  expect((await warnings())[0]?.text).toBe(`Policy says port 18999; the proxy listens on ${agent.proxyPort} since it was started.`);
  agent.writePolicy({ version: 1, network: { port: agent.proxyPort } });
  await vi.waitUntil(async () => (await warnings()).length === 0, { timeout: 20_000 });
});
