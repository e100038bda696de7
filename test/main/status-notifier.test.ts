// The Linux tray on a real session bus, with a stand-in for the desktop's watcher: the menu of `trayModel` as a desktop reads it over D-Bus,
// and clicks on their way back. With Electron's own item where a binary and a display are found; else published by a stand-in.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { findElectron } from '../../build/electron-binary.ts';
import type { TrayItem, TrayModel } from '../../electron/main/tray-items.ts';
import { trayModel } from '../../electron/main/tray-model.ts';
import { shellWords } from '../../electron/main/words.ts';
import { findCommand } from '../support/find-command.ts';
import { noon, pinnedApp, rowOf, snapshotOf } from './snapshots.ts';

const root = join(import.meta.dirname, '..', '..');
const daemon = findCommand('dbus-daemon');
// The system's own Python has the bindings (python3-gi), others on the path usually not.
const python = ['/usr/bin/python3'].find(hasBindings) ?? null;
const rig = daemon !== null && python !== null;
if (!rig) console.log('skipped: dbus-daemon or python3-gi is missing, so the tray is not shown to a session bus');
const electron = findElectron(root);
const display = (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== '';
if (electron === null || !display) console.log(`skipped: ${electron === null ? 'no Electron binary' : 'no display (xvfb-run gives one)'}, so Electron's own tray item was not looked at`);

type Told = { readonly ready?: true; readonly item?: Readonly<Record<string, unknown>>; readonly menu?: Entry; readonly clicked?: string };
type Entry = { readonly number: number; readonly label?: string; readonly type?: string; readonly enabled?: boolean; readonly 'toggle-type'?: string; readonly 'toggle-state'?: number; readonly children: readonly Entry[] };
type Talker = { readonly told: Told[]; say(value: unknown): void; next<K extends keyof Told>(key: K): Promise<NonNullable<Told[K]>> };

describe.skipIf(!rig)('on a session bus', () => {
  let folder = '';
  let address = '';
  let bus: ChildProcessWithoutNullStreams;
  let talkers: ChildProcessWithoutNullStreams[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pinlight-bus-'));
    bus = spawn(daemon ?? '', ['--session', '--nofork', '--print-address=1', `--address=unix:path=${join(folder, 'bus')}`]);
    address = await new Promise<string>((resolve, reject) => {
      bus.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      bus.once('exit', (code) => reject(new Error(`dbus-daemon ended with ${code}`)));
    });
  });
  afterEach(() => {
    for (const child of talkers) child.kill();
    talkers = [];
  });
  afterAll(() => {
    bus.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  function talk(role: 'watcher' | 'item'): Talker {
    const child = spawn(python ?? '', [join(import.meta.dirname, 'tray_bus.py'), role], { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address } });
    talkers.push(child);
    const told: Told[] = [];
    const complaints: string[] = [];
    createInterface(child.stdout).on('line', (line) => told.push(JSON.parse(line) as Told));
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()));
    return {
      told,
      say: (value) => child.stdin.write(`${JSON.stringify(value)}\n`),
      next: (key) => vi.waitFor(() => {
        const found = told.findLast((one) => one[key] !== undefined)?.[key];
        if (found === undefined || found === null) throw new Error(`no ${key} yet ${complaints.join('')}`);
        return found;
      }, { timeout: 15_000 }),
    };
  }

  async function shown(model: TrayModel): Promise<{ readonly watcher: Talker; readonly item: Talker; readonly menu: Entry }> {
    const watcher = talk('watcher');
    await watcher.next('ready');
    const item = talk('item');
    item.say(model);
    await watcher.next('item');
    watcher.say({ layout: true });
    return { watcher, item, menu: await watcher.next('menu') };
  }

  const snapshot = snapshotOf({ apps: [{ ...pinnedApp('slack'), name: 'évil_app & <b>😀</b>\n\u202Egpj' }, pinnedApp('zoom')], recent: [rowOf({ outcome: { kind: 'refused', sign: 'alert', alert: 46 } })] });
  const model = trayModel({ snapshot, now: noon, away: 'gone', service: false, version: '0.1.0', trust: null, silenced: [], silencedKinds: [], openAtLogin: true, bundle: { kind: 'none' }, words: shellWords('en') });

  test('the desktop reads the item, its state in words, and every entry of the menu in its place', async () => {
    const { watcher, menu } = await shown(model);
    expect(await watcher.next('item')).toMatchObject({ Id: 'pinlight', Status: 'Active', IconName: 'solid', Title: 'Pinlight - inspecting, 2 apps bypassed' });
    expect(outline(menu.children)).toEqual(expected(model.items));
  });

  test.each(['pause:15', 'reload-policy', 'log:detailed', 'recent-problem:ask', 'bypassed:id-slack:silence', 'close-icon'])('a click on %s comes back as this entry', async (id) => {
    const { watcher, item, menu } = await shown(model);
    watcher.say({ click: numberOf(menu, model.items, id) });
    expect(await item.next('clicked')).toBe(id);
  });

  test('a changed model is a changed menu', async () => {
    const { watcher, item } = await shown(model);
    const gone = trayModel({ snapshot: null, now: noon, away: 'gone', service: false, version: '0.1.0', trust: null, silenced: [], silencedKinds: [], openAtLogin: null, bundle: { kind: 'none' }, words: shellWords('de') });
    item.say(gone);
    await vi.waitFor(async () => {
      watcher.say({ layout: true });
      expect(outline((await watcher.next('menu')).children)).toEqual(expected(gone.items));
    }, { timeout: 15_000, interval: 100 });
  });

  test.skipIf(electron === null || !display)('Electron registers its own item with our tooltip, and its menu is ours', async () => {
    const watcher = talk('watcher');
    await watcher.next('ready');
    const home = join(folder, 'home');
    const child = spawn(electron ?? '', [root, `--user-data-dir=${join(folder, 'electron')}`, '--hidden'], {
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address, PINLIGHT_HOME: home, XDG_CURRENT_DESKTOP: 'KDE' }, stdio: 'pipe',
    });
    talkers.push(child);
    await watcher.next('item');
    watcher.say({ layout: true });
    const labels = outline((await watcher.next('menu')).children).map((line) => line.replace(/^[-\s]*/, ''));
    expect(labels).toEqual(expect.arrayContaining([expect.stringContaining('Open Pinlight'), expect.stringContaining('Close icon')]));
    // The agent it has started outlives it by design, so it is stopped by its own command.
    execFileSync(process.execPath, [join(root, 'electron', 'cli', 'pinlight.mjs'), 'stop'], { env: { ...process.env, PINLIGHT_HOME: home } });
  });
});

