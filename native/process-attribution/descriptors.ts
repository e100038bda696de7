// The descriptors of a process and what they are, as links (`socket:[4711]`). Linux only. Not for whose they are (holder.ts).
// A user may give a process half a million of them: they are listed in parts and looked through within a time.
import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import koffi from 'koffi';
import { failureOf, readLink, readProcText, type ReadFailure } from '../procfs/read.ts';

/** Some descriptors of a process in rising order: the newest socket usually has the highest number. `next`: where the following ones begin, null = these are the last. */
export type DescriptorPart = { readonly list: string[]; readonly next: number | null };

/** The usual limit of a process: an ordinary one is listed at once, in 0.4 ms at most. */
const partLimit = 1_024;

/** Descriptors of a process from a place on (0, or `next` of the part before): `limit` where there are as many, or up to 1,365 more. */
export function descriptorsOf(pid: number, from = 0, limit = partLimit): DescriptorPart | ReadFailure {
  try {
    listBy ??= loadListing() ?? ((path) => ({ list: readdirSync(path), next: null }));
    return listBy(`/proc/${pid}/${byInfo() ? 'fdinfo' : 'fd'}`, from, limit);
  } catch (error) {
    return failureOf(error);
  }
}

/** A look through one part, the newest first, that may be interrupted: `list` holds what was not looked at yet. */
export type Walk = DescriptorPart & { readonly pid: number };

/** Begins at a place, 0 or the `next` of the walk before. */
export function beginWalk(pid: number, from: number): Walk | ReadFailure {
  const part = descriptorsOf(pid, from);
  return typeof part === 'string' ? part : { pid, ...part };
}

/** The next descriptor whose link is among the wanted ones; null when none is left, or when the time (`performance.now()`) is over. */
export function goOn(walk: Walk, wanted: Wanted, until: number): { readonly fd: string; readonly link: string } | null {
  while (performance.now() < until) {
    const fd = walk.list.pop();
    if (fd === undefined) return null;
    const link = linkOf(walk.pid, fd);
    if (link !== null && wanted.has(link)) return { fd, link };
  }
  return null;
}

/** First descriptor of a process whose link is among the wanted ones; null when there is none, or none was found in time. */
export function findDescriptor(pid: number, wanted: Wanted, until: number): { readonly fd: string; readonly link: string } | ReadFailure | null {
  for (let from: number | null = 0; from !== null && performance.now() < until;) {
    const walk = beginWalk(pid, from);
    if (typeof walk === 'string') return walk;
    const found = goOn(walk, wanted, until);
    if (found !== null) return found;
    from = walk.next;
  }
  return null;
}

type Wanted = { has(link: string): boolean };

/** What a descriptor is, null when it is closed or not shown; of an account that reads fdinfo, sockets alone. */
export function linkOf(pid: number, fd: string): string | null {
  return byInfo() ? socketOf(pid, fd) : readLink(`/proc/${pid}/fd/${fd}`);
}

type Listing = (path: string, from: number, limit: number) => DescriptorPart;
let listBy: Listing | null = null;

/** getdents64(2), which the C library of older systems does not have by name; of other architectures than the shipped ones null. */
const callNumbers: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 217, arm64: 61 };

/** By system calls, as Node lists a folder only as a whole: sorted by name, and in 50 ms where there are 20,000. */
function loadListing(): Listing | null {
  const number = callNumbers[process.arch];
  if (number === undefined) return null;
  try {
    const self = koffi.load(null);
    const syscall = self.func('long syscall(long, int, void *, size_t)');
    const lseek = self.func('long lseek(int, long, int)');
    const entries = Buffer.alloc(32_768); // of 24 bytes at least: 1,365
    return (path, from, limit) => {
      const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        if (from > 0) lseek(folder, from, 0);
        const list: string[] = [];
        for (;;) {
          const length = Number(syscall(number, folder, entries, entries.length));
          if (length <= 0) return { list, next: null };
          const next = readEntries(entries.subarray(0, length), list);
          if (list.length >= limit) return { list, next };
        }
      } finally {
        closeSync(folder);
      }
    };
  } catch {
    return null;
  }
}

/** Adds the names of `struct linux_dirent64` (inode 8, offset 8, length 2, type 1, name) to the list; answers where the next one begins. */
function readEntries(entries: Buffer, list: string[]): number {
  let next = 0;
  for (let at = 0; at < entries.length;) {
    next = Number(entries.readBigInt64LE(at + 8));
    const name = entries.toString('latin1', at + 19, entries.indexOf(0, at + 19));
    if (!name.startsWith('.')) list.push(name);
    at += entries.readUInt16LE(at + 16);
  }
  return next;
}

let useInfo: boolean | null = null;
let socketMount: string | null = null;

/**
 * The folder of links opens to root, the process's own user and CAP_DAC_READ_SEARCH alone; fdinfo to CAP_SYS_PTRACE too (Linux 5.14), which
 * is all that the service's account has.
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
