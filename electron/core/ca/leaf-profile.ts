// What a leaf may say: for which name, from when, until when. Criteria C4 and C5 (SECURITY.md).
// Not for building or signing it (agent/ca/mint).

const day = 24 * 3600_000;

/** At most 7 days in all; backdated at most 24 h, for laptops whose clocks run ahead of each other (a stated deviation from STIP). */
export const leafLifetimeMs = 7 * day;
export const leafBackdateMs = day;
/** Leaves begin at noon or midnight UTC, 12 to 24 h back: the moment itself would tell whoever sees the leaf when the host was first visited. */
export const leafBeginsEveryMs = day / 2;

export type LeafValidity =
  | { readonly kind: 'valid'; readonly notBefore: number; readonly notAfter: number }
  | { readonly kind: 'impossible'; readonly why: string };

/** All times in ms since the epoch. Never past the upstream's or the root's end, never before the root's beginning. */
export function leafValidity(now: number, upstreamNotAfter: number, root: { notBefore: number; notAfter: number }): LeafValidity {
  const begin = Math.ceil((now - leafBackdateMs) / leafBeginsEveryMs) * leafBeginsEveryMs;
  const notBefore = Math.max(begin, root.notBefore);
  const notAfter = Math.min(begin + leafLifetimeMs, upstreamNotAfter, root.notAfter);
  // A clock that stands outside the root's life would make leaves nobody accepts: better to inspect nothing.
  if (now < root.notBefore || now >= root.notAfter) return { kind: 'impossible', why: 'the clock is outside the life of the root' };
  if (notAfter <= now) return { kind: 'impossible', why: 'the server certificate has ended' };
  return { kind: 'valid', notBefore, notAfter };
}

/** What our downstream leg needs of a hello to answer it; null when it can, else why not. */
export function whyUnanswerable(hello: { versions: readonly number[]; cipherSuites: readonly number[]; signatureAlgorithms: readonly number[]; groups: readonly number[] }): string | null {
  const tls13 = hello.versions.includes(0x0304);
  const tls12 = hello.versions.includes(0x0303);
  if (!tls13 && !tls12) return 'no TLS 1.2 or 1.3';
  // The root signs with ECDSA P-256 and SHA-256: a client without that algorithm cannot verify any leaf of ours.
  if (!hello.signatureAlgorithms.includes(0x0403)) return 'no ECDSA with SHA-256';
  if (!hello.groups.some((group) => downstreamGroups.has(group))) return 'no elliptic curve in common';
  const suites13 = tls13 && hello.cipherSuites.some((suite) => suite >= 0x1301 && suite <= 0x1303);
  const suites12 = tls12 && hello.cipherSuites.some((suite) => (ecdheEcdsa.has(suite) && bearsEcLeaf(hello)) || ecdheRsa.has(suite));
  return suites13 || suites12 ? null : 'no cipher suite with forward secrecy and authenticated encryption';
}

/** Which key the leaf must have: `rsa` only for a TLS 1.2 client without ECDHE-ECDSA suites or without P-256. */
export function leafKeyFor(hello: { versions: readonly number[]; cipherSuites: readonly number[]; groups: readonly number[] }, maxVersion: 'TLSv1.2' | 'TLSv1.3'): 'ec' | 'rsa' {
  const tls13 = maxVersion === 'TLSv1.3' && hello.versions.includes(0x0304) && hello.cipherSuites.some((suite) => suite >= 0x1301 && suite <= 0x1303);
  return tls13 || (bearsEcLeaf(hello) && hello.cipherSuites.some((suite) => ecdheEcdsa.has(suite))) ? 'ec' : 'rsa';
}

/** In TLS 1.2 the groups a client offers are also the curves it takes in certificates (RFC 8422 section 5.1). */
function bearsEcLeaf({ groups }: { groups: readonly number[] }): boolean {
  return groups.includes(0x0017);
}

/** X25519, P-256, P-384, P-521 and the hybrid X25519MLKEM768 of OpenSSL 3.5. */
const downstreamGroups = new Set([0x001d, 0x0017, 0x0018, 0x0019, 0x11ec]);
const ecdheEcdsa = new Set([0xc02b, 0xc02c, 0xcca9]);
const ecdheRsa = new Set([0xc02f, 0xc030, 0xcca8]);

/** The nine suites of both legs (B1, B3): three of TLS 1.3, six ECDHE with AEAD; OpenSSL names, in the order browsers prefer. */
const suites = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
];

/** For the server leg. */
export const cipherList = suites.join(':');

/** The bulk cipher of a suite by its OpenSSL name. */
export type BulkCipher = 'AES128' | 'AES256' | 'CHACHA20';

export function bulkCipherOf(suite: string): BulkCipher {
  if (suite.includes('CHACHA20')) return 'CHACHA20';
  return /AES_?256/.test(suite) ? 'AES256' : 'AES128';
}

/** Does an app offer a bulk cipher for a version? Where it does not, it would be shown another one than its data has on the way (B4). */
export function offersBulk(hello: { cipherSuites: readonly number[] }, version: 'TLSv1.2' | 'TLSv1.3', bulk: BulkCipher): boolean {
  return bulkSuites[version][bulk].some((suite) => hello.cipherSuites.includes(suite));
}

const bulkSuites: Readonly<Record<'TLSv1.2' | 'TLSv1.3', Readonly<Record<BulkCipher, readonly number[]>>>> = {
  'TLSv1.2': { AES128: [0xc02b, 0xc02f], AES256: [0xc02c, 0xc030], CHACHA20: [0xcca9, 0xcca8] },
  'TLSv1.3': { AES128: [0x1301], AES256: [0x1302], CHACHA20: [0x1303] },
};

/** For the app's leg: first what the server leg has, so that the app is shown what really protects its data on the way (B4). */
export function cipherListLike(bulk: BulkCipher): string {
  return [...suites.filter((suite) => bulkCipherOf(suite) === bulk), ...suites.filter((suite) => bulkCipherOf(suite) !== bulk)].join(':');
}

/** No SHA-1, no SHA-224, no DSA (B1). */
export const signatureList = [
  'ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512', 'ed25519',
  'rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512', 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512',
].join(':');
