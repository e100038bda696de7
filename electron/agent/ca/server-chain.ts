// Follows a server's certificate to the roots we trust, signature by signature, and has core judge the way. OpenSSL has verified the chain
// before; Node shows only what the server sent, put in order by name, so the way is walked again here. Not for handshakes (proxy/connect-upstream).
import { createHash, X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { getPublicSuffix } from 'tldts';
import { readCertificate } from '../../core/ca/certificate.ts';
import { whyChainNotTrusted, type ChainLink } from '../../core/ca/chain.ts';
import { hex } from '../../core/ca/der.ts';

export type ServerChain = {
  /** SHA-256, hex, of the server's certificate. */
  readonly hash: string;
  /** Its end, ms since the epoch; 0 when it cannot be read. */
  readonly notAfter: number;
  /** Every way to a root that was found; each begins with the server's certificate. */
  readonly ways: readonly { readonly links: readonly ChainLink[]; readonly publicRoot: boolean }[];
  /** The server's certificate cannot be read. */
  readonly malformed: string | null;
};

export type ServerTrust = {
  /** `peer`: what node:tls hands to `checkServerIdentity`, issuers linked. Remembered, because signatures cost time. */
  chainOf(peer: tls.PeerCertificate): ServerChain;
  /** Why the chain is not good enough for `host` at `now` (ms since the epoch), as a sentence; null when one way is. */
  whyNot(chain: ServerChain, host: string, now: number): string | null;
};

/** Chains that are remembered; each some 10 kB. */
const chainLimit = 300;
/** One more than core takes: what is longer is refused there. */
const depthLimit = 16;

type Opened = { readonly link: ChainLink; readonly x509: X509Certificate | null; readonly issuer: string };

/** `roots`: PEM, one certificate each. `ownSpkiHash`: SHA-256, hex, of our own root's SPKI. */
export function createServerTrust(roots: readonly string[], ownSpkiHash: string | null): ServerTrust {
  const bySubject = new Map<string, (Opened & { readonly publicRoot: boolean })[]>();
  const shipped = new Set(tls.getCACertificates('bundled').map((text) => derHash(derOf(text))));
  for (const text of roots) {
    const der = derOf(text);
    const opened = open(der);
    if (opened.link.read.kind === 'malformed') continue;
    const subject = hex(opened.link.read.facts.subject);
    bySubject.set(subject, [...bySubject.get(subject) ?? [], { ...opened, publicRoot: shipped.has(derHash(der)) }]);
  }
  const remembered = new Map<string, ServerChain>();

  const follow = (certificates: readonly Uint8Array[], hash: string): ServerChain => {
    const ways: ServerChain['ways'][number][] = [];
    const path: ChainLink[] = [];
    let own = open(certificates[0] as Uint8Array);
    const { read } = own.link;
    for (let at = 1; at <= depthLimit; at += 1) {
      path.push(own.link);
      for (const root of bySubject.get(own.issuer) ?? []) {
        if (isSignedBy(own, root)) ways.push({ links: [...path, root.link], publicRoot: root.publicRoot });
      }
      const der = certificates[at];
      if (der === undefined) break;
      const above = open(der);
      if (!isSignedBy(own, above)) break;
      own = above;
    }
    return {
      hash, ways, notAfter: read.kind === 'certificate' ? read.facts.notAfter : 0, malformed: read.kind === 'malformed' ? read.why : null,
    };
  };

  return {
    chainOf: (peer) => {
      const certificates = linked(peer);
      const hash = derHash(peer.raw);
      const key = certificates.map(derHash).join(' ');
      const chain = remembered.get(key) ?? follow(certificates, hash);
      remembered.delete(key);
      remembered.set(key, chain);
      if (remembered.size > chainLimit) remembered.delete(remembered.keys().next().value as string);
      return chain;
    },
    whyNot: (chain, host, now) => {
      if (chain.malformed !== null) return `the certificate cannot be read (${chain.malformed})`;
      let first: string | null = null;
      for (const { links, publicRoot } of chain.ways) {
        const why = whyChainNotTrusted(links, host, now, { publicRoot, ownSpkiHash, isPublicSuffix });
        if (why === null) return null;
        first ??= why;
      }
      return first ?? 'no chain of valid signatures leads to a trusted root';
    },
  };
}

/** The server's certificate and the issuers that Node has linked to it, without the endless last link of a self-signed one. */
function linked(peer: tls.PeerCertificate): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  for (let at: Partial<tls.DetailedPeerCertificate> | undefined = peer; at?.raw !== undefined && certificates.length <= depthLimit; at = at.issuerCertificate) {
    certificates.push(at.raw);
    if (at.issuerCertificate === at) break;
  }
  return certificates;
}

function open(der: Uint8Array): Opened {
  const read = readCertificate(der);
  const facts = read.kind === 'certificate' ? read.facts : null;
  return {
    link: { read, spkiHash: facts === null ? '' : derHash(facts.spki), size: der.length }, issuer: facts === null ? '' : hex(facts.issuer),
    x509: orNull(() => new X509Certificate(der)),
  };
}

function isSignedBy(own: Opened, above: Opened): boolean {
  return orNull(() => above.x509 !== null && own.x509?.verify(above.x509.publicKey) === true) ?? false;
}

/** A key or certificate that OpenSSL cannot use is no error here: nothing is signed by it. */
function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}

function derOf(text: string): Uint8Array {
  return Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
}

function derHash(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/** ICANN's part of the list only: `*.github.io` is a legitimate certificate of GitHub. */
function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name) === name;
}
