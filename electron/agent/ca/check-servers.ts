// Servers of the agent's on loopback, for as long as a check lasts: on free ports, with a bound of connections, and gone with all of them.
// Not for what they serve (tls-selftest.ts, control/handshake-check.ts).
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from 'node:tls';

export type CheckServers = {
  /** Listens on 127.0.0.1 and answers the port. Rejects with the system's error where there is none to be had. */
  open(server: Server): Promise<number>;
  /** Nobody gets in any more, and who is in is cut off, in the middle of a handshake too: `closeAllConnections` knows only who is past it. */
  end(): void;
};

/** `most`: connections to all of them together; the next one is turned away. */
export function createCheckServers(most: number): CheckServers {
  const servers: Server[] = [];
  const connected = new Set<Socket>();
  return {
    open: (server) => new Promise((done, fail) => {
      servers.push(server);
      // Ahead of whoever else listens to it. The raw socket: TLS comes behind it.
      server.prependListener('connection', (socket: Socket) => {
        if (connected.size >= most) return void socket.destroy();
        connected.add(socket);
        socket.once('close', () => connected.delete(socket));
      });
      // For good: one that cannot accept says so here too, and the next connection may work.
      server.on('error', fail);
      server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port));
    }),
    end: () => {
      for (const server of servers) server.close();
      for (const socket of connected) socket.destroy();
    },
  };
}
