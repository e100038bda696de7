// Attribution on macOS: the TCP list names who used a socket last; libproc then says exactly whether that process, or which, holds it.
// Not for reading the answers (macos-tables.ts). Tested against a fake of macos-api.ts; not yet run on macOS itself.
import type { Owner } from '../../electron/core/model.ts';
import type { ProcessAttribution } from './index.ts';
import { candidatePids, isClientEnd, isListener, readArguments, readProcessFacts, readSocket, socketDescriptors } from './macos-tables.ts';
import type { ProcessFacts, SocketView } from './macos-tables.ts';
import type { MacosApi } from './macos-api.ts';
import { reversed, tupleOf } from './tuple.ts';

type ProcessOwner = Extract<Owner, { kind: 'process' }>;

const allPids = 1;
const listDescriptors = 1;
const bsdInfo = 3;
const socketInfo = 3;
const tcpList = 'net.inet.tcp.pcblist_n';
/** Time for one slice of a scan between two turns of the event loop. */
const sliceMs = 2;
const recentLimit = 64;
const parentLimit = 4;

/** macOS attribution over the calls; `ownPid` is this process. Sockets of other users are seen by root alone; without it their connections are `denied`. */
export function createMacosAttribution(api: MacosApi, ownPid = process.pid): ProcessAttribution {
  let tcp = Buffer.alloc(512 * 1024);
  const descriptors = Buffer.alloc(64 * 1024 * 8);
  const socket = Buffer.alloc(1024);
  const users = new Map<number, string | null>();
  /** Most recent last. */
  const recent = new Map<number, ProcessOwner>();
  let closed = false;

  return {
    ownerOf(connection, deadlineMs) {
      const tuple = tupleOf(connection);
      if (closed || tuple === null) return unknown('gone');
      const until = performance.now() + deadlineMs;
      const matches = (view: SocketView): boolean => isClientEnd(view, tuple);
      const listed = (): boolean => candidatePids(readTcp(), tuple.clientPort, tuple.serverPort).length > 0;
      for (const pid of [...candidatePids(readTcp(), tuple.clientPort, tuple.serverPort), ...[...recent.keys()].toReversed()]) {
        const owner = ownerIf(pid, matches);
        if (owner !== null) return owner;
        if (performance.now() > until) return unknown('late');
      }
      return search(matches, until, listed);
    },
    isHeld(connection) {
      const tuple = tupleOf(connection);
      if (closed || tuple === null) return 'unknown';
      const list = readTcp();
      const own = reversed(tuple);
      // A list that does not show our own end is not understood.
      if (!candidatePids(list, own.clientPort, own.serverPort).includes(ownPid)) return 'unknown';
      const lastUsers = candidatePids(list, tuple.clientPort, tuple.serverPort);
      if (lastUsers.length === 0) return 'nobody';
      // What is listed may be closed all the same; whoever has a descriptor for it holds it.
      return lastUsers.some((pid) => ownerIf(pid, (view) => isClientEnd(view, tuple)) !== null) ? 'held' : 'unknown';
    },
    released: () => undefined,
    listenerOf(port) {
      const matches = (view: SocketView): boolean => isListener(view, port);
      const candidates = candidatePids(readTcp(), port, null);
      const until = performance.now() + 500;
      for (const pid of [...candidates, ...pids()]) {
        const owner = ownerIf(pid, matches);
        if (owner !== null) return owner;
        if (performance.now() > until) break;
      }
      return unknown(candidates.length > 0 ? 'denied' : 'gone');
    },
    close() {
      closed = true;
      recent.clear();
    },
  };

  /** All processes, the newest first, in slices. */
  async function search(matches: (view: SocketView) => boolean, until: number, listed: () => boolean): Promise<Owner> {
    let sliceEnd = performance.now() + sliceMs;
    for (const pid of pids()) {
      const owner = ownerIf(pid, matches);
      if (owner !== null) return owner;
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (closed || performance.now() > until) return unknown('late');
      sliceEnd = performance.now() + sliceMs;
    }
    return unknown(listed() ? 'denied' : 'gone');
  }

  function ownerIf(pid: number, matches: (view: SocketView) => boolean): ProcessOwner | null {
    const before = factsOf(pid);
    if (before === null) return null;
    const length = api.proc_pidinfo(pid, listDescriptors, 0, descriptors, descriptors.length);
    for (const descriptor of socketDescriptors(descriptors.subarray(0, Math.max(0, length)))) {
      const size = api.proc_pidfdinfo(pid, descriptor, socketInfo, socket, socket.length);
      const view = readSocket(socket.subarray(0, Math.max(0, size)));
      if (view !== null && matches(view)) return describe(pid, before);
    }
    return null;
  }

  function describe(pid: number, facts: ProcessFacts): ProcessOwner | null {
    const path = pathOf(pid);
    const commandLine = argumentsOf(pid);
    // The number may have been given to another process while we read.
    if (path === null || factsOf(pid)?.startedAt !== facts.startedAt) return null;
    const known = recent.get(pid);
    recent.delete(pid);
    // An exec() keeps pid and start, but neither file nor arguments.
    const same = known !== undefined && known.startedAt === facts.startedAt && known.path === path && known.commandLine.join('\0') === commandLine.join('\0');
    const owner = same ? known : {
      kind: 'process' as const, pid, uid: facts.uid, user: userOf(facts.uid), startedAt: facts.startedAt, path, commandLine,
      parents: parentsFrom(facts.ppid), sandbox: null,
    };
    recent.set(pid, owner);
    for (const oldest of recent.keys()) {
      if (recent.size <= recentLimit) break;
      recent.delete(oldest);
    }
    return owner;
  }

  function parentsFrom(first: number): string[] {
    const names: string[] = [];
    for (let pid = first; pid > 1 && names.length < parentLimit;) {
      const facts = factsOf(pid);
      if (facts === null) break;
      const path = pathOf(pid);
      names.push(path === null ? facts.name : path.slice(path.lastIndexOf('/') + 1));
      pid = facts.ppid;
    }
    return names;
  }

  function factsOf(pid: number): ProcessFacts | null {
    const answer = Buffer.alloc(136);
    return api.proc_pidinfo(pid, bsdInfo, 0, answer, answer.length) < answer.length ? null : readProcessFacts(answer);
  }

  function pathOf(pid: number): string | null {
    const answer = Buffer.alloc(4096);
    const length = api.proc_pidpath(pid, answer, answer.length);
    return length <= 0 ? null : answer.toString('utf8', 0, length);
  }

  /** CTL_KERN, KERN_PROCARGS2. The kernel's own limit of arguments and environment is 1 MB. */
  function argumentsOf(pid: number): string[] {
    const answer = Buffer.alloc(1024 * 1024);
    const size: [number] = [answer.length];
    return api.sysctl(Int32Array.from([1, 49, pid]), 3, answer, size, null, 0) === 0 ? readArguments(answer.subarray(0, size[0])) : [];
  }

  function userOf(uid: number): string | null {
    const known = users.get(uid);
    if (known !== undefined) return known;
    const name = api.userName(uid);
    users.set(uid, name);
    return name;
  }

  function readTcp(): Buffer {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const size: [number] = [tcp.length];
      if (api.sysctlbyname(tcpList, tcp, size, null, 0) === 0) return tcp.subarray(0, size[0]);
      if (api.sysctlbyname(tcpList, null, size, null, 0) !== 0 || size[0] <= tcp.length) break;
      tcp = Buffer.alloc(size[0] + 64 * 1024); // more may come in between
    }
    return Buffer.alloc(0);
  }

  function pids(): number[] {
    const answer = Buffer.alloc(64 * 1024);
    const length = Math.max(0, api.proc_listpids(allPids, 0, answer, answer.length));
    return Array.from({ length: Math.floor(length / 4) }, (_, index) => answer.readInt32LE(index * 4)).filter((pid) => pid > 0).sort((one, other) => other - one);
  }
}

function unknown(why: 'gone' | 'late' | 'denied'): Owner {
  return { kind: 'unknown', why, uid: null, sandbox: null };
}
