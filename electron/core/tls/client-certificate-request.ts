// Tells from the size of our own last flight to a server whether the server asked us for a client certificate.
// Not for reading bytes: the flight is encrypted, and a client without a certificate answers with an empty one, which has a size of its own.
//
// Measured with Node 24 (OpenSSL 3.5) at OpenSSL s_server, nginx, GnuTLS, Go and Node, for every suite and group the server leg offers.
// An empty Certificate is the only thing that makes the flight longer, so a size names the answer; no size stands for both.

export type ClientCertificateRequest = 'asked' | 'not-asked' | 'unknown';

/**
 * `flightBytes`, on the wire, of a full handshake without a client certificate of our own. TLS 1.2: all after the ClientHello, up to
 * Finished. TLS 1.3: what the end of the handshake adds (a second ClientHello, after a HelloRetryRequest, lies before that).
 * `unknown`: any other size. A resumed handshake is never asked, so its size says nothing about the server.
 */
export function clientCertificateRequest(version: 'TLSv1.2' | 'TLSv1.3', flightBytes: number): ClientCertificateRequest {
  const plain = version === 'TLSv1.3' ? plainFlights13 : plainFlights12;
  if (plain.has(flightBytes)) return 'not-asked';
  return plain.has(flightBytes - (version === 'TLSv1.3' ? emptyCertificate13 : emptyCertificate12)) ? 'asked' : 'unknown';
}

const recordHeader = 5;
const changeCipherSpec = recordHeader + 1;
/** Message header 4, list length 3 (TLS 1.2) or context 1 and list length 3, inner type 1, tag 16 (TLS 1.3). */
const emptyCertificate12 = recordHeader + 7;
const emptyCertificate13 = recordHeader + 25;

/** ClientKeyExchange with a key of X25519, P-256, P-384 or P-521; ChangeCipherSpec; Finished of 16 bytes, with GCM's nonce and tag or ChaCha20's tag. */
const plainFlights12 = new Set([32, 65, 97, 133].flatMap((key) => [24, 16].map((sealing) =>
  recordHeader + 4 + 1 + key + changeCipherSpec + recordHeader + 16 + sealing)));
/** Finished with a hash of 32 or 48 bytes; ChangeCipherSpec before it unless a HelloRetryRequest drew it out earlier (RFC 8446 D.4). */
const plainFlights13 = new Set([32, 48].flatMap((hash) => [0, changeCipherSpec].map((before) => before + recordHeader + 4 + hash + 1 + 16)));
