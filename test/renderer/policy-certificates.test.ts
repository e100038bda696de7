// The Policy and Certificates screens in a real Chromium: what they show, strangers' strings as text, axe, one column at 320 pixels.
import { expect as expectPage } from '@playwright/test';
import { describe, expect, test } from 'vitest';
import { axeComplaints } from '../support/axe.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import type { OpenedWindow, OpenWindow } from './fixture-window.ts';
import { takePicture } from './picture.ts';

describe.skipIf(!hasChromium)('the Policy and Certificates screens', () => {
  const openWindow = useWindows();

  async function openAt(screen: 'policy' | 'certificates', options: Parameters<OpenWindow>[0] = {}): Promise<OpenedWindow> {
    const opened = await openWindow(options);
    await expectPage(opened.page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await opened.page.keyboard.press(screen === 'policy' ? 'Control+4' : 'Control+5');
    await expectPage(opened.page.getByRole('table').first()).toBeVisible();
    return opened;
  }

  test('policy: who set what, rules in order, and an invalid file by its line', async () => {
    const { page, agent, complaints } = await openAt('policy');
    await expectPage(page.getByRole('alert', { name: 'Problems' })).toContainText('90-mine.json, line 7');
    await expectPage(page.getByRole('alert', { name: 'Problems' })).toContainText('rules[2].when.host: is no host pattern');
    const rules = page.getByRole('region', { name: 'Rules' }).getByRole('row');
    await expectPage(rules.nth(1)).toContainText('Must inspect');
    await expectPage(rules.nth(1)).toContainText(/host \*\.bank\.example.*port 443/);
    await expectPage(rules.nth(1)).toContainText('The organisation');
    await expectPage(rules.nth(3)).toContainText('<b>all</b>⟨U+202E⟩gpj');
    const values = page.getByRole('region', { name: 'Settings' });
    await expectPage(values.getByRole('row')).toHaveCount(5);
    await values.getByRole('radio', { name: /^All/ }).click();
    await expectPage(values.getByRole('row').filter({ hasText: 'learning.firstHours' })).toContainText('Default');
    await page.getByRole('button', { name: 'Reload' }).click();
    await expectPage(page.getByText('The policy was read again.')).toBeVisible();
    expect(agent.calls.filter(({ route }) => route === 'reloadPolicy')).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test('certificates: the root, every store with its state in words, and the commands that change them', async () => {
    const { page, agent, complaints } = await openAt('certificates');
    const stores = page.getByRole('region', { name: 'Trust stores' });
    await expectPage(stores.getByRole('row').filter({ hasText: 'firefox' })).toContainText('Missing');
    await expectPage(stores.getByRole('row').filter({ hasText: 'java' })).toContainText('another password');
    await expectPage(stores.getByRole('row').filter({ hasText: '<script>' })).toContainText('Not checked');
    await expectPage(stores.getByText('npx --no-install pinlight trust install')).toBeVisible();
    const looks = (): number => agent.calls.filter(({ route }) => route === 'trust').length;
    const before = looks();
    await page.getByRole('button', { name: 'Look again' }).click();
    await expect.poll(looks).toBe(before + 1);
    expect(complaints).toEqual([]);
  });

  test('certificates: who comes from an app that reads a store without the root finds that store and its command first', async () => {
    const opened = await openWindow({ prepare: (agent) => agent.setSnapshot((snapshot) => ({
      ...snapshot, apps: snapshot.apps.map((app) => (app.name === 'java · sync.jar' ? { ...app, trust: { store: 'java', holdsRoot: false, because: 'javax.net.ssl.trustStore is not set', stale: false } } : app)),
    })) });
    const { page } = opened;
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await page.keyboard.press('Control+2');
    await page.getByRole('row', { name: /sync\.jar/ }).click();
    await page.getByRole('button', { name: 'Install the root there' }).first().click();
    const stores = page.getByRole('region', { name: 'Trust stores' });
    await expectPage(stores.getByText('npx --no-install pinlight trust install --store java')).toBeVisible();
    await expectPage(stores.getByRole('row').nth(1)).toContainText('java');
    await page.keyboard.press('Control+1');
    await page.keyboard.press('Control+5');
    await expectPage(stores.getByRole('row').nth(1)).toContainText('system');
  });

  test('an agent that has gone is said in words, with another try', async () => {
    const opened = await openWindow();
    const { page, agent } = opened;
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    agent.lose();
    await page.keyboard.press('Control+4');
    await expectPage(page.getByText('The agent ended the stream.').first()).toBeVisible();
    agent.find();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expectPage(page.getByRole('table').first()).toBeVisible();
  });

  const looks = [
    { colorScheme: 'light', width: 1280, height: 900 }, { colorScheme: 'dark', width: 1280, height: 900 },
    { colorScheme: 'light', width: 720, height: 900 }, { colorScheme: 'dark', width: 720, height: 900 },
  ] as const;
  test.each(looks)('axe finds nothing in $colorScheme at $width', { timeout: 60_000 }, async ({ colorScheme, width, height }) => {
    for (const screen of ['policy', 'certificates'] as const) {
      const { page } = await openAt(screen, { colorScheme, viewport: { width, height } });
      await takePicture(page, `${screen}-${colorScheme}-${width}`);
      expect(await axeComplaints(page), screen).toEqual([]);
    }
  });

  test('at 400 % zoom (320 pixels) neither scrolls sideways', async () => {
    for (const screen of ['policy', 'certificates'] as const) {
      const { page } = await openAt(screen, { viewport: { width: 320, height: 640 } });
      expect(await page.evaluate<number>('document.scrollingElement.scrollWidth'), screen).toBeLessThanOrEqual(320);
      await takePicture(page, `${screen}-320`);
    }
  });
});
