// The shell is built as it ships: both bundles come out, and they contain what they may and nothing else.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
let folder = '';
let main = '';
let preload = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinlight-shell-'));
  for (const part of ['main', 'preload']) {
    await promisify(execFile)(process.execPath, [
      vite, 'build', '--config', join(root, 'build', `vite.${part}.config.ts`), '--outDir', join(folder, part), '--emptyOutDir', '--logLevel', 'error',
    ], { cwd: root });
  }
  main = await readFile(join(folder, 'main', 'main.mjs'), 'utf8');
  preload = await readFile(join(folder, 'preload', 'bridge.cjs'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('each is one file, under the name that package.json and window name', async () => {
  expect([await readdir(join(folder, 'main')), await readdir(join(folder, 'preload'))]).toEqual([['main.mjs'], ['bridge.cjs']]);
  expect(JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))).toMatchObject({ main: 'build/out/main/main.mjs' });
});

test('the preload script requires Electron and nothing else, which is all that the sandbox has', () => {
  expect([...preload.matchAll(/require\(\s*["']([^"']+)["']\s*\)/g)].map((match) => match[1])).toEqual(['electron']);
  expect(preload).not.toMatch(/^\s*import\s|\bimport\(/m);
  expect(preload).not.toContain('child_process');
});

test('the preload script touches two of Electron\'s modules and hands out neither', () => {
  expect(new Set([...preload.matchAll(/electron\.(\w+)/g)].map((match) => match[1]))).toEqual(new Set(['ipcRenderer', 'contextBridge']));
  expect([...preload.matchAll(/exposeInMainWorld\(/g)].length).toBe(1);
});

test('main imports Electron and Node alone: the agent and its packages are not in it', () => {
  const imported = [...main.matchAll(/^import .*? from ["']([^"']+)["'];$/gm)].map((match) => match[1] ?? '');
  expect(imported.filter((name) => name !== 'electron' && !name.startsWith('node:'))).toEqual([]);
  expect(main).not.toMatch(/better-sqlite3|node-forge|koffi/);
  expect(main).not.toContain('electron/agent/proxy');
});
