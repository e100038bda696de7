// Electron's entry: one instance, one tray icon, one window, all clients of the agent. Composition only.
// Not for protection: the agent is a program of its own, and closing the icon leaves it running.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { app, dialog, Menu } from 'electron';
import { createControlClient } from '../client/control-client.ts';
import type { ControlClient } from '../client/control-client.ts';
import { isServiceInstalled } from '../client/state-folder.ts';
import { linkAmong, readDeepLink } from '../contract/deep-link.ts';
import type { DeepLink } from '../contract/deep-link.ts';
import { errorBody, PinlightError } from '../contract/errors.ts';
import { ownCommands } from '../contract/own-command.ts';
import type { OwnCommand } from '../contract/own-command.ts';
import type { IpcFields } from '../contract/ipc.ts';
import { adviceWords } from '../contract/sentences.ts';
import { createActions, errorText, startTrouble } from './actions.ts';
import { createAgentMirror } from './agent-mirror.ts';
import { agentCommand, nodeVariable, startAgentIfAbsent } from './agent-process.ts';
import { awayOf, supervise } from './agent-supervision.ts';
import type { Supervision, SupervisionEvent } from './agent-supervision.ts';
import { createAutostart, hiddenArgument, isStartAtLogin } from './autostart.ts';
import { writeBundle } from './bundle-file.ts';
import { createBundleWork } from './bundle-work.ts';
import { serveIpc } from './ipc.ts';
import { emptyNoticeMemory, noticesFor } from './notification-model.ts';
import { showNotices } from './notices.ts';
import { readShellSettings, writeShellSettings } from './shell-settings.ts';
import type { ShellSettings } from './shell-settings.ts';
import { trayModel } from './tray-model.ts';
import type { TrayFacts } from './tray-model.ts';
import { hasTrayHost } from './tray-host.ts';
import { createTray } from './tray.ts';
import { countTrust } from './trust-count.ts';
import type { TrustCount } from './trust-count.ts';
import { createMainWindow, registerAppScheme, serveRenderer } from './window.ts';
import { shellWords } from './words.ts';

// The tray shows ages by the minute and notices wait for a grace of 10 s: looking every 5 s is often enough for both.
const tickMs = 5_000;
// A busy agent sends many changes a second; people read none of them, and each new menu costs a round over D-Bus.
const redrawMs = 500;
// Reading every trust store takes the agent about a second; what people install shows when they ask.
const trustEveryMs = 30 * 60_000;

// All must come before Electron is ready, so before anything that waits.
app.enableSandbox();
registerAppScheme();
// Electron's own profile by default has the folder of the agent's state (macOS) or of the user's policy (Linux).
if (!app.commandLine.hasSwitch('user-data-dir')) {
  const profile = join(app.getPath('appData'), 'org.pinlight.desktop');
  // A folder that is not there is refused.
  mkdirSync(profile, { recursive: true, mode: 0o700 });
  app.setPath('userData', profile);
}
// macOS hands over the link that starts the app before it is ready.
let startLink: DeepLink | null = linkAmong(process.argv);
let followLink = (link: DeepLink | null): void => { startLink = link; };
app.on('open-url', (event, url) => {
  event.preventDefault();
  followLink(readDeepLink(url));
});

if (app.requestSingleInstanceLock()) {
  app.whenReady().then(run).catch((thrown: unknown) => {
    const words = shellWords(app.getLocale());
    dialog.showErrorBox(words('dialog.cannotStart'), errorText(errorBody(thrown), words, ownCommand()));
    app.exit(1);
  });
} else {
  app.quit();
}

