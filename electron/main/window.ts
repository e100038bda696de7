// The one window: how it is locked down, what it loads, and that closing only hides it.
// Not for what it may ask (ipc.ts) or for the addresses it may load (app-scheme.ts).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BrowserWindow, protocol, session } from 'electron';
import { appIndex, appScheme, assetOf } from './app-scheme.ts';
import type { WindowScreen } from './tray-model.ts';

export type MainWindow = {
  /** Shows the window, creating it the first time, at a screen if one is named. */
  open(screen: WindowScreen): void;
  /** True for the contents of this window. */
  owns(contents: Electron.WebContents): boolean;
  close(): void;
};

/** Must run before Electron is ready: the scheme behaves like https, without fetch from other origins and without bypassing CSP. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: appScheme, privileges: { standard: true, secure: true } }]);
}

/** Once Electron is ready: serves the built window, and refuses every permission a page could ask for. */
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
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setDevicePermissionHandler(() => false);
  session.defaultSession.on('will-download', (event) => event.preventDefault());
}

/** The window's handle; nothing is created before `open`. */
export function createMainWindow(paths: { readonly preload: string; readonly icon: string }): MainWindow {
  let window: BrowserWindow | null = null;
  let closing = false;

  function create(screen: WindowScreen): BrowserWindow {
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
    const contents = created.webContents;
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-navigate', (event) => event.preventDefault());
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
    created.on('close', (event) => {
      if (closing) return;
      event.preventDefault();
      created.hide();
    });
    created.once('ready-to-show', () => created.show());
    // A failed load (window not built) leaves an empty window rather than none.
    created.loadURL(address(screen)).catch(() => created.show());
    return created;
  }

  return {
    open(screen) {
      if (window === null || window.isDestroyed()) {
        window = create(screen);
        return;
      }
      // Only the fragment changes, so the page stays and turns to that screen; where that is cut short, the window still shows.
      if (screen !== null) window.loadURL(address(screen)).catch(() => undefined);
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    owns: (contents) => window !== null && !window.isDestroyed() && window.webContents.id === contents.id,
    close() {
      closing = true;
      if (window !== null && !window.isDestroyed()) window.close();
    },
  };
}

function address(screen: WindowScreen): string {
  return screen === null ? appIndex : `${appIndex}#${screen}`;
}
