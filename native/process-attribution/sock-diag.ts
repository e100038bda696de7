// Asks the Linux kernel for one TCP socket by its exact tuple (netlink sock_diag): owner uid, inode, cgroup in 20 µs, unprivileged.
// Not for finding the process that holds the inode: linux.ts does that.
import koffi from 'koffi';
import type { SocketRow, Tuple } from './tuple.ts';

/**
 * `orphan`: the kernel still has it, no process does; `none`: no such socket (any more); `failed`: netlink did not answer and the caller should
 * read /proc/net instead.
 */
export type DiagAnswer = ({ readonly kind: 'socket' } & SocketRow) | { readonly kind: 'orphan' | 'none' | 'failed' };

/** An open netlink socket; blocks at most 50 ms a query. */
export type SockDiag = {
  query(tuple: Tuple): DiagAnswer;
  /** False once the peer of one of our own sockets has reset it; a microsecond. */
  isConnected(descriptor: number): boolean;
  close(): void;
};

const requestLength = 72;

/** Opens the netlink socket; null where the library or the socket family is denied (seccomp, containers). */
export function openSockDiag(): SockDiag | null {
  const libc = loadLibc();
  if (libc === null) return null;
  const fd = libc.socket(16, 3 | 0o2000000, 4); // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG
  if (fd < 0) return null;
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(50_000n, 8);
  libc.setsockopt(fd, 1, 20, timeout, timeout.length); // SOL_SOCKET, SO_RCVTIMEO
  const reply = Buffer.alloc(4096);
  const peer = Buffer.alloc(32);
  const peerLength = Buffer.alloc(4);
  let sequence = 0;
  let open = true;
  return {
    query(tuple) {
      if (!open) return { kind: 'failed' };
      sequence = (sequence + 1) >>> 0;
      const request = encodeDiagRequest(tuple, sequence);
      if (libc.send(fd, request, request.length, 0) !== request.length) return { kind: 'failed' };
      // An answer that came after its time-out is still in the queue: skip what carries an older number.
      for (let skipped = 0; skipped < 8; skipped += 1) {
        const length = libc.recv(fd, reply, reply.length, 0);
        if (length <= 0) return { kind: 'failed' };
        const answer = decodeDiagReply(reply.subarray(0, length), sequence);
        if (answer !== null) return answer;
      }
      return { kind: 'failed' };
    },
    isConnected(descriptor) {
      peerLength.writeUInt32LE(peer.length, 0);
      return libc.getpeername(descriptor, peer, peerLength) === 0;
    },
    close() {
      if (open) libc.close(fd);
      open = false;
    },
  };
}

/** The 72-byte request for one socket: header (16) and inet_diag_req_v2 (56). Ports are big endian, the rest as the host has it. */
export function encodeDiagRequest(tuple: Tuple, sequence: number): Buffer {
  const request = Buffer.alloc(requestLength);
  request.writeUInt32LE(requestLength, 0);
  request.writeUInt16LE(20, 4);            // SOCK_DIAG_BY_FAMILY
  request.writeUInt16LE(1, 6);             // NLM_F_REQUEST, no dump: the kernel looks the one socket up
  request.writeUInt32LE(sequence, 8);
  request.writeUInt8(tuple.family === 4 ? 2 : 10, 16);
  request.writeUInt8(6, 17);               // IPPROTO_TCP
  request.writeUInt32LE(0xffffffff, 20);   // every state
  request.writeUInt16BE(tuple.clientPort, 24);
  request.writeUInt16BE(tuple.serverPort, 26);
  request.set(tuple.clientAddress, 28);
  request.set(tuple.serverAddress, 44);
  request.fill(0xff, 64, 72);              // any cookie
  return request;
}

/** Reads one reply; null when it belongs to another request. A socket without an inode has lost its processes already. */
export function decodeDiagReply(reply: Buffer, sequence: number): DiagAnswer | null {
  if (reply.length < 20) return { kind: 'failed' };
  if (reply.readUInt32LE(8) !== sequence) return null;
  if (reply.readUInt16LE(4) === 2) return reply.readInt32LE(16) === -2 ? { kind: 'none' } : { kind: 'failed' };
  if (reply.length < 16 + 72) return { kind: 'failed' };
  const inode = reply.readUInt32LE(16 + 68);
  return inode === 0 ? { kind: 'orphan' } : { kind: 'socket', uid: reply.readUInt32LE(16 + 64), inode, cgroup: cgroupIn(reply.subarray(16 + 72)) };
}

/** INET_DIAG_CGROUP_ID among the attributes: Linux 5.9 and later. It is the inode of the cgroup's folder. */
function cgroupIn(attributes: Buffer): bigint | null {
  for (let at = 0; at + 4 <= attributes.length;) {
    const length = attributes.readUInt16LE(at);
    if (length < 4) return null;
    if (attributes.readUInt16LE(at + 2) === 21 && length >= 12 && at + 12 <= attributes.length) return attributes.readBigUInt64LE(at + 4);
    at += (length + 3) & ~3;
  }
  return null;
}

type Libc = {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  send(fd: number, data: Buffer, length: number, flags: number): number;
  recv(fd: number, data: Buffer, length: number, flags: number): number;
  getpeername(fd: number, address: Buffer, length: Buffer): number;
  close(fd: number): number;
};

function loadLibc(): Libc | null {
  try {
    const self = koffi.load(null); // the C library that Node itself is linked with, glibc or musl
    const socket = self.func('int socket(int, int, int)');
    const setsockopt = self.func('int setsockopt(int, int, int, void *, uint32_t)');
    const send = self.func('long send(int, void *, size_t, int)');
    const recv = self.func('long recv(int, void *, size_t, int)');
    const getpeername = self.func('int getpeername(int, void *, void *)');
    const close = self.func('int close(int)');
    return {
      socket: (domain, type, protocol) => Number(socket(domain, type, protocol)),
      setsockopt: (fd, level, name, value, length) => Number(setsockopt(fd, level, name, value, length)),
      send: (fd, data, length, flags) => Number(send(fd, data, length, flags)),
      recv: (fd, data, length, flags) => Number(recv(fd, data, length, flags)),
      getpeername: (fd, address, length) => Number(getpeername(fd, address, length)),
      close: (fd) => Number(close(fd)),
    };
  } catch {
    return null;
  }
}
