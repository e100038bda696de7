// Follows a server's certificate to the roots we trust, signature by signature, and has core judge the way. OpenSSL has verified a chain
// before, but Node does not show which: only what the server sent. Not for handshakes (proxy/connect-upstream).
import { createHash, X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { getPublicSuffix } from 'tldts';
import { readCertificate } from '../../core/ca/certificate.ts';
import { whyChainNotTrusted, type ChainLink } from '../../core/ca/chain.ts';
import { hex } from '../../core/ca/der.ts';
import { whyRevoked, type ListsOf } from '../../core/ca/revocation.ts';

export type ServerChain = {
  /** SHA-256, hex, of the server's certificate. */
  readonly hash: string;
  /** Its end, ms since the epoch; 0 when it cannot be read. */
  readonly notAfter: number;
  /** Every way to a root that was found; each begins with the server's certificate. */
  readonly ways: readonly {
    readonly links: readonly ChainLink[];
    /** Browsers ship the root. */
    readonly publicRoot: boolean;
    /** Its subject, in one line. */
    readonly rootName: string;
  }[];
  /** The server's certificate cannot be read. */
  readonly malformed: string | null;
};

export type ServerTrust = {
  /** `sent`: the server's certificate first, then whatever it sent with it, in any order. Remembered, because signatures cost time. */
  chainOf(sent: readonly X509Certificate[]): ServerChain;
  /** Why the chain is not good enough for `host` at `now` (ms since the epoch), as a sentence; null when one way is. */
  whyNot(chain: ServerChain, host: string, now: number): string | null;
};

/** Chains that are remembered; each some 10 kB. */
const chainLimit = 300;
/** A chain just judged for a host is not judged again for each of a burst of connections. */
const judgeAgainMs = 1_000;
/** What a server sends beyond this is not looked at; no honest chain is as long. */
const sentLimit = 20;
/** Signatures that are checked for one chain, and ways that are kept: certificates that sign each other in a circle make many. */
const signatureLimit = 100;
const wayLimit = 10;

type Opened = { readonly link: ChainLink; readonly x509: X509Certificate; readonly subject: string; readonly issuer: string };

/** What a finished handshake received, in the order sent. To be asked once: Node forgets the issuers after the first answer. */
export function sentCertificates(socket: tls.TLSSocket): X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let at = socket.getPeerX509Certificate(); at !== undefined && sent.length < sentLimit; at = at.issuerCertificate) sent.push(at);
  return sent;
}

/** What policy's revocation lists say, and what it means when they say nothing of a server's certificate. */
export type Revocation = { readonly listsOf: ListsOf; readonly unknown: 'allow' | 'refuse' };

/** `roots`: PEM, one certificate each. `ownSpkiHash`: SHA-256, hex, of our own root's SPKI. `revocation`: null = nothing is asked about it. */
export function createServerTrust(roots: readonly string[], ownSpkiHash: string | null, revocation: Revocation | null): ServerTrust {
  const bySubject = new Map<string, (Opened & { readonly publicRoot: boolean })[]>();
  const shipped = new Set(tls.getCACertificates('bundled').map((text) => derHash(derOf(text))));
  for (const text of roots) {
    const root = open(new X509Certificate(text));
    if (root.link.read.kind === 'malformed') continue;
    bySubject.set(root.subject, [...bySubject.get(root.subject) ?? [], { ...root, publicRoot: shipped.has(derHash(root.x509.raw)) }]);
  }
  const remembered = new Map<string, ServerChain>();
  const judged = new WeakMap<ServerChain, { readonly host: string; readonly at: number; readonly why: string | null }>();

  const follow = (sent: readonly X509Certificate[], hash: string): ServerChain => {
    const [server, ...others] = sent.map(open);
    // In the middle of a renegotiation there is none, and Node asks.
    if (server === undefined) return { hash, ways: [], notAfter: 0, malformed: 'the server has shown none' };
    const ways: ServerChain['ways'][number][] = [];
    let signatures = 0;
    const isSignedBy = (own: Opened, above: Opened): boolean => {
      signatures += 1;
      return signatures <= signatureLimit && verifies(own.x509, above.x509);
    };
    const climb = (path: readonly Opened[]): void => {
      const own = path.at(-1) as Opened;
      for (const root of bySubject.get(own.issuer) ?? []) {
        if (ways.length < wayLimit && isSignedBy(own, root)) ways.push({
          links: [...path, root].map(({ link }) => link), publicRoot: root.publicRoot, rootName: root.x509.subject.replaceAll('\n', ', '),
        });
      }
      for (const above of others) {
        if (above.subject === own.issuer && !path.includes(above) && isSignedBy(own, above)) climb([...path, above]);
      }
    };
    climb([server]);
    const { read } = server.link;
    return {
      hash, ways, notAfter: read.kind === 'certificate' ? read.facts.notAfter : 0, malformed: read.kind === 'malformed' ? read.why : null,
    };
  };

  return {
    chainOf: (sent) => {
      const hashes = sent.map(({ raw }) => derHash(raw));
      const key = hashes.join(' ');
      const chain = remembered.get(key) ?? follow(sent, hashes[0] ?? '');
      remembered.delete(key);
      remembered.set(key, chain);
      if (remembered.size > chainLimit) remembered.delete(remembered.keys().next().value as string);
      return chain;
    },
    whyNot: (chain, host, now) => {
      const before = judged.get(chain);
      if (before !== undefined && before.host === host && Math.abs(now - before.at) < judgeAgainMs) return before.why;
      const why = judge(chain, host, now);
      judged.set(chain, { host, at: now, why });
      return why;
    },
  };

  function judge(chain: ServerChain, host: string, now: number): string | null {
    if (chain.malformed !== null) return `the certificate cannot be read (${chain.malformed})`;
    let first: string | null = null;
    for (const { links, publicRoot } of chain.ways) {
      const why = whyChainNotTrusted(links, host, now, { publicRoot, ownSpkiHash, isPublicSuffix })
        ?? (revocation === null ? null : whyRevoked(links, revocation.listsOf, revocation.unknown, now));
      if (why === null) return null;
      first ??= why;
    }
    return first ?? 'no chain of valid signatures leads to a trusted root';
  }
}

function open(x509: X509Certificate): Opened {
  const { raw } = x509;
  const read = readCertificate(raw);
  const facts = read.kind === 'certificate' ? read.facts : null;
  return {
    x509, link: { read, spkiHash: facts === null ? '' : derHash(facts.spki), size: raw.length },
    // What cannot be read has no issuer, and nobody is signed by it.
    subject: facts === null ? '' : hex(facts.subject), issuer: facts === null ? 'unknown' : hex(facts.issuer),
  };
}

/** A key that OpenSSL cannot use is no error here: nothing is signed by it. */
function verifies(own: X509Certificate, above: X509Certificate): boolean {
  try {
    return own.verify(above.publicKey);
  } catch {
    return false;
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
