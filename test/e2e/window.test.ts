// End to end: the served window in a real Chromium, on a real agent, while real programs go through the proxy.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trayModel } from '../../electron/main/tray-model.ts';
import { shellWords } from '../../electron/main/words.ts';
import * as programs from '../clients/programs.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { chromiumArguments, chromiumPath, openWindow } from '../support/open-window.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';

const here = existsSync(chromiumPath) && programs.isPresent(programs.commandLine.curl) && programs.isPresent(programs.python.urllibOwnList);
if (!here) console.log(`skipped: the window end to end needs ${chromiumPath}, curl and python3 (Debian: chromium curl python3)`);

const shop = 'shop.pinlight.test';
const bank = 'bank.pinlight.test';
/** Where screenshots of this run go, for people to look at. */
const shots = join(repository, 'test', 'out', 'shots');

describe.skipIf(!here)('the window of pinlight open', () => {
  let authority: TestAuthority;
  let agent: TestAgent;
  let browser: Browser;
  let page: Page;
  let folder: string;
  let stopWindow: () => void;
  const origins: Origin[] = [];
  const pems = new Map<string, string>();
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'pinlight-e2e-'));
    authority = createTestAuthority();
    for (const host of [shop, bank]) {
      const leaf = authority.leaf(host);
      pems.set(host, leaf.cert);
      origins.push(await startOrigin(authority, host, { leaf }));
    }
    agent = await startTestAgent({ network: { upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries(origins.map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])) } });
    const { version } = await agent.client.call('notice', {}, {});
    await agent.client.call('acceptNotice', {}, { version, as: 'accepted' });
    const opened = await openWindow(agent.home);
    stopWindow = opened.stop;
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(opened.url);
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    stopWindow();
    await agent.stop();
    await Promise.all(origins.map((origin) => origin.close()));
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const visit = (program: programs.Program, host: string): Promise<programs.VisitResult> => program.visit(
    { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder },
    { host, certificatePem: pems.get(host) as string, served: () => 0, pinned: host === bank },
  );
  const shoot = (name: string): Promise<Buffer> => page.screenshot({ path: join(shots, `${name}.png`) });

  it('starts connected, with nothing seen yet', async () => {
    await page.getByText('Connected', { exact: true }).waitFor();
    await shoot('overview-empty');
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('heading', { name: 'No connections yet' }).waitFor();
  });

  it('shows an inspected curl as it happens', async () => {
    expect((await visit(programs.commandLine.curl, shop)).ok).toBe(true);
    await page.getByRole('row').filter({ hasText: shop }).first().waitFor();
    await page.getByRole('row').filter({ hasText: 'curl' }).first().waitFor();
  });

  it('shows a pinned curl: refused, then let through, with its reason', async () => {
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(true);
    await page.getByRole('link', { name: 'Apps' }).click();
    const row = page.getByRole('row').filter({ hasText: 'curl' }).first();
    await row.filter({ hasText: 'Pinned' }).waitFor();
    await row.click();
    const drawer = page.getByRole('dialog', { name: 'curl' });
    await drawer.getByText('Let through untouched it worked').first().waitFor();
    // What the tray would show at this moment, from the same agent.
    const snapshot = await agent.client.call('status', {}, {});
    const tray = trayModel({
      snapshot, now: Date.now(), away: 'gone', service: false, version: snapshot.agent.version, trust: null, silenced: [], silencedKinds: [], openAtLogin: null,
      bundle: { kind: 'none' }, words: shellWords('en'),
    });
    expect(tray.tooltip).toContain('1 app');
    const bypassed = tray.items.find(({ id }) => id === 'bypassed');
    expect(bypassed?.kind === 'submenu' && JSON.stringify(bypassed.items)).toMatch(/curl[^"]*pin/i);
    await shoot('app-drawer');
    // Two connections were inspected, one of them refused, and one let through; each number leads to its connections.
    const timeline = drawer.getByRole('region', { name: 'Attempts over time' });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 720]) {
        await page.setViewportSize({ width, height: 800 });
        await timeline.getByRole('table').scrollIntoViewIfNeeded();
        await shoot(`app-timeline-${colorScheme}-${width}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    await timeline.getByRole('button', { name: /^1, Refused, \d/ }).click();
    await page.getByRole('row').filter({ hasText: bank }).first().waitFor();
    await expect.poll(() => page.getByText('1 connection, newest first').count()).toBe(1);
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('radio', { name: 'Any time' }).click();
    await page.getByRole('link', { name: 'Apps' }).click();
    await row.click();
  });

  it('tests the pinned curl when asked to: says what to do, shows both connections, then the result', async () => {
    const panel = page.getByRole('dialog', { name: 'curl' }).getByRole('region', { name: 'Test this app' }).first();
    await panel.getByRole('button', { name: 'Test this app now' }).click();
    await panel.getByText(`Use curl at ${bank} now.`).waitFor();
    await shoot('test-running');
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(false);
    await panel.getByText(`It refused. Use curl at ${bank} once more`).waitFor();
    await shoot('test-refused');
    expect((await visit(programs.commandLine.curl, bank)).ok).toBe(true);
    await panel.getByText('Result:').waitFor();
    expect(await panel.getByRole('status').innerText()).toContain('Pinned');
    expect(await panel.getByRole('listitem').count()).toBe(2);
    await panel.scrollIntoViewIfNeeded();
    await shoot('test-done');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 720, height: 900 });
    await panel.scrollIntoViewIfNeeded();
    await shoot('test-done-dark-720');
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('dialog', { name: 'curl' }).getByRole('button', { name: 'Close' }).click();
  });

  it('names a private trust store as such', async () => {
    expect((await visit(programs.python.urllibOwnList, shop)).ok).toBe(false);
    await page.getByRole('row').filter({ hasText: 'python-urllib' }).filter({ hasText: 'Private trust store' }).waitFor();
    await shoot('apps');
  });

  it('filters connections in the language of the log, and says in words what it does not understand', async () => {
    await page.getByRole('link', { name: 'Connections' }).click();
    const box = page.getByRole('searchbox', { name: 'Filter connections' });
    await box.fill("(error contains 'UnknownCA')");
    await box.press('Enter');
    await page.getByRole('row').filter({ hasText: 'python-urllib' }).first().waitFor();
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'bank.pinlight.test' }).count()).toBe(0);
    await box.fill('hots:bank');
    await box.press('Enter');
    await expect.poll(() => box.getAttribute('aria-invalid')).toBe('true');
    await box.fill('');
    await box.press('Enter');
    await shoot('connections');
  });

  it('reads well narrow and dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 720, height: 900 });
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { level: 1 }).filter({ hasText: /let through/ }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    await shoot('overview-dark-720');
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    await shoot('overview');
  });

  it('tells the truth when the agent ends', async () => {
    agent.process.kill('SIGTERM');
    await page.getByRole('alert').filter({ hasText: 'Agent not reachable' }).waitFor();
    await shoot('agent-gone');
  });

  it('had no complaint from page or policy', () => {
    // The lost agent shows as failed requests of the bridge; anything else is a fault of the window.
    expect(complaints.filter((text) => !/Failed to load resource|ERR_|503/.test(text))).toEqual([]);
  });
});
