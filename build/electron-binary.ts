// Finds an Electron program that is already here. Never npm's `electron` script: that one would download.
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';

/** Absolute path of an Electron binary: ELECTRON_OVERRIDE_DIST_PATH, the package's own, or one on PATH; null when there is none. */
export function findElectron(root: string): string | null {
  const names: Readonly<Record<string, string>> = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };
  const name = names[process.platform] ?? 'electron';
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const onPath = (process.env['PATH'] ?? '').split(delimiter)
    .filter((folder) => folder !== '' && !folder.includes(`node_modules${sep}.bin`))
    .map((folder) => join(folder, process.platform === 'win32' ? 'electron.exe' : 'electron'));
  const candidates = [...(override === undefined ? [] : [join(override, name)]), join(root, 'node_modules', 'electron', 'dist', name), ...onPath];
  return candidates.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return !/\.[cm]?js$/.test(realpathSync(path));
  } catch {
    return false;
  }
}
