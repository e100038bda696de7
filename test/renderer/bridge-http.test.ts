// The browser's half of the bridge in a real Chromium, on the real window server: session, reload, stream, download, and strangers.
// Not for the screens: the page here is empty but for the bridge.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import type { Browser, Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createControlClient } from '../../electron/client/control-client.ts';
import { serveWindow } from '../../electron/cli/window/serve-window.ts';
import type { WindowServer } from '../../electron/cli/window/serve-window.ts';
import { bundleBytes, startContractAgent } from '../client/contract-agent.ts';
import type { ContractAgent } from '../client/contract-agent.ts';

const executablePath = '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) process.stderr.write(`skipped: the HTTP bridge in a browser, because there is no ${executablePath}\n`);

// Calls through the page's own bridge; `window.signals` holds the kinds that watch reported.
const pageSource = `
import { createHttpBridge } from ${JSON.stringify(fileURLToPath(new URL('../../renderer/bridge-http.ts', import.meta.url)))};
window.bridge = createHttpBridge();
window.signals = [];
window.bridge.watch((signal) => { window.signals.push(signal.kind); });
`;

describe.skipIf(!present)('the bridge in a browser', () => {
  let browser: Browser;
  let folder: string;
  let agent: ContractAgent;
  let server: WindowServer;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pl-bridge-'));
    await writeFile(join(folder, 'main.js'), pageSource);
    await writeFile(join(folder, 'index.html'), '<!doctype html><html><head><title>bridge</title></head><body><script type="module" src="/main.js"></script></body></html>');
    await build({ root: folder, logLevel: 'silent', build: { outDir: join(folder, 'out') } });
    // A name that resolves to this machine is how DNS rebinding looks to a browser.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--host-resolver-rules=MAP evil.test 127.0.0.1'] });
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    agent = await startContractAgent();
    server = await serveWindow({ client: createControlClient({ controlPath: agent.controlPath }), folder: join(folder, 'out'), now: () => Date.now(), uids: null, idleMs: 600_000, command: 'pinlight' });
    const context = await browser.newContext({ acceptDownloads: true });
    page = await context.newPage();
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    await page.context().close();
    await server.close();
    await agent.close();
  });

  const signals = (): Promise<unknown> => page.evaluate('window.signals');

  test('the link opens the window, the address forgets the token, calls and events work, nothing breaks the content policy', async () => {
    await page.goto(server.url);
    await expect.poll(signals).toEqual(['snapshot']);
    expect(page.url()).toBe(`http://127.0.0.1:${server.port}/`);
    expect(await page.evaluate('document.querySelector("meta[name=pinlight-session]")')).toBeNull();
    expect(await page.evaluate('window.bridge.call("status", {}, {}).then((data) => data.agent.device)')).toBe('LAPTOP-42');
    expect(await page.evaluate('window.bridge.call("explain", { app: "nobody" }, {}).catch((error) => [error.name, error.code])')).toEqual(['PinlightError', 'no-such-app']);
    agent.emit({ sequence: 11, kind: 'exclusions', exclusions: [] });
    await expect.poll(signals).toEqual(['snapshot', 'exclusions']);
    // A browser asks for an icon by itself; this page has none.
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  test('a reload goes on with the same session', async () => {
    await page.goto(server.url);
    await expect.poll(signals).toEqual(['snapshot']);
    await page.reload();
    await expect.poll(signals).toEqual(['snapshot']);
    expect(await page.evaluate('window.bridge.call("trust", {}, {}).then((data) => data.stores.length)')).toBe(2);
  });

  test('a second tab without a link of its own has no session and says so once', async () => {
    await page.goto(server.url);
    const second = await page.context().newPage();
    await second.goto(`http://127.0.0.1:${server.port}/`);
    await expect.poll(() => second.evaluate('window.signals')).toEqual(['disconnected']);
    expect(await second.evaluate('window.bridge.call("status", {}, {}).catch((error) => error.code)')).toBe('not-permitted');
  });

  test('the bundle is saved under its name', async () => {
    await page.goto(server.url);
    const [download, name] = await Promise.all([page.waitForEvent('download'), page.evaluate('window.bridge.saveBundle("job-1")')]);
    expect(name).toBe('pinlight-diag-LAPTOP-42-20261120T103005Z-PL-7K3M-Q2XA.zip');
    expect(download.suggestedFilename()).toBe(name);
    expect((await readFile(await download.path())).equals(bundleBytes)).toBe(true);
  });

  test('an agent that goes is reported, and its return brings a new snapshot', async () => {
    await page.goto(server.url);
    await expect.poll(signals).toEqual(['snapshot']);
    const { home } = agent;
    await agent.close();
    await expect.poll(signals).toContain('disconnected');
    agent = await startContractAgent(home);
    await expect.poll(async () => [await signals()].flat().at(-1), { timeout: 10_000 }).toBe('snapshot');
    await rm(home, { recursive: true, force: true });
  });

  test('when the command ends, the window says that and keeps trying', async () => {
    await page.goto(server.url);
    await expect.poll(signals).toEqual(['snapshot']);
    await server.close();
    await expect.poll(signals).toContain('disconnected');
    expect(await page.evaluate('window.bridge.call("status", {}, {}).catch((error) => error.code)')).toBe('agent-not-running');
  });

  test('a rebound name gets nothing, not even with the link', async () => {
    await page.goto(server.url.replace('127.0.0.1', 'evil.test'));
    expect(await page.locator('body').textContent()).toContain('answers to its own address only');
    expect(await page.evaluate('fetch("/bridge/call", { method: "POST" }).then((answer) => answer.status)')).toBe(403);
  });

  test('another page on this machine can neither call nor load what the window has', async () => {
    await page.goto(server.url);
    await expect.poll(signals).toEqual(['snapshot']);
    const calls = agent.seen.length;
    const asset = JSON.stringify(await page.locator('script').getAttribute('src'));
    const other = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>other</title>');
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const address = other.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    // Same browser, same cookies: a page on another port of 127.0.0.1 is the same site.
    const stranger = await page.context().newPage();
    await stranger.goto(`http://127.0.0.1:${address.port}/`);
    const target = JSON.stringify(`http://127.0.0.1:${server.port}`);
    expect(await stranger.evaluate(`fetch(${target} + '/bridge/call', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{"route":"status"}' }).then(() => 'answered', () => 'refused')`)).toBe('refused');
    await stranger.evaluate(`fetch(${target} + '/bridge/call', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"route":"removeExclusion","query":{"id":"x-1"}}' }).catch(() => undefined)`);
    expect(await stranger.evaluate(`new Promise((resolve) => { const script = document.createElement('script'); script.onload = () => resolve('loaded'); script.onerror = () => resolve('refused'); script.src = ${target} + ${asset}; document.head.append(script); })`)).toBe('refused');
    await stranger.evaluate(`navigator.sendBeacon(${target} + '/bridge/call', '{"route":"status"}')`);
    expect(await stranger.evaluate(`new Promise((resolve) => { const socket = new WebSocket(${target}.replace('http', 'ws') + '/bridge/watch'); socket.onopen = () => resolve('open'); socket.onerror = () => resolve('refused'); })`)).toBe('refused');
    expect(agent.seen).toHaveLength(calls);
    await stranger.close();
    other.closeAllConnections();
    await new Promise((resolve) => {
      other.close(resolve);
    });
  });
});
