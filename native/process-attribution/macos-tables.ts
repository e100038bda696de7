// Pure readers of what macOS answers: the TCP list, a process's descriptors, a socket, a process's facts and arguments.
// Not for calling macOS (macos-api.ts). Layouts from the headers of xnu (sys/proc_info.h, 64 bit); not yet run on macOS itself.
import type { Tuple } from './tuple.ts';

export type SocketView = {
  readonly local: Uint8Array;
  readonly localPort: number;
  /** 4 bytes, or 16; a mapped address as its four. */
  readonly remote: Uint8Array;
  readonly remotePort: number;
  readonly listening: boolean;
};

/** Who used a socket last, in the answer of net.inet.tcp.pcblist_n: a hint, because a descriptor may have been passed on. */
export function candidatePids(list: Buffer, clientPort: number, serverPort: number | null): number[] {
  const pids = new Set<number>();
  let matches = false;
  // A header of 24 bytes; then each socket is a run of records that begins with its ports. Their sizes differ between releases.
  for (let at = 24; at + 8 <= list.length;) {
    const length = list.readUInt32LE(at);
    if (length < 8) break;
    const kind = list.readUInt32LE(at + 4);
    if (kind === 0x10 && at + 20 <= list.length) {
      matches = list.readUInt16BE(at + 18) === clientPort && (serverPort === null || list.readUInt16BE(at + 16) === serverPort);
    }
    if (kind === 0x01 && matches) {
      // The last user's pid and, since 10.15, the one it acted for.
      for (const field of [68, 72]) {
        const pid = at + field + 4 <= list.length && field + 4 <= length ? list.readInt32LE(at + field) : 0;
        if (pid > 0) pids.add(pid);
      }
    }
    // Not by bits: a length beyond 2^31 would turn into a step of none, and this would never end.
    at += Math.ceil(length / 8) * 8;
  }
  return [...pids];
}

/** Descriptors that are sockets, the highest first: proc_fdinfo is descriptor and kind, 2 = socket. */
export function socketDescriptors(list: Buffer): number[] {
  const descriptors: number[] = [];
  for (let at = 0; at + 8 <= list.length; at += 8) if (list.readUInt32LE(at + 4) === 2) descriptors.push(list.readInt32LE(at));
  return descriptors.sort((one, other) => other - one);
}

/** The TCP socket in a socket_fdinfo (792 bytes); null for other kinds and for cut answers. */
export function readSocket(info: Buffer): SocketView | null {
  if (info.length < 348 || info.readInt32LE(256) !== 2) return null; // soi_kind: SOCKINFO_TCP
  const ipv4 = (info.readUInt8(288) & 1) !== 0; // insi_vflag: INI_IPV4
  return {
    remotePort: info.readUInt16BE(264), localPort: info.readUInt16BE(268),
    remote: address(info.subarray(296, 312), ipv4), local: address(info.subarray(312, 328), ipv4),
    listening: info.readInt32LE(344) === 1, // tcpsi_state: TSI_S_LISTEN
  };
}

/** Is this the client's end of the connection? */
export function isClientEnd(socket: SocketView, tuple: Tuple): boolean {
  return socket.localPort === tuple.clientPort && socket.remotePort === tuple.serverPort
    && Buffer.compare(socket.local, tuple.clientAddress) === 0 && Buffer.compare(socket.remote, tuple.serverAddress) === 0;
}

/** Does the socket listen on the port at a loopback or the unspecified address? */
export function isListener(socket: SocketView, port: number): boolean {
  if (!socket.listening || socket.localPort !== port) return false;
  const { local } = socket;
  return local.every((byte) => byte === 0) || (local.length === 4 ? local[0] === 127 : local[15] === 1 && local.slice(0, 15).every((byte) => byte === 0));
}

export type ProcessFacts = { readonly ppid: number; readonly uid: number; readonly name: string; /** Milliseconds since the epoch. */ readonly startedAt: number };

/** proc_bsdinfo (136 bytes); null when it is cut. */
export function readProcessFacts(info: Buffer): ProcessFacts | null {
  if (info.length < 136) return null;
  const startedAt = Number(info.readBigUInt64LE(120)) * 1000 + Math.floor(Number(info.readBigUInt64LE(128)) / 1000);
  return { ppid: info.readUInt32LE(16), uid: info.readUInt32LE(20), name: cString(info.subarray(48, 64)), startedAt };
}

/** Arguments in the answer of KERN_PROCARGS2: their count, the executable's path, zeros, the arguments, then the environment. */
export function readArguments(answer: Buffer): string[] {
  if (answer.length < 4) return [];
  const count = answer.readInt32LE(0);
  let at = answer.indexOf(0, 4);
  while (at >= 0 && at < answer.length && answer[at] === 0) at += 1;
  const args: string[] = [];
  while (at > 0 && at < answer.length && args.length < count) {
    const end = answer.indexOf(0, at);
    args.push(answer.toString('utf8', at, end < 0 ? answer.length : end));
    at = end < 0 ? answer.length : end + 1;
  }
  return args;
}

/** Working directory in a proc_vnodepathinfo: a vnode_info of 152 bytes, then the path. */
export function readWorkingFolder(info: Buffer): string | null {
  const folder = cString(info.subarray(152, 152 + 1024));
  return folder === '' ? null : folder;
}

function address(bytes: Buffer, ipv4: boolean): Uint8Array {
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return Uint8Array.from(ipv4 || mapped ? bytes.subarray(12) : bytes);
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
