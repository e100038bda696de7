// The built window in a real Chromium, served by the real window server of `pinlight open`. Builds into a folder of its own, so
// that suites which run at the same time do not take each other's files.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { DoctorReport } from '../../electron/core/diagnostics/doctor-report.ts';
import { serveWindow } from '../../electron/cli/window/serve-window.ts';
import { chromiumArguments, chromiumPath } from '../support/open-window.ts';
import { createFixtureAgent } from './fixture-agent.ts';
import type { FixtureAgent } from './fixture-agent.ts';

/** One window on one agent. `complaints`: what the page's console and its policy had to say against it. */
export type OpenedWindow = {
  readonly page: Page;
  readonly agent: FixtureAgent;
  readonly complaints: readonly string[];
  close(): Promise<void>;
};

/** Opens a window on a made-up agent; `rows`: in its log, `prepare`: before it is looked at, `examine`: what the doctor finds. */
export type OpenWindow = (options?: BrowserContextOptions & { readonly rows?: number; readonly prepare?: (agent: FixtureAgent) => void; readonly examine?: () => Promise<DoctorReport> }) => Promise<OpenedWindow>;

/** Whether there is a Chromium to test in; says so once where there is none. */
export const hasChromium = existsSync(chromiumPath);
if (!hasChromium) process.stderr.write(`skipped: the window's screens, because there is no ${chromiumPath} (PINLIGHT_CHROMIUM names another)\n`);

/** For a describe block: the window built and Chromium started once for all tests; what a test opens is closed after it. */
export function useWindows(): OpenWindow {
  let lab: WindowLab;
  const opened: OpenedWindow[] = [];
  beforeAll(async () => { lab = await startWindowLab(); });
  afterAll(async () => { await lab.close(); });
  afterEach(async () => { await Promise.all(opened.splice(0).map((window) => window.close())); });
  return async (options) => {
    const window = await lab.open(options);
    opened.push(window);
    return window;
  };
}

type WindowLab = { readonly open: OpenWindow; close(): Promise<void> };

async function startWindowLab(): Promise<WindowLab> {
  const folder = await mkdtemp(join(tmpdir(), 'pinlight-window-'));
  await buildAsShipped(folder);
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
  return {
    async open({ rows = 20_000, prepare, examine, ...options } = {}) {
      const agent = createFixtureAgent(rows, Date.now());
      prepare?.(agent);
      const server = await serveWindow({ client: agent.client, folder, now: Date.now, uids: null, idleMs: 600_000, command: 'npx --no-install pinlight', examine });
      const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(server.url);
      return {
        page, agent, complaints,
        async close() {
          await context.close();
          await server.close();
        },
      };
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The production build of the window into `folder`. */
export async function buildAsShipped(folder: string): Promise<void> {
  // vitest sets NODE_ENV to "test", with which vite would bundle React's development build: slower, and each effect runs twice.
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({
      configFile: fileURLToPath(new URL('../../renderer/vite.config.ts', import.meta.url)), logLevel: 'error',
      build: { outDir: folder, emptyOutDir: true },
    });
  } finally {
    process.env['NODE_ENV'] = before;
  }
}
