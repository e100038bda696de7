// The report out of a real bundle, opened from disk in a real Chromium: nothing leaves, nothing runs, and axe has no complaint.
// Skipped with a line of its own where no Chromium is installed.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from '@playwright/test';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { hostile, now } from '../../core/diagnostics/device-fixture.ts';
import { deviceSources, makeZip } from './sources.ts';

const executablePath = '/usr/bin/chromium';
const installed = existsSync(executablePath);
if (!installed) console.warn(`The report was not opened in a browser: ${executablePath} is not there.`);

describe.skipIf(!installed)('report.html', () => {
  let folder = '';
  let url = '';
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pinlight-report-'));
    const archive = await fromBufferPromise((await makeZip(deviceSources({ versions: () => Promise.reject(new Error(hostile[1])) }), { note: `It broke ${hostile[1]}`, recording: { from: now - 20 * 60_000, to: now - 60_000 } })).zip);
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName === 'report.html') await writeFile(join(folder, 'report.html'), await buffer(await archive.openReadStreamPromise(entry)));
    }
    url = pathToFileURL(join(folder, 'report.html')).href;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The page with everything it asked for, said or opened. */
  async function open(colorScheme: 'light' | 'dark', size = { width: 1280, height: 900 }): Promise<{ context: BrowserContext; page: Page; requests: string[]; said: string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: size });
    const page = await context.newPage();
    const requests: string[] = [];
    const said: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('dialog', (dialog) => {
      said.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(url, { waitUntil: 'load' });
    return { context, page, requests, said };
  }

  test.each(['light', 'dark'] as const)('%s: asks for nothing but itself, says nothing, and axe is content', async (scheme) => {
    const { context, page, requests, said } = await open(scheme);
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(21, 25, 29)');
    const axe = await new AxeBuilder({ page }).analyze();
    expect(axe.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
    expect(requests).toEqual([url]);
    expect(said).toEqual([]);
    await context.close();
  });

  it('shows hostile names as text: no element, script or link comes out of them', async () => {
    const { context, page } = await open('light');
    expect(await page.title()).toBe('Pinlight report PL-0410-6105, LAPTOP-42');
    expect(await page.locator('script, img, a, b, iframe, object, link, [onerror], [style]').count()).toBe(0);
    expect(await page.locator('style').count()).toBe(1);
    const words = await page.locator('body').innerText();
    for (const name of [hostile[0], hostile[1], hostile[2], hostile[4]]) expect(words).toContain(name);
    expect(words).toContain('\\u{202e}gnp.exe');
    expect(words).not.toContain('\u202e');
    await context.close();
  });

  it('a style or script that somebody adds afterwards is refused by the page\'s own policy', async () => {
    const changed = join(folder, 'changed.html');
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    await writeFile(changed, page.replace('</body>', '<script>document.title="owned"</script><style>h1{display:none}</style><img src="http://127.0.0.1:9/x" alt=""></body>'));
    const context = await browser.newContext();
    const tab = await context.newPage();
    const said: string[] = [];
    tab.on('console', (message) => said.push(message.text()));
    await tab.goto(pathToFileURL(changed).href);
    expect(await tab.title()).toBe('Pinlight report PL-0410-6105, LAPTOP-42');
    expect(await tab.locator('h1').isVisible()).toBe(true);
    await expect.poll(() => said.filter((line) => line.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(3);
    await context.close();
  });

  it('prints on two pages of A4 even with thirteen findings and a recording of 60 lines', async () => {
    const { context, page } = await open('dark');
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g)?.length).toBe(2);
    await context.close();
  });

  it('tells a helpdesk agent what to say, and never scrolls sideways as a whole', async () => {
    const { context, page } = await open('light', { width: 380, height: 800 });
    expect(await page.locator('.tell').first().innerText()).toContain('Your computer keeps working');
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual([
      'What the user reported', 'Timeline of the recording', 'Findings', 'Check of this device', 'Bypassed apps', 'Apps and verdicts', 'Failing hosts', 'Trust stores', 'Policy', 'Recent connections', 'Environment and versions',
      'Left out and removed', 'Files of the bundle',
    ]);
    await context.close();
  });
});
