// Route (ii): a pinned app's failing connection until the tray shows it, and the next attempt that works. Real curl, real agent.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reduce, type Snapshot } from '../../electron/contract/snapshot.ts';
import { trayModel } from '../../electron/main/tray-model.ts';
import { shellWords } from '../../electron/main/words.ts';
import * as programs from '../clients/programs.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { tlsThrough, until } from '../support/tunnel.ts';
import { readFileSync } from 'node:fs';

const shop = 'shop.pinlight.test';
const bank = 'bank.pinlight.test';
const must = 'must.pinlight.test';
const here = programs.isPresent(programs.commandLine.curl);
if (!here) console.log('skipped: no curl here, so no pinned app to drive (Debian: curl)');

describe.skipIf(!here)('a pinned curl', () => {
  let authority: TestAuthority;
  let agent: TestAgent;
  let folder: string;
  const origins: Origin[] = [];
  const pems = new Map<string, string>();
  let snapshot: Snapshot | null = null;
  const stop = new AbortController();

  beforeAll(async () => {
    authority = createTestAuthority();
    folder = mkdtempSync(join(tmpdir(), 'pinlight-route-'));
    for (const host of [shop, bank, must]) {
      const leaf = authority.leaf(host);
      pems.set(host, leaf.cert);
      origins.push(await startOrigin(authority, host, { leaf }));
    }
    agent = await startTestAgent({
      rules: [
        { id: 'watch-this', when: { host: must }, do: 'inspect', mustInspect: true },
        { id: 'own', when: { port: 443, user: 'self' }, do: 'inspect' },
      ],
      network: { upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries(origins.map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])) },
    });
    void agent.client.watch((signal) => {
      if (signal.kind === 'snapshot') snapshot = signal.snapshot;
      else if (signal.kind !== 'heartbeat' && signal.kind !== 'disconnected' && snapshot !== null) snapshot = reduce(snapshot, signal);
    }, { signal: stop.signal });
    await until('the first snapshot', () => snapshot);
  });

  afterAll(async () => {
    stop.abort();
    await agent.stop();
    await Promise.all(origins.map((origin) => origin.close()));
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const place = (): programs.Place => ({ proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder });
  const visit = (program: programs.Program, host: string): Promise<programs.VisitResult> =>
    program.visit(place(), { host, certificatePem: pems.get(host) as string, served: () => 0, pinned: host !== shop });
  const appAt = (host: string) => snapshot?.apps.flatMap((app) => (app.name === 'curl' ? app.hosts : [])).find((entry) => entry.host === host);

  it('is inspected where it trusts the root', async () => {
    expect((await visit(programs.commandLine.curl, shop)).ok).toBe(true);
    const entry = await until('the verdict in the stream', () => (appAt(shop)?.verdict.kind === 'inspectable' ? appAt(shop) : null));
    expect(entry.next.disposition).toBe('inspect');
  });

  it('fails once where it pins, and the stream, reduced, says pinned', async () => {
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    const entry = await until('the verdict in the stream', () => (appAt(bank)?.verdict.kind === 'pinned' ? appAt(bank) : null));
    expect(entry.verdict).toMatchObject({ kind: 'pinned', hosts: 'some', confidence: 'likely' });
    expect(entry.next.disposition).toBe('bypass');
  });

  it('works at its second attempt, untouched, and earns an exclusion that ends', async () => {
    const second = await visit(programs.commandLine.curl, bank);
    expect(second.ok).toBe(true);
    const entry = await until('the exclusion in the stream', () => (appAt(bank)?.exclusion == null ? null : appAt(bank)));
    expect(entry.verdict).toMatchObject({ kind: 'pinned', confidence: 'confirmed' });
    // curl chooses its trust at each call: host scope and one hour at most.
    expect(entry.exclusion).toMatchObject({ kind: 'learned', host: bank, verdict: 'pinned' });
    expect((entry.exclusion?.expiresAt ?? Infinity) - Date.now()).toBeLessThanOrEqual(3600_000);
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(true);
  });

  it('is shown by the tray with its reason', () => {
    const words = JSON.stringify(trayModel({ snapshot, now: Date.now(), away: 'gone', service: false, version: '0.1.0', trust: null, silenced: [], silencedKinds: [], openAtLogin: null, bundle: { kind: 'none' }, words: shellWords('en') }));
    expect(words).toContain('curl');
    expect(words).toMatch(/pinned/i);
  });

  it('is explained with evidence for and against in plain words', async () => {
    const explained = await agent.client.call('explain', { app: 'curl', host: bank }, {});
    expect(explained.sentence).toContain('curl pins its certificate at bank.pinlight.test');
    expect(explained.evidenceFor.join(' ')).toContain('Let through untouched it worked');
    expect(explained.attempts.length).toBeGreaterThanOrEqual(3);
  });

  it('goes back to inspection when the exclusion is removed, and gets no second pass-through within 12 h', async () => {
    const exclusion = appAt(bank)?.exclusion;
    await agent.client.call('removeExclusion', { id: exclusion?.id ?? '' }, {});
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
  });

  it('never gets past a must-inspect rule, however often it refuses', async () => {
    for (let attempt = 0; attempt < 4; attempt += 1) expect((await visit(programs.commandLine.curl, must)).ok).toBe(false);
    const { rows } = await agent.client.call('connections', { filter: `host == "${must}"` }, {});
    expect(new Set(rows.map((row) => row.disposition))).toEqual(new Set(['inspect']));
  });

  it('an idle intercepted connection of the app to the host is closed when an exclusion begins', async () => {
    const idle = await tlsThrough(agent.proxyPort, shop, { ca: readFileSync(agent.rootFile) });
    idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((done) => idle.once('data', done));
    const closed = new Promise((done) => idle.once('end', done));
    idle.on('error', () => undefined);
    idle.resume();
    await agent.client.call('addExclusion', {}, { host: shop, reason: 'test' });
    await closed;
  });
});
