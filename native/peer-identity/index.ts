// Whose program is at the other end of a local socket, as the kernel remembers it from the moment of connecting (Linux, macOS).
// Not for TCP (process-attribution) and not for what the user may do (agent/control/callers).
import type { Socket } from 'node:net';
import koffi from 'koffi';
import { descriptorOf } from '../process-attribution/tuple.ts';

/** The uid at the other end; null where the system does not tell. */
export type PeerUid = (socket: Socket) => number | null;

/** Level and name of the option, and its length: struct ucred (unix(7)), struct xucred (sys/ucred.h). The uid is the second word of both. */
const options: Readonly<Partial<Record<NodeJS.Platform, { readonly level: number; readonly name: number; readonly bytes: number }>>> = {
  linux: { level: 1, name: 17, bytes: 12 },
  darwin: { level: 0, name: 1, bytes: 76 },
};

/** A look-up of some microseconds; always null on other systems, or where the C library cannot be called. */
export function openPeerUid(): PeerUid {
  const option = options[process.platform];
  const getsockopt = option === undefined ? null : loadGetsockopt();
  if (option === undefined || getsockopt === null) return () => null;
  return (socket) => {
    const descriptor = descriptorOf(socket);
    if (descriptor === null) return null;
    const answer = Buffer.alloc(option.bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(option.bytes);
    return getsockopt(descriptor, option.level, option.name, answer, length) === 0 ? answer.readUInt32LE(4) : null;
  };
}

/** The C library's call; null where it cannot be loaded. */
export function loadGetsockopt(): ((descriptor: number, level: number, name: number, answer: Buffer, length: Buffer) => number) | null {
  try {
    const getsockopt = koffi.load(null).func('int getsockopt(int, int, int, void *, void *)');
    return (...args) => Number(getsockopt(...args));
  } catch {
    return null;
  }
}
