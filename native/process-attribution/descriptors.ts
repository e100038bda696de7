// The descriptors of a process and what they are, as links (`socket:[4711]`). Linux only. Not for whose they are (holder.ts).
import { readdirSync } from 'node:fs';
import { failureOf, readLink, readProcText, type ReadFailure } from '../procfs/read.ts';

/** Descriptors of a process, newest first: the kernel lists them in rising order, and the newest socket usually has the highest number. */
export function descriptorsOf(pid: number): string[] | ReadFailure {
  try {
    return readdirSync(`/proc/${pid}/${byInfo() ? 'fdinfo' : 'fd'}`).toReversed();
  } catch (error) {
    return failureOf(error);
  }
}

/** What a descriptor is, null when it is closed or not shown; of an account that reads fdinfo, sockets alone. */
export function linkOf(pid: number, fd: string): string | null {
  return byInfo() ? socketOf(pid, fd) : readLink(`/proc/${pid}/fd/${fd}`);
}

let useInfo: boolean | null = null;
let socketMount: string | null = null;

/**
 * The folder of links opens to root, the process's own user and CAP_DAC_READ_SEARCH alone; fdinfo to CAP_SYS_PTRACE too (Linux 5.14), which
 * is all that the service's account has (decision 25).
 */
function byInfo(): boolean {
  if (useInfo === null) {
    const status = readProcText('/proc/self/status');
    const bits = BigInt(`0x${typeof status === 'string' ? '0' : /^CapEff:\s*([0-9a-f]+)/m.exec(status.text)?.[1] ?? '0'}`);
    const has = (capability: bigint): boolean => (bits & (1n << capability)) !== 0n;
    // CAP_DAC_OVERRIDE 1, CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19 (capabilities(7))
    useInfo = has(19n) && !has(1n) && !has(2n);
  }
  return useInfo;
}

/** A file may have the same inode number as a socket: the mount, which all sockets share, tells them apart. */
function socketOf(pid: number, fd: string): string | null {
  socketMount ??= mountOfOwnSocket();
  const [mount, inode] = infoOf(pid, fd);
  return mount !== null && mount === socketMount && inode !== null ? `socket:[${inode}]` : null;
}

function infoOf(pid: number | 'self', fd: string): readonly [mount: string | null, inode: string | null] {
  const read = readProcText(`/proc/${pid}/fdinfo/${fd}`);
  if (typeof read === 'string') return [null, null];
  return [/^mnt_id:\s*(\d+)$/m.exec(read.text)?.[1] ?? null, /^ino:\s*(\d+)$/m.exec(read.text)?.[1] ?? null];
}

function mountOfOwnSocket(): string | null {
  const own = readdirSync('/proc/self/fd').find((fd) => readLink(`/proc/self/fd/${fd}`)?.startsWith('socket:') === true);
  return own === undefined ? null : infoOf('self', own)[0];
}
