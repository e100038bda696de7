// One process as a holder of sockets: which descriptor has an inode, and the facts that become an Owner. Linux only.
// Not for choosing which processes to look at: linux.ts does that.
import type { Owner, Sandbox } from '../../electron/core/model.ts';
import { parseCgroups, startedAtOf, withoutDeletedMark } from '../procfs/parse.ts';
import { readCommandLine, readLink, readProcText, readStat } from '../procfs/read.ts';
import type { ReadFailure, StatWatch } from '../procfs/read.ts';
import { descriptorsOf, linkOf } from './descriptors.ts';
import { sandboxOf } from './sandbox.ts';

type ProcessOwner = Extract<Owner, { kind: 'process' }>;

/** A process that was seen holding one of our clients' sockets. */
export type Holder = {
  readonly pid: number;
  readonly startTicks: string;
  readonly imageMarks: string;
  /** Uid of the sockets it was found by. */
  readonly uid: number;
  readonly owner: ProcessOwner;
  /** Parent with the same executable and arguments, so a fork without exec: it may hold the same socket; null when there is none. */
  readonly twinParent: number | null;
  /** Opened by whoever remembers the holder, who also closes it; while null its stat is looked up by number. */
  stat: StatWatch | null;
  /** The descriptor of the last hit. */
  newest: string | null;
  /** Descriptors of client sockets that were closed, in that order: a busy client's next socket gets the one that was closed just before it. */
  readonly freed: string[];
  /** Descriptors that once held a client socket, with its port; oldest hit first: in a busy client the oldest is the likeliest to be reused. */
  readonly hits: Map<string, number | null>;
  /** What descriptors were found to be while others were looked for, newest last: the next one looked for may be among them. */
  readonly seen: Map<string, string>;
  /** Descriptors seen that never did. */
  readonly others: Set<string>;
};

/** Reads what makes an Owner; `denied` or `gone` when /proc does not show it. */
export function readHolder(pid: number, uid: number, user: string | null, bootedAt: number): Holder | ReadFailure {
  const stat = readStat(pid);
  if (stat === null) return 'gone';
  const link = readLink(`/proc/${pid}/exe`);
  if (link === null) return readStat(pid) === null ? 'gone' : 'denied';
  const argv = readCommandLine(pid);
  const path = withoutDeletedMark(link);
  const commandLine = isBrowserHelper(argv) ? mainCommandLine(stat.ppid, link, argv) : argv;
  const parents = parentsFrom(stat.ppid);
  const sandbox = sandboxOfProcess(pid);
  // The pid may have been given to another process while we read.
  if (readStat(pid)?.startTicks !== stat.startTicks) return 'gone';
  return {
    pid, uid, startTicks: stat.startTicks, imageMarks: stat.imageMarks,
    owner: { kind: 'process', pid, uid, user, startedAt: startedAtOf(stat.startTicks, bootedAt), path, commandLine, parents, sandbox },
    twinParent: isTwin(stat.ppid, link, argv) ? stat.ppid : null, stat: null,
    newest: null, freed: [], hits: new Map(), seen: new Map(), others: new Set(),
  };
}

/** Same pid, same start, same program image: what was read about it still holds. */
export function isUnchanged(holder: Holder): boolean {
  const stat = holder.stat === null ? readStat(holder.pid) : holder.stat.read();
  return stat !== null && stat.startTicks === holder.startTicks && stat.imageMarks === holder.imageMarks;
}

/** A link is read in some 4 µs, a whole scan of a client with 64 sockets takes 300. */
const guesses = 12;
const freedTries = 3;
const freedLimit = 64;
const seenLimit = 64;

/** Notes which client's socket the last hit was. */
export function noteOpen(holder: Holder, clientPort: number): void {
  if (holder.newest !== null) holder.hits.set(holder.newest, clientPort);
}

/** Notes that a client socket was closed, unless its descriptor has another by now. */
export function noteFreed(holder: Holder, fd: string, clientPort: number): void {
  if (holder.hits.get(fd) !== clientPort) return;
  holder.freed.push(fd);
  if (holder.freed.length > freedLimit) holder.freed.shift();
}

/** Quickest try: where it was just seen, the descriptors that were freed first, or the one after the last hit, as in a pool that grows. */
export function newestHolds(holder: Holder, link: string): boolean {
  const place = holder.seen.get(link);
  if (place !== undefined && holdsAt(holder, place, link)) return true;
  // Each is asked once: what it is now `seen` knows.
  for (let tried = 0; tried < freedTries && holder.freed.length > 0; tried += 1) {
    if (holdsAt(holder, holder.freed.shift() ?? '', link)) return true;
  }
  return holder.newest !== null && holdsAt(holder, String(Number(holder.newest) + 1), link);
}