function hasBindings(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'from gi.repository import Gio'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** One line an entry, as a person reads the menu. */
function outline(entries: readonly Entry[], depth = ''): string[] {
  return entries.flatMap((entry) => [
    entry.type === 'separator' ? `${depth}---` : `${depth}${entry.enabled === false ? '' : '> '}${mark(entry['toggle-type'], entry['toggle-state'])}${(entry.label ?? '').replaceAll('__', '_')}`,
    ...outline(entry.children, `${depth}  `),
  ]);
}

function expected(items: readonly TrayItem[], depth = ''): string[] {
  return items.flatMap((item) => {
    if (item.kind === 'separator') return [`${depth}---`];
    if (item.kind === 'submenu') return [`${depth}> ${item.label}`, ...expected(item.items, `${depth}  `)];
    const type = item.mark?.type === 'checkbox' ? 'checkmark' : item.mark?.type;
    return [`${depth}${item.action === null ? '' : '> '}${mark(type, item.mark === undefined ? undefined : Number(item.mark.checked))}${item.label}`];
  });
}

function mark(type: string | undefined, state: number | undefined): string {
  return type === undefined ? '' : `[${type} ${state}] `;
}

function numberOf(menu: Entry, items: readonly TrayItem[], id: string): number {
  const numbers = flat(menu).map(({ number }) => number);
  const ids = flatIds(items);
  const number = numbers[ids.indexOf(id)];
  if (number === undefined) throw new Error(`the menu has no ${id}`);
  return number;
}

function flat(entry: Entry): Entry[] {
  return entry.children.flatMap((child) => [child, ...flat(child)]);
}

function flatIds(items: readonly TrayItem[]): string[] {
  return items.flatMap((item) => [item.id, ...(item.kind === 'submenu' ? flatIds(item.items) : [])]);
}
