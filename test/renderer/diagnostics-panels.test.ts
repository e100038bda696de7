// The Diagnostics screen's panels besides the bundle: "Check this device" and "Detailed logging", in each of their states; and a bundle's names.
import { expect as expectPage } from '@playwright/test';
import type { Locator } from '@playwright/test';
import { describe, expect, test } from 'vitest';
import type { BundleJob } from '../../electron/contract/jobs.ts';
import { PinlightError } from '../../electron/contract/errors.ts';
import { deviceSources, makeZip } from '../agent/diagnostics/sources.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import type { OpenedWindow, OpenWindow } from './fixture-window.ts';
import { doctorFound } from './window-tour.ts';

describe.skipIf(!hasChromium)('the Diagnostics screen', () => {
  const openWindow = useWindows();

  async function openDiagnostics(options: Parameters<OpenWindow>[0] = {}): Promise<OpenedWindow & { readonly card: (name: string) => Locator }> {
    const opened = await openWindow({ rows: 20, ...options });
    const { page } = opened;
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await page.keyboard.press('Control+6');
    await expectPage(page.getByRole('heading', { level: 1, name: 'Diagnostics' })).toBeVisible();
    return { ...opened, card: (name) => page.getByRole('region', { name }) };
  }

  test('the device is looked at when asked: what is wrong first, each fix with its command to copy, strangers\' strings as text', async () => {
    let done = (): void => undefined;
    const waiting = new Promise<void>((resolve) => { done = resolve; });
    const { page, card, complaints } = await openDiagnostics({ permissions: ['clipboard-read', 'clipboard-write'], examine: () => waiting.then(() => doctorFound) });
    const found = card('Check this device');
    await expectPage(found.getByRole('listitem')).toHaveCount(0);
    await found.getByRole('button', { name: 'Check now' }).click();
    await expectPage(found.getByText('Looking at this device…')).toBeAttached();
    done();
    await expectPage(found.getByRole('status').filter({ hasText: /1 thing was wrong at/ })).toBeVisible();
    await expectPage(found.getByRole('listitem')).toHaveText([/^Wrong ?stores/, /^Not known ?internet<b>www\.example\.com<\/b> was not reached/, /^Good ?agent/]);
    await found.getByRole('button', { name: 'Copy the fix' }).click();
    await expect.poll(() => page.evaluate<string>('navigator.clipboard.readText()')).toBe('npx --no-install pinlight trust install');
    expect(complaints).toEqual([]);
  });

  test('a look that fails says why and can be tried again', async () => {
    let fails = true;
    const { card } = await openDiagnostics({ examine: async () => {
      if (fails) throw new PinlightError('bug', 'The doctor fell ill.');
      return { ok: true, checks: [] };
    } });
    const found = card('Check this device');
    await found.getByRole('button', { name: 'Check now' }).click();
    await expectPage(found.getByRole('alert')).toContainText('The doctor fell ill.');
    fails = false;
    await found.getByRole('button', { name: 'Try again' }).click();
    await expectPage(found.getByText(/Nothing was wrong at/)).toBeVisible();
  });

  test('where the window cannot look, it names the command', async () => {
    const { page } = await openDiagnostics();
    await page.addInitScript("window.pinlight = { shell: 'electron', call: () => new Promise(() => {}), watch: () => () => {}, saveBundle: async () => null };");
    await page.reload();
    const found = page.getByRole('region', { name: 'Check this device' });
    await expectPage(found).toContainText('npx --no-install pinlight doctor');
    await expectPage(found.getByRole('button')).toHaveCount(0);
  });

  test('detailed logging is begun, says until when, and is ended; a refusal stands in words', async () => {
    const { page, agent, card } = await openDiagnostics();
    const logging = card('Detailed logging');
    await expectPage(logging).toContainText('The log has its normal level.');
    await logging.getByRole('button', { name: 'Log in detail for 30 minutes' }).click();
    await expectPage(logging).toContainText(/The log is detailed until \d{2}:\d{2}/);
    await logging.getByRole('button', { name: 'Back to normal' }).click();
    await expectPage(logging).toContainText('The log has its normal level.');
    expect(agent.calls.filter(({ route }) => route === 'logLevel').map(({ body }) => body)).toEqual([{ level: 'detailed' }, { level: 'normal' }]);
    await page.route('**/bridge/call', (route) => route.fulfill({ status: 403, json: { ok: false, error: { code: 'not-permitted', message: 'Only an administrator may.', advice: '' } } }));
    await logging.getByRole('button', { name: 'Log in detail for 30 minutes' }).click();
    await expectPage(logging).toContainText('Only an administrator may.');
  });

  test('the preview of a bundle says which connections were chosen', async () => {
    const { page, complaints } = await openDiagnostics();
    const { bundle: { manifest } } = await makeZip(deviceSources());
    const holds = '12,400 of 1,000,000 connections: all 9,900 that failed in 7 days, the newest 2,500 of the rest';
    const files = manifest.files.map((file) => (file.name === 'connections.ndjson' ? { ...file, holds } : file));
    const job: BundleJob = { id: 'job', phase: 'ready', done: 1, total: 1, unit: 'files', manifest: { ...manifest, files }, fileName: 'diag.zip', key: null, sealed: false, error: null };
    await page.route('**/bridge/call', async (route) => {
      const { route: asked } = route.request().postDataJSON() as { readonly route: string };
      if (asked === 'startBundle') await route.fulfill({ json: { ok: true, data: { job } } });
      else await route.continue();
    });
    await page.getByRole('button', { name: 'Collect now' }).click();
    await expectPage(page.getByText(`connections.ndjson: ${holds}.`)).toBeVisible();
    expect(complaints).toEqual([]);
  });

  test('a bundle with hidden names answers whether a host is in it, with its key alone', async () => {
    const { page, complaints } = await openDiagnostics();
    const { zip, bundle } = await makeZip(deviceSources(), { names: 'pseudonyms', doctor: null });
    await page.locator('input[type=file]').setInputFiles({ name: 'sent.zip', mimeType: 'application/zip', buffer: zip });
    const name = page.getByRole('textbox', { name: 'Name', exact: true });
    const key = page.getByRole('textbox', { name: 'Key that was given with the bundle' });
    const ask = page.getByRole('button', { name: 'Look', exact: true });
    await name.fill('www.example.com');
    await key.fill('AAAA-BBBB');
    await ask.click();
    await expectPage(page.getByText('That is not the key of this bundle.')).toBeVisible();
    await key.fill(bundle.key ?? '');
    await ask.click();
    await expectPage(page.getByText(/www\.example\.com is in it\. Its mark here: host-[0-9a-z]{10}/)).toBeVisible();
    await expectPage(page.getByText(/connections\.ndjson: \d+ times/)).toBeVisible();
    await name.fill('nowhere.example');
    await ask.click();
    await expectPage(page.getByText(/nowhere\.example is not in it\./)).toBeVisible();
    // What is missing in it is said in words, with the command set as one.
    await expectPage(page.getByText(/doctor\.json is not in it/)).toBeVisible();
    await expectPage(page.getByText(/doctor\.json is not in it/)).not.toContainText('`');
    expect(complaints).toEqual([]);
  });
});
