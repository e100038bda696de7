// Leaves and the TLS servers that present them: one per user, upstream certificate, name, protocol and version; bounded; never listening.
// Not for the hand-over of a socket (proxy/accept-downstream) and not for deciding whether a leaf may exist: whoever asks has
// verified the upstream, and hands in its certificate as the proof that the issuance log keeps (C8).
import { constants, createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as tls from 'node:tls';
import { cipherListLike, leafValidity, signatureList, type BulkCipher } from '../../core/ca/leaf-profile.ts';
import { addressBytes } from '../../core/policy/address.ts';
import { mintLeaf, pem } from './mint.ts';
import type { Authority } from './authority.ts';

/** Enough for a browser with many tabs; each entry holds an OpenSSL context of some 50 kB. */
const contextLimit = 400;
/** For a handshake on either leg: it takes milliseconds; 15 s is a peer that has stopped. */
export const handshakeDeadlineMs = 15_000;
/** A leaf this close to its end is made anew: the clock of a client may be ahead of ours. */
const renewBeforeMs = 3600_000;

export type LeafRequest = {
  /** Whose app asks (accountOf); null = not known. Two users never share a leaf: an old one would tell of the other's visit. */
  readonly account: string | null;
  /** Name the app asked for: DNS name or IP literal, normalised. */
  readonly host: string;
  /** SHA-256, hex, of the verified upstream certificate. */
  readonly upstreamHash: string;
  /** Milliseconds since the epoch. */
  readonly upstreamNotAfter: number;
  /** The protocol the server chose; null = none. */
  readonly alpn: string | null;
  /** The version the server leg has: the app is never shown a stronger one (B4). */
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The bulk cipher the server leg has: the app gets the same where it offers it. */
  readonly bulk: BulkCipher;
  readonly key: 'ec' | 'rsa';
  /** The policy rule that asked for inspection, for the issuance log; null = the default. */
  readonly rule: string | null;
};

export type IssuedLeaf = {
  readonly sha256: string;
  readonly host: string;
  readonly upstreamHash: string;
  readonly rule: string | null;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Size of the certificate in bytes: less than that written means it was not sent. */
  readonly bytes: number;
};

export type LeafContext = { readonly server: tls.Server; readonly leaf: IssuedLeaf };
export type LeafContextResult = ({ readonly kind: 'context' } & LeafContext) | { readonly kind: 'impossible'; readonly why: string };

export type LeafContexts = {
  /** `now`: ms since the epoch. */
  contextFor(request: LeafRequest, now: number): LeafContextResult;
  size(): number;
};

/** `onIssue` is called once for each leaf that comes into being. `onServer` may attach its listeners before first use. */
export function createLeafContexts(
  authority: Authority, onIssue: (leaf: IssuedLeaf) => void, onServer: (server: tls.Server) => void,
): LeafContexts {
  const contexts = new Map<string, LeafContext>();
  const keys = createLeafKeys();

  const contextFor = (request: LeafRequest, now: number): LeafContextResult => {
    const id = [request.upstreamHash, request.host, request.alpn ?? '', request.maxVersion, request.bulk, request.key, request.account ?? ''].join(' ');
    const known = contexts.get(id);
    if (known !== undefined && now < known.leaf.notAfter - renewBeforeMs && now >= known.leaf.notBefore) {
      contexts.delete(id);
      contexts.set(id, known);
      return { kind: 'context', ...known };
    }
    const validity = leafValidity(now, request.upstreamNotAfter, authority);
    if (validity.kind === 'impossible') return validity;
    const pair = keys(request.key);
    const der = mintLeaf({
      rootKey: authority.key, issuer: authority.subjectDer, rootKeyId: authority.keyId, publicKey: pair.publicKey,
      name: nameOf(request.host), notBefore: validity.notBefore, notAfter: validity.notAfter,
    });
    const leaf: IssuedLeaf = {
      sha256: createHash('sha256').update(der).digest('hex'), host: request.host, upstreamHash: request.upstreamHash,
      rule: request.rule, notBefore: validity.notBefore, notAfter: validity.notAfter, bytes: der.length,
    };
    const server = tls.createServer({
      key: pair.pem, cert: pem(der), minVersion: 'TLSv1.2', maxVersion: request.maxVersion, ciphers: cipherListLike(request.bulk),
      sigalgs: signatureList, ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1:secp521r1', honorCipherOrder: true,
      handshakeTimeout: handshakeDeadlineMs,
      ...(request.alpn === null ? {} : { ALPNProtocols: [request.alpn] }),
      // No tickets: a resumed handshake says nothing about trust, and two apps must not share one (B6).
      // No renegotiation: nobody needs it, and it costs us more than the app (B5).
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    });
    onServer(server);
    onIssue(leaf);
    contexts.set(id, { server, leaf });
    if (contexts.size > contextLimit) contexts.delete(contexts.keys().next().value as string);
    return { kind: 'context', server, leaf };
  };
  return { contextFor, size: () => contexts.size };
}

type LeafKey = { readonly publicKey: KeyObject; readonly pem: string };

/** One key of each kind for the life of the process, in memory only. RSA takes some 100 ms to make, so only when asked. */
function createLeafKeys(): (kind: 'ec' | 'rsa') => LeafKey {
  const made = new Map<'ec' | 'rsa', LeafKey>();
  return (kind) => {
    let key = made.get(kind);
    if (key === undefined) {
      const pair = kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
      key = { publicKey: pair.publicKey, pem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
      made.set(kind, key);
    }
    return key;
  };
}

function nameOf(host: string): { kind: 'dns'; name: string } | { kind: 'ip'; bytes: Uint8Array } {
  const bytes = addressBytes(host);
  return bytes === null ? { kind: 'dns', name: host } : { kind: 'ip', bytes };
}
