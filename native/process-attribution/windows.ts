// Attribution on Windows: the TCP tables name a pid, the process is then asked for its file, start, arguments and user.
// Not for reading the answers (windows-tables.ts). Tested against a fake of windows-api.ts; not yet run on Windows itself.
import path from 'node:path';
import type { Owner } from '../../electron/core/model.ts';
import type { ProcessAttribution } from './index.ts';
import { reversed, tupleOf } from './tuple.ts';
import type { Tuple } from './tuple.ts';
import { families, fileTimeMs, findListenerPid, findPid, sidText, splitCommandLine, unicodeString } from './windows-tables.ts';
import type { Family } from './windows-tables.ts';
import type { WindowsApi } from './windows-api.ts';

type ProcessOwner = Extract<Owner, { kind: 'process' }>;
type Known = { readonly startedAt: number; readonly owner: ProcessOwner };

const tableWithOwners = 5;
const tooSmall = 122;
/** PROCESS_QUERY_LIMITED_INFORMATION: given across users where PROCESS_QUERY_INFORMATION is not. */
const queryLimited = 0x1000;
const tokenQuery = 0x8;
const basicInformation = 0;
/** Windows 8.1 and later. */
const commandLineInformation = 60;
const recentLimit = 64;
const parentLimit = 4;
const nameRoom = 32_768;

