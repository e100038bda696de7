// Electron's entry: one instance, one tray icon, one window, all clients of the agent. Composition only.
// Not for protection: the agent is a program of its own, and closing the icon leaves it running.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, clipboard, dialog, Menu, Notification } from 'electron';
import { createControlClient } from '../client/control-client.ts';
import type { ControlClient } from '../client/control-client.ts';
import { errorAdvice, errorBody } from '../contract/errors.ts';
import type { IpcFields } from '../contract/ipc.ts';
import { createAgentMirror } from './agent-mirror.ts';
import { agentCommand, startAgentIfAbsent } from './agent-process.ts';
import { bundleFileName } from '../core/diagnostics/manifest.ts';
import { writeBundle } from './bundle-file.ts';
import { serveIpc } from './ipc.ts';
import { emptyNoticeMemory, noticesFor } from './notification-model.ts';
import { trayModel } from './tray-model.ts';
import type { TrayAction } from './tray-model.ts';
import { createTray } from './tray.ts';
import { createMainWindow, registerAppScheme, serveRenderer } from './window.ts';

// The tray shows ages by the minute and notices wait for a grace of 10 s: looking every 5 s is often enough for both.
const tickMs = 5_000;
// A busy agent sends many changes a second; people read none of them, and each new menu costs a round over D-Bus.
const redrawMs = 500;

// Both must come before Electron is ready, so before anything that waits.
app.enableSandbox();
registerAppScheme();

if (app.requestSingleInstanceLock()) {
  app.whenReady().then(run).catch((thrown: unknown) => {
    dialog.showErrorBox('Pinlight cannot start', errorBody(thrown).message);
    app.exit(1);
  });
} else {
  app.quit();
}

function run(): void {
  const appPath = app.getAppPath();
  const client = createControlClient();
  const mirror = createAgentMirror(client);
  const icons = join(appPath, 'resources', 'icons');
  const window = createMainWindow({ preload: join(appPath, 'build', 'out', 'preload', 'bridge.cjs'), icon: join(icons, 'app.png') });
  const renderer = join(appPath, 'build', 'out', 'renderer');
  serveRenderer(renderer);

  const stopIpc = serveIpc({
    // Checked by ipcValidators to be a route of the bridge with that route's own fields.
    call: (route, query, body) => client.relay(route, textFields(query), body),
    subscribe: (listener) => mirror.subscribe(listener),
    saveBundle,
    isOurWindow: (contents) => window.owns(contents),
  });

  const tray = createTray(join(icons, 'tray'), trayModel(mirror.snapshot(), Date.now()), act);
  let memory = emptyNoticeMemory;
  let redraw: NodeJS.Timeout | null = null;
  const look = (): void => {
    redraw = null;
    const now = Date.now();
    const snapshot = mirror.snapshot();
    tray.show(trayModel(snapshot, now));
    const told = noticesFor(memory, snapshot, now);
    ({ memory } = told);
    if (!Notification.isSupported()) return;
    for (const { title, body } of told.notices) {
      const notification = new Notification({ title, body });
      notification.on('click', () => window.open(null));
      notification.show();
    }
  };
  mirror.subscribe((signal) => {
    if (signal.kind !== 'heartbeat') redraw ??= setTimeout(look, redrawMs);
  });
  const tick = setInterval(look, tickMs);

  // The tray is never the only door: GNOME shows no icon without an extension, so a second start opens the window.
  app.on('second-instance', () => window.open(null));
  app.on('activate', () => window.open(null));
  // Without this listener Electron would quit with its last window.
  app.on('window-all-closed', () => undefined);
  app.once('before-quit', () => {
    clearInterval(tick);
    if (redraw !== null) clearTimeout(redraw);
    stopIpc();
    void mirror.close();
    window.close();
    tray.close();
  });
  // Electron's own menu has developer tools and links to the web. macOS needs one for copy and paste; elsewhere the keys work without.
  Menu.setApplicationMenu(process.platform === 'darwin'
    ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }])
    : null);
  app.setAboutPanelOptions({ applicationName: 'Pinlight', applicationVersion: app.getVersion(), iconPath: join(icons, 'app.png') });
  void startAgent();
  // An empty window would not say why it is empty.
  if (existsSync(join(renderer, 'index.html'))) window.open(null);
  else dialog.showErrorBox('The window has not been built', errorAdvice['window-not-built']);

  function act(action: TrayAction): void {
    switch (action.kind) {
      case 'copy': void clipboard.writeText(action.text); break;
      case 'open-window': window.open(action.screen); break;
      case 'save-bundle': saveBundle().catch((thrown: unknown) => {
        const { message, advice } = errorBody(thrown);
        dialog.showErrorBox('The bundle was not saved', `${message}\n${advice}`);
      }); break;
      case 'start-agent': void startAgent(); break;
      case 'about': app.showAboutPanel(); break;
      case 'close-icon': app.quit(); break;
    }
  }

  async function saveBundle(): Promise<string | null> {
    const proposed = join(app.getPath('downloads'), bundleFileName(mirror.snapshot()?.agent.device ?? '', Date.now()));
    const chosen = await dialog.showSaveDialog({
      title: 'Save diagnostics', defaultPath: proposed, filters: [{ name: 'ZIP archive', extensions: ['zip'] }],
    });
    if (chosen.canceled || chosen.filePath === '') return null;
    await writeBundle(client, chosen.filePath);
    return chosen.filePath;
  }

  async function startAgent(): Promise<void> {
    const place = { packaged: app.isPackaged, appPath, resourcesPath: process.resourcesPath, platform: process.platform, arch: process.arch };
    const start = await startAgentIfAbsent(agentCommand(place), () => agentAnswers(client));
    if (start.kind === 'failed') dialog.showErrorBox('The agent could not be started', start.why);
  }
}

/** Anything but `agent-not-running` is an agent too: one that is slow or not ours must not get a second beside it. */
async function agentAnswers(client: ControlClient): Promise<boolean> {
  try {
    await client.call('status', {}, {});
    return true;
  } catch (thrown) {
    return errorBody(thrown).code !== 'agent-not-running';
  }
}

/** Query fields are text on the wire; ipcValidators lets numbers through in bodies only. */
function textFields(fields: IpcFields): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
}
