// Who may have which bundle: a user of the service gets one of their own rows alone, and nobody else's; names as policy says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleJob, cancelBundle, startBundle, type BundleContext } from '../../../electron/agent/control/bundle-routes.ts';
import { createBundleJobs } from '../../../electron/agent/diagnostics/bundle-jobs.ts';
import type { BundleJob, BundleRequest, ExaminedBundleRequest } from '../../../electron/contract/jobs.ts';
import { openStore } from '../../../electron/agent/store/store.ts';
import { exclusions, now, policy, snapshot, stores } from '../../core/diagnostics/device-fixture.ts';
import { until } from '../../support/tunnel.ts';

const memory: string[] = [];
const bundles = createBundleJobs(() => undefined, (error) => { throw error; }, { giveBack: () => memory.push('given back'), dropProgramPages: () => memory.push('pages dropped') });
const folder = mkdtempSync(join(tmpdir(), 'pinlight-bundle-routes-'));
const storePath = join(folder, 'pinlight.db');
beforeAll(() => openStore(storePath, now, () => undefined).store.close());
afterEach(() => bundles.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The agent as callers.ts hands it to a user: their rows, no log. */
function contextOf(account: string, administrator: boolean, names: 'shown' | 'pseudonyms' = 'shown'): BundleContext {
  return {
    bundles, account, administrator, now: () => now, homes: [], versions: () => ({}),
    selfTest: async () => [],
    network: async () => ({ interfaces: [], defaultRoutes: [], resolvers: [], proxySettings: [], notVisible: null }),
    handshakes: { wanted: () => true, keep: () => undefined, all: () => { throw new Error('nobody may look'); } },
    store: {
      flush: () => true, newestAudit: () => [{ at: now, kind: 'paused', detail: {} }],
    },
    log: { place: () => ({ path: storePath, uid: null }) },
    snapshot: () => snapshot, exclusions: () => exclusions, trust: async () => ({ root: { ...snapshot.agent.root, pem: '' }, next: null, stores }),
    policyAnswer: () => ({ ...policy, policy: { ...policy.policy, diagnostics: { names, captureHandshakes: 5, sealTo: null } } }),
    logTail: () => (administrator ? Promise.resolve('a line\n') : Promise.reject(new Error('the log is for administrators'))),
  };
}

async function ready(context: BundleContext, request: ExaminedBundleRequest = {}): Promise<BundleJob> {
  const { id } = startBundle(context, request);
  return until('the bundle', () => {
    const job = bundleJob(context, id);
    return job.phase === 'ready' && job;
  });
}

const check = { name: 'agent', state: 'ok', text: 'It answers.', fix: null, ms: 1 } as const;

it('takes what the asker\'s doctor found, as a file of its own', async () => {
  const { manifest } = await ready(contextOf('ann', false), { doctor: { ok: true, checks: [check] } });
  expect(manifest?.files.map(({ name }) => name)).toContain('doctor.json');
});

it.each<[string, unknown]>([
  ['no object', 'fine'], ['a state that no doctor knows', { ok: true, checks: [{ ...check, state: 'good' }] }], ['a field more', { ok: true, checks: [{ ...check, html: '<b>' }] }],
  ['a name that is none', { ok: true, checks: [{ ...check, name: '../x' }] }], ['a text without end', { ok: true, checks: [{ ...check, text: 'x'.repeat(501) }] }],
  ['checks without end', { ok: true, checks: Array.from({ length: 65 }, () => check) }],
])('refuses a doctor\'s report that is %s', (_name, doctor) => {
  expect(() => startBundle(contextOf('ann', false), { doctor } as BundleRequest)).toThrow(expect.objectContaining({ code: 'bad-request' }));
});

describe('a user of the service', () => {
  it('gets neither log nor audit nor handshakes, and is told why', async () => {
    const { manifest } = await ready(contextOf('ann', false), { capture: 'handshakes' });
    expect(manifest?.notCollected).toEqual([
      { name: 'doctor.json', because: expect.stringContaining('the doctor was not run') },
      { name: 'audit.ndjson', because: 'it failed: it is for administrators' },
      { name: 'agent.log', because: 'it failed: the log is for administrators' },
      { name: 'capture.pcapng', because: 'it is for administrators' },
    ]);
  });

  it('cannot see, fetch or end another\'s bundle, an administrator\'s included', async () => {
    const job = await ready(contextOf('ann', false));
    const administrators = await ready(contextOf('0', true));
    for (const [context, id] of [[contextOf('bob', false), job.id], [contextOf('bob', false), administrators.id], [contextOf('0', true), job.id], [contextOf('administrator', false), administrators.id]] as const) {
      for (const act of [() => bundleJob(context, id), () => cancelBundle(context, id), () => bundles.bundle(`user ${context.account}`, id)]) expect(act).toThrow(expect.objectContaining({ code: 'no-such-bundle' }));
    }
    expect(bundleJob(contextOf('ann', false), job.id).phase).toBe('ready');
  });
});

it('keeps one bundle of a user, and gives nobody\'s away for another\'s', async () => {
  const first = await ready(contextOf('ann', false));
  const administrators = await ready(contextOf('0', true));
  const second = await ready(contextOf('ann', false));
  expect(() => bundleJob(contextOf('ann', false), first.id)).toThrow(expect.objectContaining({ code: 'no-such-bundle' }));
  const bobs = await ready(contextOf('bob', false));
  expect(() => startBundle(contextOf('eve', false), {})).toThrow(expect.objectContaining({ code: 'bundles-busy' }));
  for (const [context, id] of [[contextOf('ann', false), second.id], [contextOf('0', true), administrators.id], [contextOf('bob', false), bobs.id]] as const) expect(bundleJob(context, id).phase).toBe('ready');
});

it('collects for one at a time, and not at all for who has left', async () => {
  let [running, most, begun] = [0, 0, 0];
  const slow = (context: BundleContext): BundleContext => ({ ...context, trust: async () => {
    begun += 1;
    most = Math.max(most, running += 1);
    await new Promise((done) => setTimeout(done, 30));
    running -= 1;
    return { root: { ...snapshot.agent.root, pem: '' }, next: null, stores };
  } });
  const [left, stayed] = [slow(contextOf('ann', false)), slow(contextOf('0', true))];
  for (let count = 0; count < 20; count += 1) startBundle(left, {});
  await ready(stayed);
  await ready(left);
  expect([most, begun <= 4]).toEqual([1, true]);
});

it('gives memory back once all is collected and when the thread has ended, and drops the program\'s pages while it runs', async () => {
  memory.length = 0;
  await ready(contextOf('0', true));
  expect(memory).toEqual(['given back', 'pages dropped', 'given back']);
});

it('keeps two of administrators\' at most: the oldest goes', async () => {
  const context = contextOf('0', true);
  const first = await ready(context);
  const second = await ready(context);
  const third = await ready(context);
  expect(() => bundleJob(context, first.id)).toThrow(expect.objectContaining({ code: 'no-such-bundle' }));
  expect([bundleJob(context, second.id).phase, bundleJob(context, third.id).phase]).toEqual(['ready', 'ready']);
});

it('hides names where policy wants it, the device in the file\'s name too, and lets nobody ask for them', async () => {
  const context = contextOf('0', true, 'pseudonyms');
  const job = await ready(context);
  expect(job.fileName).toMatch(/^pinlight-diag-device-/);
  expect(job.key).toMatch(/^(?:[0-9A-Z]{4}-){6}[0-9A-Z]{2}$/);
  expect(() => startBundle(context, { names: 'shown' })).toThrow(expect.objectContaining({ code: 'not-permitted-by-policy' }));
});
