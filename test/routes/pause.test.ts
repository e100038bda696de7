// Pausing and the first-start notice at a real agent: what happens to an app's connections, what is on record, what a restart keeps.
// What may be paused and how codes work: test/core/policy and test/agent/control.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { fetchThrough } from './stage.ts';

const open = 'open.pinlight.test';
const strict = 'strict.pinlight.test';
let authority: TestAuthority;
let origins: Origin[];
let home: string;
let agent: TestAgent;

beforeAll(async () => {
  authority = createTestAuthority();
  origins = await Promise.all([open, strict].map((host) => startOrigin(authority, host)));
  home = mkdtempSync(join(tmpdir(), 'pinlight-pause-'));
  agent = await startTestAgent(policy(), { home });
});
afterAll(async () => {
  await agent.stop();
  for (const origin of origins) await origin.close();
  authority.close();
  rmSync(home, { recursive: true, force: true });
});

function policy(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: 1,
    rules: [{ id: 'strict', when: { host: strict }, do: 'inspect', mustInspect: true }, { id: 'all', when: { port: 443 }, do: 'inspect' }],
    pause: { mode: 'comment', maxMinutes: 10, maxPerDay: 3 },
    network: { port: 0, upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries(origins.map(({ host, port }) => [`${host}:443`, `127.0.0.1:${port}`])) },
    ...more,
  };
}

/** Who answers the app: the server itself, or us. */
async function answeredBy(host: string): Promise<'server' | 'pinlight' | 'nobody'> {
  try {
    const { text, authorized } = await fetchThrough(agent.proxyPort, `${host}:443`, { ca: [authority.rootPem] });
    expect(text).toContain(`hello from ${host}`);
    return authorized ? 'server' : 'pinlight';
  } catch {
    return 'nobody';
  }
}

async function lastRow(host: string): Promise<ConnectionRow> {
  return vi.waitFor(async () => {
    const { rows } = await agent.client.call('connections', { filter: `host == ${host}`, limit: '1' }, {});
    if (rows[0] === undefined || rows[0].durationMs === null) throw new Error('not over yet');
    return rows[0];
  }, { timeout: 10_000 });
}

const active = async (): Promise<unknown> => (await agent.client.call('status', {}, {})).agent.pause.active;
const audited = (kind: string): Record<string, unknown>[] => {
  const database = new Database(join(home, 'pinlight.db'), { readonly: true });
  const rows = database.prepare('SELECT detail FROM audit WHERE kind = ? ORDER BY id').pluck().all(kind) as string[];
  database.close();
  return rows.map((row) => JSON.parse(row) as Record<string, unknown>);
};

describe('a pause', () => {
  test('lets an app through untouched, but not past a must-inspect rule, and ends at once when it is told to', async () => {
    expect([await answeredBy(open), await answeredBy(strict)]).toEqual(['pinlight', 'pinlight']);
    const { pause } = await agent.client.call('pause', {}, { minutes: 5, reason: 'the call drops' });
    expect(pause.until - pause.since).toBe(5 * 60_000);
    expect(await active()).toEqual(pause);
    expect([await answeredBy(open), await answeredBy(strict)]).toEqual(['server', 'pinlight']);
    expect(await lastRow(open)).toMatchObject({ disposition: 'bypass', reason: { code: 'paused' }, rule: 'all', outcome: { kind: 'passed', data: true } });
    expect((await agent.client.call('resume', {}, {})).ended).toEqual(pause);
    expect([await active(), await answeredBy(open)]).toEqual([null, 'pinlight']);
  });

  test('teaches nothing: what was seen of the app before is what is known of it after', async () => {
    const { apps: before } = await agent.client.call('apps', {}, {});
    await agent.client.call('pause', {}, { minutes: 5, reason: 'again' });
    await answeredBy(open);
    await lastRow(open);
    const { apps: after } = await agent.client.call('apps', {}, {});
    const known = (apps: typeof before): unknown => apps.map((app) => app.hosts.map(({ host, attempts, verdict }) => [host, attempts, verdict.kind]));
    expect(known(after)).toEqual(known(before));
  });

  test('ends with the agent, is counted over the restart, and is on record', async () => {
    await agent.stop();
    expect(audited('paused')).toMatchObject([{ minutes: 5, reason: 'the call drops', mode: 'comment' }, { reason: 'again' }]);
    expect(audited('pause-ended')).toMatchObject([{ why: 'resumed' }, { why: 'agent-ended' }]);
    agent = await startTestAgent(policy(), { home });
    expect([await active(), await answeredBy(open)]).toEqual([null, 'pinlight']);
    await agent.client.call('pause', {}, { reason: 'the last one' });
    await expect(agent.client.call('pause', {}, { reason: 'one more' })).rejects.toMatchObject({ code: 'not-permitted-by-policy' });
  });

  test('ends when policy takes it away, and asks for what policy asks for', async () => {
    agent.writePolicy(policy({ pause: { mode: 'disallow' } }));
    await vi.waitFor(async () => expect(await active()).toBeNull(), { timeout: 10_000 });
    await expect(agent.client.call('pause', {}, { reason: 'x' })).rejects.toMatchObject({ code: 'not-permitted-by-policy' });
    agent.writePolicy(policy({ pause: { mode: 'comment', maxPerDay: 50 } }));
    expect((await agent.client.call('reloadPolicy', {}, {})).policy.pause).toMatchObject({ mode: 'comment', maxPerDay: 50 });
    await expect(agent.client.call('pause', {}, { minutes: 5 })).rejects.toMatchObject({ code: 'pause-refused' });
  });

  test('keeps a test of an app from starting, in words', async () => {
    const [app] = (await agent.client.call('apps', {}, {})).apps;
    await agent.client.call('pause', {}, { reason: 'x' });
    await expect(agent.client.call('startTest', {}, { app: app?.id ?? '', host: open })).rejects.toMatchObject({ code: 'test-not-possible', message: expect.stringContaining('inspection is paused') });
    expect((await agent.client.call('explain', { app: app?.id ?? '', host: open }, {})).next).toBe('Bypassed: inspection is paused.');
    await agent.client.call('resume', {}, {});
  });
});

