// A root that was replaced while the agent runs: the next connection is inspected under the new one, and learning pauses for a minute.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadAuthority } from '../../electron/agent/ca/authority.ts';
import { startTestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin } from '../support/origins.ts';
import { until } from '../support/tunnel.ts';
import { fetchThrough } from './stage.ts';

const home = mkdtempSync(join(tmpdir(), 'pinlight-rotated-'));
const authority = createTestAuthority();
afterAll(() => {
  authority.close();
  rmSync(home, { recursive: true, force: true });
});

test('a root of ten months that no store holds is replaced at the start, and leaves are the new one\'s', async () => {
  const old = loadAuthority(home, 'laptop', Date.now() - 300 * 24 * 3600_000);
  if (old.kind !== 'authority') throw new Error(old.why);
  const shop = 'shop.pinlight.test';
  const origin = await startOrigin(authority, shop);
  const agent = await startTestAgent({
    rules: [{ id: 'all', when: { port: 443 }, do: 'inspect' }],
    network: { localTargets: { [`${shop}:443`]: `127.0.0.1:${origin.port}` }, upstreamRoots: [authority.rootFile] },
  }, { home, env: { HOME: home } });
  try {
    const { agent: state } = await until('another root', async () => {
      const snapshot = await agent.client.call('status', {}, {});
      return snapshot.agent.root.fingerprint === old.authority.fingerprint ? null : snapshot;
    });
    expect(state.root.notAfter).toBeGreaterThan(old.authority.notAfter);
    const seen = await fetchThrough(agent.proxyPort, `${shop}:443`, { ca: [readFileSync(agent.rootFile, 'utf8')] });
    expect(seen).toMatchObject({ authorized: true, text: expect.stringContaining(`hello from ${shop}`) });
    const byOld = await fetchThrough(agent.proxyPort, `${shop}:443`, { ca: [old.authority.certificatePem] });
    expect(byOld.authorized).toBe(false);
    expect((await agent.client.call('status', {}, {})).warnings.map(({ code }) => code)).toContain('learning-paused');
  } finally {
    await agent.stop();
    await origin.close();
  }
}, 60_000);
