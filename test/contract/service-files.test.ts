// Where the shell looks for a service is where `pinlight service install` puts it.
import { describe, expect, test } from 'vitest';
import { serviceFiles } from '../../electron/contract/service-files.ts';
import { launchdService } from '../../native/service/launchd.ts';
import { systemdService } from '../../native/service/systemd.ts';
import { windowsService } from '../../native/service/windows.ts';
import type { ToolRunner } from '../../native/trust-store/run-tool.ts';

const program = { file: '/opt/node', args: [], folder: '/opt/pinlight', cli: '/opt/pinlight/cli' };
const tools: ToolRunner = { find: () => null, outlived: () => [], run: () => Promise.reject(new Error('nothing is run')) };
const home = '/home/ada';

describe('the files of each service manager', () => {
  test.each([
    ['systemd', 'linux', {}], ['systemd with a configuration folder of the person\'s own', 'linux', { XDG_CONFIG_HOME: '/etc/ada' }],
    ['systemd with one that is relative, which counts as none', 'linux', { XDG_CONFIG_HOME: 'conf' }],
  ])('%s', (_name, platform, env) => {
    expect(serviceFiles({ platform, env, home })).toEqual([true, false].map((machine) => systemdService({ machine, home, env, tools, program }).unit));
  });
  test('launchd', () => {
    expect(serviceFiles({ platform: 'darwin', env: {}, home })).toEqual([true, false].map((machine) => launchdService({ machine, home, uid: 501, tools, program }).unit));
  });
  test.each([['Windows', {}], ['Windows with its folders elsewhere', { ProgramData: 'D:\\Data' }]])('%s', (_name, env) => {
    expect(serviceFiles({ platform: 'win32', env, home })).toEqual([windowsService({ env, tools, program }).unit]);
  });
});
