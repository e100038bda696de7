// Addresses of a downstream connection as bytes, and the two texts in which Linux shows them (/proc/net/tcp and tcp6).
// Not for asking the kernel: sock-diag.ts does that.
import { isIPv4, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';

/** A downstream connection as our accepted socket shows it: `client` is the app's end, `server` ours. */
export type Connection = {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Our accepted socket: tells a connection from a later one with the same addresses and ports. Null where the system gives none. */
  readonly descriptor: number | null;
};

/** The same with addresses as bytes in network order: 4 (IPv4, also where the app used an IPv4-mapped address) or 16. */
export type Tuple = {
  readonly family: 4 | 6;
  readonly clientAddress: Uint8Array;
  readonly clientPort: number;
  readonly serverAddress: Uint8Array;
  readonly serverPort: number;
};

/** Owner uid, socket inode and cgroup of one row; the cgroup's id is null where the system does not tell it. */
export type SocketRow = { readonly uid: number; readonly inode: number; readonly cgroup: bigint | null };

/** The connection of an accepted socket. */
export function connectionOf(socket: Socket): Connection {
  return {
    clientAddress: socket.remoteAddress ?? '', clientPort: socket.remotePort ?? 0,
    serverAddress: socket.localAddress ?? '', serverPort: socket.localPort ?? 0,
    descriptor: descriptorOf(socket),
  };
}

/** The same connection from our end. */
export function reversed(tuple: Tuple): Tuple {
  return {
    family: tuple.family,
    clientAddress: tuple.serverAddress, clientPort: tuple.serverPort,
    serverAddress: tuple.clientAddress, serverPort: tuple.clientPort,
  };
}

/** Bytes of the connection's addresses; null for addresses or ports that are none. */
export function tupleOf(connection: Connection): Tuple | null {
  const client = addressBytes(connection.clientAddress);
  const server = addressBytes(connection.serverAddress);
  if (client === null || server === null || client.length !== server.length) return null;
  if (!isPort(connection.clientPort) || !isPort(connection.serverPort)) return null;
  return {
    family: client.length === 4 ? 4 : 6,
    clientAddress: client, clientPort: connection.clientPort,
    serverAddress: server, serverPort: connection.serverPort,
  };
}

/** Bytes in network order, IPv4-mapped IPv6 as its four IPv4 bytes; null when the text is no address. */
export function addressBytes(text: string): Uint8Array | null {
  const address = text.split('%')[0] ?? '';
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
  if (!isIPv6(address)) return null;
  const bytes = ipv6Bytes(address);
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

/**
 * Row of the client's socket in the text of /proc/net/tcp or tcp6; null when it is not there.
 * A dual-stack client (Java) that connects to 127.0.0.1 appears in tcp6 only, so both texts have to be asked.
 */
export function findConnectionRow(table: string, tuple: Tuple): SocketRow | null {
  for (const mapped of [false, true]) {
    const client = endpointText(tuple.clientAddress, tuple.clientPort, mapped);
    const server = endpointText(tuple.serverAddress, tuple.serverPort, mapped);
    const row = readRow(table, table.indexOf(` ${client} ${server} `));
    if (row !== null) return row;
  }
  return null;
}

/** Where a connection to 127.0.0.1 or ::1 arrives, best first: the kernel prefers an address to the unspecified one. Every user may listen at another 127.x.y.z. */
const listening = [
  '0100007F', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000',
  '00000000', '0000000000000000FFFF000000000000', '00000000000000000000000000000000',
];

/** Row of the socket that a connection to the port at 127.0.0.1, else at ::1, reaches, in the texts of /proc/net/tcp and tcp6 one after the other. */
export function findListenerRow(tables: string, port: number): SocketRow | null {
  const wanted = portText(port);
  const found = tables.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const rank = state === '0A' ? listening.findIndex((address) => local === `${address}:${wanted}`) : -1;
    return rank < 0 ? [] : [{ line, rank }];
  }).toSorted((one, other) => one.rank - other.rank)[0];
  return found === undefined ? null : readRow(found.line, 0);
}

function readRow(table: string, from: number): SocketRow | null {
  if (from < 0) return null;
  const start = table.lastIndexOf('\n', from) + 1;
  const end = table.indexOf('\n', from);
  const fields = table.slice(start, end < 0 ? undefined : end).trim().split(/\s+/);
  const uid = Number(fields[7]);
  const inode = Number(fields[9]);
  return Number.isInteger(uid) && Number.isInteger(inode) ? { uid, inode, cgroup: null } : null;
}

// The kernel prints each 32-bit word of an address as the host's integer: little endian on every system Node ships for but s390x.
function endpointText(address: Uint8Array, port: number, mapped: boolean): string {
  const bytes = mapped && address.length === 4 ? Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address]) : address;
  let text = '';
  for (let word = 0; word < bytes.length; word += 4) {
    for (let at = word + 3; at >= word; at -= 1) text += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  }
  return `${text.toUpperCase()}:${portText(port)}`;
}

function portText(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff;
}

function ipv6Bytes(address: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain = dotted === null ? address : dotted[1] + wordText(dotted[2], dotted[3]) + ':' + wordText(dotted[4], dotted[5]);
  const [left = '', right] = plain.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const middle = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const words = [...head, ...middle, ...tail].map((word) => Number.parseInt(word, 16));
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function wordText(high: string | undefined, low: string | undefined): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

/** Node tells a socket's descriptor nowhere in public; null where it does not: a look-up by tuple works without, and is a little less sure. */
export function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null;
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}
