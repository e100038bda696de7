// Two people's ways through the window, on a real agent with real programs: the helpdesk finds a reason in the log and makes, opens and verifies
// the bundle that has it; the administrator finds who set what and the line that is wrong. The employee's way is window.test.ts.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as programs from '../clients/programs.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { chromiumArguments, chromiumPath, openWindow } from '../support/open-window.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { until } from '../support/tunnel.ts';

const here = existsSync(chromiumPath) && programs.isPresent(programs.commandLine.curlOwnList);
if (!here) console.log(`skipped: the helpdesk's and the administrator's way need ${chromiumPath} and curl (Debian: chromium curl)`);

const host = 'portal.pinlight.test';
const shots = join(repository, 'test', 'out', 'shots');

describe.skipIf(!here)('the window', () => {
  let authority: TestAuthority;
  let origin: Origin;
  let agent: TestAgent;
  let browser: Browser;
  let page: Page;
  let stopWindow: () => void;
  const network = (): Record<string, unknown> => ({ upstreamRoots: [authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` } });

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    authority = createTestAuthority();
    origin = await startOrigin(authority, host);
    agent = await startTestAgent({ network: network() });
    const { version } = await agent.client.call('notice', {}, {});
    await agent.client.call('acceptNotice', {}, { version, as: 'accepted' });
    const opened = await openWindow(agent.home);
    stopWindow = opened.stop;
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(opened.url);
    await page.getByText('Connected', { exact: true }).waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    stopWindow();
    await agent.stop();
    await origin.close();
    authority.close();
  });

  it('helpdesk: Palo Alto\'s query as typed, the row, its reason, the app behind it, and the bundle that has it all, verified', { timeout: 120_000 }, async () => {
    const place = { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder: agent.home };
    // A busy machine may name the program behind a connection too late: that one is let through, and nothing is learned from it.
    await until('the refusal', async () => {
      await programs.commandLine.curlOwnList.visit(place, { host, certificatePem: '', served: () => 0, pinned: false });
      return (await agent.client.call('connections', { filter: 'outcome:refused' }, {})).rows.length > 0;
    });
    await page.getByRole('link', { name: 'Connections' }).click();
    const filter = page.getByLabel('Filter connections');
    await filter.fill('(error contains \'UnknownCA\') and (app eq \'curl\')');
    await filter.press('Enter');
    const row = page.getByRole('row').filter({ hasText: host }).first();
    await row.click();
    const drawer = page.getByRole('dialog').first();
    await drawer.getByText('alert 48').first().waitFor();
    const todo = drawer.getByRole('region', { name: 'What you can do' });
    await todo.getByRole('region', { name: 'Evidence for' }).waitFor();
    await todo.getByRole('button', { name: 'Install the root there' }).waitFor();
    await page.screenshot({ path: join(shots, 'helpdesk-row.png') });
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Apps' }).click();
    await page.getByRole('row').filter({ hasText: 'curl' }).first().click();
    await page.getByRole('dialog').getByText('our root is not in its list').first().waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Install the root there' }).first().click();
    await page.getByRole('region', { name: 'Trust stores' }).waitFor();
    await page.screenshot({ path: join(shots, 'helpdesk-stores.png') });

    await page.getByRole('link', { name: 'Diagnostics' }).click();
    await page.getByRole('textbox', { name: 'What does not work?' }).fill('ticket 4711: curl refuses the portal');
    await page.getByRole('button', { name: 'Collect now' }).click();
    await page.getByText('Nothing has been written yet.').waitFor();
    await page.getByRole('table', { name: 'Files' }).getByText('connections.ndjson', { exact: true }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save…' }).click()]);
    const saved = join(agent.home, download.suggestedFilename());
    await download.saveAs(saved);
    await page.getByText('Saved as').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('input[type=file]').setInputFiles(saved);
    await page.getByText('whole, and every file is what its manifest lists.').waitFor();
    await page.getByText('ticket 4711: curl refuses the portal').first().waitFor();
    await page.getByRole('button', { name: 'connections.ndjson' }).click();
    await page.getByRole('dialog').getByText(host).first().waitFor();
    await page.screenshot({ path: join(shots, 'helpdesk-bundle.png') });
    await page.keyboard.press('Escape');
    // Rejects on any other exit code than 0.
    const { stdout } = await promisify(execFile)(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', 'verify', saved]);
    expect(stdout).toContain('is whole');
  });

  it('administrator: who set what, a broken file by its line, and the good one still in force', { timeout: 60_000 }, async () => {
    await page.getByRole('link', { name: 'Policy' }).click();
    await page.getByRole('region', { name: 'Rules' }).getByText('own-programs-443').waitFor();
    agent.writePolicy({ version: 1, network: network(), rules: [{ id: 'portal', when: { host }, do: 'bypass', reason: 'ticket 4711' }] });
    const rule = page.getByRole('region', { name: 'Rules' }).getByRole('row').filter({ hasText: 'portal' });
    await rule.getByText('ticket 4711').waitFor();
    await rule.getByText('Lets through').waitFor();
    agent.writePolicy({ version: 1, network: network(), rules: [{ id: 'portal', when: { host: '*.*' }, do: 'bypass' }] });
    const problems = page.getByRole('alert').filter({ hasText: 'rules[0].when.host' });
    await problems.waitFor();
    expect(await problems.innerText()).toMatch(/line \d+/);
    await rule.getByText('ticket 4711').waitFor();
    await page.screenshot({ path: join(shots, 'administrator-policy.png') });
  });
});
