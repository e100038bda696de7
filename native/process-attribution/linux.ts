// Attribution on Linux: socket inode and uid by netlink (or /proc/net), then the process by /proc/PID/fd.
// Recently seen processes first, then a scan of 2 ms, then one shared sweep in slices that never blocks the event loop for long.
import { readdirSync, statSync } from 'node:fs';
import type { Owner } from '../../electron/core/model.ts';
import { bootedAtOf } from '../procfs/parse.ts';
import { createUserNames, readProcText, watchStat } from '../procfs/read.ts';
import { createCgroupPaths } from './cgroup-paths.ts';
import { beginWalk, findDescriptor, goOn } from './descriptors.ts';
import type { Walk } from './descriptors.ts';
import { guessHolds, holdsAt, isUnchanged, newestHolds, noteFreed, noteHit, noteOpen, readHolder, seenHolds, unseenHolds } from './holder.ts';
import type { Holder } from './holder.ts';
import type { ProcessAttribution } from './index.ts';
import { sandboxOf } from './sandbox.ts';
import { openSockDiag } from './sock-diag.ts';
import type { DiagAnswer, SockDiag } from './sock-diag.ts';
import { findConnectionRow, findListenerRow, reversed, tupleOf } from './tuple.ts';
import type { Connection, SocketRow, Tuple } from './tuple.ts';

const recentLimit = 32;
/** Open connections whose descriptors are remembered, for speed alone. */
const openLimit = 4_096;
/** Longest synchronous scan of one look-up; a same-uid process among 2000 is found within it when it is new (measured 2.3 ms). */
const quickScanMs = 2;
/** Slice of the shared sweep between two turns of the event loop. */
const sliceMs = 2;

/** The same for known processes alone while a sweep runs: a burst of connections, each with a whole look-up, would add up to a hang. */
const briefMs = 0.5;
/** Longest climb to the process that forked first: a chain of forks may be as long as its user likes. */
const climbMs = 5;

/** How a known process is asked whether it holds a socket: each way is tried on all of them before the next, dearer one. */
const briefTries = [newestHolds, guessHolds];
const tries = [...briefTries, unseenHolds, seenHolds];

type Wanted = {
  readonly row: SocketRow;
  readonly tuple: Tuple;
  readonly until: number;
  readonly settle: (owner: Owner) => void;
};

type Sweep = {
  /** Links wanted when it started: given up when its list has ended. */
  readonly asked: ReadonlySet<string>;
  /** Next pid last. */
  list: number[];
  /** Under way through a part of one process's descriptors. */
  walk: Walk | null;
  /** Where to go on in processes that have more than one part: they go behind the others, or one of them could keep all waiting. */
  readonly places: Map<number, number>;
  /** Pids left for the second half, in order. */
  readonly others: number[];
  sameUid: boolean;
};

