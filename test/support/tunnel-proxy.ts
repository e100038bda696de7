// A proxy that opens tunnels and nothing else: programs in front of plain servers, without Pinlight. Not a product part.
import * as http from 'node:http';
import * as net from 'node:net';
import { portOf } from './port-of.ts';

export type TunnelProxy = { readonly port: number; close(): Promise<void> };

/** Sends CONNECT HOST:443 to the loopback port that `portFor` names; 502 for an unknown host. */
export function startTunnelProxy(portFor: (host: string) => number | undefined): Promise<TunnelProxy> {
  const sockets = new Set<net.Socket>();
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, client: net.Socket) => {
    const port = portFor((request.url ?? '').replace(/:443$/, ''));
    client.on('error', () => client.destroy());
    if (port === undefined) {
      client.end('HTTP/1.1 502 Unknown host\r\n\r\n');
      return;
    }
    const origin = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(origin).pipe(client);
    });
    origin.on('error', () => client.destroy());
    client.once('close', () => origin.destroy());
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({
    port: portOf(server),
    close: () => new Promise((closed) => {
      server.close(() => closed());
      for (const socket of sockets) socket.destroy();
    }),
  })));
}
