// What a TLS 1.3 session needs to be resumed: everything but the server's certificate. Not for keeping sessions (agent/proxy/connect-upstream).
import { sequence, smallInteger } from '../ca/der.ts';

/** What Node 24 puts before OpenSSL's DER: this, two bytes of length, and as many of the server's name. Older ones give the DER alone. */
const nodeHead = Uint8Array.from('\0nodejs:tls:session:1\0', (letter) => letter.charCodeAt(0));
/** `[3] EXPLICIT Certificate` of OpenSSL's SSL_SESSION_ASN1 (ssl/ssl_asn1.c). */
const peerCertificate = 0xa3;

/**
 * A session as node:tls gives it, without its peer certificate: OpenSSL decodes that and its key each time the session is used, which costs an
 * inspected connection 5 to 8 % of its processor time (`npm run bench`), and a resumed handshake shows no certificate that it could be compared with.
 * TLS 1.3 alone: before, Node takes a resumed session without one for unverified. What is anything else comes back as it is.
 */
export function withoutPeerCertificate(session: Uint8Array): Uint8Array {
  const start = derStart(session);
  const fields = sequence(session.subarray(start)) ?? [];
  const version = fields[1] === undefined ? null : smallInteger(fields[1]);
  const others = fields.filter(({ tag }) => tag !== peerCertificate);
  if (version !== 0x0304 || others.length === fields.length) return session;
  const kept = others.flatMap(({ whole }) => [...whole]);
  // Two bytes of length, which DER has from 256 on and below 65,536: a session with a ticket is never smaller, its ticket alone could be larger.
  if (kept.length < 0x100 || kept.length > 0xffff) return session;
  return Uint8Array.from([...session.subarray(0, start), 0x30, 0x82, kept.length >> 8, kept.length & 0xff, ...kept]);
}

function derStart(session: Uint8Array): number {
  if (!nodeHead.every((byte, at) => session[at] === byte)) return 0;
  return nodeHead.length + 2 + (session[nodeHead.length] ?? 0) * 256 + (session[nodeHead.length + 1] ?? 0);
}