/** Windows attribution over the calls; `now` in ms since the epoch, `ownPid` this process. The table comes in about 1 ms, a new process costs about as much. */
export function createWindowsAttribution(api: WindowsApi, now: () => number = Date.now, ownPid = process.pid): ProcessAttribution {
  const tables: Record<Family, Buffer> = { 4: Buffer.alloc(128 * 1024), 6: Buffer.alloc(128 * 1024) };
  const room = Buffer.alloc(nameRoom * 2);
  /** Most recent last. */
  const recent = new Map<number, Known>();
  const userBySid = new Map<string, string | null>();
  let closed = false;

  return {
    ownerOf(connection, deadlineMs) {
      const tuple = tupleOf(connection);
      if (closed || tuple === null) return unknown('gone');
      const until = performance.now() + deadlineMs;
      const search = (): number | null => pidIn((table, family) => findPid(table, family, tuple));
      const pid = search();
      if (pid === null || pid === 0) return unknown('gone');
      if (performance.now() > until) return unknown('late');
      const owner = readProcess(pid, now());
      // Without an owner: closed meanwhile, or a process that Windows does not let us open.
      return owner ?? unknown(search() === pid ? 'denied' : 'gone');
    },
    isHeld(connection) {
      const tuple = tupleOf(connection);
      const [ipv4, ipv6] = [readTable(4), readTable(6)];
      if (closed || tuple === null || ipv4 === null || ipv6 === null) return 'unknown';
      const pidAt = (end: Tuple): number => findPid(ipv4, 4, end) ?? findPid(ipv6, 6, end) ?? 0;
      // Tables that do not show our own end are not understood.
      if (pidAt(reversed(tuple)) !== ownPid) return 'unknown';
      return pidAt(tuple) === 0 ? 'nobody' : 'held';
    },
    released: () => undefined,
    listenerOf(port) {
      const pid = pidIn((table, family) => findListenerPid(table, family, port));
      return pid === null ? unknown('gone') : readProcess(pid, now()) ?? unknown('denied');
    },
    close() {
      closed = true;
      recent.clear();
    },
  };

  /** IPv6 second: dual-stack clients stand there under mapped addresses. */
  function pidIn(find: (table: Buffer, family: Family) => number | null): number | null {
    for (const family of [4, 6] as const) {
      const table = readTable(family);
      const pid = table === null ? null : find(table, family);
      if (pid !== null) return pid;
    }
    return null;
  }

  function readTable(family: Family): Buffer | null {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const size: [number] = [tables[family].length];
      const answer = api.GetExtendedTcpTable(tables[family], size, 0, families[family], tableWithOwners, 0);
      if (answer === 0) return tables[family].subarray(0, size[0]);
      if (answer !== tooSmall) return null;
      tables[family] = Buffer.alloc(size[0] + 32 * 1024); // more may come in between
    }
    return null;
  }

  /** The process with this pid, if it was there when the table was read. */
  function readProcess(pid: number, seenAt: number): ProcessOwner | null {
    return withProcess(pid, (process) => {
      const startedAt = startOf(process);
      if (startedAt === null || startedAt > seenAt) return null; // the number has been given to another
      const known = recent.get(pid);
      recent.delete(pid);
      if (known?.startedAt === startedAt) {
        recent.set(pid, known);
        return known.owner;
      }
      const image = imageOf(process);
      if (image === null) return null;
      const owner: ProcessOwner = {
        kind: 'process', pid, uid: null, user: userOf(process), startedAt, path: image, commandLine: argumentsOf(process),
        parents: parentsOf(process, startedAt), sandbox: null,
      };
      recent.set(pid, { startedAt, owner });
      for (const oldest of recent.keys()) {
        if (recent.size <= recentLimit) break;
        recent.delete(oldest);
      }
      return owner;
    });
  }

  function withProcess<Value>(pid: number, use: (process: number) => Value): Value | null {
    const process = api.OpenProcess(queryLimited, 0, pid);
    if (process === 0) return null;
    try {
      return use(process);
    } finally {
      api.CloseHandle(process);
    }
  }

  function startOf(process: number): number | null {
    const [created, exited, kernel, user] = [Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8)];
    return api.GetProcessTimes(process, created, exited, kernel, user) === 0 ? null : fileTimeMs(created);
  }

  function imageOf(process: number): string | null {
    const size: [number] = [nameRoom];
    return api.QueryFullProcessImageNameW(process, 0, room, size) === 0 ? null : room.toString('utf16le', 0, size[0] * 2);
  }

  function argumentsOf(process: number): readonly string[] {
    const written: [number] = [0];
    if (api.NtQueryInformationProcess(process, commandLineInformation, room, room.length, written) < 0) return [];
    return splitCommandLine(unicodeString(room.subarray(0, written[0])) ?? '');
  }

  /** A parent started before its child; a later process only has the dead parent's number. */
  function parentsOf(process: number, startedAt: number): string[] {
    const names: string[] = [];
    let [pid, before] = [parentPid(process), startedAt];
    while (pid !== 0 && names.length < parentLimit) {
      const parent = withProcess(pid, (handle) => ({ start: startOf(handle), image: imageOf(handle), next: parentPid(handle) }));
      if (parent === null || parent.image === null || parent.start === null || parent.start > before) break;
      names.push(path.win32.basename(parent.image));
      [pid, before] = [parent.next, parent.start];
    }
    return names;
  }

  /** PROCESS_BASIC_INFORMATION: 48 bytes, InheritedFromUniqueProcessId is the last field. */
  function parentPid(process: number): number {
    const answer = Buffer.alloc(48);
    return api.NtQueryInformationProcess(process, basicInformation, answer, answer.length, [0]) < 0 ? 0 : answer.readUInt32LE(40);
  }

  /** `DOMAIN\name`, or the SID where the name cannot be looked up; null when the token is closed to us. */
  function userOf(process: number): string | null {
    const token: [number] = [0];
    if (api.OpenProcessToken(process, tokenQuery, token) === 0) return null;
    try {
      const answer = Buffer.alloc(256);
      const written: [number] = [0];
      if (api.GetTokenInformation(token[0], 1, answer, answer.length, written) === 0) return null;
      const sid = answer.subarray(16, written[0]); // TOKEN_USER: pointer and attributes, then the SID itself
      const text = sidText(sid);
      if (text === null) return null;
      const known = userBySid.get(text) ?? accountOf(sid) ?? text;
      userBySid.set(text, known);
      return known;
    } finally {
      api.CloseHandle(token[0]);
    }
  }

  function accountOf(sid: Buffer): string | null {
    const [name, domain] = [Buffer.alloc(512), Buffer.alloc(512)];
    const [nameSize, domainSize]: [[number], [number]] = [[256], [256]];
    if (api.LookupAccountSidW(null, sid, name, nameSize, domain, domainSize, [0]) === 0) return null;
    return `${domain.toString('utf16le', 0, domainSize[0] * 2)}\\${name.toString('utf16le', 0, nameSize[0] * 2)}`;
  }
}

function unknown(why: 'gone' | 'late' | 'denied'): Owner {
  return { kind: 'unknown', why, uid: null, sandbox: null };
}
