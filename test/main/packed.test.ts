// A whole package for Linux, made by electron-builder around a stand-in for Electron's binary: what lies in it, and the agent, the commands and the window
// that run out of it. Electron itself is not run.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { agentCommand } from '../../electron/main/agent-process.ts';

const root = join(import.meta.dirname, '..', '..');
const onLinux = process.platform === 'linux';
const isBuilt = existsSync(join(root, 'build/out/main/main.mjs'));
if (!onLinux) console.log('skipped: the stand-in for Electron\'s binary is Linux\'s, so nothing was packed');
else if (!isBuilt) console.log('skipped: not built (`npm run build`), so nothing was packed');

/** Of @electron/fuses: the mark in Electron's binary behind which its fuses stand, here nine of them, all off. */
const standIn = '#!/bin/sh\n# dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\u0001\u0009000000000\n';

describe.runIf(onLinux && isBuilt)('a package', () => {
  let folder: string;
  let packed: string;
  let agent: ChildProcess | null = null;
  const resources = (): string => join(packed, 'resources');
  const env = (): NodeJS.ProcessEnv => ({ PATH: '/usr/bin:/bin', HOME: folder, PINLIGHT_HOME: join(folder, 'state'), DBUS_SESSION_BUS_ADDRESS: 'disabled:' });
  const command = () => agentCommand({ packaged: true, appPath: join(resources(), 'app.asar'), resourcesPath: resources(), platform: 'linux', arch: process.arch, node: null });
  const linked = (): string => join(folder, 'bin/pinlight');
  const pinlight = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } => spawnSync(linked(), args, { env: env(), encoding: 'utf8', timeout: 60_000 });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pinlight-packed-'));
    const electron = join(folder, 'electron');
    mkdirSync(join(electron, 'resources'), { recursive: true });
    for (const name of ['LICENSE', 'LICENSES.chromium.html', 'version']) writeFileSync(join(electron, name), '');
    writeFileSync(join(electron, 'electron'), standIn);
    chmodSync(join(electron, 'electron'), 0o755);
    const made = spawnSync(process.execPath, [
      join(root, 'node_modules/electron-builder/cli.js'), '--dir', '--linux', '--config', 'build/electron-builder.config.ts', `-c.electronDist=${electron}`, `-c.directories.output=${join(folder, 'out')}`,
    ], { cwd: root, encoding: 'utf8', env: { ...process.env, HOME: folder }, timeout: 240_000 });
    if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}`);
    const [name = ''] = readdirSync(join(folder, 'out')).filter((one) => one.endsWith('unpacked'));
    packed = join(folder, 'out', name);
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(packed, 'resources/pinlight'), linked());
  }, 300_000);
  afterAll(() => {
    agent?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('holds the shell in its archive, with its window and its icons, and neither sources nor tests', () => {
    const { listPackage }: { listPackage: (archive: string, options: { readonly isPack: boolean }) => readonly string[] } = createRequire(join(root, 'node_modules/app-builder-lib/package.json'))('@electron/asar');
    const files = listPackage(join(resources(), 'app.asar'), { isPack: false });
    expect(files).toEqual(expect.arrayContaining(['/package.json', '/build/out/main/main.mjs', '/build/out/preload/bridge.cjs', '/build/out/renderer/index.html', '/resources/icons/app.png', '/resources/icons/tray']));
    expect(files.filter((file) => /^\/(?:electron|native|test|node_modules|renderer)(?:\/|$)|\.(?:ts|map)$/.test(file))).toEqual([]);
  });

  test('has its fuses set: only the archive, checked, and no Node mode', () => {
    // In the order of FuseV1Options of @electron/fuses; those that are not named keep what Electron ships.
    expect(readFileSync(join(packed, 'pinlight'), 'latin1').slice(standIn.indexOf('\u0009') + 1)).toBe('010011000\n');
  });

  test('starts the bundled agent with a Node of its own, and its commands, by a link from the path, and its window work', async () => {
    expect(command().args).toEqual([join(resources(), 'agent/build/out/agent/watchdog.mjs')]);
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'policy.json'), '{"version":1,"network":{"port":0}}');
    agent = spawn(command().file, [...command().args, '--policy', join(folder, 'policy.json')], { cwd: command().folder, env: env(), stdio: 'ignore' });
    await vi.waitFor(() => expect(pinlight('status').status).toBe(0), { timeout: 30_000, interval: 500 });
    expect(pinlight('status').stdout).toMatch(/^Pinlight is running/);
    expect(readFileSync(`/proc/${JSON.parse(pinlight('status', '--json').stdout).data.agent.pid}/cmdline`, 'utf8')).toContain(join(resources(), 'agent/build/out/agent/main.mjs'));
    expect(pinlight('bundle', '-o', join(folder, 'bundle.zip')).status).toBe(0);
    expect(pinlight('bundle', 'verify', join(folder, 'bundle.zip')).status).toBe(0);

    const open = spawn(linked(), ['open'], { env: env(), stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    open.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    await vi.waitFor(() => expect(said).toMatch(/http:\S+/), { timeout: 15_000 });
    const page = await fetch(/http:\S+/.exec(said)?.[0] ?? '');
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="root">')]);
    open.kill('SIGINT');
    expect(pinlight('stop').status).toBe(0);
  }, 120_000);
});
