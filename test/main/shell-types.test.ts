// The shell cannot run where Electron's binary is absent, so its typings are what holds it: they must be in the type check.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('the project\'s type check covers main, preload and Electron\'s own typings', async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), '--listFilesOnly'], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  const files = stdout.split(/\r?\n/).map((line) => line.replaceAll('\\', '/'));
  const ends = ['electron/main/app.ts', 'electron/main/tray.ts', 'electron/main/window.ts', 'electron/main/ipc.ts', 'electron/preload/bridge.ts', 'node_modules/electron/electron.d.ts'];
  expect(ends.filter((end) => !files.some((file) => file.endsWith(`/${end}`)))).toEqual([]);
});
