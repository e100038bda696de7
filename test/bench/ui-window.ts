// The window in Chromium: how soon there is content, and how smoothly the list runs while 500 rows a second come in.
import { join } from 'node:path';
import { chromium, expect, type Browser, type Page } from '@playwright/test';
import type { ControlClient } from '../../electron/client/control-client.ts';
import { serveWindow } from '../../electron/cli/window/serve-window.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { repository } from '../support/agent.ts';
import { chromiumArguments, chromiumPath, openWindow } from '../support/open-window.ts';

/** ms from the address to the first row on the screen, `times` times, each with a window server and a tab of its own. */
export async function measureStart(home: string, times: number): Promise<number[]> {
  return withBrowser(async (browser) => {
    const taken: number[] = [];
    // The browser's own start is not the window's.
    await (await browser.newPage()).goto('about:blank');
    for (let round = 0; round < times; round += 1) {
      const { url, stop } = await openWindow(home);
      const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
      const begun = performance.now();
      await page.goto(`${url}#connections`);
      await page.locator('.log-line').first().waitFor();
      taken.push(performance.now() - begun);
      await page.context().close();
      stop();
    }
    return taken;
  });
}

export type LiveFigure = { readonly framesPerSecond: number; readonly p95: number; readonly longest: number; readonly shown: number };

/** Frames while the list stands at its top for `ms`; rows of the agent, then 500 a second of our own on the same stream. */
export async function measureLive(client: ControlClient, ms: number): Promise<LiveFigure> {
  const busy = busyClient(client);
  const server = await serveWindow({ client: busy.client, folder: join(repository, 'build/out/renderer'), now: Date.now, uids: null, idleMs: 600_000, command: 'pinlight' });
  try {
    return await withBrowser(async (browser) => {
      const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
      await page.goto(`${server.url}#connections`);
      await page.locator('.log-line').first().waitFor();
      busy.begin();
      // What a page does first is not its steady state.
      await expect.poll(() => page.evaluate("Number(document.querySelector('.log-line')?.id.slice(11))"), { timeout: 20_000 }).toBeGreaterThan(busy.first() + 500);
      const gaps = await frameGaps(page, ms);
      const sorted = gaps.toSorted((a, b) => a - b);
      const shown = busy.sent();
      busy.end();
      return { framesPerSecond: (gaps.length * 1000) / gaps.reduce((sum, gap) => sum + gap, 0), p95: sorted[Math.floor(sorted.length * 0.95)] ?? 0, longest: sorted.at(-1) ?? 0, shown };
    });
  } finally {
    await server.close();
  }
}

/** ms between frames, as the page itself sees them. */
function frameGaps(page: Page, ms: number): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((done) => {
    const gaps = [];
    let last = performance.now();
    const begun = last;
    const step = (now) => {
      gaps.push(now - last);
      last = now;
      if (now - begun < ${ms}) requestAnimationFrame(step); else done(gaps.slice(1));
    };
    requestAnimationFrame(step);
  })`);
}

const everyMs = 20;
const rowsEach = 10;

/** The agent's client, with 500 more connections a second on its stream from `begin` on. */
function busyClient(client: ControlClient): { readonly client: ControlClient; begin(): void; end(): void; first(): number; sent(): number } {
  let start: () => void = () => undefined;
  let timer: NodeJS.Timeout | null = null;
  let first = 0;
  let sent = 0;
  const watch: ControlClient['watch'] = async (listener, { signal }) => {
    const snapshot = await client.call('status', {}, {});
    const { rows } = await client.call('connections', { limit: '200' }, {});
    listener({ kind: 'snapshot', snapshot: { ...snapshot, recent: rows } });
    first = rows[0]?.id ?? 0;
    let { sequence } = snapshot;
    start = () => {
      const begun = performance.now();
      timer = setInterval(() => {
        const due = Math.floor((performance.now() - begun) / everyMs) * rowsEach;
        for (; sent < due; sent += 1) {
          const like = rows[sent % rows.length] as ConnectionRow;
          sequence += 1;
          listener({ kind: 'connection', sequence, row: { ...like, id: first + 1 + sent, startedAt: Date.now() }, counts: snapshot.counts });
        }
      }, everyMs);
    };
    await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
  };
  return {
    client: { ...client, watch }, begin: () => start(), first: () => first, sent: () => sent,
    end: () => { if (timer !== null) clearInterval(timer); },
  };
}

async function withBrowser<T>(use: (browser: Browser) => Promise<T>): Promise<T> {
  const browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}
