// The shell in a real Electron, where a binary is found: what the page can reach, over the window's own scheme.
// Needs a display. Without a binary it says so and skips; shell-security.test.ts then reads the sources instead.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { _electron } from '@playwright/test';
import type { ElectronApplication, Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appIndex } from '../../electron/main/app-scheme.ts';
import { findElectron } from '../../build/electron-binary.ts';

const root = join(import.meta.dirname, '..', '..');
const binary = findElectron(root);
if (binary === null) console.log('skipped: no Electron binary here (ELECTRON_OVERRIDE_DIST_PATH, node_modules/electron/dist or PATH)');

describe.skipIf(binary === null)('the shell in Electron', () => {
  let home = '';
  let shell: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    for (const config of ['build/vite.main.config.ts', 'build/vite.preload.config.ts', 'renderer/vite.config.ts']) {
      await promisify(execFile)(process.execPath, [vite, 'build', '--config', join(root, config), '--logLevel', 'error'], { cwd: root });
    }
    home = await mkdtemp(join(tmpdir(), 'pinlight-shell-'));
    shell = await _electron.launch({
      executablePath: binary ?? '', args: [root, `--user-data-dir=${join(home, 'electron')}`],
      env: { ...process.env, PINLIGHT_HOME: join(home, 'state') },
    });
    page = await shell.firstWindow();
    await page.waitForLoadState('domcontentloaded');
  }, 120_000);

  afterAll(async () => {
    await shell?.close();
    // The shell has started an agent of its own in this home; it outlives the shell by design, so it is stopped by its own command.
    await promisify(execFile)(process.execPath, [join(root, 'electron', 'cli', 'pinlight.mjs'), 'stop'], {
      cwd: root, env: { ...process.env, PINLIGHT_HOME: join(home, 'state') },
    });
    await rm(home, { recursive: true, force: true });
  });

  test('the window is our page, over our scheme', () => {
    expect(page.url().startsWith(appIndex)).toBe(true);
  });

  test('the page has the bridge and nothing of Node or Electron', async () => {
    expect(await page.evaluate('[Object.keys(window.pinlight).sort(), typeof require, typeof process, typeof module]'))
      .toEqual([['call', 'notifications', 'saveBundle', 'shell', 'watch'], 'undefined', 'undefined', 'undefined']);
  });

  test('the page cannot leave, open windows or reach the network', async () => {
    await page.evaluate("location.href = 'https://example.com/'");
    expect(await page.evaluate("window.open('https://example.com/')")).toBeNull();
    expect(await page.evaluate("fetch('https://example.com/').then(() => 'reached', () => 'refused')")).toBe('refused');
    expect(page.url().startsWith(appIndex)).toBe(true);
  });

  test('the page may copy a text, and be loaded anew', async () => {
    expect(await page.evaluate("navigator.clipboard.writeText('copied').then(() => 'copied', (error) => error.name)")).toBe('copied');
    await page.evaluate('location.reload()');
    await page.waitForLoadState('domcontentloaded');
    expect(page.url().startsWith(appIndex)).toBe(true);
  });

  test('a second start hands its link over and ends', async () => {
    await promisify(execFile)(binary ?? '', [root, `--user-data-dir=${join(home, 'electron')}`, 'pinlight://open?view=log&f=port%3A443'], {
      env: { ...process.env, PINLIGHT_HOME: join(home, 'state') },
    });
    await page.waitForFunction("location.hash === '#connections?f=port%3A443'");
  });

  test('a refusal reaches the page with its code', async () => {
    expect(await page.evaluate("window.pinlight.call('stop', {}, {}).catch((error) => error.code)")).toBe('bad-request');
  });
});
