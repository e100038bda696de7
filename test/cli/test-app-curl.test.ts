// `pinlight test-app` with a real agent and a real curl, once pinned and once trusting. Words and exit codes: test-app.test.ts.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as programs from '../clients/programs.ts';
import { startTestAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin } from '../support/origins.ts';
import type { Origin, TestAuthority } from '../support/origins.ts';
import { linesOf, startPinlight } from './run-pinlight.ts';

const here = programs.isPresent(programs.commandLine.curl);
if (!here) console.log('skipped: test-app with a real program needs curl (Debian: curl)');

describe.skipIf(!here)('test-app with a real agent and a real curl', () => {
  const bank = 'bank.pinlight.test';
  const shop = 'shop.pinlight.test';
  let authority: TestAuthority;
  let agent: TestAgent;
  let origins: Origin[] = [];
  let folder: string;
  let pin: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pinlight-test-app-'));
    authority = createTestAuthority();
    const leaf = authority.leaf(bank);
    pin = leaf.cert;
    origins = [await startOrigin(authority, bank, { leaf }), await startOrigin(authority, shop)];
    agent = await startTestAgent({ network: {
      upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries(origins.map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])),
    } });
  });
  afterAll(async () => {
    await agent.stop();
    await Promise.all(origins.map((origin) => origin.close()));
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const visit = (program: programs.Program, host: string): Promise<programs.VisitResult> => program.visit(
    { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder }, { host, certificatePem: pin, served: () => 0, pinned: host === bank },
  );

  test('a pinned curl: refused, let through, called pinned', async () => {
    expect((await visit(programs.commandLine.curl, shop)).ok).toBe(true);
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(true);
    const child = startPinlight(['test-app', 'curl', bank, '--wait', '1'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.some((line) => line.startsWith('Use curl at')), { timeout: 10_000 });
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    await vi.waitUntil(() => lines.some((line) => line.startsWith('It refused.')), { timeout: 10_000 });
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(true);
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(lines.join('\n')).toMatch(/inspected: The app .*\n.*once more.*\n.*bypassed: Let through untouched, and data went both ways\./);
    expect(lines.join('\n')).toContain(`curl pins its certificate at ${bank}`);
  });

  test('a curl that trusts our root: inspectable at its first attempt', async () => {
    const child = startPinlight(['test-app', 'curl', shop, '--wait', '1', '--json'], { home: agent.home });
    const out = text(child.stdout);
    await vi.waitUntil(async () => (await agent.client.call('apps', {}, {})).apps.some((app) => app.hosts.some(({ host, test: one }) => host === shop && one !== null)), { timeout: 10_000 });
    expect((await visit(programs.commandLine.curl, shop)).ok).toBe(true);
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(JSON.parse(await out)).toMatchObject({ ok: true, data: { test: { result: 'inspectable', steps: [{ disposition: 'inspect', outcome: { kind: 'established' } }] } } });
  });
});
