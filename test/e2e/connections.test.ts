// The Connections screen in a real Chromium, on a real agent with a filled store: filter, suggestions, both ends, charts, export.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect as expectOnPage, type Browser, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillStore } from '../bench/log-store.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { axeComplaints } from '../support/axe.ts';
import { chromiumArguments, chromiumPath, openWindow } from '../support/open-window.ts';

const here = existsSync(chromiumPath) && existsSync(join(repository, 'build/out/renderer/index.html'));
if (!here) console.log(`skipped: the Connections screen end to end needs ${chromiumPath} and a built window (npm run build)`);

/** Longer than the usual 5 s: the machine may have other work. */
const expectPage = expectOnPage.configure({ timeout: 20_000 });
const many = 60_000;
/** Where screenshots of this run go, for people to look at. */
const shots = join(repository, 'test', 'out', 'shots');

// axe looks at a screen eight times in some of these.
describe.skipIf(!here)('the Connections screen', { timeout: 120_000 }, () => {
  let home: string;
  let agent: TestAgent;
  let browser: Browser;
  let page: Page;
  let window: { readonly stop: () => void };
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    home = mkdtempSync(join(tmpdir(), 'pinlight-log-'));
    fillStore(join(home, 'pinlight.db'), many, Date.now());
    agent = await startTestAgent({}, { home });
    const { version } = await agent.client.call('notice', {}, {});
    await agent.client.call('acceptNotice', {}, { version, as: 'accepted' });
    const opened = await openWindow(home);
    window = opened;
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true })).newPage();
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(opened.url);
    await page.getByRole('link', { name: 'Connections' }).click();
    await rows().first().waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    window.stop();
    await agent.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const rows = () => page.getByRole('grid', { name: 'Connections' }).locator('tbody').getByRole('row');
  const box = () => page.getByRole('searchbox', { name: 'Filter connections' });
  const shoot = (name: string): Promise<Buffer> => page.screenshot({ path: join(shots, `${name}.png`) });
  /** The same state in both themes, wide and narrow, without a complaint of axe's. */
  async function look(name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of [[1280, 800], [720, 720]] as const) {
        await page.setViewportSize({ width, height });
        await shoot(`${name}-${colorScheme}-${width}`);
        expect(await axeComplaints(page)).toEqual([]);
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  it.each([
    ["(error contains 'UnknownCA')", 'Refused'],
    ["(error contains 'BadCertificate')", 'Refused'],
    ["(app eq 'curl') and (action neq 'bypass')", 'curl'],
    [`( time_generated geq '${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10).replaceAll('-', '/')} 00:00:00' )`, '.example'],
    ['( addr.dst in 192.0.0.0/16 ) and ( port.dst eq 443 ) and disposition:block', 'Blocked'],
  ])('finds what Palo Alto\'s administrators type: %s', async (filter, expected) => {
    await box().fill(filter);
    await box().press('Enter');
    await expectPage(rows().first()).toContainText(expected);
    await expectPage(box()).not.toHaveAttribute('aria-invalid', 'true');
  });

  it('offers what may come next, by keyboard alone, with values out of the log', async () => {
    await box().fill('');
    await box().press('Enter');
    // A machine on which letters come faster than frames: what is typed after a choice must stand behind it.
    await page.evaluate('window.soon = requestAnimationFrame; window.requestAnimationFrame = (draw) => setTimeout(soon, 500, draw)');
    await box().pressSequentially('dispo');
    await box().press('ArrowDown');
    await expectPage(page.getByRole('option', { name: /disposition:/ })).toHaveAttribute('data-focused', 'true');
    await box().press('Enter');
    await expectPage(box()).toHaveValue('disposition:');
    await box().pressSequentially('by');
    await box().press('ArrowDown');
    await box().press('Enter');
    await expectPage(box()).toHaveValue('disposition:bypass ');
    await box().pressSequentially('and app contains sla');
    await expectPage(box()).toHaveValue('disposition:bypass and app contains sla');
    await page.evaluate('window.requestAnimationFrame = soon');
    await expectPage(page.getByRole('option', { name: 'slack' })).toBeVisible();
    await look('connections-suggestions');
    await page.getByRole('option', { name: 'slack' }).click();
    await expectPage(box()).toHaveValue('disposition:bypass and app contains slack ');
    await box().press('Escape');
    await box().press('Enter');
    await expectPage(rows().first()).toContainText('slack');
    await expectPage(page.getByRole('grid', { name: 'Conditions of the filter' }).getByRole('row')).toHaveCount(2);
    await page.getByRole('button', { name: /^Remove disposition:bypass/ }).click();
    await expectPage(box()).toHaveValue('app contains slack');
  });

  it('underlines what it does not understand and says why, and offers what was meant', async () => {
    await box().fill('verdict:pined since:7d');
    await expectPage(page.locator('.filter-wrong')).toHaveText('pined');
    await expectPage(page.getByText('allowed: "inspectable"')).toBeVisible();
    await box().press('Escape');
    await look('connections-invalid');
    await page.getByRole('button', { name: 'Use pinned' }).click();
    await expectPage(box()).toHaveValue('verdict:pinned since:7d');
    await expectPage(rows().first()).toBeVisible();
    await expectPage(page.locator('.filter-wrong')).toHaveCount(0);
  });

  it('keeps a filter, and gives it back after it was removed', async () => {
    await page.getByRole('button', { name: 'Save this filter' }).click();
    await page.reload();
    const saved = page.getByRole('button', { name: 'verdict:pinned since:7d', exact: true });
    await saved.click();
    await expectPage(box()).toHaveValue('verdict:pinned since:7d');
    await page.getByRole('button', { name: 'Remove the saved filter verdict:pinned since:7d' }).click();
    await expectPage(saved).toHaveCount(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expectPage(saved).toBeVisible();
    await saved.click();
    await expectPage(box()).toHaveValue('');
  });

  it('goes to the oldest connection and back to the newest, and reads on from both', async () => {
    const grid = page.getByRole('grid', { name: 'Connections' });
    await rows().first().waitFor();
    await grid.focus();
    await grid.press('End');
    await expectPage(page.locator('#connection-1')).toBeVisible();
    const shown = (): Promise<number[]> => page.evaluate<number[]>('[...document.querySelectorAll(".log-line")].map((line) => Number(line.id.slice(11))).sort((a, b) => a - b)');
    for (let step = 0, highest = 1; step < 4; step += 1) {
      await page.evaluate('document.querySelector(".log").scrollTop = 0');
      // Newer rows came in above, what was there stayed in its place, and no row is missing between.
      await expectPage.poll(async () => (await shown()).at(-1)).toBeGreaterThan(highest);
      await expectPage.poll(() => page.evaluate<number>('document.querySelector(".log").scrollTop')).toBeGreaterThan(1000);
      const ids = await shown();
      highest = ids.at(-1) ?? 0;
      expect(highest - (ids[0] ?? 0) + 1).toBe(ids.length);
    }
    await grid.press('Home');
    await expectPage(page.locator(`#connection-${many}`)).toBeVisible();
    await expectPage(page.getByText(/^\d00\+ connections, newest first/)).toBeVisible();
    await look('connections-list');
  });

  it('shows the columns that are wanted', async () => {
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'TLS' }).check({ force: true });
    await page.getByRole('checkbox', { name: 'Because' }).uncheck({ force: true });
    await page.keyboard.press('Escape');
    await expectPage(page.getByRole('columnheader')).toHaveText(['Time', 'App', 'Host', 'Done', 'Outcome', 'TLS']);
    await expectPage(rows().first()).toContainText('TLSv1.');
  });

  it('looks back over a span of time', async () => {
    await page.getByRole('radio', { name: '1 h', exact: true }).click();
    const complete = page.getByText(/^\d+ connections, newest first$/);
    await expectPage(complete).toBeVisible();
    await page.getByRole('radio', { name: 'From – to' }).click();
    await expectPage(page.getByLabel('From', { exact: true })).toBeVisible();
    await page.getByRole('radio', { name: 'Any time' }).click();
  });

  it('draws the last day and week with their numbers beside them, and a number leads to its connections', async () => {
    await page.getByRole('radio', { name: 'Chart' }).click();
    const week = page.getByRole('region', { name: 'Last 7 days' }).first();
    await expectPage(week.getByRole('row')).toHaveCount(10);
    await expectPage(page.locator('.chart-bar').first()).toBeAttached();
    await look('connections-chart');
    const number = page.getByRole('button', { name: /, Bypassed, / }).nth(2);
    const expected = (await number.innerText()).replaceAll(/\D/g, '');
    await number.click();
    await expectPage(page.getByText(new RegExp(`^${Number(expected).toLocaleString('en-US')} connections`))).toBeVisible();
    await expectPage(rows().first()).toContainText('Bypassed');
    await expectPage(rows().filter({ hasNotText: 'Bypassed' })).toHaveCount(0);
    await page.getByRole('radio', { name: 'Any time' }).click();
    await box().fill('');
    await box().press('Enter');
  });

  it.each([['CSV', 'csv'], ['NDJSON', 'ndjson']])('exports what the filter finds as %s', async (words, ending) => {
    await box().fill('disposition:block app:firefox');
    await box().press('Enter');
    await expectPage(rows().first()).toContainText('firefox');
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: words }).click();
    const file = await (await download).path();
    expect((await download).suggestedFilename()).toMatch(new RegExp(`^pinlight-log-\\d{4}-\\d\\d-\\d\\d\\.${ending}$`));
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(ending === 'csv' ? 1 : 0);
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.every((line) => line.includes('block') && line.includes('firefox'))).toBe(true);
  });

  it('fits one column at 400 %', async () => {
    await page.setViewportSize({ width: 320, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    await shoot('connections-320');
    await page.getByRole('radio', { name: 'Chart' }).click();
    await expectPage(page.getByRole('heading', { name: 'Last 24 hours' })).toBeVisible();
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    await shoot('connections-chart-320');
    await page.getByRole('radio', { name: 'List' }).click();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('can be told apart in forced colours', async () => {
    // Messages of the export go by themselves, too.
    await page.getByRole('button', { name: 'Dismiss' }).first().click({ timeout: 2_000 }).catch(() => undefined);
    await expectPage(page.getByRole('button', { name: 'Dismiss' })).toHaveCount(0);
    await page.emulateMedia({ forcedColors: 'active' });
    await shoot('connections-forced');
    expect(await axeComplaints(page)).toEqual([]);
    await page.emulateMedia({ forcedColors: 'none' });
  });

  it('says what is there when the agent goes', async () => {
    agent.process.kill('SIGTERM');
    await page.getByRole('alert').filter({ hasText: 'Agent not reachable' }).waitFor();
    await expectPage(rows().first()).toBeVisible();
    await expectPage(page.getByRole('button', { name: 'Hold the list' })).toBeDisabled();
    await shoot('connections-agent-gone');
  });

  it('had no complaint from page or policy', () => {
    expect(complaints.filter((text) => !/Failed to load resource|ERR_|503/.test(text))).toEqual([]);
  });
});
