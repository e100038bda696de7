// The one window: how it is locked down, what it loads, and that closing only hides it.
// Not for what it may ask (ipc.ts) or for the addresses it may load (app-scheme.ts).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, BrowserWindow, protocol, session } from 'electron';
import { fragmentOf } from '../contract/window-place.ts';
import type { WindowPlace } from '../contract/window-place.ts';
import { appIndex, appOrigin, appScheme, assetOf, isOwnPage } from './app-scheme.ts';

export type MainWindow = {
  /** Shows the window, creating it the first time, at a place if one is named. */
  open(place: WindowPlace | null): void;
  /** True for the contents of this window. */
  owns(contents: Electron.WebContents): boolean;
  close(): void;
};

/** Must run before Electron is ready: the scheme behaves like https, without fetch from other origins and without bypassing CSP. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: appScheme, privileges: { standard: true, secure: true } }]);
}

/** Once Electron is ready, before any window: serves the built one, and refuses what a page could ask for or turn into. */
export function serveRenderer(rendererFolder: string): void {
  protocol.handle(appScheme, async (request) => {
    const asset = request.method === 'GET' ? assetOf(request.url) : null;
    if (asset === null) return new Response(null, { status: 404 });
    try {
      return new Response(new Uint8Array(await readFile(join(rendererFolder, ...asset.path.split('/')))), { headers: asset.headers });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
  session.defaultSession.setPermissionRequestHandler((contents, permission, answer) => answer(mayAsk(contents, permission)));
  session.defaultSession.setPermissionCheckHandler(mayAsk);
  session.defaultSession.setDevicePermissionHandler(() => false);
  // An export of the log, which the page has made; Electron asks where it shall lie.
  session.defaultSession.on('will-download', (event, item) => {
    if (!item.getURL().startsWith(`blob:${appOrigin}/`)) event.preventDefault();
  });
  app.on('web-contents-created', (_event, contents) => lockDown(contents));
}

/** The window's handle; nothing is created before `open`. */
export function createMainWindow(paths: { readonly preload: string; readonly icon: string }): MainWindow {
  let window: BrowserWindow | null = null;
  let closing = false;

  function create(place: WindowPlace | null): BrowserWindow {
    const created = new BrowserWindow({
      width: 1100,
      height: 760,
      minWidth: 720,
      minHeight: 520,
      show: false,
      title: 'Pinlight',
      icon: paths.icon,
      autoHideMenuBar: true,
      webPreferences: {
        preload: paths.preload,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        experimentalFeatures: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
      },
    });
    created.on('close', (event) => {
      if (closing) return;
      event.preventDefault();
      created.hide();
    });
    created.once('ready-to-show', () => created.show());
    // A page whose process has ended stays blank for good; the next `open` makes a new one.
    created.webContents.on('render-process-gone', () => created.destroy());
    // A failed load (window not built) leaves an empty window rather than none.
    created.loadURL(address(place)).catch(() => created.show());
    return created;
  }

  return {
    open(place) {
      if (window === null || window.isDestroyed()) {
        window = create(place);
        return;
      }
      // Only the fragment changes, so the page stays and turns to that screen; where that is cut short, the window still shows.
      if (place !== null) window.loadURL(address(place)).catch(() => undefined);
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
      // An app without a Dock icon is not brought to the front with its window.
      if (process.platform === 'darwin') app.focus({ steal: true });
    },
    owns: (contents) => window !== null && !window.isDestroyed() && window.webContents.id === contents.id,
    close() {
      closing = true;
      if (window !== null && !window.isDestroyed()) window.close();
    },
  };
}

/** Copying a text is all a page of ours may ask for. */
function mayAsk(contents: Electron.WebContents | null, permission: string): boolean {
  return permission === 'clipboard-sanitized-write' && contents !== null && isOwnPage(contents.getURL());
}

/** Every web contents there ever is, whoever made it: no page but ours anew, no window, no webview. */
function lockDown(contents: Electron.WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  const stay = (event: { readonly url: string; preventDefault(): void }): void => {
    if (!isOwnPage(event.url)) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-frame-navigate', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function address(place: WindowPlace | null): string {
  return place === null ? appIndex : `${appIndex}#${fragmentOf(place)}`;
}
