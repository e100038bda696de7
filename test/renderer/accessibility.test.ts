// Every screen and drawer against axe (WCAG 2.2 A and AA), in both colour schemes and at both widths; what fits 400 % zoom;
// and that the page keeps its content security policy. Behaviour is screens.test.ts.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect as expectPage } from '@playwright/test';
import { beforeAll, describe, expect, test } from 'vitest';
import { deviceSources, makeZip } from '../agent/diagnostics/sources.ts';
import { repository } from '../support/agent.ts';
import { axeComplaints } from '../support/axe.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import type { OpenedWindow, OpenWindow } from './fixture-window.ts';
import { takePicture } from './picture.ts';
import { doctorFound } from './window-tour.ts';

const shots = join(repository, 'test', 'out', 'shots');

describe.skipIf(!hasChromium)('the window for everyone', () => {
  const openWindow = useWindows();
  beforeAll(() => { mkdirSync(shots, { recursive: true }); });

  async function open(options: Parameters<OpenWindow>[0] = {}): Promise<OpenedWindow> {
    const opened = await openWindow(options);
    await expectPage(opened.page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    return opened;
  }

  const looks = [
    { colorScheme: 'light', width: 1280, height: 800 }, { colorScheme: 'dark', width: 1280, height: 800 },
    { colorScheme: 'light', width: 720, height: 520 }, { colorScheme: 'dark', width: 720, height: 520 },
  ] as const;

  describe.each(looks)('axe finds nothing in $colorScheme at $width', ({ colorScheme, width, height }) => {
    // Runs of axe take a few seconds each where the machine has other work.
    test('on any screen, drawer, dialog or state', { timeout: 240_000 }, async () => {
      const { page, agent, complaints } = await open({ colorScheme, viewport: { width, height }, examine: async () => doctorFound });
      const found: Record<string, string[]> = {};
      await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
      found['overview'] = await axeComplaints(page);
      await takePicture(page, `overview-${colorScheme}-${width}`);
      await page.keyboard.press('Control+2');
      await expectPage(page.getByRole('grid', { name: 'Apps' })).toBeVisible();
      found['apps'] = await axeComplaints(page);
      await takePicture(page, `apps-${colorScheme}-${width}`);
      await page.getByRole('row', { name: /Slack/ }).click();
      await expectPage(page.getByRole('region', { name: 'Evidence for' })).toBeVisible();
      found['app drawer'] = await axeComplaints(page);
      await page.getByRole('region', { name: 'Attempts over time' }).getByRole('table').scrollIntoViewIfNeeded();
      found['timeline of an app'] = await axeComplaints(page);
      await page.getByRole('button', { name: 'Test this app now' }).click();
      await expectPage(page.getByRole('button', { name: 'Cancel the test' })).toBeVisible();
      found['app drawer with a test'] = await axeComplaints(page);
      await page.getByRole('button', { name: 'Try inspection now' }).click();
      await page.getByRole('button', { name: 'Exclude this host' }).click();
      await expectPage(page.getByRole('dialog', { name: 'Exclude this host' })).toBeVisible();
      found['exclude dialog and message'] = await axeComplaints(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+3');
      await expectPage(page.locator('.log-line').first()).toBeVisible();
      found['connections'] = await axeComplaints(page);
      await page.locator('.log-line').first().click();
      await expectPage(page.getByRole('dialog')).toBeVisible();
      found['connection drawer'] = await axeComplaints(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'How to filter' }).click();
      await expectPage(page.getByRole('dialog', { name: 'How to filter' })).toBeVisible();
      found['filter help'] = await axeComplaints(page);
      await page.keyboard.press('Escape');
      expect(complaints).toEqual([]);
      await page.getByRole('searchbox', { name: 'Filter connections' }).fill('nofield:x');
      await expectPage(page.getByText(/there is no field/)).toBeVisible();
      found['filter complaint'] = await axeComplaints(page);
      await page.keyboard.press('Control+4');
      await expectPage(page.getByRole('heading', { level: 1, name: 'Policy' })).toBeVisible();
      await expectPage(page.locator('.fact-table').first()).toBeVisible();
      found['policy'] = await axeComplaints(page);
      await page.keyboard.press('Control+5');
      await expectPage(page.getByRole('heading', { level: 1, name: 'Certificates' })).toBeVisible();
      await expectPage(page.locator('.fact-table').first()).toBeVisible();
      found['certificates'] = await axeComplaints(page);
      await page.keyboard.press('Control+6');
      await expectPage(page.getByRole('heading', { level: 1, name: 'Diagnostics' })).toBeVisible();
      found['diagnostics'] = await axeComplaints(page);
      const [sent, later] = [await makeZip(deviceSources()), await makeZip(deviceSources({ versions: async () => ({ pinlight: '0.2.0' }) }))];
      await page.locator('input[type=file]').setInputFiles({ name: 'sent.zip', mimeType: 'application/zip', buffer: sent.zip });
      await expectPage(page.getByRole('heading', { name: /^Findings/ })).toBeVisible();
      await page.locator('.viewer input[type=file]').setInputFiles({ name: 'later.zip', mimeType: 'application/zip', buffer: later.zip });
      await expectPage(page.getByRole('table', { name: 'Versions' })).toBeVisible();
      await page.getByRole('button', { name: 'Check now' }).click();
      await expectPage(page.locator('.checks-found')).toBeVisible();
      found['diagnostics with two bundles and the doctor'] = await axeComplaints(page);
      await takePicture(page, `diagnostics-whole-${colorScheme}-${width}`);
      await page.getByRole('button', { name: 'connections.ndjson' }).click();
      await expectPage(page.locator('.bundle-rows')).toBeVisible();
      found['connections of a bundle'] = await axeComplaints(page);
      await page.keyboard.press('Escape');
      agent.lose();
      await expectPage(page.getByRole('alert')).toBeVisible();
      await page.keyboard.press('Control+1');
      found['lost agent'] = await axeComplaints(page);
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((place) => [place, []])));
    });
  });

  test('at 400 % zoom (320 pixels) no screen scrolls sideways, and the rail stays', async () => {
    const { page } = await open({ viewport: { width: 320, height: 640 } });
    for (const screen of ['Overview', 'Apps', 'Connections', 'Policy', 'Certificates', 'Diagnostics']) {
      await page.getByRole('link', { name: screen }).click();
      await expectPage(page.getByRole('heading', { level: 1 })).toBeVisible();
      expect(await page.evaluate<number>('document.scrollingElement.scrollWidth'), screen).toBeLessThanOrEqual(320);
    }
  });

  test('with forced colours and without motion every screen still draws', async () => {
    const { page, complaints } = await open({ forcedColors: 'active', reducedMotion: 'reduce' });
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await page.keyboard.press('Control+2');
    await page.getByRole('row', { name: /Slack/ }).click();
    await expectPage(page.getByRole('dialog', { name: 'Slack' })).toBeVisible();
    const drawer = page.getByRole('dialog', { name: 'Slack' });
    await drawer.getByRole('region', { name: 'Attempts over time' }).getByRole('table').scrollIntoViewIfNeeded();
    // Bars keep a fill of the system's own colours, and patterns tell them apart.
    expect(await page.evaluate<string[]>(`[...new Set([...document.querySelectorAll('.timeline .chart-bar rect[class^=fill]')].map((bar) => getComputedStyle(bar).fill))]`)).not.toContain('none');
    await page.screenshot({ path: join(shots, 'app-timeline-forced.png') });
    expect(await page.evaluate<number>('document.getAnimations().length')).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('Chromium\'s own accessibility tree has the list as a grid of rows and cells, although CSS lays it out', async () => {
    const { page } = await open();
    await page.keyboard.press('Control+3');
    await expectPage(page.locator('.log-line').first()).toBeVisible();
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const roles = nodes.filter((node) => !node.ignored).map((node) => String(node.role?.value));
    expect(roles.filter((role) => role === 'grid')).toHaveLength(1);
    expect(roles.filter((role) => role === 'columnheader')).toHaveLength(6);
    expect(roles.filter((role) => role === 'row').length).toBeGreaterThan(10);
    expect(roles.filter((role) => role === 'gridcell').length).toBeGreaterThan(60);
  });
});
