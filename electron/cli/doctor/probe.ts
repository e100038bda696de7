// Two looks over the network that the doctor takes itself: does the proxy answer CONNECT, and who signed what a server shows past the proxy.
// Not for judging what they show (checks.ts).
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, getCACertificates, rootCertificates } from 'node:tls';

const answerMs = 3_000;

/** The status code with which the proxy answers a CONNECT without a port, which it refuses and writes nothing down of; null = no answer of HTTP's. */
export function askProxy(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    let said = '';
    const end = (): void => {
      socket.destroy();
      const code = /^HTTP\/1\.[01] (\d{3})/.exec(said)?.[1];
      resolve(code === undefined ? null : Number(code));
    };
    socket.setTimeout(answerMs, end).on('error', end).on('close', end)
      .on('connect', () => socket.write('CONNECT pinlight HTTP/1.1\r\nHost: pinlight\r\n\r\n'))
      .on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
        if (said.includes('\r\n')) end();
      });
  });
}

/**
 * `public`: a root that Node brings along signed it; `private`: one that only this device trusts, so somebody inspects on the way or the
 * server is an organisation's own; `untrusted`: no chain to a root.
 */
export type ServerLook = { readonly kind: 'public' } | { readonly kind: 'private' | 'untrusted'; readonly by: string } | { readonly kind: 'unreachable'; readonly why: string };

/** Shakes hands with a server directly, with no proxy. */
export async function lookAtServer(host: string, port: number): Promise<ServerLook> {
  const first = await handshake(host, port, rootCertificates);
  if (first.kind !== 'untrusted') return first;
  const system = await handshake(host, port, getCACertificates('system'));
  return system.kind === 'public' ? { kind: 'private', by: first.by } : first;
}

function handshake(host: string, port: number, ca: readonly string[]): Promise<ServerLook> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, servername: host, ca: [...ca], rejectUnauthorized: false });
    const end = (look: ServerLook): void => {
      socket.destroy();
      resolve(look);
    };
    socket.setTimeout(answerMs, () => end({ kind: 'unreachable', why: `no answer within ${answerMs / 1000} s` }))
      .on('error', (error) => end({ kind: 'unreachable', why: error.message }))
      .on('secureConnect', () => {
        const issuer = socket.getPeerX509Certificate()?.issuer.replaceAll('\n', ', ') ?? 'nobody';
        end(socket.authorized ? { kind: 'public' } : { kind: 'untrusted', by: issuer });
      });
  });
}
