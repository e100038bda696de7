// The server leg of an inspected connection: TLS first, verified as a browser would, its ALPN and version known before the app is answered.
// Not for dialling (dial.ts) and not for what a failure leads to (serve-connection.ts asks policy).
import { constants, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import * as tls from 'node:tls';
import { cipherList, signatureList } from '../../core/ca/leaf-profile.ts';
import { saysRevoked } from '../../core/ca/stapled-status.ts';
import { clientCertificateRequest, type ClientCertificateRequest } from '../../core/tls/client-certificate-request.ts';
import { withoutPeerCertificate } from '../../core/tls/kept-session.ts';
import { spkiHash } from '../ca/authority.ts';
import { handshakeDeadlineMs } from '../ca/leaf-contexts.ts';
import { createServerTrust, sentCertificates, type Revocation, type ServerChain } from '../ca/server-chain.ts';
import type { LocalRoot } from '../health/already-inspected.ts';
import type { HelloShape } from './recent-targets.ts';
import { codeOf } from './tls-error.ts';

/** Sessions kept for resumption; each some 2 kB. */
const sessionLimit = 500;

export type VerifiedUpstream = {
  readonly socket: tls.TLSSocket;
  /** SHA-256, hex, of the verified server certificate. */
  readonly leafHash: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly alpn: string | null;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly cipher: string;
  /** The server asked for a client certificate, and we had none for it. */
  readonly clientCertificateAsked: boolean;
  /** What vouches for it where that is a root of this device alone; null for public roots and those that policy names. */
  readonly localRoot: LocalRoot | null;
};

export type UpstreamResult =
  | ({ readonly kind: 'verified' } & VerifiedUpstream)
  /** The certificate does not hold: no leaf may come of it. `why` is a code such as CERT_HAS_EXPIRED, or a sentence. */
  | { readonly kind: 'invalid'; readonly why: string }
  /** No TLS came about. `clientCertificateAsked`: the server asked for a client certificate first, and did without us then. */
  | { readonly kind: 'failed'; readonly code: string; readonly clientCertificateAsked: boolean };

export type UpstreamRequest = {
  /** An open TCP connection; consumed. */
  readonly socket: Socket;
  /** Name the certificate must have: SNI, or the target's host. */
  readonly host: string;
  /** SNI to send: what the app sent, or none. ALPN: the app's own list, so that the server chooses for both legs (B8). */
  readonly shape: HelloShape;
  /** Sessions are never shared between apps, targets or policies (B6). */
  readonly sessionKey: string;
};

export type Upstreams = {
  connect(request: UpstreamRequest, now: number): Promise<UpstreamResult>;
  /** Resumes nothing that was begun before this. */
  dropSessions(): void;
};

export type UpstreamTrust = {
  /** PEM, one certificate each. */
  readonly systemRoots: readonly string[];
  /** PEM files that policy names. */
  readonly extraRoots: readonly string[];
  readonly ownSpkiHash: string | null;
  readonly revocation: Revocation | null;
};

/** One upstream TLS client for a set of roots: the system's plus those in policy's files, minus our own root. */
export function createUpstreams(options: UpstreamTrust): Upstreams {
  const named = rootsIn(options.extraRoots);
  const ca = usableRoots([...options.systemRoots, ...named], options.ownSpkiHash);
  const namedHashes = new Set(usableRoots(named, null).map((text) => spkiHash(new X509Certificate(text).raw)));
  const localRootOf = ({ ways }: ServerChain): LocalRoot | null => {
    const [way] = ways;
    const hash = way?.links.at(-1)?.spkiHash;
    return way === undefined || hash === undefined || ways.some(({ publicRoot }) => publicRoot) || namedHashes.has(hash) ? null : { spkiHash: hash, name: way.rootName };
  };
  const trust = createServerTrust(ca, options.ownSpkiHash, options.revocation);
  // As strong against later decryption as the app asked to be, and no stronger: the hybrid share costs 1.2 kB and its key generation
  // on every connection. `*` marks the groups a key share is sent for, so that servers without the hybrid need no second round trip.
  const contextWith = (ecdhCurve: string, maxVersion: 'TLSv1.2' | 'TLSv1.3'): tls.SecureContext =>
    // No renegotiation: its certificate would be looked at by nobody, and its request for a client certificate answered with an empty one (B5, B9).
    tls.createSecureContext({ ca, ciphers: cipherList, sigalgs: signatureList, minVersion: 'TLSv1.2', maxVersion, ecdhCurve, secureOptions: constants.SSL_OP_NO_RENEGOTIATION });
  // Each made at its first use: one holds all roots, some 2 MB.
  const classical = once(() => contextWith('X25519:prime256v1:secp384r1:secp521r1', 'TLSv1.3'));
  const hybrid = once(() => contextWith('*X25519MLKEM768/*X25519:prime256v1:secp384r1:secp521r1', 'TLSv1.3'));
  // For an app that offers no TLS 1.3 the server leg has none either: the app could not be answered, or would be shown less than there is.
  const older = once(() => contextWith('X25519:prime256v1:secp384r1:secp521r1', 'TLSv1.2'));
  const sessions = new Map<string, { session: Buffer; certificate: ServerChain }>();

  const connect = (request: UpstreamRequest, now: number): Promise<UpstreamResult> => new Promise((done) => {
    // An end that came before TLS has the handle is told to nobody any more: a server that hangs up at once would be waited for.
    if (request.socket.destroyed || request.socket.readableEnded) {
      request.socket.destroy();
      return done({ kind: 'failed', code: 'ECONNRESET', clientCertificateAsked: false });
    }
    const kept = sessions.get(request.sessionKey);
    let certificate: ServerChain | null = kept?.certificate ?? null;
    let settled = false;
    let revoked = false;
    const socket = tls.connect({
      socket: request.socket, secureContext: (!request.shape.tls13 ? older : request.shape.postQuantum ? hybrid : classical)(), session: kept?.session,
      ALPNProtocols: [...request.shape.alpn],
      ...(request.shape.serverName === null ? {} : { servername: request.shape.serverName }),
      rejectUnauthorized: true, requestOCSP: true,
      checkServerIdentity: () => {
        certificate = trust.chainOf(sentCertificates(socket));
        const why = revoked ? 'the server itself shows that its certificate was revoked' : trust.whyNot(certificate, request.host, now);
        return why === null ? undefined : Object.assign(new Error(why), { code: invalidCode });
      },
    });
    // Node describes every certificate before it asks for the identity, and dies of a key on a curve without a NIST name (24.21: secp256k1,
    // brainpool). What is needed of them `sentCertificates` reads.
    socket.getPeerCertificate = () => undescribed;
    // Comes with the certificate, before it is judged; null without one.
    socket.on('OCSPResponse', (response: Buffer | null) => { revoked = response !== null && saysRevoked(response); });
    // The ClientHello is written by now: the TCP connection was open.
    let flightFrom = request.socket.bytesWritten;
    // Until the end of the handshake: in TLS 1.3 servers miss a certificate only after it. Node 24 crashes when a closed socket is asked for it.
    let version: VerifiedUpstream['version'] = 'TLSv1.2';
    let mayResume = true;
    const asked = (): ClientCertificateRequest => clientCertificateRequest(version, request.socket.bytesWritten - flightFrom);
    const settle = (result: UpstreamResult): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      if (result.kind !== 'verified') {
        mayResume = false;
        socket.destroy();
      }
      if (!mayResume) sessions.delete(request.sessionKey);
      done(result);
    };
    const fail = (code: string): void => settle({ kind: 'failed', code, clientCertificateAsked: asked() === 'asked' });
    const deadline = setTimeout(() => fail('ETIMEDOUT'), handshakeDeadlineMs);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Node tells of an alert after the handshake and keeps the socket: closed, it still has the error for whoever relays it later.
      if (settled) socket.destroy(error);
      else if (error.code === invalidCode) settle({ kind: 'invalid', why: error.message });
      else if (isVerifyError(error)) settle({ kind: 'invalid', why: verifyWords(error) });
      else fail(codeOf(error));
    });
    socket.once('close', () => fail('ECONNRESET'));
    // TLS has the say about what came before the end.
    request.socket.once('end', () => setImmediate(() => fail('ECONNRESET')));
    socket.on('session', (session) => {
      if (certificate === null || !mayResume) return;
      sessions.delete(request.sessionKey);
      sessions.set(request.sessionKey, { session: Buffer.from(withoutPeerCertificate(session)), certificate });
      if (sessions.size > sessionLimit) sessions.delete(sessions.keys().next().value as string);
    });
    socket.once('secureConnect', () => {
      if (certificate === null) return fail('no certificate');
      // Node skips its identity check on a resumed session: judge the stored chain again.
      const resumed = socket.isSessionReused();
      const why = resumed ? trust.whyNot(certificate, request.host, now) : null;
      if (why !== null) return settle({ kind: 'invalid', why });
      if (socket.getProtocol() === 'TLSv1.3') version = 'TLSv1.3';
      const verified = {
        kind: 'verified', socket, notAfter: certificate.notAfter, leafHash: certificate.hash,
        alpn: socket.alpnProtocol === false || socket.alpnProtocol === null ? null : socket.alpnProtocol,
        version, cipher: socket.getCipher().name, localRoot: localRootOf(certificate),
      } as const;
      const conclude = (): void => {
        const wish = resumed ? 'not-asked' : asked();
        // A resumed handshake is never asked: only sessions of a server that does not ask are kept.
        if (wish !== 'not-asked') mayResume = false;
        settle({ ...verified, clientCertificateAsked: wish === 'asked' });
      };
      if (version === 'TLSv1.2' || resumed) return conclude();
      // In TLS 1.3 our last flight is written when this event is over, and alone from here on.
      flightFrom = request.socket.bytesWritten;
      setImmediate(conclude);
    });
  });
  return { connect, dropSessions: () => sessions.clear() };
}

