// Speaks to the proxy as a client does: CONNECT, then TLS or anything else. Not a product part.
import * as net from 'node:net';
import * as tls from 'node:tls';

/** An open tunnel; rejects with the proxy's first line when it says anything but 200. */
export function connectThrough(proxyPort: number, host: string, port = 443): Promise<net.Socket> {
  return new Promise((done, fail) => {
    const socket = net.connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    let head = Buffer.alloc(0);
    const take = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('readable', take);
      const line = head.toString('latin1').split('\r\n')[0] ?? '';
      if (!line.startsWith('HTTP/1.1 200 ')) {
        socket.destroy();
        fail(new Error(`${line}\n${head.subarray(end + 4).toString()}`));
        return;
      }
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      done(socket);
    };
    socket.on('readable', take);
    socket.once('error', fail);
    socket.once('connect', () => socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`));
  });
}

/** A finished TLS connection through the proxy. */
export async function tlsThrough(proxyPort: number, host: string, options: tls.ConnectionOptions, port = 443): Promise<tls.TLSSocket> {
  const socket = await connectThrough(proxyPort, host, port);
  return new Promise((done, fail) => {
    const secure = tls.connect({ socket, servername: host, ...options }, () => done(secure));
    secure.once('error', fail);
  });
}

/** Everything a stream says until it ends. */
export async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Waits until `look` answers something; fails after 15 s with `what`. */
export async function until<T>(what: string, look: () => T | null | undefined | false | Promise<T | null | undefined | false>): Promise<T> {
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`did not happen within 15 s: ${what}`);
}