function run(): void {
  const appPath = app.getAppPath();
  const words = shellWords(app.getLocale());
  const client = createControlClient();
  const mirror = createAgentMirror(client);
  const icons = join(appPath, 'resources', 'icons');
  const renderer = join(appPath, 'build', 'out', 'renderer');
  serveRenderer(renderer);
  const window = createMainWindow({ preload: join(appPath, 'build', 'out', 'preload', 'bridge.cjs'), icon: join(icons, 'app.png') });
  const autostart = createAutostart({ platform: process.platform, packaged: app.isPackaged, execPath: process.execPath, env: process.env, home: homedir() }, app);
  const settingsFile = join(app.getPath('userData'), 'shell.json');
  let settings = readShellSettings(settingsFile);
  let memory = { ...emptyNoticeMemory, untrusted: settings.untrusted };
  let trust: TrustCount | null = null;
  let supervision: Supervision = { kind: 'looking' };
  let restarting = false;
  let stopped = false;
  let redraw: NodeJS.Timeout | null = null;

  const stopIpc = serveIpc({
    // Checked by ipcValidators to be a route of the bridge with that route's own fields.
    call: async (route, query, body) => {
      const answer = await client.relay(route, textFields(query), body);
      bundle.heard(answer);
      return answer;
    },
    subscribe: (listener) => mirror.subscribe(listener),
    saveBundle: async (id) => {
      const path = await saveBundle(id);
      bundle.saved(path);
      return path;
    },
    notifications: (silenced) => {
      if (silenced !== null) keep({ silencedKinds: silenced });
      return settings.silencedKinds;
    },
    isOurWindow: (contents) => window.owns(contents),
  });

  const bundle = createBundleWork({
    cancel: async (id) => void await client.call('cancelBundle', { id }, {}), onChange: () => { redraw ??= setTimeout(look, redrawMs); },
  });
  const act = createActions({
    client, words, command: ownCommand(), openWindow: (place) => window.open(place), helpLink: () => mirror.snapshot()?.agent.policy.managedBy?.url ?? null,
    startAgent: () => supervised({ kind: 'asked' }),
    bundle,
    restartAgent: async () => {
      // Before the answer: the agent may be gone by then.
      restarting = true;
      await client.call('stop', {}, {}).catch((thrown: unknown) => {
        restarting = false;
        throw thrown;
      });
    },
    checkTrust: async () => {
      const answer = await client.call('trust', {}, {});
      trust = countTrust(answer);
      look();
      return answer;
    },
    silence: (silenced) => keep({ silenced: silenced === null ? [] : [...settings.silenced, silenced] }),
    silenceKinds: (silencedKinds) => keep({ silencedKinds }),
    openAtLogin: (on) => {
      autostart.set(on);
      look();
    },
  });
  const facts = (): TrayFacts => ({
    snapshot: mirror.snapshot(), now: Date.now(), away: awayOf(supervision), service: isServiceInstalled(), version: app.getVersion(),
    trust, silenced: settings.silenced, silencedKinds: settings.silencedKinds, openAtLogin: autostart.isOn(), bundle: bundle.state(), words,
  });
  const tray = createTray(join(icons, 'tray'), trayModel(facts()), act);

  mirror.subscribe((signal) => {
    if (signal.kind === 'heartbeat') return;
    redraw ??= setTimeout(look, redrawMs);
    if (signal.kind === 'snapshot' || signal.kind === 'agent') stopped = mirror.snapshot()?.agent.stopping ?? false;
    if (signal.kind === 'snapshot') {
      supervised({ kind: 'answers' });
      if (trust === null) void lookAtTrust();
    } else if (signal.kind === 'disconnected') {
      supervised({ kind: 'silent', stopped });
      stopped = false;
      // Stopped in order to be started in this shell's own version.
      if (restarting) supervised({ kind: 'asked' });
      restarting = false;
    }
  });
  const tick = setInterval(() => {
    supervised({ kind: 'tick' });
    look();
  }, tickMs);
  const trustTimer = setInterval(() => void lookAtTrust(), trustEveryMs);

  // The tray is never the only door: GNOME shows no icon without an extension, so a second start opens the window.
  // One at login, beside a session that was restored, wants nothing.
  app.on('second-instance', (_event, args) => {
    const link = linkAmong(args);
    if (link !== null || !args.includes(hiddenArgument)) follow(link);
  });
  followLink = follow;
  app.on('activate', () => window.open(null));
  // A clone must not take the links of an installed Pinlight.
  if (app.isPackaged) app.setAsDefaultProtocolClient('pinlight');
  // Without this listener Electron would quit with its last window.
  app.on('window-all-closed', () => undefined);
  app.once('before-quit', () => {
    clearInterval(tick);
    clearInterval(trustTimer);
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
  // An empty window would not say why it is empty.
  if (!existsSync(join(renderer, 'index.html'))) dialog.showErrorBox(words('dialog.windowMissing'), adviceWords(words.translate, new PinlightError('window-not-built', '').toBody(), ownCommand()));
  else if (!isStartAtLogin(process.platform, process.argv, app) || startLink !== null) follow(startLink);
  else void openWithoutTray();

  /** Started at login on a desktop that shows no icons there would be nothing to see. */
  async function openWithoutTray(): Promise<void> {
    if (await hasTrayHost(process.platform)) return;
    showNotices([{ kind: 'no-tray', title: words('notice.noTrayTitle'), body: words('notice.noTrayBody'), place: { screen: 'overview' } }], (place) => window.open(place));
    window.open(null);
  }

  function look(): void {
    redraw = null;
    const known = facts();
    tray.show(trayModel(known));
    const told = noticesFor(memory, known);
    ({ memory } = told);
    if (memory.untrusted !== settings.untrusted) keep({ untrusted: memory.untrusted });
    showNotices(told.notices, (place) => window.open(place));
  }

  function keep(change: Partial<ShellSettings>): void {
    settings = { ...settings, ...change };
    writeShellSettings(settingsFile, settings);
    redraw ??= setTimeout(look, redrawMs);
  }

  function supervised(event: SupervisionEvent): void {
    const step = supervise(supervision, event, Date.now(), isServiceInstalled());
    supervision = step.state;
    if (step.tell !== null) dialog.showErrorBox(words('dialog.agentFailed'), startTrouble(step.tell, words));
    if (step.start) void startAgent();
  }

  async function startAgent(): Promise<void> {
    const place = { packaged: app.isPackaged, appPath, resourcesPath: process.resourcesPath, platform: process.platform, arch: process.arch, node: process.env[nodeVariable] ?? null };
    const start = await startAgentIfAbsent(agentCommand(place), () => agentAnswers(client));
    if (start.kind === 'failed') supervised({ kind: 'failed', why: start.why });
  }

  async function lookAtTrust(): Promise<void> {
    // An agent that cannot tell now is asked again later.
    trust = await client.call('trust', {}, {}).then(countTrust, () => trust);
  }

  function follow(link: DeepLink | null): void {
    window.open(link === null ? null : { screen: link.screen, ...(link.filter === null ? {} : { filter: link.filter }) });
  }

  /** Asks where the bundle of a job that is ready shall lie. */
  async function saveBundle(id: string): Promise<string | null> {
    const { job } = await client.call('bundleJob', { id }, {});
    const name = job.fileName ?? '';
    const chosen = await dialog.showSaveDialog({
      title: words('dialog.saveDiagnostics'), defaultPath: join(app.getPath('downloads'), name),
      filters: job.sealed ? [] : [{ name: words('dialog.zip'), extensions: ['zip'] }],
    });
    if (chosen.canceled || chosen.filePath === '') return null;
    await writeBundle(client, chosen.filePath, id);
    return chosen.filePath;
  }
}

/** How `pinlight` is typed for this copy. */
function ownCommand(): OwnCommand {
  return app.isPackaged ? ownCommands.packaged : ownCommands.source;
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
