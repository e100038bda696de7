// launchd and Windows services: texts, what their tools print, and the commands in order, through a stand-in for the tools. Not run on those systems yet.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crashLoopExitVariable } from '../../../electron/contract/agent-arguments.ts';
import { jobState, launchdService, plist } from '../../../native/service/launchd.ts';
import { changeService } from '../../../native/service/service.ts';
import { parseQuery, windowsService, wrapperConfig } from '../../../native/service/windows.ts';
import type { ToolResult, ToolRunner } from '../../../native/trust-store/run-tool.ts';
import { openJournal, type Journal } from '../../../native/undo-journal/index.ts';

const program = { file: '/opt/pinlight/node', args: ['/opt/pinlight/watch & dog.mjs'], folder: '/opt/pinlight', cli: '/opt/pinlight/pinlight.mjs' };
const ended = (code: number, output = ''): ToolResult => ({ kind: 'ended', code, output, errors: '' });

let folder: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'pinlight-service-'));
  mkdirSync(path.join(folder, 'undo'), { mode: 0o700 });
  journal = open();
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});
function open(): Journal {
  const opened = openJournal(path.join(folder, 'undo'), 'service', () => 1);
  if (opened.kind !== 'journal') throw new Error(opened.kind);
  return opened.journal;
}

/** launchctl as far as it is used: one domain, one job. */
function fakeLaunchd(said: string[], broken = false): ToolRunner {
  let loaded = false;
  return { find: () => '/bin/launchctl', outlived: () => [], run: (_tool, args) => {
    said.push(args.join(' '));
    const was = loaded;
    if (args[0] === 'bootstrap') loaded = true;
    if (args[0] === 'bootout') loaded = false;
    if (args[0] === 'bootout' && !was) return Promise.resolve(ended(113));
    if (args[0] === 'print') return Promise.resolve(loaded ? ended(0, `gui/501/x = {\n\tactive count = 1\n\tstate = ${broken ? 'spawn scheduled' : 'running'}\n}`) : ended(113));
    return Promise.resolve(ended(0));
  } };
}

describe('launchd', () => {
  const manager = (tools: ToolRunner) => launchdService({ machine: false, home: folder, uid: 501, tools, program });
  const unit = (): string => path.join(folder, 'Library/LaunchAgents/dev.pinlight.agent.plist');

  test('installed and removed: the commands in order, the file there and gone, its folders too', async () => {
    const said: string[] = [];
    const launchd = manager(fakeLaunchd(said));
    expect(await changeService(journal, launchd, 'install')).toMatchObject({ kind: 'done', state: { running: true } });
    expect(said.filter((line) => !line.startsWith('print'))).toEqual(['bootout gui/501/dev.pinlight.agent', `bootstrap gui/501 ${unit()}`, 'kickstart gui/501/dev.pinlight.agent']);
    expect(readFileSync(unit(), 'utf8')).toBe(plist(program));
    said.length = 0;
    expect(await changeService(journal, launchd, 'remove')).toMatchObject({ kind: 'done', state: { installed: false } });
    expect(said).toContain('bootout gui/501/dev.pinlight.agent');
    expect(() => readFileSync(unit())).toThrow('ENOENT');
  });
  test('a job that does not run is put back', async () => {
    expect(await changeService(journal, manager(fakeLaunchd([], true)), 'install')).toMatchObject({ kind: 'refused', why: expect.stringContaining('spawn scheduled') });
    expect(() => readFileSync(unit())).toThrow('ENOENT');
  });
  test('a removal that was cut off is taken back: the job is loaded again', async () => {
    const said: string[] = [];
    const launchd = manager(fakeLaunchd(said));
    await changeService(journal, launchd, 'install');
    await launchd.remove(journal.begin('service', 'remove'));
    journal.close();
    journal = open();
    expect(await journal.recover((_subject, _verb, name, data) => launchd.undoStep(name, data))).toMatchObject([{ left: [] }]);
    expect(await launchd.check()).toMatchObject({ installed: true, running: true });
  });
  test('a watchdog that gives up is not started again: it is told to end with the one code that launchd spares', () => {
    expect(plist(program)).toContain('<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>');
    expect(plist(program)).toContain(`<key>EnvironmentVariables</key><dict><key>${crashLoopExitVariable}</key><string>0</string></dict>`);
  });
  test('the description escapes what XML would read', () => expect(plist(program)).toContain('<string>/opt/pinlight/watch &amp; dog.mjs</string>'));
  test.each([['\tstate = running\n', 'running'], ['\tstate = not running\n', 'not running'], ['', 'unknown']])('the state in %j is %s', (text, state) => expect(jobState(text)).toBe(state));
});

describe('Windows', () => {
  const running = '\r\nSERVICE_NAME: pinlight \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n        STATE              : 4  RUNNING \r\n';
  test.each<[string, ToolResult, string]>([
    ['a running service', ended(0, running), 'RUNNING'],
    ['a stopped one, in German', ended(0, 'DIENSTNAME: pinlight\r\n        STATUS             : 1  STOPPED\r\n'), 'STOPPED'],
    ['one that is not there', ended(1060, '[SC] EnumQueryServicesStatus:OpenService FEHLER 1060:'), 'absent'],
    ['a tool that is missing', { kind: 'absent' }, 'absent'],
  ])('%s', (_name, result, state) => expect(parseQuery(result)).toBe(state));
  test('the wrapper\'s description quotes arguments and escapes XML', () => {
    const text = wrapperConfig({ file: 'C:\\Program Files\\Pinlight\\node.exe', args: ['--x=1', 'C:\\Program Files\\A & B\\main.mjs'], folder: 'C:\\Program Files\\Pinlight', cli: '' });
    expect(text).toContain('<arguments>--x=1 "C:\\Program Files\\A &amp; B\\main.mjs"</arguments>');
    expect(text).toContain('<executable>C:\\Program Files\\Pinlight\\node.exe</executable>');
  });
  test('a copy without the wrapper says so', () => {
    const manager = windowsService({ env: { ProgramData: folder }, tools: fakeLaunchd([]), program });
    expect(manager.blocked('install')).toMatchObject({ why: expect.stringMatching(/pinlight-service\.exe is missing, the service wrapper .*was not packaged for Windows/) });
  });
  test('a watchdog that gives up is not started again: it is told to end with the one code that WinSW spares', () => {
    expect(wrapperConfig(program)).toContain(`<env name="${crashLoopExitVariable}" value="0"/>`);
  });
});
