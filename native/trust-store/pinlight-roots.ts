// Knows a root that Pinlight made, on this device or in an earlier installation, and finds them in the bytes of any store.
// Pure but for parsing. Not for reading stores.
import { X509Certificate } from 'node:crypto';

export type RootCertificate = {
  readonly der: Buffer;
  readonly pem: string;
  /** SHA-256, lower-case hex without colons. */
  readonly fingerprint: string;
  /** As `CN=…`, without the organisation. */
  readonly name: string;
  /** Ends of validity, ms since the epoch. */
  readonly notAfter: number;
};

/** The start of the subject of every root that Pinlight makes. */
const marker = /^O=Pinlight\nCN=Pinlight root for /;
/** First byte of a certificate in DER; PEM begins with a dash. */
const sequence = 0x30;

/** The certificate when it is a root of Pinlight's; null for anything else. */
export function readPinlightRoot(bytes: Buffer | string): RootCertificate | null {
  // Nearly all of a store is other people's: a look at the bytes spares taking them apart.
  if (typeof bytes !== 'string' && bytes[0] === sequence && !bytes.includes('Pinlight root for ')) return null;
  try {
    const certificate = new X509Certificate(bytes);
    if (!marker.test(certificate.subject) || certificate.issuer !== certificate.subject || !certificate.ca) return null;
    return {
      der: certificate.raw, pem: toPem(certificate.raw), fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      name: certificate.subject.replace('O=Pinlight\n', ''), notAfter: Date.parse(certificate.validTo),
    };
  } catch {
    return null;
  }
}

/** Every root of Pinlight's in these bytes, each once: PEM with any line ends, DER inside a keystore or alone, Base64 inside JSON. */
export function pinlightRootsIn(bytes: Buffer): readonly RootCertificate[] {
  const text = bytes.toString('latin1');
  const found = [
    ...pemBlocks(text).map((block) => Buffer.from(block, 'base64')),
    ...derIn(bytes),
    ...[...text.matchAll(/"(MII[\w+/=\\]{200,})"/g)].map((match) => Buffer.from((match[1] ?? '').replaceAll('\\', ''), 'base64')),
  ].flatMap((der) => readPinlightRoot(der) ?? []);
  return distinct(found);
}

/** The Base64 of each certificate of a bundle, without line ends. */
export function pemBlocks(text: string): readonly string[] {
  return [...text.matchAll(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----([^-]*)-----END/g)].map((match) => (match[1] ?? '').replace(/\s+/g, ''));
}

/** The text without the blocks of Pinlight's roots; the rest byte for byte. */
export function withoutPinlightRoots(text: string): string {
  return text.replace(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----\r?\n?/g, (block: string, body: string) => (readPinlightRoot(Buffer.from(body, 'base64')) === null ? block : ''));
}

/** Each root once. */
export function distinct(roots: readonly RootCertificate[]): readonly RootCertificate[] {
  return [...new Map(roots.map((root) => [root.fingerprint, root])).values()];
}

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

/** `O=Pinlight` as DER, UTF8String or PrintableString: cheap to look for before anything is parsed. */
const organisations = [0x0c, 0x13].map((type) => Buffer.concat([Buffer.from('060355040a', 'hex'), Buffer.from([type, 8]), Buffer.from('Pinlight')]));

function derIn(bytes: Buffer): readonly Buffer[] {
  if (!organisations.some((one) => bytes.includes(one))) return [];
  const found: Buffer[] = [];
  // SEQUENCE { SEQUENCE { [0] { INTEGER 2 …: how every version 3 certificate begins, both lengths in two bytes.
  for (let at = bytes.indexOf('3082', 0, 'hex'); at >= 0; at = bytes.indexOf('3082', at + 1, 'hex')) {
    const end = at + 4 + bytes.readUInt16BE(Math.min(at + 2, bytes.length - 2));
    if (end <= bytes.length && bytes.subarray(at + 8, at + 13).toString('hex') === 'a003020102') found.push(bytes.subarray(at, end));
  }
  return found;
}
