// State folder and control path on each system, as a table; no test touches the file system.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { resolvePaths } from '../../electron/contract/paths.ts';
import type { PathInputs, PinlightPaths } from '../../electron/contract/paths.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const linux: PathInputs = { env: {}, platform: 'linux', homedir: '/home/ada', tmpdir: '/tmp', cwd: '/srv', service: false, hash };
const macos: PathInputs = { ...linux, platform: 'darwin', homedir: '/Users/ada', tmpdir: '/var/folders/zz/T' };
const windows: PathInputs = { ...linux, platform: 'win32', homedir: 'C:\\Users\\ada', tmpdir: 'C:\\Temp', cwd: 'D:\\lab', env: { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' } };
const long = `/home/ada/${'x'.repeat(90)}`;
const short = (path: string): string => hash(path).slice(0, 8);
const pipe = (path: string): string => `\\\\.\\pipe\\pinlight-${hash(path.toLowerCase()).slice(0, 16)}`;

const rows: readonly { name: string; inputs: PathInputs; paths: PinlightPaths }[] = [
  {
    name: 'Linux without variables uses ~/.local/state',
    inputs: linux,
    paths: { service: false, stateFolder: '/home/ada/.local/state/pinlight', runFolder: '/home/ada/.local/state/pinlight/run', controlPath: '/home/ada/.local/state/pinlight/run/control.sock', runFolderShared: false },
  },
  {
    name: 'XDG_STATE_HOME moves it',
    inputs: { ...linux, env: { XDG_STATE_HOME: '/data/state/' } },
    paths: { service: false, stateFolder: '/data/state/pinlight', runFolder: '/data/state/pinlight/run', controlPath: '/data/state/pinlight/run/control.sock', runFolderShared: false },
  },
  {
    name: 'a relative XDG_STATE_HOME is ignored, as its specification says',
    inputs: { ...linux, env: { XDG_STATE_HOME: 'state' } },
    paths: { service: false, stateFolder: '/home/ada/.local/state/pinlight', runFolder: '/home/ada/.local/state/pinlight/run', controlPath: '/home/ada/.local/state/pinlight/run/control.sock', runFolderShared: false },
  },
  {
    name: 'PINLIGHT_HOME overrides everything and counts from the working folder',
    inputs: { ...linux, env: { PINLIGHT_HOME: './a/../lab/', XDG_STATE_HOME: '/data' } },
    paths: { service: false, stateFolder: '/srv/lab', runFolder: '/srv/lab/run', controlPath: '/srv/lab/run/control.sock', runFolderShared: false },
  },
  {
    name: 'an empty PINLIGHT_HOME is none',
    inputs: { ...linux, env: { PINLIGHT_HOME: '' } },
    paths: { service: false, stateFolder: '/home/ada/.local/state/pinlight', runFolder: '/home/ada/.local/state/pinlight/run', controlPath: '/home/ada/.local/state/pinlight/run/control.sock', runFolderShared: false },
  },
  {
    name: 'a state folder too long for a socket moves the socket to XDG_RUNTIME_DIR',
    inputs: { ...linux, env: { PINLIGHT_HOME: long, XDG_RUNTIME_DIR: '/run/user/1000' } },
    paths: { service: false, stateFolder: long, runFolder: `/run/user/1000/pinlight-${short(long)}`, controlPath: `/run/user/1000/pinlight-${short(long)}/control.sock`, runFolderShared: false },
  },
  {
    name: 'without XDG_RUNTIME_DIR it goes to the temporary folder, which others share',
    inputs: { ...linux, env: { PINLIGHT_HOME: long } },
    paths: { service: false, stateFolder: long, runFolder: `/tmp/pinlight-${short(long)}`, controlPath: `/tmp/pinlight-${short(long)}/control.sock`, runFolderShared: true },
  },
  {
    name: 'a temporary folder that is too long as well gives way to /tmp',
    inputs: { ...linux, tmpdir: long, env: { PINLIGHT_HOME: long } },
    paths: { service: false, stateFolder: long, runFolder: `/tmp/pinlight-${short(long)}`, controlPath: `/tmp/pinlight-${short(long)}/control.sock`, runFolderShared: true },
  },
  {
    name: 'length counts in bytes: 50 two-byte letters are too long',
    inputs: { ...linux, env: { PINLIGHT_HOME: `/${'ä'.repeat(50)}` } },
    paths: { service: false, stateFolder: `/${'ä'.repeat(50)}`, runFolder: `/tmp/pinlight-${short(`/${'ä'.repeat(50)}`)}`, controlPath: `/tmp/pinlight-${short(`/${'ä'.repeat(50)}`)}/control.sock`, runFolderShared: true },
  },
  {
    name: 'the Linux service has its fixed folders, whatever the variables say',
    inputs: { ...linux, service: true, env: { PINLIGHT_HOME: '/x' } },
    paths: { service: true, stateFolder: '/var/lib/pinlight', runFolder: '/run/pinlight', controlPath: '/run/pinlight/control.sock', runFolderShared: false },
  },
  {
    name: 'macOS uses Application Support',
    inputs: macos,
    paths: { service: false, stateFolder: '/Users/ada/Library/Application Support/Pinlight', runFolder: '/Users/ada/Library/Application Support/Pinlight/run', controlPath: '/Users/ada/Library/Application Support/Pinlight/run/control.sock', runFolderShared: false },
  },
  {
    name: 'the macOS service uses the system\'s folders',
    inputs: { ...macos, service: true },
    paths: { service: true, stateFolder: '/Library/Application Support/Pinlight', runFolder: '/var/run/pinlight', controlPath: '/var/run/pinlight/control.sock', runFolderShared: false },
  },
  {
    name: 'Windows uses LOCALAPPDATA and a pipe named after it',
    inputs: windows,
    paths: { service: false, stateFolder: 'C:\\Users\\ada\\AppData\\Local\\Pinlight', runFolder: null, controlPath: pipe('C:\\Users\\ada\\AppData\\Local\\Pinlight'), runFolderShared: false },
  },
  {
    name: 'Windows without LOCALAPPDATA finds it under the profile',
    inputs: { ...windows, env: {} },
    paths: { service: false, stateFolder: 'C:\\Users\\ada\\AppData\\Local\\Pinlight', runFolder: null, controlPath: pipe('C:\\Users\\ada\\AppData\\Local\\Pinlight'), runFolderShared: false },
  },
  {
    name: 'a PINLIGHT_HOME on the current Windows drive keeps the drive',
    inputs: { ...windows, env: { PINLIGHT_HOME: '\\state' } },
    paths: { service: false, stateFolder: 'D:\\state', runFolder: null, controlPath: pipe('D:\\state'), runFolderShared: false },
  },
  {
    name: 'a relative PINLIGHT_HOME on Windows counts from the working folder',
    inputs: { ...windows, env: { PINLIGHT_HOME: 'a/b' } },
    paths: { service: false, stateFolder: 'D:\\lab\\a\\b', runFolder: null, controlPath: pipe('D:\\lab\\a\\b'), runFolderShared: false },
  },
  {
    name: 'the Windows service has one pipe for the machine',
    inputs: { ...windows, service: true },
    paths: { service: true, stateFolder: 'C:\\ProgramData\\Pinlight', runFolder: null, controlPath: '\\\\.\\pipe\\pinlight-service', runFolderShared: false },
  },
];

describe('where state and control path are', () => {
  test.each(rows)('$name', ({ inputs, paths }) => {
    expect(resolvePaths(inputs)).toEqual(paths);
  });

  test('two spellings of one folder give one control path', () => {
    const [one, other] = [`${long}/`, `/home/./ada/x/../${'x'.repeat(90)}`].map((PINLIGHT_HOME) => resolvePaths({ ...linux, env: { PINLIGHT_HOME } }));
    expect(one?.controlPath).toBe(other?.controlPath);
  });
});
