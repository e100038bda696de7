// Reads the ClientHello of a tunnel without consuming it: every byte goes back into the socket.
// Not for parsing (core/tls/client-hello) or for what follows from it.
import type { Socket } from 'node:net';
import { clientHelloLimit, readClientHello, type ClientHello } from '../../core/tls/client-hello.ts';
import { waitForBytes } from './wait-for-bytes.ts';

/** facts/security.md 5.5: at most 16 s and 64 kB before a decision. */
const peekDeadlineMs = 16_000;

export type Peeked =
  | { readonly kind: 'client-hello'; readonly hello: ClientHello }
  | { readonly kind: 'unreadable-tls'; readonly why: string }
  /** The client spoke something else, or the server spoke first (SSH, SMTP). */
  | { readonly kind: 'not-tls'; readonly why: string }
  /** The client left without a byte. */
  | { readonly kind: 'gone' };

/** `server`: the open TCP connection to the target; if it speaks first, this is no TLS. Null: it is known to speak TLS. */
export async function peekClientHello(client: Socket, server: Socket | null): Promise<Peeked> {
  const deadline = performance.now() + peekDeadlineMs;
  let bytes: Buffer = Buffer.alloc(0);
  const putBack = (result: Peeked): Peeked => {
    if (bytes.length > 0 && !client.destroyed) client.unshift(bytes);
    return result;
  };
  for (;;) {
    const more = bytes.length === 0 && server !== null ? await waitForBytes(client, deadline, server) : await waitForBytes(client, deadline);
    if (more === 'server-first') return { kind: 'not-tls', why: 'the server spoke first' };
    if (more === 'closed') return bytes.length === 0 ? { kind: 'gone' } : putBack({ kind: 'unreadable-tls', why: 'the client left in the middle of its ClientHello' });
    if (more === 'deadline') return bytes.length === 0 ? { kind: 'not-tls', why: 'the client said nothing' } : putBack({ kind: 'unreadable-tls', why: 'the ClientHello did not end in time' });
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    const read = readClientHello(bytes);
    if (read.kind === 'client-hello') return putBack({ kind: 'client-hello', hello: read.hello });
    if (read.kind === 'not-tls') return putBack({ kind: 'not-tls', why: `first byte ${read.first}` });
    if (read.kind === 'invalid') return putBack({ kind: 'unreadable-tls', why: read.why });
    if (bytes.length > clientHelloLimit) return putBack({ kind: 'unreadable-tls', why: 'the ClientHello does not end' });
  }
}
