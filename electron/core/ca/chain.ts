// Is a chain whose signatures hold good enough to answer an app with? The rules of browsers that OpenSSL does not have, or has elsewhere.
// Pure; not for finding the chain or checking signatures (agent/ca/server-chain.ts) and not for revocation lists (revocation.ts).
// Sources: RFC 5280 section 6, Chromium 156 (measured by test/security), criteria A1 to A7, A11, A12 (SECURITY.md).
import { knownBrokenKey } from './broken-keys.ts';
import type { CertificateFacts, CertificateRead, PublicKeyFacts } from './certificate.ts';
import { sameBytes } from './der.ts';
import { whyNameNotAllowed } from './name-constraints.ts';
import { checkServerName } from './server-name.ts';
import { ipText } from './extensions.ts';
import { addressBytes } from '../policy/address.ts';

export type ChainLink = {
  readonly read: CertificateRead;
  /** SHA-256, hex, of the SubjectPublicKeyInfo. */
  readonly spkiHash: string;
  /** Of the whole certificate, in bytes. */
  readonly size: number;
};

export type ChainLimits = {
  /** The last certificate is one that browsers ship: rules for public authorities apply. Roots that were added here are free of them. */
  readonly publicRoot: boolean;
  /** SHA-256, hex, of our own root's SPKI: never trusted upstream (A6). */
  readonly ownSpkiHash: string | null;
  /** True for names under which the public registers (`co.uk`). */
  readonly isPublicSuffix: (name: string) => boolean;
};

/** Longest chain, root included, and all its bytes together: Chromium's depth, and near what OpenSSL takes in one message (A11). */
const linkLimit = 15;
const sizeLimit = 100_000;

/**
 * Why a chain is not trusted for `host`, as a sentence; null when it is. `chain`: server's certificate first, trusted root last, each
 * signature verified with the next key. `host`: normalised like Target.host; `now`: ms since the epoch.
 */
export function whyChainNotTrusted(chain: readonly ChainLink[], host: string, now: number, limits: ChainLimits): string | null {
  if (chain.length < 2) return 'the certificate has no authority above it';
  if (chain.length > linkLimit || chain.reduce((sum, { size }) => sum + size, 0) > sizeLimit) return 'the chain of certificates is too long';
  const facts: CertificateFacts[] = [];
  for (const [at, { read, spkiHash }] of chain.entries()) {
    const who = nameOf(at, chain.length);
    if (read.kind === 'malformed') return `${who} cannot be read (${read.why})`;
    const known = knownBrokenKey(spkiHash);
    if (known !== undefined) return `${who} has a key that nobody may rely on (${known})`;
    if (spkiHash === limits.ownSpkiHash) return `${who} is of Pinlight's own root`;
    facts.push(read.facts);
  }
  const leaf = facts[0] as CertificateFacts;
  return whyLeafNotTrusted(leaf, now) ?? whyLinksNotTrusted(facts, now) ?? whyPolicyMissing(facts)
    ?? whyNameNotTrusted(leaf, host, limits) ?? (limits.publicRoot ? whyLivesTooLong(leaf) : null);
}

function whyLeafNotTrusted(leaf: CertificateFacts, now: number): string | null {
  const { keyUsage } = leaf.extensions;
  // What every connection meets first stands first: its words are what people read most.
  const dates = whyNotNow(leaf, 'the certificate', now);
  if (dates !== null) return dates;
  if (leaf.version !== 3) return `the certificate is X.509 version ${leaf.version}`;
  // Every suite we offer signs with this key.
  if (keyUsage !== null && (keyUsage & digitalSignature) === 0) return 'the certificate is not for signatures';
  // BoringSSL offers no signature algorithm for this curve.
  return leaf.key.kind === 'ec' && leaf.key.curve === curveP521 ? 'the certificate has a key of a kind that browsers do not take' : null;
}

/** All that holds for each certificate and between neighbours, from the root down. */
function whyLinksNotTrusted(chain: readonly CertificateFacts[], now: number): string | null {
  let pathLength = Number.POSITIVE_INFINITY;
  for (let at = chain.length - 1; at >= 0; at -= 1) {
    const own = chain[at] as CertificateFacts;
    const who = nameOf(at, chain.length);
    const above = chain[at + 1];
    const why = whyNotNow(own, who, now) ?? whyKeyWeak(own.key, who) ?? whyNotForServers(own, who);
    if (why !== null) return why;
    const { extensions } = own;
    if (extensions.unknownCritical.length > 0) return `${who} has a critical extension that is not understood (${dotted(extensions.unknownCritical[0] as string)})`;
    if (extensions.subjectAltName?.critical === false && isEmptyName(own.subject)) return `${who} has neither a subject nor a critical subjectAltName`;
    if (above !== undefined) {
      if (!sameBytes(own.issuer, above.subject)) return `the issuer of ${who} is not the next certificate's subject`;
      if (soundSignature(own.signatureAlgorithm) === null) return `${who} is signed with a weak or unknown algorithm`;
    }
    if (at > 0) {
      const authority = whyNoAuthority(own, who, above === undefined);
      if (authority !== null) return authority;
      // A re-issued authority of the same name does not count (RFC 5280 section 6.1.4 (l)).
      if (above !== undefined && !sameBytes(own.issuer, own.subject)) pathLength -= 1;
      if (pathLength < 0) return `${who} exceeds the path length that an authority above allows`;
      pathLength = Math.min(pathLength, extensions.basicConstraints?.pathLength ?? pathLength);
    }
    // Names of a re-issued authority are free, those of the server's certificate never.
    if (at > 0 && sameBytes(own.issuer, own.subject)) continue;
    for (const authority of chain.slice(at + 1)) {
      const name = authority.extensions.nameConstraints === null ? null : whyNameNotAllowed(authority.extensions.nameConstraints, own);
      if (name !== null) return `an authority above ${who} is not allowed to certify ${name}`;
    }
  }
  return null;
}

