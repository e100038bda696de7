// A server at the other end of the cable: says over TLS who called, and answers every datagram at UDP 443. Not a test.
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TwoNetworks } from './two-networks.ts';

/** Resolves when it listens on port 443; `leaf`: PEM. */
export async function startShop({ folder, there }: Pick<TwoNetworks, 'folder' | 'there'>, { key, cert }: { readonly key: string; readonly cert: string }): Promise<ChildProcessWithoutNullStreams> {
  const server = path.join(folder, 'server.mjs');
  writeFileSync(server, `
    import https from 'node:https'; import dgram from 'node:dgram';
    https.createServer(${JSON.stringify({ key, cert })}, (request, response) => {
      response.setHeader('connection', 'close').end('hello from ' + request.socket.remoteAddress + '\\n');
    }).listen(443, '::', () => console.log('ready'));
    const quic = dgram.createSocket('udp6', (bytes, from) => quic.send(bytes, from.port, from.address)).bind(443);`);
  const child = there.start([process.execPath, server]);
  await once(child.stdout, 'data');
  return child;
}
