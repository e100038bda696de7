// The port of a listening server. Not for servers on a path.
import type { Server } from 'node:net';

/** Throws where the server does not listen on a port. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
