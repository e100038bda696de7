// Electron's security checklist as assertions on the shell's sources, for machines without an Electron binary.
// Not the proof at run time: electron-shell.test.ts is, where a binary is found.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..', '..', 'electron');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const shell = readdirSync(join(folder, 'main')).map((name) => ({ name, text: read(`main/${name}`) }));
const all = shell.map((file) => file.text).join('\n');
const windowSource = read('main/window.ts');

test('there is one place that creates windows', () => {
  expect([...all.matchAll(/new BrowserWindow\(/g)].length).toBe(1);
  expect(all).not.toMatch(/new (?:BaseWindow|WebContentsView|BrowserView)\(/);
});

test.each([
  ['contextIsolation', 'true'], ['sandbox', 'true'], ['webSecurity', 'true'],
  ['nodeIntegration', 'false'], ['nodeIntegrationInWorker', 'false'], ['nodeIntegrationInSubFrames', 'false'],
  ['allowRunningInsecureContent', 'false'], ['experimentalFeatures', 'false'], ['webviewTag', 'false'], ['navigateOnDragDrop', 'false'],
])('%s is %s on it', (name, value) => {
  expect([...windowSource.matchAll(new RegExp(`\\b${name}: (\\w+)`, 'g'))].map((match) => match[1])).toEqual([value]);
});

test.each([
  ['every process is sandboxed', /app\.enableSandbox\(\)/],
  ['new windows are denied', /setWindowOpenHandler\(\(\) => \(\{ action: 'deny' \}\)\)/],
  ['navigation is denied', /on\('will-navigate', \(event\) => event\.preventDefault\(\)\)/],
  ['navigation of frames is denied', /on\('will-frame-navigate', \(event\) => event\.preventDefault\(\)\)/],
  ['redirects are denied', /on\('will-redirect', \(event\) => event\.preventDefault\(\)\)/],
  ['webviews are denied', /on\('will-attach-webview', \(event\) => event\.preventDefault\(\)\)/],
  ['permissions that are asked for are denied', /setPermissionRequestHandler\(\(_contents, _permission, answer\) => answer\(false\)\)/],
  ['permissions that are looked up are denied', /setPermissionCheckHandler\(\(\) => false\)/],
  ['devices are denied', /setDevicePermissionHandler\(\(\) => false\)/],
  ['downloads are denied', /on\('will-download', \(event\) => event\.preventDefault\(\)\)/],
  ['a second start finds the first', /requestSingleInstanceLock\(\)/],
])('%s', (_name, pattern) => expect(all).toMatch(pattern));

test.each([
  ['addresses are opened outside', /openExternal|openPath/],
  ['pages are loaded from files or the web', /loadFile\(|https?:\/\//],
  ['certificate errors are waved through', /setCertificateVerifyProc|certificate-error|ignore-certificate-errors/],
  ['switches are set', /appendSwitch/],
  ['code of a page is run', /executeJavaScript|insertCSS|\beval\(|new Function\(/],
  ['the old remote is used', /@electron\/remote|enableRemoteModule/],
  ['the scheme bypasses its policy', /bypassCSP|allowServiceWorkers|corsEnabled/],
])('nowhere %s', (_name, pattern) => expect(shell.filter((file) => pattern.test(file.text)).map((file) => file.name)).toEqual([]));

test('channels are served in one file, all through one check', () => {
  expect(shell.filter((file) => /\bipcMain\b/.test(file.text)).map((file) => file.name)).toEqual(['ipc.ts']);
  expect([...read('main/ipc.ts').matchAll(/ipcMain\.(?:handle|on|once|handleOnce)\(/g)].length).toBe(1);
});

test('the pure parts know no Electron, no clock and no file', () => {
  for (const name of ['tray-model.ts', 'notification-model.ts', 'bypassed-apps.ts', 'tray-icon.ts', 'app-scheme.ts']) {
    expect(read(`main/${name}`), name).not.toMatch(/from '(?:electron|node:)|Date\.now|new Date\(\)|Math\.random/);
  }
});

test('main never imports the agent', () => {
  expect(all).not.toMatch(/from '\.\.\/agent\//);
});
