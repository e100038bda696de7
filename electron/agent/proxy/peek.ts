// Reads the ClientHello of a tunnel without consuming it: every byte goes back into the socket.
// Not for parsing (core/tls/client-hello) or for what follows from it.
import type { Socket } from 'node:net';
import { clientHelloLimit, readClientHello, type ClientHello } from '../../core/tls/client-hello.ts';
import { waitForBytes } from './wait-for-bytes.ts';

/** At most 16 s and 64 kB before a decision (E8). */
const peekDeadlineMs = 16_000;

export type Peeked =
  /** `bytes`: the hello as it came; null where nobody keeps it. */
  | { readonly kind: 'client-hello'; readonly hello: ClientHello; readonly bytes: Uint8Array | null }
  | { readonly kind: 'unreadable-tls'; readonly why: string }
  /** The client spoke something else, or the server spoke first (SSH, SMTP). */
  | { readonly kind: 'not-tls'; readonly why: string }
  /** The client left without a byte. */
  | { readonly kind: 'gone' };

/** `server`: the open TCP connection to the target; if it speaks first, this is no TLS. Null: it is known to speak TLS. `keepBytes`: the hello's bytes are wanted too. */
export async function peekClientHello(client: Socket, server: Socket | null, keepBytes = false): Promise<Peeked> {
  const deadline = performance.now() + peekDeadlineMs;
  const pieces: Buffer[] = [];
  let have = 0;
  let need = 1;
  const joined = (): Buffer => {
    if (pieces.length !== 1) pieces.splice(0, pieces.length, Buffer.concat(pieces));
    return pieces[0] as Buffer;
  };
  const putBack = (result: Peeked): Peeked => {
    if (!client.destroyed) client.unshift(joined());
    return result;
  };
  for (;;) {
    const more = have === 0 && server !== null ? await waitForBytes(client, deadline, server) : await waitForBytes(client, deadline);
    if (more === 'server-first') return { kind: 'not-tls', why: 'the server spoke first' };
    if (more === 'closed') {
      // Half a hello is of use to nobody, and nothing can be put back into a stream that is over.
      client.destroy();
      return have === 0 ? { kind: 'gone' } : { kind: 'unreadable-tls', why: 'the client left in the middle of its ClientHello' };
    }
    if (more === 'deadline') return have === 0 ? { kind: 'not-tls', why: 'the client said nothing' } : putBack({ kind: 'unreadable-tls', why: 'the ClientHello did not end in time' });
    pieces.push(more);
    have += more.length;
    // A hello that comes byte by byte is read again only where that can tell more.
    if (have < need) continue;
    const read = readClientHello(joined());
    if (read.kind === 'client-hello') return putBack({ kind: 'client-hello', hello: read.hello, bytes: keepBytes ? Uint8Array.from(joined().subarray(0, read.bytes)) : null });
    if (read.kind === 'not-tls') return putBack({ kind: 'not-tls', why: `first byte ${read.first}` });
    if (read.kind === 'invalid') return putBack({ kind: 'unreadable-tls', why: read.why });
    if (have > clientHelloLimit) return putBack({ kind: 'unreadable-tls', why: 'the ClientHello does not end' });
    need = read.atLeast;
  }
}
