// The second door: a loopback port for connections that the kernel redirects to us, and where they were going.
// Not for redirecting (native/packet-capture) and not for the route behind the door (serve-connection.ts).
import type { Socket } from 'node:net';
import { normaliseHost } from '../../core/policy/host-pattern.ts';
import type { Target } from '../../core/model.ts';
import { listen, type ListenResult } from './listener.ts';

/** `serve` gets each redirected client with the address that it has dialled; whoever comes to the port by itself is turned away. */
export function listenCaptured(port: number, destinationOf: (socket: Socket) => Target | null, serve: (client: Socket, target: Target) => void): Promise<ListenResult> {
  // A redirected client keeps its own source address. That the port is bound to loopback alone keeps other machines out.
  return listen(port, (client) => {
    const destination = destinationOf(client);
    const direct = destination === null || (destination.port === client.localPort && normaliseHost(destination.host) === normaliseHost(client.localAddress ?? ''));
    if (direct) client.destroy();
    else serve(client, { host: normaliseHost(destination.host), port: destination.port });
  }, () => true);
}
