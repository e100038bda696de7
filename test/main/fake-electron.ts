// Electron's module as a record: what the shell asks of it is written down, and events are played to whoever listens. Not Electron:
// what only Chromium can show is electron-shell.test.ts's.
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';

type Call = { readonly name: string; readonly args: readonly unknown[] };
type IpcHandler = (event: unknown, ...args: readonly unknown[]) => Promise<unknown>;

/** Everything the shell did, in order, and the doors through which tests play Electron. */
export type ElectronRecord = {
  readonly calls: Call[];
  readonly app: EventEmitter;
  readonly windows: FakeWindow[];
  readonly ipc: Map<string, IpcHandler>;
  readonly schemes: Map<string, (request: Request) => Promise<Response>>;
  readonly session: EventEmitter & { readonly handlers: Map<string, (...args: never[]) => unknown> };
  readonly menus: unknown[];
  readonly trays: EventEmitter[];
  /** Arguments of the calls of one name. */
  of(name: string): readonly (readonly unknown[])[];
};

export type FakeContents = EventEmitter & { readonly id: number; opener: ((details: { url: string }) => { action: string }) | null; readonly sent: unknown[][] };
export type FakeWindow = EventEmitter & { readonly options: { readonly webPreferences: Readonly<Record<string, unknown>> }; readonly webContents: FakeContents; readonly loaded: string[]; hidden: boolean };

/** A module to put in Electron's place, and its record. `folders`: what `app.getPath` answers, and `app.getAppPath` as `app`. */
export function fakeElectron(folders: () => Readonly<Record<string, string>>) {
  const calls: Call[] = [];
  const note = (name: string) => (...args: readonly unknown[]): void => {
    calls.push({ name, args });
  };
  const app = new EventEmitter();
  const session: ElectronRecord['session'] = Object.assign(new EventEmitter(), { handlers: new Map<string, (...args: never[]) => unknown>() });
  const record: ElectronRecord = {
    calls, app, session, windows: [], ipc: new Map(), schemes: new Map(), menus: [], trays: [],
    of: (name) => calls.filter((call) => call.name === name).map((call) => call.args),
  };
  const keep = (name: string) => (handler: (...args: never[]) => unknown) => session.handlers.set(name, handler);

  class BrowserWindow extends EventEmitter {
    readonly webContents: FakeContents = Object.assign(new EventEmitter(), {
      id: record.windows.length + 1, opener: null, sent: [], isDestroyed: () => false, getURL: () => this.loaded.at(-1) ?? '',
      setWindowOpenHandler(this: FakeContents, handler: FakeContents['opener']) { this.opener = handler; },
      send(this: FakeContents, ...args: unknown[]) { this.sent.push(args); },
    });
    readonly options: FakeWindow['options'];
    readonly loaded: string[] = [];
    hidden = true;
    constructor(options: FakeWindow['options']) {
      super();
      this.options = options;
      record.windows.push(this);
      app.emit('web-contents-created', {}, this.webContents);
    }
    loadURL(url: string): Promise<void> {
      this.loaded.push(url);
      return Promise.resolve();
    }
    show(): void { this.hidden = false; }
    hide(): void { this.hidden = true; }
    focus = note('window.focus');
    restore = note('window.restore');
    close = note('window.close');
    isMinimized(): boolean { return false; }
    destroyed = false;
    destroy(): void { this.destroyed = true; }
    isDestroyed(): boolean { return this.destroyed; }
  }
  class Tray extends EventEmitter {
    constructor() {
      super();
      record.trays.push(this);
    }
    setImage = note('tray.setImage');
    setToolTip = note('tray.setToolTip');
    setContextMenu(menu: unknown): void { record.menus.push(menu); }
    destroy = note('tray.destroy');
  }
  class Notification extends EventEmitter {
    static isSupported(): boolean { return true; }
    readonly options: unknown;
    constructor(options: unknown) {
      super();
      this.options = options;
    }
    show(): void { calls.push({ name: 'notification', args: [this.options] }); }
  }
  const module = {
    app: Object.assign(app, {
      enableSandbox: note('app.enableSandbox'), quit: note('app.quit'), exit: note('app.exit'), showAboutPanel: note('app.showAboutPanel'),
      setAboutPanelOptions: note('app.setAboutPanelOptions'), setAsDefaultProtocolClient: note('app.setAsDefaultProtocolClient'),
      setLoginItemSettings: note('app.setLoginItemSettings'), getLoginItemSettings: () => ({ openAtLogin: false, wasOpenedAtLogin: false }),
      commandLine: { hasSwitch: () => false }, setPath: (name: string, path: string) => {
        if (!existsSync(path)) throw new Error(`Failed to set path: ${path} is not there`);
        note('app.setPath')(name, path);
      },
      requestSingleInstanceLock: () => { note('app.requestSingleInstanceLock')(); return true; },
      whenReady: () => { note('app.whenReady')(); return Promise.resolve(); },
      getAppPath: () => folders()['app'] ?? '', getPath: (name: string) => folders()[name] ?? '', getLocale: () => 'en-US', getVersion: () => '0.1.0', isPackaged: false,
    }),
    BrowserWindow, Tray, Notification,
    Menu: { setApplicationMenu: note('Menu.setApplicationMenu'), buildFromTemplate: (template: unknown) => template },
    clipboard: { writeText: async (text: string) => note('clipboard.writeText')(text) },
    dialog: {
      showErrorBox: note('dialog.showErrorBox'), showMessageBox: async (options: unknown) => { note('dialog.showMessageBox')(options); return { response: 0 }; },
      showSaveDialog: async () => ({ canceled: true, filePath: '' }),
    },
    shell: { openExternal: async (...args: readonly unknown[]) => note('shell.openExternal')(...args) },
    ipcMain: { handle: (channel: string, handler: IpcHandler) => record.ipc.set(channel, handler), removeHandler: (channel: string) => record.ipc.delete(channel) },
    protocol: {
      registerSchemesAsPrivileged: note('protocol.registerSchemesAsPrivileged'),
      handle: (scheme: string, handler: (request: Request) => Promise<Response>) => record.schemes.set(scheme, handler),
    },
    session: { defaultSession: Object.assign(session, {
      setPermissionRequestHandler: keep('permission-request'), setPermissionCheckHandler: keep('permission-check'), setDevicePermissionHandler: keep('device-permission'),
    }) },
  };
  return { module, record };
}
