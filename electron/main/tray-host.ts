// Whether this desktop shows tray icons at all: stock GNOME does not. Asked of the session bus with systemd's own tool.
// Not for drawing the icon (tray.ts).
import { execFile } from 'node:child_process';

const watcher = 'org.kde.StatusNotifierWatcher';
/** ms; the bus answers in a few. */
const answerWithinMs = 3_000;

/** False where the bus says that nobody shows icons; true elsewhere, and where it cannot be asked. */
export function hasTrayHost(platform: NodeJS.Platform): Promise<boolean> {
  if (platform !== 'linux') return Promise.resolve(true);
  const question = ['--user', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner', 's', watcher];
  return new Promise((resolve) => {
    execFile('busctl', question, { timeout: answerWithinMs }, (_error, answer) => resolve(answer.trim() !== 'b false'));
  });
}