function whyNoAuthority({ version, extensions: { basicConstraints, keyUsage } }: CertificateFacts, who: string, isRoot: boolean): string | null {
  // Roots of before 1996 have no extensions: trust in them was given by hand.
  if (isRoot && version === 1) return null;
  if (version !== 3) return `${who} is X.509 version ${version}`;
  if (basicConstraints?.ca !== true) return `${who} is no authority`;
  return keyUsage !== null && (keyUsage & keyCertSign) === 0 ? `${who} is not for signing certificates` : null;
}

function whyNotForServers({ extensions: { extendedKeyUsage } }: CertificateFacts, who: string): string | null {
  return extendedKeyUsage === null || extendedKeyUsage.some((purpose) => purpose === serverAuth || purpose === anyPurpose) ? null : `${who} is not for servers`;
}

function whyNotNow({ notBefore, notAfter }: CertificateFacts, who: string, now: number): string | null {
  if (now < notBefore) return `${who} is not valid yet`;
  return now > notAfter ? `${who} has expired` : null;
}

function whyKeyWeak(key: PublicKeyFacts, who: string): string | null {
  if (key.kind === 'rsa') {
    if (key.bits < 2048) return `${who} has a weak key (RSA, ${key.bits} bits)`;
    return key.bits > 8_192 || !key.exponentSound ? `${who} has an odd RSA key` : null;
  }
  return key.kind === 'ec' && curves.has(key.curve) ? null : `${who} has a key of a kind that browsers do not take`;
}

/** A policy that an authority demands must run through all certificates below it. Mappings are not computed: refused. */
function whyPolicyMissing(chain: readonly CertificateFacts[]): string | null {
  const demanded = chain.some(({ extensions: { requireExplicitPolicy } }, at) => requireExplicitPolicy !== null && requireExplicitPolicy <= at);
  if (!demanded) return null;
  const below = chain.slice(0, -1);
  let common: readonly string[] | null = null;
  for (const { extensions } of below) {
    if (extensions.policyArithmetic || extensions.policies === null) return 'an authority demands a policy that the chain does not show';
    if (extensions.policies.includes(anyPolicy)) continue;
    const { policies } = extensions;
    common = common === null ? policies : common.filter((policy) => policies.includes(policy));
  }
  return common?.length === 0 ? 'an authority demands a policy that the chain does not show' : null;
}

function whyNameNotTrusted({ names }: CertificateFacts, host: string, { isPublicSuffix }: ChainLimits): string | null {
  const ip = addressBytes(host);
  const check = checkServerName(host, ip === null ? null : ipText(ip), names, isPublicSuffix);
  return check.kind === 'match' ? null : check.why;
}

const day = 86_400_000;

/** CA/Browser Forum: 825 days from March 2018, 398 from September 2020; browsers hold public authorities to it, and no others. */
function whyLivesTooLong({ notBefore, notAfter }: CertificateFacts): string | null {
  const most = notBefore >= Date.UTC(2020, 8, 1) ? 398 : notBefore >= Date.UTC(2018, 2, 1) ? 825 : 1_860;
  // RFC 5280: the last second counts.
  return notAfter + 1_000 - notBefore > most * day ? `the certificate lives longer than ${most} days` : null;
}

/** What the certificate at this place of a chain is called in sentences. */
export function nameOf(at: number, length: number): string {
  return at === 0 ? 'the certificate' : at === length - 1 ? 'the root' : 'an intermediate certificate';
}

function isEmptyName(name: Uint8Array): boolean {
  return name.length === 2;
}

function dotted(oid: string): string {
  const bytes = oid.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  const parts: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (byte > 0x7f) continue;
    if (parts.length === 0) parts.push(Math.min(2, Math.floor(value / 40)), value - 40 * Math.min(2, Math.floor(value / 40)));
    else parts.push(value);
    value = 0;
  }
  return parts.join('.');
}

const digitalSignature = 0x80;
const keyCertSign = 0x04;
const serverAuth = '2b06010505070301';
const anyPurpose = '551d2500';
const anyPolicy = '551d2000';
const curveP521 = '2b81040023';
/** P-256, P-384, P-521. */
const curves: ReadonlySet<string> = new Set(['2a8648ce3d030107', '2b81040022', curveP521]);

export type SignatureKind = {
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** Bytes of salt where it is RSA-PSS; null for RSA PKCS #1 and ECDSA. */
  readonly salt: number | null;
};

/** What a signature's AlgorithmIdentifier (whole, hex) stands for: RSA (PKCS #1 and PSS) and ECDSA with SHA-256, SHA-384, SHA-512; null for all others. */
export function soundSignature(algorithm: string): SignatureKind | null {
  return soundSignatures.get(algorithm) ?? null;
}

const soundSignatures: ReadonlyMap<string, SignatureKind> = new Map(([['sha256', 1, 32], ['sha384', 2, 48], ['sha512', 3, 64]] as const).flatMap(([hash, nth, salt]): (readonly [string, SignatureKind])[] => {
  const digest = `300d060960864801650304020${nth}0500`;
  return [
    [`300d06092a864886f70d01010${(nth + 10).toString(16)}0500`, { hash, salt: null }],
    [`300a06082a8648ce3d04030${nth + 1}`, { hash, salt: null }],
    [`304106092a864886f70d01010a3034a00f${digest}a11c301a06092a864886f70d010108${digest}a2030201${salt.toString(16)}`, { hash, salt }],
  ];
}));