function once<T>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}

const invalidCode = 'ERR_PINLIGHT_CERTIFICATE';

const undescribed = {} as tls.DetailedPeerCertificate;

/** OpenSSL's code; where Node has none for it, OpenSSL's words, such as "CA md too weak" (A5). */
function verifyWords(error: NodeJS.ErrnoException): string {
  return error.code === 'UNSPECIFIED' ? error.message : codeOf(error);
}

/** OpenSSL's verification results have upper-case names without the ERR_ prefix of TLS and network errors. */
function isVerifyError(error: NodeJS.ErrnoException): boolean {
  return verifyCodes.has(error.code ?? '');
}

/** The codes node:tls documents for a certificate that does not verify (`tls` manual, "X509 certificate error codes"). */
const verifyCodes = new Set([
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_CRL', 'UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'CERT_SIGNATURE_FAILURE', 'CRL_SIGNATURE_FAILURE', 'CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID', 'CRL_HAS_EXPIRED', 'ERROR_IN_CERT_NOT_BEFORE_FIELD', 'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD', 'ERROR_IN_CRL_NEXT_UPDATE_FIELD', 'OUT_OF_MEM', 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED', 'INVALID_CA', 'PATH_LENGTH_EXCEEDED', 'INVALID_PURPOSE', 'CERT_UNTRUSTED', 'CERT_REJECTED', 'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID', 'UNSPECIFIED',
]);

/** PEM roots of files; one that cannot be read is left out (the policy loader has complained about it). */
function rootsIn(files: readonly string[]): string[] {
  return files.flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    } catch {
      return [];
    }
  });
}

/** Those that are certificates. Our own root is never among them (A6). */
function usableRoots(roots: readonly string[], ownSpkiHash: string | null): string[] {
  return roots.filter((text) => {
    try {
      return spkiHash(new X509Certificate(text).raw) !== ownSpkiHash;
    } catch {
      return false;
    }
  });
}
