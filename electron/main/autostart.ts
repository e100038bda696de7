// Whether the icon comes up at login: macOS and Windows by Electron's login items, Linux by the user's own autostart entry.
// Not for the agent, which a service manager or the shell starts. There is no machine-wide entry: the package ships none in /etc/xdg/autostart.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { autostartFile } from '../contract/autostart-file.ts';

/** The two calls of Electron's `app` that matter. */
export type LoginItems = {
  readonly getLoginItemSettings: (options: { args: string[] }) => { readonly openAtLogin: boolean; readonly wasOpenedAtLogin: boolean };
  readonly setLoginItemSettings: (settings: { openAtLogin: boolean; args?: string[] }) => void;
};

export type AutostartPlace = {
  readonly platform: NodeJS.Platform;
  /** A clone is started by hand: it offers nothing. */
  readonly packaged: boolean;
  /** The shell's own program. */
  readonly execPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
};

export type Autostart = {
  /** Null = not to be chosen here. */
  isOn(): boolean | null;
  /** Throws what the system says when it refuses. */
  set(on: boolean): void;
};

/** Started at login the icon comes alone; the window waits until somebody wants it. */
export const hiddenArgument = '--hidden';

/** Whether this start is the one at login. macOS passes no arguments to its login items and tells it otherwise. */
export function isStartAtLogin(platform: NodeJS.Platform, argv: readonly string[], app: LoginItems): boolean {
  return argv.includes(hiddenArgument) || (platform === 'darwin' && app.getLoginItemSettings({ args: [hiddenArgument] }).wasOpenedAtLogin);
}

export function createAutostart(place: AutostartPlace, app: LoginItems): Autostart {
  if (!place.packaged) return { isOn: () => null, set: () => undefined };
  if (place.platform !== 'linux') {
    return {
      // Windows compares the whole command line.
      isOn: () => app.getLoginItemSettings({ args: [hiddenArgument] }).openAtLogin,
      set: (on) => app.setLoginItemSettings({ openAtLogin: on, args: [hiddenArgument] }),
    };
  }
  const file = autostartFile(place.env, place.home);
  return {
    isOn: () => isEntryOn(file),
    set: (on) => {
      if (!on) return rmSync(file, { force: true });
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.part`, autostartEntry([place.execPath, hiddenArgument]));
      renameSync(`${file}.part`, file);
    },
  };
}

/** `Hidden=true` is how desktops switch an entry off without removing it. */
function isEntryOn(file: string): boolean {
  try {
    return !/^(?:Hidden=true|X-GNOME-Autostart-enabled=false)\s*$/m.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

/** The entry's text (freedesktop.org, Desktop Entry Specification 1.5). The launcher's comes with the package (build/electron-builder.config). */
export function autostartEntry(command: readonly string[]): string {
  return [
    '[Desktop Entry]', 'Type=Application', 'Version=1.5', 'Name=Pinlight', `Exec=${command.map(quoted).join(' ')}`, 'Terminal=false', 'NoDisplay=true',
    'X-GNOME-Autostart-enabled=true', '',
  ].join('\n');
}

/** As the specification wants arguments: in double quotes with four signs escaped, a percent sign doubled; and that as a string value. */
function quoted(argument: string): string {
  const percent = argument.replaceAll('%', '%%');
  if (/^[A-Za-z0-9_./:=@+-]+$/.test(argument)) return percent;
  return `"${percent.replace(/[\\"`$]/g, '\\$&')}"`.replaceAll('\\', '\\\\');
}