/** Linux attribution; `openDiag` and `pids` are replaced in tests to prove the fallback and the sweep. */
export function createLinuxAttribution(
  openDiag: () => SockDiag | null = openSockDiag,
  pids: () => readonly number[] = listPids,
): ProcessAttribution {
  const diag = openDiag();
  const users = createUserNames();
  const cgroups = createCgroupPaths();
  const bootedAt = readBootedAt();
  const ownUid = process.geteuid?.() ?? 0;
  /** Uids whose descriptors we may not read, so that their connections cost no scan. Never our own: single programs of ours can be closed too. */
  const deniedUids = new Set<number>();
  /** Most recent last. */
  const recent = new Map<number, Holder>();
  /** Descriptors of open connections, by the client's port: once closed the lowest is what the client's next socket gets. */
  const open = new Map<number, { readonly pid: number; readonly fd: string }>();
  const wanted = new Map<string, Wanted>();
  let sweeping = false;
  let closed = false;

  return {
    ownerOf(connection, deadlineMs) {
      const tuple = tupleOf(connection);
      if (closed || tuple === null) return unknown('gone', null);
      const row = askKernel(diag, tuple);
      if (row.kind !== 'socket' || !isStillOurs(diag, tuple, connection)) return unknown('gone', null);
      const known = fromRecent(row, connection.clientPort);
      if (known !== null) return known;
      if (deniedUids.has(row.uid)) return unknown('denied', row);
      // While a sweep runs its list is the queue: a burst from one unknown process must not pay one quick scan for each connection.
      if (!sweeping) {
        const quick = quickScan(row);
        if (quick !== null) return quick;
      }
      return later(row, tuple, deadlineMs);
    },
    listenerOf(port) {
      const row = findListenerRow(readTables().join('\n'), port);
      if (row === null) return unknown('gone', null);
      const until = performance.now() + 500;
      return scan(row, pids(), until) ?? unknown(performance.now() < until ? 'denied' : 'late', row);
    },
    isHeld(connection) {
      const tuple = tupleOf(connection);
      if (closed || tuple === null) return 'unknown';
      if (diag !== null && connection.descriptor !== null && !diag.isConnected(connection.descriptor)) return 'nobody';
      const end = askKernel(diag, tuple).kind;
      if (end === 'socket') return 'held';
      if (end === 'orphan') return 'nobody';
      // Not there at all: gone if it must have been here, which loopback promises; another namespace's socket was never to be seen.
      return isLoopback(tuple.clientAddress) && askKernel(diag, reversed(tuple)).kind === 'socket' ? 'nobody' : 'unknown';
    },
    released(clientPort) {
      const was = open.get(clientPort);
      if (was === undefined) return;
      open.delete(clientPort);
      const holder = recent.get(was.pid);
      if (holder !== undefined) noteFreed(holder, was.fd, clientPort);
    },
    close() {
      closed = true;
      diag?.close();
      for (const entry of wanted.values()) entry.settle(unknown('late', entry.row));
      wanted.clear();
      for (const pid of recent.keys()) forget(pid);
    },
  };

  function fromRecent(row: SocketRow, clientPort: number): Owner | null {
    const link = linkOf(row);
    const candidates = [...recent.values()].toReversed().filter((holder) => holder.uid === row.uid);
    const until = performance.now() + (sweeping ? briefMs : quickScanMs);
    for (const holds of sweeping ? briefTries : tries) {
      for (const holder of candidates) {
        if (holds(holder, link, until)) {
          rememberOpen(clientPort, holder);
          const answer = holder.newest === null ? null : answerFor(holder.pid, row, holder.newest);
          if (answer !== null) return answer;
        }
        if (performance.now() > until) return null;
      }
    }
    return null;
  }

  function rememberOpen(clientPort: number, holder: Holder): void {
    if (holder.newest === null) return;
    noteOpen(holder, clientPort);
    open.delete(clientPort);
    open.set(clientPort, { pid: holder.pid, fd: holder.newest });
    if (open.size > openLimit) open.delete(open.keys().next().value as number);
  }

  function quickScan(row: SocketRow): Owner | null {
    const until = performance.now() + quickScanMs;
    return scan(row, pids(), until);
  }

  /** Newest processes of the socket's uid, until the time is over. */
  function scan(row: SocketRow, list: readonly number[], until: number): Owner | null {
    const link = linkOf(row);
    const one = { has: (candidate: string) => candidate === link };
    for (const pid of list) {
      if (performance.now() > until) return null;
      if (uidOf(pid) !== row.uid) continue;
      const found = findDescriptor(pid, one, until);
      if (found === 'denied' && row.uid !== ownUid) deniedUids.add(row.uid);
      if (found === null || typeof found === 'string') continue;
      const answer = answerFor(pid, row, found.fd);
      if (answer !== null) return answer;
    }
    return deniedUids.has(row.uid) ? unknown('denied', row) : null;
  }

  function later(row: SocketRow, tuple: Tuple, deadlineMs: number): Promise<Owner> {
    return new Promise((resolve) => {
      const link = linkOf(row);
      const before = wanted.get(link);
      const until = performance.now() + deadlineMs;
      const timer = setTimeout(() => {
        if (wanted.get(link) === entry) wanted.delete(link);
        settle(unknown('late', row));
      }, deadlineMs);
      const settle = (owner: Owner): void => {
        clearTimeout(timer);
        before?.settle(owner);
        resolve(owner);
      };
      const entry = { row, tuple, until, settle };
      wanted.set(link, entry);
      if (!sweeping) {
        sweeping = true;
        setImmediate(startSweep);
      }
    });
  }

  function startSweep(): void {
    sweep({ asked: new Set(wanted.keys()), list: [...pids()].toReversed(), walk: null, places: new Map(), others: [], sameUid: true });
  }

  /** One slice of the shared sweep: first the processes of the wanted uids, then (setuid programs, passed descriptors) all others. */
  function sweep(state: Sweep): void {
    const sliceEnd = performance.now() + sliceMs;
    while (wanted.size > 0 && performance.now() < sliceEnd) {
      if (state.walk === null) {
        if (!walkNext(state)) break;
        continue;
      }
      const { walk } = state;
      const found = goOn(walk, wanted, sliceEnd);
      const entry = found === null ? undefined : wanted.get(found.link);
      const answer = found === null || entry === undefined ? null : answerFor(walk.pid, entry.row, found.fd);
      if (found !== null && entry !== undefined && answer !== null) {
        wanted.delete(found.link);
        entry.settle(answer);
      }
      if (walk.list.length > 0) continue;
      state.walk = null;
      if (walk.next === null) continue;
      state.places.set(walk.pid, walk.next);
      state.list.unshift(walk.pid);
    }
    const ended = state.walk === null && state.list.length === 0 && !state.sameUid;
    if (ended) giveUp(state.asked);
    if (wanted.size === 0) sweeping = false;
    else setImmediate(() => (ended ? startSweep() : sweep(state)));
  }

  /** Takes the next process up, if it is of interest; false when there is none left. */
  function walkNext(state: Sweep): boolean {
    const pid = state.list.pop();
    if (pid === undefined) {
      if (!state.sameUid) return false;
      state.sameUid = false;
      state.list = state.others.toReversed();
    } else if (state.sameUid && !isWantedUid(uidOf(pid))) {
      state.others.push(pid);
    } else {
      const walk = beginWalk(pid, state.places.get(pid) ?? 0);
      state.walk = typeof walk === 'string' ? null : walk;
    }
    return true;
  }

  function isWantedUid(uid: number | null): boolean {
    for (const entry of wanted.values()) if (entry.row.uid === uid) return true;
    return false;
  }

  function giveUp(asked: ReadonlySet<string>): void {
    for (const link of asked) {
      const entry = wanted.get(link);
      if (entry === undefined) continue;
      wanted.delete(link);
      const still = closed ? null : askKernel(diag, entry.tuple);
      // A socket that is there but whose holder cannot be seen belongs to another user, a protected process or another pid namespace.
      const there = still?.kind === 'socket' && still.inode === entry.row.inode;
      entry.settle(unknown(there ? 'denied' : 'gone', entry.row));
    }
  }

  /**
   * Owner for a process that holds the socket at this descriptor; climbs to the oldest fork that holds it too, at the same number as forks do.
   * Each on the way holds it and runs the same program with the same arguments, so where time ends the climb its place is right as well.
   * Null when it changed under our hands.
   */
  function answerFor(pid: number, row: SocketRow, fd: string): Owner | null {
    let holder = holderOf(pid, row.uid);
    if (holder === null) return null;
    if (holder.newest !== fd) noteHit(holder, fd);
    const link = linkOf(row);
    for (const until = performance.now() + climbMs; holder.twinParent !== null && performance.now() < until;) {
      const parent: Holder | null = holderOf(holder.twinParent, row.uid);
      if (parent === null || !holdsAt(parent, fd, link)) break;
      holder = parent;
    }
    recent.delete(holder.pid);
    recent.set(holder.pid, holder);
    holder.stat ??= watchStat(holder.pid);
    for (const oldest of recent.keys()) {
      if (recent.size <= recentLimit) break;
      forget(oldest);
    }
    return holder.owner;
  }

  function unknown(why: 'gone' | 'late' | 'denied', row: SocketRow | null): Owner {
    const cgroup = row === null || row.cgroup === null ? null : cgroups.pathOf(row.cgroup);
    return { kind: 'unknown', why, uid: row?.uid ?? null, sandbox: cgroup === null ? null : sandboxOf([cgroup]) };
  }

  function forget(pid: number): void {
    recent.get(pid)?.stat?.close();
    recent.delete(pid);
  }

  function holderOf(pid: number, uid: number): Holder | null {
    const known = recent.get(pid);
    if (known !== undefined && known.uid === uid && isUnchanged(known)) return known;
    forget(pid);
    const read = readHolder(pid, uid, users.of(uid)?.name ?? null, bootedAt);
    return typeof read === 'string' ? null : read;
  }
}

