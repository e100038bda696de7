// Electron's security checklist (its documentation, tutorial/security: 20 items), one test each, on the shell as it runs: the whole of
// app.ts against a record of Electron. What only Chromium can show is electron-shell.test.ts's, where a binary is found.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import config from '../../build/electron-builder.config.ts';
import { appIndex } from '../../electron/main/app-scheme.ts';
import { readShellSettings } from '../../electron/main/shell-settings.ts';
import { startContractAgent } from '../client/contract-agent.ts';
import type { ContractAgent } from '../client/contract-agent.ts';
import type { ElectronRecord, FakeWindow } from './fake-electron.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, 'electron', path), 'utf8');
const shell = readdirSync(join(root, 'electron', 'main')).map((name) => ({ name, text: read(`main/${name}`) }));

const played = vi.hoisted(() => ({ folders: {} as Record<string, string>, record: null as unknown }));
vi.mock('electron', async () => {
  const { fakeElectron } = await import('./fake-electron.ts');
  const { module, record } = fakeElectron(() => played.folders);
  played.record = record;
  return module;
});

let folder = '';
let agent: ContractAgent;
let record: ElectronRecord;
let window: FakeWindow;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-shell-'));
  mkdirSync(join(folder, 'app', 'build', 'out', 'renderer'), { recursive: true });
  writeFileSync(join(folder, 'app', 'build', 'out', 'renderer', 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'app', 'secret.json'), '{}');
  played.folders = { app: join(folder, 'app'), appData: join(folder, 'app-data'), userData: join(folder, 'user'), downloads: folder };
  agent = await startContractAgent();
  vi.stubEnv('PINLIGHT_HOME', agent.home);
  await import('../../electron/main/app.ts');
  record = played.record as ElectronRecord;
  window = await vi.waitFor(() => {
    const [first] = record.windows;
    if (first === undefined) throw new Error('no window yet');
    return first;
  }, 10_000);
});
afterAll(async () => {
  record.app.emit('before-quit', {});
  await agent.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** True when the event's default was prevented by whoever listens to it. */
function prevents(emitter: NodeJS.EventEmitter, name: string, ...args: readonly unknown[]): boolean {
  let prevented = false;
  emitter.emit(name, { url: args[0], preventDefault: () => { prevented = true; } }, ...args);
  return prevented;
}

function nowhere(pattern: RegExp): void {
  expect(shell.filter((file) => pattern.test(file.text)).map((file) => file.name)).toEqual([]);
}

/** What a page is answered that asks for a permission, and that looks whether it has it. */
function answered(contents: unknown, permission: string): readonly boolean[] {
  const answers: boolean[] = [];
  const ask = record.session.handlers.get('permission-request') as unknown as (contents: unknown, permission: string, answer: (given: boolean) => void) => void;
  ask(contents, permission, (given) => answers.push(given));
  const look = record.session.handlers.get('permission-check') as unknown as (contents: unknown, permission: string) => boolean;
  return [...answers, look(contents, permission)];
}

describe('the checklist', () => {
  test('1 only secure content is loaded: our own scheme, nothing over the network', () => {
    expect(window.loaded).toEqual([appIndex]);
    nowhere(/https?:\/\/[a-z]/);
    nowhere(/loadFile\(|loadURL\((?!address\()/);
  });

  test.each(['nodeIntegration', 'nodeIntegrationInWorker', 'nodeIntegrationInSubFrames'])('2 no Node in any page: %s is off', (name) => {
    expect(window.options.webPreferences[name]).toBe(false);
  });

  test('3 the preload script has a world of its own', () => expect(window.options.webPreferences['contextIsolation']).toBe(true));

  test('4 every process is sandboxed, decided before Electron is ready', () => {
    expect(window.options.webPreferences['sandbox']).toBe(true);
    const names = record.calls.map(({ name }) => name);
    expect(names.indexOf('app.enableSandbox')).toBeGreaterThanOrEqual(0);
    expect(names.indexOf('app.enableSandbox')).toBeLessThan(names.indexOf('app.whenReady'));
    nowhere(/no-sandbox/);
  });

  test.each(['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'unknown'])('5 a page that asks for %s is refused', (permission) => {
    const device = record.session.handlers.get('device-permission') as unknown as () => boolean;
    expect([...answered(window.webContents, permission), device()]).toEqual([false, false, false]);
  });

  test('5 our own page may copy a text, as its buttons do, and nobody else', () => {
    const elsewhere = { getURL: () => 'https://evil.example/' };
    expect([window.webContents, elsewhere, null].map((contents) => answered(contents, 'clipboard-sanitized-write'))).toEqual([[true, true], [false, false], [false, false]]);
  });

  test('6 web security stays on', () => expect(window.options.webPreferences['webSecurity']).toBe(true));

  test('7 every answer of the scheme brings a policy that allows nothing inline and nothing remote', async () => {
    const answer = await record.schemes.get('app')?.(new Request(appIndex));
    expect(answer?.status).toBe(200);
    expect(answer?.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; .*connect-src 'none'/);
    expect(answer?.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/);
    expect(record.of('protocol.registerSchemesAsPrivileged')).toEqual([[[{ scheme: 'app', privileges: { standard: true, secure: true } }]]]);
  });

  test('8 no insecure content beside secure content', () => expect(window.options.webPreferences['allowRunningInsecureContent']).toBe(false));

  test('9 no experimental features', () => expect(window.options.webPreferences['experimentalFeatures']).toBe(false));

  test('10 no Blink features and no switches besides', () => {
    expect(window.options.webPreferences).not.toHaveProperty('enableBlinkFeatures');
    nowhere(/enableBlinkFeatures|appendSwitch|setCertificateVerifyProc|certificate-error/);
  });

  test('11 no webview, so none that opens windows', () => {
    expect(window.options.webPreferences['webviewTag']).toBe(false);
    nowhere(/allowpopups/);
  });

  test('12 a webview that comes up all the same is refused before it exists', () => {
    expect(prevents(window.webContents, 'will-attach-webview', {}, { src: 'https://evil.example' })).toBe(true);
  });

  test.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])('13 no page goes anywhere else: %s', (name) => {
    for (const url of ['https://evil.example/', 'file:///etc/passwd', 'app://evil/index.html', 'data:text/html,x']) expect(prevents(window.webContents, name, url), url).toBe(true);
    // A redirect of our own scheme there is none; the page's "Reload" is a navigation.
    expect(prevents(window.webContents, name, `${appIndex}#apps`)).toBe(name === 'will-redirect');
  });

  test('14 no page opens a window, not even contents that somebody else made', () => {
    expect(window.webContents.opener?.({ url: 'https://evil.example/' })).toEqual({ action: 'deny' });
    const before = record.windows.length;
    const other = { listeners: [] as string[], opener: null as unknown, setWindowOpenHandler(handler: unknown) { this.opener = handler; }, on(name: string) { this.listeners.push(name); } };
    record.app.emit('web-contents-created', {}, other);
    expect([typeof other.opener, other.listeners]).toEqual(['function', ['will-navigate', 'will-redirect', 'will-frame-navigate', 'will-attach-webview']]);
    expect(record.windows.length).toBe(before);
  });

  test.each([
    ['the policy\'s own page', 'https://it.contoso.example/', 'https://it.contoso.example/', true],
    ['another page', 'https://evil.example/', 'https://it.contoso.example/', false],
    ['a page that policy no longer names', 'https://it.contoso.example/', null, false],
    ['a file', 'file:///etc/passwd', 'file:///etc/passwd', false],
    ['a script', 'javascript:alert(1)', 'javascript:alert(1)', false],
    ['a program\'s own scheme', 'ms-msdt:/id', 'ms-msdt:/id', false],
    ['a page behind a name that misleads', 'https://contoso.example@evil.example/', 'https://contoso.example@evil.example/', false],
    ['two lines', 'https://a.example/\nx', 'https://a.example/\nx', false],
    ['plain HTTP', 'http://it.contoso.example/', 'http://it.contoso.example/', false],
  ])('15 what goes to a browser: %s', async (_name, url, allowed, opened) => {
    const { openHelpLink } = await import('../../electron/main/help-link.ts');
    const before = record.of('shell.openExternal').length;
    await openHelpLink(url, allowed);
    expect(record.of('shell.openExternal').length - before).toBe(Number(opened));
    expect(shell.filter((file) => /openExternal|openPath|showItemInFolder/.test(file.text)).map((file) => file.name)).toEqual(['help-link.ts']);
  });

  test('16 Electron is a supported version', () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'node_modules', 'electron', 'package.json'), 'utf8'));
    expect(Number(version.split('.')[0])).toBeGreaterThanOrEqual(45);
  });

  test.each([
    ['a frame inside the page', (own: FakeWindow) => ({ senderFrame: { parent: {}, url: appIndex }, sender: own.webContents })],
    ['a page of the web', (own: FakeWindow) => ({ senderFrame: { parent: null, url: 'https://pinlight/index.html' }, sender: own.webContents })],
    ['a file of ours that is no page', (own: FakeWindow) => ({ senderFrame: { parent: null, url: 'app://pinlight/assets/x.js' }, sender: own.webContents })],
    ['a frame that is gone', (own: FakeWindow) => ({ senderFrame: null, sender: own.webContents })],
    ['contents that are not our window\'s', () => ({ senderFrame: { parent: null, url: appIndex }, sender: { id: 99 } })],
  ])('17 every channel checks who sends: %s', async (_name, event) => {
    expect(record.ipc.size).toBeGreaterThan(3);
    for (const handler of record.ipc.values()) expect(await handler(event(window), 'status', {}, {})).toMatchObject({ ok: false, error: { code: 'foreign-origin' } });
  });

  test('17 and our own window is answered', async () => {
    const answer = await record.ipc.get('pinlight:call')?.({ senderFrame: { parent: null, url: appIndex }, sender: window.webContents }, 'trust', {}, {});
    expect(answer).toMatchObject({ ok: true });
  });

  test.each([
    ['a file beside the window', 'app://pinlight/../../../secret.json', 404], ['a file by its path', 'app://pinlight//etc/passwd', 404], ['a script that is not built', 'app://pinlight/assets/none.js', 404],
    ['the page', appIndex, 200],
  ])('18 our own scheme instead of files: %s', async (_name, url, status) => {
    expect((await record.schemes.get('app')?.(new Request(url)))?.status).toBe(status);
    nowhere(/file:\/\//);
  });

  test('18 and nothing but reading', async () => {
    expect((await record.schemes.get('app')?.(new Request(appIndex, { method: 'POST' })))?.status).toBe(404);
  });

  test('19 the fuses leave no way around', () => {
    expect(config.electronFuses).toMatchObject({ runAsNode: false, enableNodeOptionsEnvironmentVariable: false, enableNodeCliInspectArguments: false, onlyLoadAppFromAsar: true });
  });

  test('20 the page gets a bridge of four functions and a word, never Electron\'s own', () => {
    const preload = read('preload/bridge.ts');
    expect([...preload.matchAll(/exposeInMainWorld\(/g)].length).toBe(1);
    expect(preload).not.toMatch(/exposeInMainWorld\([^)]*ipcRenderer/);
    expect(shell.filter((file) => /\bipcMain\b/.test(file.text)).map((file) => file.name)).toEqual(['ipc.ts']);
  });
});

describe('besides the checklist', () => {
  test.each([['a file of the web', 'https://evil.example/x.exe', true], ['what another page made', 'blob:https://evil.example/1', true], ['a file of ours', 'app://pinlight/index.html', true], ['an export of the log', 'blob:app://pinlight/1', false]])('a download of %s', (_name, url, refused) => {
    expect(prevents(record.session, 'will-download', { getURL: () => url })).toBe(refused);
  });

  test('the profile lies where neither the agent nor a policy does', () => {
    expect(record.of('app.setPath')).toEqual([['userData', join(folder, 'app-data', 'org.pinlight.desktop')]]);
  });

  test('no other kind of window is made, and one place makes it', () => {
    nowhere(/new (?:BaseWindow|WebContentsView|BrowserView)\(/);
    expect(shell.flatMap((file) => [...file.text.matchAll(/new BrowserWindow\(/g)].map(() => file.name))).toEqual(['window.ts']);
    nowhere(/executeJavaScript|insertCSS|\beval\(|new Function\(|@electron\/remote/);
  });

  test('a second start opens the window and starts nothing', () => {
    window.hidden = true;
    record.app.emit('second-instance', {}, ['/usr/bin/pinlight']);
    expect([window.hidden, record.windows.length]).toEqual([false, 1]);
    window.hidden = true;
    record.app.emit('second-instance', {}, ['/usr/bin/pinlight', '--hidden']);
    expect(window.hidden).toBe(true);
    window.hidden = false;
  });

  test.each<[string, string, string]>([
    ['shows a screen', 'pinlight://open?view=bypassed', `${appIndex}#apps`],
    ['shows the log through a filter', 'pinlight://open?view=log&f=app%20contains%20%22x%22', `${appIndex}#connections?f=app%20contains%20%22x%22`],
    ['that asks for more shows the window as it is', 'pinlight://pause?minutes=480', `${appIndex}#connections?f=app%20contains%20%22x%22`],
  ])('a link %s', (_name, link, loaded) => {
    const seen = agent.seen.length;
    expect(prevents(record.app, 'open-url', link)).toBe(true);
    expect(window.loaded.at(-1)).toBe(loaded);
    expect(agent.seen.slice(seen).filter(({ route }) => route !== 'trust' && route !== 'status')).toEqual([]);
  });

  test('closing the window hides it, and the last window ends nothing', () => {
    expect(prevents(window, 'close')).toBe(true);
    record.app.emit('window-all-closed');
    expect([window.hidden, record.of('app.quit')]).toEqual([true, []]);
  });

  test('nothing is started while an agent answers, and nothing was to complain about', () => {
    expect(record.of('dialog.showErrorBox')).toEqual([]);
  });

  test('the pure parts know no Electron, no clock and no file', () => {
    for (const name of ['tray-model.ts', 'tray-apps.ts', 'tray-items.ts', 'notification-model.ts', 'tray-icon.ts', 'app-scheme.ts', 'agent-supervision.ts', 'trust-count.ts']) {
      expect(read(`main/${name}`), name).not.toMatch(/from '(?:electron|node:)|Date\.now|new Date\(\)|Math\.random/);
    }
  });

  test('main never imports the agent', () => nowhere(/from '\.\.\/agent\//));
});

describe('the menu on the running shell', () => {
  type Drawn = { readonly id?: string; readonly label?: string; readonly submenu?: readonly Drawn[]; readonly click?: () => void };
  const drawn = (): Drawn[] => (record.menus.at(-1) as Drawn[]).flatMap(function flat(item: Drawn): Drawn[] { return [item, ...(item.submenu ?? []).flatMap(flat)]; });
  const click = (id: string): void => drawn().find((item) => item.id === id)?.click?.();
  const asked = (route: string) => vi.waitFor(() => expect(agent.seen.map((seen) => [seen.route, seen.body])).toContainEqual([route, expect.anything()]), { timeout: 5_000 });

  beforeAll(() => vi.waitFor(() => expect(drawn().map(({ id }) => id)).toContain('reload-policy'), { timeout: 10_000 }));

  test.each([['pause:15', 'pause', { minutes: 15 }], ['reload-policy', 'reloadPolicy', {}], ['log:detailed', 'logLevel', { level: 'detailed' }]])('%s asks the agent for it', async (id, route, body) => {
    click(id);
    await asked(route);
    expect(agent.seen.find((seen) => seen.route === route)?.body).toEqual(body);
  });

  test('checking trust shows where the root stands, and counts it', async () => {
    click('check-trust');
    await vi.waitFor(() => expect(record.of('dialog.showMessageBox').length).toBe(1), 10_000);
    await vi.waitFor(() => expect(drawn().find(({ id }) => id === 'check-trust')?.label).toMatch(/root in \d+ of \d+ stores/), 10_000);
  });

  test('the device line copies, and about is about', async () => {
    click('device');
    click('about');
    await vi.waitFor(() => expect([record.of('clipboard.writeText').flat(), record.of('app.showAboutPanel').length]).toEqual([[expect.stringContaining('LAPTOP-42')], 1]), 10_000);
  });

  test('an app that is silenced stays so over a restart of the shell, until all are heard of again', async () => {
    const remembered = (): unknown => readShellSettings(join(folder, 'user', 'shell.json')).silenced;
    click('bypassed:app-chat:silence');
    await vi.waitFor(() => expect(remembered()).toEqual(['app-chat']), 10_000);
    await vi.waitFor(() => expect(drawn().map(({ id }) => id)).toContain('reset-silenced'), { timeout: 5_000 });
    click('reset-silenced');
    await vi.waitFor(() => expect(remembered()).toEqual([]), 10_000);
  });

  test('a kind of notification is silenced from the menu, stays so over a restart, and the window knows', async () => {
    const remembered = (): unknown => readShellSettings(join(folder, 'user', 'shell.json')).silencedKinds;
    click('notifications:pause');
    await vi.waitFor(() => expect(remembered()).toEqual(['pause']), 10_000);
    const own = { senderFrame: { parent: null, url: appIndex }, sender: window.webContents };
    expect(await record.ipc.get('pinlight:notifications')?.(own, null)).toEqual({ ok: true, data: ['pause'] });
    expect(await record.ipc.get('pinlight:notifications')?.(own, [])).toEqual({ ok: true, data: [] });
    expect(remembered()).toEqual([]);
  });

  test('an app of the menu opens in the window, by its address', async () => {
    click('bypassed:app-chat:open');
    await vi.waitFor(() => expect(record.windows[0]?.loaded.at(-1)).toBe('app://pinlight/index.html#apps?app=app-chat'), 10_000);
  });

  test('what the agent refuses is told in words', async () => {
    agent.answers.set('reloadPolicy', (response) => response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: false, error: { code: 'not-permitted', message: 'not you' } })));
    click('reload-policy');
    await vi.waitFor(() => expect(record.of('dialog.showErrorBox')).toEqual([['That did not work', expect.stringContaining('not you')]]), 10_000);
  });
});
