// Listens on 127.0.0.1 and ::1 only and hands every accepted client to one function. Not for anything after the accept.
import * as net from 'node:net';

export type Listener = {
  /** `127.0.0.1:18443`, `[::1]:18443`. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Stops accepting. Open connections are whoever serves them's business. */
  close(): Promise<void>;
};

export type ListenResult = { readonly kind: 'listening'; readonly listener: Listener } | { readonly kind: 'failed'; readonly code: string };

/** `port` 0: any free one. A system without IPv6 loopback listens on 127.0.0.1 alone. `admits`: whose connections are served. */
export async function listen(port: number, acceptClient: (socket: net.Socket) => void, admits: (socket: net.Socket) => boolean = isFromLoopback): Promise<ListenResult> {
  const first = await open('127.0.0.1', port, acceptClient, admits);
  if (typeof first === 'string') return { kind: 'failed', code: first };
  const chosen = (first.address() as net.AddressInfo).port;
  const second = await open('::1', chosen, acceptClient, admits);
  if (typeof second === 'string' && second !== 'EADDRNOTAVAIL' && second !== 'EAFNOSUPPORT') {
    await shut(first);
    return { kind: 'failed', code: second };
  }
  const servers = typeof second === 'string' ? [first] : [first, second];
  return { kind: 'listening', listener: {
    port: chosen,
    addresses: servers.map((server) => { const at = server.address() as net.AddressInfo; return at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`; }),
    close: async () => { await Promise.all(servers.map(shut)); },
  } };
}

/** Bound wrongly or not: nobody but this device may be at the other end (E1). */
function isFromLoopback({ remoteAddress }: net.Socket): boolean {
  return remoteAddress === '127.0.0.1' || remoteAddress === '::1' || remoteAddress === '::ffff:127.0.0.1';
}

function open(host: string, port: number, acceptClient: (socket: net.Socket) => void, admits: (socket: net.Socket) => boolean): Promise<net.Server | string> {
  return new Promise((done) => {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (admits(socket)) acceptClient(socket);
      else socket.destroy();
    });
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'EUNKNOWN'));
    server.listen({ host, port, backlog: 1024, exclusive: true, ipv6Only: host === '::1' }, () => done(server));
  });
}

function shut(server: net.Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