/** All pids, the highest first: the newest, but for a wrap-around, which costs time and no correctness. */
function listPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => b - a);
}

function askKernel(diag: SockDiag | null, tuple: Tuple): DiagAnswer {
  const answer = diag?.query(tuple) ?? { kind: 'failed' };
  if (answer.kind !== 'failed') return answer;
  const row = readTables().map((table) => findConnectionRow(table, tuple)).find((found) => found !== null) ?? null;
  return row === null ? { kind: 'none' } : row.inode === 0 ? { kind: 'orphan' } : { kind: 'socket', ...row };
}

/**
 * A client may reset its connection and another may take its port before we ask: then the tuple is another connection's, whose end on
 * our side has another inode, or none as long as nobody has accepted it.
 */
function isStillOurs(diag: SockDiag | null, tuple: Tuple, connection: Connection): boolean {
  // As long as our end has a peer, the kernel gives its addresses and ports to nobody else.
  if (diag !== null && connection.descriptor !== null) return diag.isConnected(connection.descriptor);
  return askKernel(diag, reversed(tuple)).kind === 'socket';
}

function isLoopback(address: Uint8Array): boolean {
  return address.length === 4 ? address[0] === 127 : address.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

function readTables(): string[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].map(readProcText).flatMap((read) => (typeof read === 'string' ? [] : [read.text]));
}

function readBootedAt(): number {
  const [stat = '', uptime = ''] = ['/proc/stat', '/proc/uptime'].map(readProcText).map((read) => (typeof read === 'string' ? '' : read.text));
  return bootedAtOf(stat, uptime, Date.now());
}

function uidOf(pid: number): number | null {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null;
}

function linkOf(row: SocketRow): string {
  return `socket:[${row.inode}]`;
}