/** Quick try: the descriptors that a busy client most likely gave its newest socket. */
export function guessHolds(holder: Holder, link: string): boolean {
  let tried = 0;
  for (const fd of holder.hits.keys()) {
    if (holdsAt(holder, fd, link)) return true;
    tried += 1;
    if (tried >= guesses) break;
  }
  return false;
}

/** Descriptors of a known process that are kept in mind; of one that has more, those beyond are for a scan to find. */
const knownLimit = 4_096;

/** Looks through the descriptors of a known process that were never looked at, from the top, until the time is over. */
export function unseenHolds(holder: Holder, link: string, until: number): boolean {
  const part = descriptorsOf(holder.pid, 0, knownLimit);
  if (typeof part === 'string') return false;
  const present = new Set(part.list);
  for (const fd of holder.others) if (!present.has(fd)) holder.others.delete(fd);
  if (part.next === null) for (const fd of holder.hits.keys()) if (!present.has(fd)) holder.hits.delete(fd);
  return firstHolds(holder, part.list.toReversed().filter((fd) => !holder.hits.has(fd) && !holder.others.has(fd)), link, until);
}

/** Looks through the descriptors of a known process that were looked at: old hits, then the rest, until the time is over. */
export function seenHolds(holder: Holder, link: string, until: number): boolean {
  return firstHolds(holder, [...holder.hits.keys(), ...holder.others], link, until);
}

function firstHolds(holder: Holder, list: readonly string[], link: string, until: number): boolean {
  for (const fd of list) {
    if (performance.now() > until) return false;
    if (holdsAt(holder, fd, link)) return true;
    if (!holder.hits.has(fd)) holder.others.add(fd);
  }
  return false;
}

/** Notes which descriptor held the socket, for the next guess. */
export function noteHit(holder: Holder, fd: string): void {
  holder.others.delete(fd);
  holder.hits.delete(fd);
  holder.hits.set(fd, null);
  if (holder.hits.size > knownLimit) holder.hits.delete(holder.hits.keys().next().value ?? '');
  holder.newest = fd;
}

/** Whether the socket is at this descriptor; noted either way. */
export function holdsAt(holder: Holder, fd: string, link: string): boolean {
  const found = linkOf(holder.pid, fd);
  if (found !== link) {
    if (found !== null) noteSeen(holder, found, fd);
    return false;
  }
  noteHit(holder, fd);
  return true;
}

function noteSeen(holder: Holder, link: string, fd: string): void {
  holder.seen.set(link, fd);
  if (holder.seen.size > seenLimit) holder.seen.delete(holder.seen.keys().next().value ?? '');
}

// Chromium's sockets belong to a child with `--type=utility`; programs built on it look alike. Only the main process's arguments tell the app.
function isBrowserHelper(argv: readonly string[]): boolean {
  return argv.some((argument) => argument.startsWith('--type=')) || (argv.length === 1 && / --type=\w/.test(argv[0] ?? ''));
}

function mainCommandLine(parent: number, exeLink: string, own: readonly string[]): readonly string[] {
  let pid = parent;
  for (let depth = 0; depth < 16 && pid > 1; depth += 1) {
    if (readLink(`/proc/${pid}/exe`) !== exeLink) return own;
    const argv = readCommandLine(pid);
    if (argv.length > 0 && !isBrowserHelper(argv)) return argv;
    pid = readStat(pid)?.ppid ?? 0;
  }
  return own;
}

const parentLimit = 4;

function parentsFrom(first: number): string[] {
  const names: string[] = [];
  for (let pid = first; pid > 1 && names.length < parentLimit;) {
    const stat = readStat(pid);
    if (stat === null) break;
    const link = readLink(`/proc/${pid}/exe`);
    // Another user's executable is not shown; the name it gives itself is.
    names.push(link === null ? stat.name : withoutDeletedMark(link.slice(link.lastIndexOf('/') + 1)));
    pid = stat.ppid;
  }
  return names;
}

function sandboxOfProcess(pid: number): Sandbox | null {
  const read = readProcText(`/proc/${pid}/cgroup`);
  return typeof read === 'string' ? null : sandboxOf(parseCgroups(read.text));
}

function isTwin(pid: number, exeLink: string, argv: readonly string[]): boolean {
  if (pid <= 1 || readLink(`/proc/${pid}/exe`) !== exeLink) return false;
  const other = readCommandLine(pid);
  return other.length === argv.length && other.every((argument, index) => argument === argv[index]);
}
