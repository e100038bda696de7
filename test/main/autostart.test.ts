// Opening at login: the user's own entry on Linux, Electron's login items elsewhere; and the entry's text as the desktop checks it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { autostartFile } from '../../electron/contract/autostart-file.ts';
import { autostartEntry, createAutostart, isStartAtLogin } from '../../electron/main/autostart.ts';
import type { AutostartPlace, LoginItems } from '../../electron/main/autostart.ts';
import { readShellSettings, writeShellSettings } from '../../electron/main/shell-settings.ts';
import { findCommand } from '../support/find-command.ts';

let home = '';
let place: AutostartPlace;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pinlight-login-'));
  place = { platform: 'linux', packaged: true, execPath: '/opt/Pinlight/pinlight', env: {}, home };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const nothing: LoginItems = { getLoginItemSettings: () => { throw new Error('not here'); }, setLoginItemSettings: () => { throw new Error('not here'); } };

describe('Linux', () => {
  test('on writes one entry that starts hidden, off takes it away, twice is once', () => {
    const autostart = createAutostart(place, nothing);
    expect(autostart.isOn()).toBe(false);
    autostart.set(true);
    autostart.set(true);
    const file = join(home, '.config', 'autostart', 'pinlight.desktop');
    expect([autostart.isOn(), readdirSync(dirname(file))]).toEqual([true, ['pinlight.desktop']]);
    expect(readFileSync(file, 'utf8')).toContain('Exec=/opt/Pinlight/pinlight --hidden\n');
    autostart.set(false);
    autostart.set(false);
    expect([autostart.isOn(), existsSync(file)]).toEqual([false, false]);
  });

  test.each(['Hidden=true', 'X-GNOME-Autostart-enabled=false'])('an entry that the desktop switched off (%s) counts as off', (line) => {
    const autostart = createAutostart(place, nothing);
    autostart.set(true);
    const file = autostartFile(place.env, place.home);
    writeFileSync(file, `${readFileSync(file, 'utf8').replace('X-GNOME-Autostart-enabled=true\n', '')}${line}\n`);
    expect(autostart.isOn()).toBe(false);
  });

  test('XDG_CONFIG_HOME is honoured, a relative one is not', () => {
    expect(autostartFile({ XDG_CONFIG_HOME: '/cfg' }, home)).toBe('/cfg/autostart/pinlight.desktop');
    expect(autostartFile({ XDG_CONFIG_HOME: 'cfg' }, home)).toBe(join(home, '.config/autostart/pinlight.desktop'));
  });
});

test.each(['darwin', 'win32'] as const)('%s keeps it in its login items', (platform) => {
  const calls: unknown[] = [];
  const items: LoginItems = { getLoginItemSettings: ({ args }) => ({ openAtLogin: args.join() === '--hidden', wasOpenedAtLogin: false }), setLoginItemSettings: (settings) => calls.push(settings) };
  const autostart = createAutostart({ ...place, platform }, items);
  autostart.set(false);
  expect([autostart.isOn(), calls]).toEqual([true, [{ openAtLogin: false, args: ['--hidden'] }]]);
});

test.each<[string, NodeJS.Platform, readonly string[], boolean, boolean]>([
  ['by its argument', 'linux', ['pinlight', '--hidden'], false, true], ['by what macOS says', 'darwin', ['Pinlight'], true, true],
  ['not where a person starts it', 'darwin', ['Pinlight'], false, false], ['not by what only macOS says', 'win32', ['Pinlight.exe'], true, false],
])('a start at login is known %s', (_name, platform, argv, was, is) => {
  expect(isStartAtLogin(platform, argv, { getLoginItemSettings: () => ({ openAtLogin: true, wasOpenedAtLogin: was }), setLoginItemSettings: () => undefined })).toBe(is);
});

test('a clone offers nothing and touches nothing', () => {
  const autostart = createAutostart({ ...place, packaged: false }, nothing);
  autostart.set(true);
  expect([autostart.isOn(), readdirSync(home)]).toEqual([null, []]);
});

describe('the desktop entry', () => {
  test.each([
    ['a plain program', ['/opt/Pinlight/pinlight'], 'Exec=/opt/Pinlight/pinlight'],
    ['a folder with a space', ['/opt/Pin light/pinlight'], 'Exec="/opt/Pin light/pinlight"'],
    ['a percent sign is no field code', ['/opt/100%/pinlight'], 'Exec="/opt/100%%/pinlight"'],
    ['nothing in a name runs in a shell', ['/opt/$(id)`id`"x\\'], String.raw`Exec="/opt/\\$(id)\\` + '`id' + String.raw`\\` + '`' + String.raw`\\"x\\\\"`],
  ])('%s', (_name, exec, line) => expect(autostartEntry(exec)).toContain(`${line}\n`));

  const validator = findCommand('desktop-file-validate');
  if (validator === null) console.log('skipped: desktop-file-validate is not installed (package desktop-file-utils), so entries are not checked by it');
  test.skipIf(validator === null)('desktop-file-validate accepts it', () => {
    const file = join(home, 'pinlight.desktop');
    writeFileSync(file, autostartEntry(['/opt/Pin light/pinlight']));
    expect(execFileSync(validator ?? '', [file], { encoding: 'utf8' })).toBe('');
  });
});

describe('what the shell remembers', () => {
  test('is there at the next login', () => {
    const file = join(home, 'Pinlight', 'shell.json');
    expect(writeShellSettings(file, { silenced: ['app-1'], silencedKinds: ['pause'], untrusted: 'AA' })).toBe(true);
    expect(readShellSettings(file)).toEqual({ silenced: ['app-1'], silencedKinds: ['pause'], untrusted: 'AA' });
  });

  test.each(['', '{', '[]', '5', 'null', '{"silenced":"all","silencedKinds":"pause","untrusted":5}', '{"silenced":[5,null,{"id":"x"}]}'])('%j counts as nothing', (text) => {
    writeFileSync(join(home, 'shell.json'), text);
    expect(readShellSettings(join(home, 'shell.json'))).toEqual({ silenced: [], silencedKinds: [], untrusted: null });
  });

  test('a disk that refuses is told', () => {
    writeFileSync(join(home, 'file'), '');
    expect(writeShellSettings(join(home, 'file', 'shell.json'), { silenced: [], silencedKinds: [], untrusted: null })).toBe(false);
  });
});
