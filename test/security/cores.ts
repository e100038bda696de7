// Takes cores of a process in every way there is here: a debugger of its own account and root's, the memory file, the kernel at its end. Each way is
// tried on an unprotected program first, because a way that never works proves nothing. Not for what is looked for in them.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../support/find-command.ts';

export type Look = {
  readonly how: string;
  /** It brought the secret of an unprotected program. */
  readonly works: boolean;
  /** What it brought of the process; null = it was refused, or nothing came. */
  readonly bytes: Buffer | null;
  /** What Pinlight says of it: not to be had at all, or to be had without anything of its apps. */
  readonly promise: 'nothing' | 'no plaintext';
};

type Way = { readonly how: string; readonly promise: Look['promise']; take(pid: number, file: string): void };

/**
 * Starts a program as this account without the rights by which root looks into everything; then another one started so is of its own account.
 * Null where that cannot be done; nothing is needed where this process has no such rights.
 */
export function ownAccount(): readonly string[] | null {
  if (process.getuid?.() !== 0) return [];
  return findCommand('setpriv') === null ? null : ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'];
}

/** Looks into the process, which has the folder as its working folder, and ends it by SIGABRT. The process has to be started by `ownAccount`. */
export async function lookInto(target: ChildProcess, folder: string): Promise<readonly Look[]> {
  const place = mkdtempSync(join(folder, 'unprotected-'));
  const secret = randomBytes(12).toString('hex');
  const [command, ...args] = [...ownAccount() ?? [], 'sleep', '1000'];
  const unprotected = spawn(command, args, { cwd: place, env: { ...process.env, SECRET: secret }, stdio: 'ignore' });
  await once(unprotected, 'spawn');
  try {
    const looks: Look[] = [];
    for (const { how, promise, take } of ways()) {
      const [own, theirs] = [unprotected, target].map((child) => taken(place, (file) => take(child.pid ?? 0, file)));
      looks.push({ how, promise, works: own?.includes(secret) === true, bytes: theirs ?? null });
    }
    return [...looks, {
      how: 'the kernel at SIGABRT', promise: 'nothing',
      works: (await coreAtEnd(unprotected, place))?.includes(secret) === true, bytes: await coreAtEnd(target, folder),
    }];
  } finally {
    unprotected.kill('SIGKILL');
    rmSync(place, { recursive: true, force: true });
  }
}

function ways(): readonly Way[] {
  const account = ownAccount();
  const gcore = findCommand('gcore');
  const run = (command: readonly string[]): void => void spawnSync(command[0] ?? '', command.slice(1), { timeout: 60_000, stdio: 'ignore' });
  return [
    ...(account === null ? [] : [{ how: 'the memory file, by its own account', promise: 'nothing' as const, take: (pid: number, file: string) => run([...account, process.execPath, '-e', readMemory, String(pid), file]) }]),
    ...(account === null || gcore === null ? [] : [{ how: 'gcore, by its own account', promise: 'nothing' as const, take: (pid: number, file: string) => run([...account, gcore, '-o', file, String(pid)]) }]),
    // It keeps to the process's core filter unless told otherwise.
    ...(gcore === null || process.getuid?.() !== 0 ? [] : [{ how: 'gcore, by root', promise: 'no plaintext' as const, take: (pid: number, file: string) => run([gcore, '-o', file, String(pid)]) }]),
  ];
}

/** What can be written of a process, all of it. */
const readMemory = `const fs = require('node:fs');
const [pid, file] = process.argv.slice(1);
const memory = fs.openSync('/proc/' + pid + '/mem');
for (const line of fs.readFileSync('/proc/' + pid + '/maps', 'utf8').split('\\n')) {
  const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
  if (from === undefined) continue;
  const piece = Buffer.alloc(65536);
  for (let at = parseInt(from, 16); at < parseInt(to, 16); at += piece.length) {
    try { fs.appendFileSync(file, piece.subarray(0, fs.readSync(memory, piece, 0, Math.min(piece.length, parseInt(to, 16) - at), at))); } catch {}
  }
}`;

/** A file that a way has made, whatever it has added to the name. */
function taken(folder: string, take: (file: string) => void): Buffer | null {
  const before = new Set(readdirSync(folder));
  take(join(folder, `look-${before.size}`));
  const made = readdirSync(folder).find((name) => !before.has(name));
  return made === undefined ? null : readFileSync(join(folder, made));
}

async function coreAtEnd(child: ChildProcess, folder: string): Promise<Buffer | null> {
  spawnSync('prlimit', [`--pid=${child.pid}`, '--core=unlimited']);
  const gone = once(child, 'exit');
  child.kill('SIGABRT');
  await gone;
  const name = ['core', `core.${child.pid}`].find((one) => existsSync(join(folder, one)));
  return name === undefined ? null : readFileSync(join(folder, name));
}
