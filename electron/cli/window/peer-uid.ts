// Whose program is at the other end of a loopback connection (Linux): the link stands in the browser's command line, which every
// user of the machine may read. Not for which program it is (native/process-attribution) or for other systems (answers null).
import { readFileSync } from 'node:fs';

/** One side of an IPv4 loopback connection. */
export type LoopbackPort = number;

/** Uid that owns the socket 127.0.0.1:`peer` connected to 127.0.0.1:`own`; null where the system does not tell. */
export function peerUid(peer: LoopbackPort, own: LoopbackPort): number | null {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const uid = findUid(readTable(table), peer, own);
    if (uid !== null) return uid;
  }
  return null;
}

/** The uid out of the text of /proc/net/tcp or tcp6 (proc_net_tcp.txt of the kernel's documentation); null when no line fits. */
export function findUid(table: string, peer: LoopbackPort, own: LoopbackPort): number | null {
  for (const line of table.split('\n')) {
    const [, local, remote, , , , , uid] = line.trim().split(/\s+/);
    if (isLoopback(local, peer) && isLoopback(remote, own) && uid !== undefined && /^\d+$/.test(uid)) return Number(uid);
  }
  return null;
}

// 127.0.0.1 as the kernel writes it on little-endian machines, plain and mapped into IPv6 (an IPv6 socket may connect to it too).
const loopback = ['0100007F', '0000000000000000FFFF00000100007F'];

function isLoopback(address: string | undefined, port: number): boolean {
  return loopback.some((ip) => address === `${ip}:${port.toString(16).toUpperCase().padStart(4, '0')}`);
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
