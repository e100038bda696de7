// Small reads of /proc that turn "gone" and "not permitted" into values. Synchronous on purpose: /proc never waits for a disk.
// Not for judging what is read: parse.ts and the callers do that.
import { closeSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import koffi from 'koffi';
import { parseNulList, parsePasswd, parseStat } from './parse.ts';
import type { ProcStat } from './parse.ts';

/** `denied`: another user's process; `gone`: no such process. */
export type ReadFailure = 'denied' | 'gone';

/** Text of a file under /proc, or why not. */
export function readProcText(path: string): { readonly text: string } | ReadFailure {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    return failureOf(error);
  }
}

/** Target of a link under /proc, or null. By the C library where it can be had: the Error that readlinkSync throws for every "no" costs 20 µs. */
export function readLink(path: string): string | null {
  readLinkBy ??= loadReadLink() ?? ((wanted) => {
    try {
      return readlinkSync(wanted);
    } catch {
      return null;
    }
  });
  return readLinkBy(path);
}

let readLinkBy: ((path: string) => string | null) | null = null;

function loadReadLink(): typeof readLinkBy {
  try {
    const readlink = koffi.load(null).func('long readlink(str, void *, size_t)');
    const target = Buffer.alloc(4_096); // PATH_MAX
    return (path) => {
      const length = Number(readlink(path, target, target.length));
      return length < 0 ? null : target.toString('utf8', 0, length);
    };
  } catch {
    return null;
  }
}

/**
 * Start, parent and image of a process; null when it is gone. Read of its first thread, whose figures for these are the process's
 * own: `/proc/PID/stat` itself sums over all threads under a lock, which costs a client with 64 of them dearly.
 */
export function readStat(pid: number): ProcStat | null {
  const read = readProcText(statPath(pid));
  return typeof read === 'string' ? null : parseStat(read.text);
}

/** A process's stat held open: one read says whether it is still the same, and a number given to another process cannot deceive it. */
export type StatWatch = {
  /** Null when the process is gone. */
  read(): ProcStat | null;
  close(): void;
};

const statBuffer = Buffer.alloc(1024);

/** Holds the stat of a process open; costs a descriptor until `close`. Null when it is gone or there are no descriptors left. */
export function watchStat(pid: number): StatWatch | null {
  try {
    const fd = openSync(statPath(pid), 'r');
    return {
      read() {
        try {
          return parseStat(statBuffer.toString('latin1', 0, readSync(fd, statBuffer, 0, statBuffer.length, 0)));
        } catch {
          return null;
        }
      },
      close: () => closeSync(fd),
    };
  } catch {
    return null;
  }
}

function statPath(pid: number): string {
  return `/proc/${pid}/task/${pid}/stat`;
}

/** One argument may have 128 kB (Java's class path does come near that), all of them 6 MB: too much to read while others wait. */
const commandLine = Buffer.alloc(256 * 1024);
const argumentLimit = 4_096;

/** Arguments of a process, the first 256 kB of them; empty when it is gone or a kernel thread. */
export function readCommandLine(pid: number): string[] {
  let fd: number | null = null;
  try {
    fd = openSync(`/proc/${pid}/cmdline`, 'r');
    return parseNulList(commandLine.toString('utf8', 0, readSync(fd, commandLine, 0, commandLine.length, 0)), argumentLimit);
  } catch {
    return [];
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Why a read under /proc failed. */
export function failureOf(error: unknown): ReadFailure {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'gone';
}

/** A view of /etc/passwd that reads the file again only when it has changed. */
export function createUserNames(path = '/etc/passwd'): { of(uid: number): { readonly name: string; readonly home: string } | null } {
  let mark = '';
  let users: ReturnType<typeof parsePasswd> = new Map();
  return {
    of(uid) {
      const stat = statSync(path, { throwIfNoEntry: false });
      const now = stat === undefined ? 'none' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
      if (now !== mark) {
        const read = readProcText(path);
        users = typeof read === 'string' ? new Map() : parsePasswd(read.text);
        mark = now;
      }
      return users.get(uid) ?? null;
    },
  };
}
