// Where a redirected socket was going before the kernel sent it to us (SO_ORIGINAL_DST), as the app dialled it.
// Not for redirecting (index.ts) and not for whether we go there (agent/proxy/transparent.ts).
import type { Socket } from 'node:net';
import { loadGetsockopt } from '../peer-identity/index.ts';
import { descriptorOf } from '../process-attribution/tuple.ts';

/** Address (IPv6 without brackets, not shortened) and port; null for a socket that nobody redirected. Some 16 µs. */
export type OriginalDestination = (socket: Socket) => { readonly host: string; readonly port: number } | null;

/** <linux/netfilter_ipv4.h>, <linux/netfilter_ipv6/ip6_tables.h>: both options are number 80 and answer with a socket address. */
const options = { IPv4: { level: 0, bytes: 16, address: 4, length: 4 }, IPv6: { level: 41, bytes: 28, address: 8, length: 16 } } as const;
const originalDst = 80;

/** Null on other systems, or where the C library cannot be called. */
export function openOriginalDestination(): OriginalDestination | null {
  const getsockopt = process.platform === 'linux' ? loadGetsockopt() : null;
  if (getsockopt === null) return null;
  return (socket) => {
    const descriptor = descriptorOf(socket);
    const option = options[socket.localAddress?.includes(':') === true ? 'IPv6' : 'IPv4'];
    if (descriptor === null) return null;
    const answer = Buffer.alloc(option.bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(option.bytes);
    if (getsockopt(descriptor, option.level, originalDst, answer, length) !== 0) return null;
    const address = answer.subarray(option.address, option.address + option.length);
    const host = option.length === 4 ? address.join('.') : address.toString('hex').replaceAll(/(....)(?=.)/gu, '$1:');
    return { host, port: answer.readUInt16BE(2) };
  };
}