describe('the first-start notice', () => {
  test('where policy requires it, nothing is inspected before it is accepted, and what must be is blocked', async () => {
    agent.writePolicy(policy({ notice: { mode: 'required' }, managedBy: { name: 'Contoso IT' } }));
    await agent.client.call('reloadPolicy', {}, {});
    const notice = await agent.client.call('notice', {}, {});
    expect(notice).toMatchObject({ mode: 'required', shownAt: null, acceptedAt: null });
    expect(notice.paragraphs[0]?.text).toContain('Contoso IT');
    expect((await agent.client.call('status', {}, {})).agent.noticePending).toBe(true);
    expect([await answeredBy(open), await answeredBy(strict)]).toEqual(['server', 'nobody']);
    expect(await lastRow(strict)).toMatchObject({ disposition: 'block', reason: { code: 'notice-pending' } });
    await agent.client.call('acceptNotice', {}, { version: notice.version, as: 'shown' });
    expect(await answeredBy(open)).toBe('server');
    expect(await agent.client.call('acceptNotice', {}, { version: notice.version, as: 'accepted' })).toMatchObject({ acceptedAt: expect.any(Number) });
    expect((await agent.client.call('status', {}, {})).agent.noticePending).toBe(false);
    expect([await answeredBy(open), await answeredBy(strict)]).toEqual(['pinlight', 'pinlight']);
  });

  test('is remembered for this user over a restart, with its version', async () => {
    await agent.stop();
    const { version } = JSON.parse(JSON.stringify(audited('notice-accepted')[0]));
    expect(audited('notice-accepted')).toEqual([{ account: String(process.getuid?.()), version }]);
    agent = await startTestAgent(policy({ notice: { mode: 'required' }, managedBy: { name: 'Contoso IT' } }), { home });
    expect([await answeredBy(open), (await agent.client.call('notice', {}, {})).acceptedAt]).toEqual(['pinlight', expect.any(Number)]);
  });

  test('other words must be accepted anew, and the old version no longer counts', async () => {
    const { version } = await agent.client.call('notice', {}, {});
    agent.writePolicy(policy({ notice: { mode: 'required', text: 'Everything is different.' } }));
    await agent.client.call('reloadPolicy', {}, {});
    expect(await answeredBy(open)).toBe('server');
    await expect(agent.client.call('acceptNotice', {}, { version, as: 'accepted' })).rejects.toMatchObject({ code: 'bad-request' });
    expect(await agent.client.call('notice', {}, {})).toMatchObject({
      version: createHash('sha256').update('Everything is different.').digest('hex').slice(0, 12), paragraphs: [{ code: 'own' }], acceptedAt: null,
    });
  });
});

test('a detailed log holds every connection, survives a restart and is told; a normal one does not', async () => {
  agent.writePolicy(policy());
  await agent.client.call('reloadPolicy', {}, {});
  const logged = (): number => readFileSync(join(home, 'agent.log'), 'utf8').split('\n').filter((line) => line.includes('"msg":"connection"')).length;
  await answeredBy(open);
  expect(logged()).toBe(0);
  const { until } = await agent.client.call('logLevel', {}, { level: 'detailed' });
  expect(until).toBeGreaterThan(Date.now() + 29 * 60_000);
  await answeredBy(open);
  await vi.waitFor(() => expect(logged()).toBeGreaterThan(0), { timeout: 10_000 });
  await agent.stop();
  agent = await startTestAgent(policy(), { home });
  const { agent: state, warnings } = await agent.client.call('status', {}, {});
  expect([state.logDetailUntil, warnings.map(({ code }) => code)]).toEqual([until, expect.arrayContaining(['log-detailed'])]);
  await agent.client.call('logLevel', {}, { level: 'normal' });
  expect((await agent.client.call('status', {}, {})).agent.logDetailUntil).toBeNull();
});
