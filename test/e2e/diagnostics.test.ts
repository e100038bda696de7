// The Diagnostics screen in a real Chromium with a real agent: record a refusal, look at what is inside, save it, open and verify it; hidden
// names; hostile files. Screenshots go to test/out/shots for people to look at.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveWindow, type WindowServer } from '../../electron/cli/window/serve-window.ts';
import { buildAsShipped } from '../renderer/fixture-window.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { axeComplaints } from '../support/axe.ts';
import { chromiumArguments, chromiumPath } from '../support/open-window.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { tlsThrough, until } from '../support/tunnel.ts';

const here = existsSync(chromiumPath);
if (!here) console.log(`skipped: the Diagnostics screen end to end needs ${chromiumPath} (Debian: chromium)`);

const host = 'portal.pinlight.test';
const shots = join(repository, 'test', 'out', 'shots');

describe.skipIf(!here)('the Diagnostics screen', () => {
  let authority: TestAuthority;
  let origin: Origin;
  let agent: TestAgent;
  let server: WindowServer;
  let browser: Browser;
  let page: Page;
  let folder: string;
  let saved = '';
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'pinlight-diagnostics-'));
    await buildAsShipped(join(folder, 'window'));
    authority = createTestAuthority();
    origin = await startOrigin(authority, host);
    agent = await startTestAgent({
      network: { upstreamRoots: [authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` } }, diagnostics: { captureHandshakes: 10 },
    });
    const { version } = await agent.client.call('notice', {}, {});
    await agent.client.call('acceptNotice', {}, { version, as: 'accepted' });
    server = await serveWindow({ client: agent.client, folder: join(folder, 'window'), now: Date.now, uids: null, idleMs: 600_000, command: 'npx --no-install pinlight' });
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true })).newPage();
    page.setDefaultTimeout(8_000);
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.url);
    await page.getByText('Connected', { exact: true }).waitFor();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
    await agent.stop();
    await origin.close();
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** axe in both themes, pictures in both at full width and at 720 pixels. */
  async function lookAt(name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await axeComplaints(page), `${name} in ${colorScheme}`).toEqual([]);
      for (const width of [1280, 720]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} at ${width}`).toBe(true);
        await page.screenshot({ path: join(shots, `diagnostics-${name}-${colorScheme}-${width}.png`) });
      }
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }

  it('opens by Ctrl+4 or from the rail, and says what a bundle is', { timeout: 60_000 }, async () => {
    await page.getByRole('link', { name: 'Diagnostics' }).click();
    await page.keyboard.press('Control+1');
    const number = await page.getByRole('link', { name: 'Diagnostics' }).getAttribute('aria-keyshortcuts');
    await page.keyboard.press(number?.split(' ')[0] ?? '');
    await page.getByRole('heading', { level: 1, name: 'Diagnostics' }).waitFor();
    await page.getByRole('checkbox', { name: /handshakes/ }).waitFor();
    await lookAt('start');
  });

  it('records while the person is elsewhere, collects, and shows what is inside before anything is written', { timeout: 90_000 }, async () => {
    await page.getByRole('textbox', { name: 'What does not work?' }).fill('The portal <b>fails</b> to open');
    await page.getByRole('checkbox', { name: /handshakes/ }).click({ force: true });
    await page.getByRole('button', { name: 'Record the problem' }).click();
    await page.getByText('Recording since').waitFor();
    await lookAt('recording');
    await page.getByRole('link', { name: 'Connections' }).click();
    await tlsThrough(agent.proxyPort, host, { ca: authority.rootPem }).catch(() => undefined);
    await until('the refusal', async () => (await agent.client.call('connections', { filter: 'outcome:refused' }, {})).rows.length > 0);
    await page.getByRole('link', { name: 'Diagnostics' }).click();
    await page.getByRole('button', { name: 'Stop and collect' }).click();
    await page.getByText('Nothing has been written yet.').waitFor();
    const files = page.getByRole('table', { name: 'Files' });
    for (const name of ['report.html', 'connections.ndjson', 'capture.pcapng', 'findings.json']) await files.getByText(name, { exact: true }).waitFor();
    await lookAt('preview');
  });

  it('saves exactly that, and the command line finds it whole', { timeout: 60_000 }, async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save…' }).click()]);
    expect(download.suggestedFilename()).toMatch(/^pinlight-diag-.*-PL-[0-9A-Z]{4}-[0-9A-Z]{4}\.zip$/);
    saved = join(folder, download.suggestedFilename());
    await download.saveAs(saved);
    await page.getByText('Saved as').waitFor();
    const { stdout } = await promisify(execFile)(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', 'show', saved]);
    expect(stdout).toContain('Reported: The portal <b>fails</b> to open');
    expect(stdout).toContain('is whole');
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('opens it again: whole, with findings, and each file as text', { timeout: 60_000 }, async () => {
    await page.locator('input[type=file]').setInputFiles(saved);
    await page.getByText('whole, and every file is what its manifest lists.').waitFor();
    await page.getByText('The portal <b>fails</b> to open').waitFor();
    await page.getByRole('heading', { name: /^Findings/ }).scrollIntoViewIfNeeded();
    await lookAt('viewer');
    await page.getByRole('button', { name: 'connections.ndjson' }).click();
    await page.getByRole('dialog').getByText(host).first().waitFor();
    await lookAt('viewer-file');
    await page.keyboard.press('Escape');
  });

  it('shows what differs from a later bundle: what `pinlight bundle diff` says', { timeout: 90_000 }, async () => {
    agent.writePolicy({
      version: 1, network: { port: 0, upstreamRoots: [authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` }, privateTargets: 'block' },
      diagnostics: { captureHandshakes: 10 },
    });
    await until('the new policy', async () => (await agent.client.call('policy', {}, {})).policy.network.privateTargets === 'block');
    const later = join(folder, 'later.zip');
    const cli = join(repository, 'electron/cli/pinlight.mjs');
    await promisify(execFile)(process.execPath, [cli, 'bundle', '-o', later], { env: { ...process.env, PINLIGHT_HOME: agent.home } });
    await page.locator('.viewer input[type=file]').setInputFiles(later);
    const shown = page.locator('.differences');
    await shown.getByRole('row').filter({ hasText: 'privateTargets' }).first().waitFor();
    const { stdout } = await promisify(execFile)(process.execPath, [cli, 'bundle', 'diff', saved, later, '--json']).catch((thrown: { readonly stdout: string }) => thrown);
    const { data } = JSON.parse(stdout) as { readonly data: { readonly differences: readonly { readonly path: string }[] } };
    // Under the thing that differs each place is named within it; what came or went whole has no places.
    const places = await shown.getByRole('rowheader').allInnerTexts();
    expect(places.filter((place) => !data.differences.some(({ path }) => path.endsWith(place)))).toEqual([]);
    await shown.scrollIntoViewIfNeeded();
    await lookAt('compared');
  });

  it('refuses a cut file and anything that is no bundle, in words', { timeout: 60_000 }, async () => {
    const cut = join(folder, 'cut <img src=x>.zip');
    writeFileSync(cut, readFileSync(saved).subarray(0, -40));
    await page.locator('input[type=file]').last().setInputFiles(cut);
    await page.getByRole('alert').getByText('it is cut off').waitFor();
    await lookAt('refused');
    const none = join(folder, 'none.zip');
    writeFileSync(none, 'no zip at all');
    await page.locator('input[type=file]').setInputFiles(none);
    await page.getByRole('alert').getByText('it is no zip file').waitFor();
  });

  it('hides names where the person wants it, and shows the key once', { timeout: 60_000 }, async () => {
    // By keyboard: the page may still be scrolled to the file that was refused.
    await page.getByRole('radio', { name: /Hidden/ }).focus();
    await page.keyboard.press('Space');
    await expect.poll(() => page.getByRole('radio', { name: /Hidden/ }).isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Collect now' }).click();
    await page.getByText('Key to the names').waitFor();
    await page.getByText('Names are hidden.').waitFor();
    await lookAt('key');
    await page.getByRole('button', { name: 'Throw away' }).click();
    await page.getByRole('button', { name: 'Collect now' }).waitFor();
  });

  it('fits 320 pixels, which is 400 % zoom', async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('had no complaint from page or policy', () => {
    expect(complaints).toEqual([]);
  });
});
