// Reads an X.509 certificate's DER (RFC 5280 section 4.1) as strictly as browsers do: names, dates, key, signature algorithm, extensions.
// Not a verifier: signatures are OpenSSL's business; what a chain of certificates is worth is chain.ts.
import { bitString, boolean, children, hex, only, sameBytes, sequence, smallInteger, time, type Element } from './der.ts';
import { readExtensionValues, type CertificateExtensions, type CertificateName } from './extensions.ts';

export { ipText, type CertificateName } from './extensions.ts';

export type PublicKeyFacts =
  | { readonly kind: 'rsa'; /** Size of the modulus. */ readonly bits: number; readonly exponentSound: boolean }
  | { readonly kind: 'ec'; /** Curve: object identifier, hex. */ readonly curve: string }
  | { readonly kind: 'other'; readonly algorithm: string };

export type CertificateFacts = {
  /** 1 or 3 (2 exists and is odd). */
  readonly version: number;
  /** The serial number's octets as encoded. */
  readonly serial: Uint8Array;
  /** Whole Name structures, tag and length included, byte for byte as encoded. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Whole SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly key: PublicKeyFacts;
  /** Whole AlgorithmIdentifier of the signature, hex: what it stands for is chain.ts's list. */
  readonly signatureAlgorithm: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** subjectAltName entries of the kinds DNS and IP, in order; null when the extension is absent. */
  readonly names: readonly CertificateName[] | null;
  /** subjectKeyIdentifier's octets; null when absent. */
  readonly keyId: Uint8Array | null;
  readonly extensions: CertificateExtensions;
};

export type CertificateRead = { readonly kind: 'certificate'; readonly facts: CertificateFacts } | { readonly kind: 'malformed'; readonly why: string };

/** Real certificates have about ten; thousands would only cost time. */
const extensionLimit = 100;

/** The facts of one certificate; `malformed` for anything this strict reader does not understand. Never throws. */
export function readCertificate(der: Uint8Array): CertificateRead {
  const malformed = (why: string): CertificateRead => ({ kind: 'malformed', why });
  const outer = sequence(der);
  const [tbs, algorithm, signature] = outer ?? [];
  if (tbs?.tag !== 0x30) return malformed('no certificate');
  if (algorithm?.tag !== 0x30 || signature === undefined || bitString(signature) === null || outer?.length !== 3) return malformed('signature');
  const parts = children(tbs.content);
  if (parts === null) return malformed('TBSCertificate cut short');
  const version = readVersion(parts[0]);
  if (version === null) return malformed('version');
  const [serial, innerAlgorithm, issuer, validity, subject, spki, ...rest] = version === 1 ? parts : parts.slice(1);
  if (serial?.tag !== 2 || issuer?.tag !== 0x30 || validity?.tag !== 0x30 || subject?.tag !== 0x30 || spki?.tag !== 0x30) {
    return malformed('fields of the TBSCertificate');
  }
  // RFC 5280 section 4.1.1.2: the algorithm stands twice, once under the signature.
  if (innerAlgorithm === undefined || !sameBytes(innerAlgorithm.whole, algorithm.whole)) return malformed('signature algorithm named differently inside');
  if (!wellFormedName(issuer) || !wellFormedName(subject)) return malformed('issuer or subject');
  const dates = children(validity.content)?.map((date) => time(date)) ?? [];
  const [notBefore, notAfter] = dates;
  if (dates.length !== 2 || notBefore === null || notBefore === undefined || notAfter === null || notAfter === undefined) return malformed('validity');
  const key = readKey(spki);
  if (key === null) return malformed('public key');
  if (!orderedRest(rest, version)) return malformed('fields after the public key');
  const block = rest.find((part) => part.tag === 0xa3);
  const listed = block === undefined ? [] : readExtensions(block.content);
  if (listed === null) return malformed('extensions');
  const extensions = readExtensionValues(listed);
  if (typeof extensions === 'string') return malformed(extensions);
  return { kind: 'certificate', facts: {
    version, serial: serial.content, issuer: issuer.whole, subject: subject.whole, spki: spki.whole, key, signatureAlgorithm: hex(algorithm.whole), notBefore, notAfter,
    names: extensions.subjectAltName?.names ?? null, keyId: extensions.keyId, extensions,
  } };
}

/** 1 where the field is absent; a version written out that is the default, or unknown, is null. */
function readVersion(first: Element | undefined): number | null {
  if (first?.tag !== 0xa0) return 1;
  const inner = only(first.content, 2);
  const value = inner === null ? null : smallInteger(inner);
  return value === 1 || value === 2 ? value + 1 : null;
}

/** RDNSequence: sets that are not empty, of pairs of an object identifier and one value that is a string of its type. */
function wellFormedName(name: Element): boolean {
  return children(name.content)?.every((set) => {
    const pairs = set.tag === 0x31 ? children(set.content) : null;
    return pairs !== null && pairs.length > 0 && pairs.every((pair) => {
      const parts = pair.tag === 0x30 ? children(pair.content) : null;
      return parts?.length === 2 && parts[0]?.tag === 6 && soundString(parts[1] as Element);
    });
  }) ?? false;
}

/** Strings of characters that their type has; other types are not looked into. */
function soundString({ tag, content }: Element): boolean {
  if (tag === 0x0c) return isUtf8(content);
  if (tag === 0x1e) return content.length % 2 === 0;
  if (tag === 0x1c) return content.length % 4 === 0;
  // NumericString, PrintableString, IA5String, VisibleString: misused characters are common, bytes above ASCII are not.
  return ![0x12, 0x13, 0x16, 0x1a].includes(tag) || content.every((byte) => byte < 0x80);
}

function isUtf8(bytes: Uint8Array): boolean {
  if (bytes.every((byte) => byte < 0x80)) return true;
  try {
    decodeURIComponent(hex(bytes).replace(/../g, '%$&'));
    return true;
  } catch {
    return false;
  }
}

/** issuerUniqueID and subjectUniqueID of versions 2 and 3, extensions of version 3, in this order and once each. */
function orderedRest(rest: readonly Element[], version: number): boolean {
  const allowed = version === 1 ? [] : version === 2 ? [0x81, 0x82] : [0x81, 0x82, 0xa3];
  return rest.every((part, at) => allowed.includes(part.tag) && (at === 0 || part.tag > (rest[at - 1] as Element).tag));
}

const oidRsa = '2a864886f70d010101';
const oidEc = '2a8648ce3d0201';

function readKey(spki: Element): PublicKeyFacts | null {
  const [algorithm, bits, ...more] = children(spki.content) ?? [];
  const [oid, parameters, ...others] = algorithm?.tag === 0x30 ? children(algorithm.content) ?? [] : [];
  const key = bits === undefined ? null : bitString(bits);
  if (oid?.tag !== 6 || key === null || more.length > 0 || others.length > 0) return null;
  const name = hex(oid.content);
  if (name === oidEc) return parameters?.tag === 6 ? { kind: 'ec', curve: hex(parameters.content) } : { kind: 'other', algorithm: name };
  if (name !== oidRsa) return { kind: 'other', algorithm: name };
  const [modulus, exponent, ...extra] = sequence(key) ?? [];
  const highest = modulus?.content[0] === 0 ? 1 : 0;
  const top = modulus?.content[highest];
  if (parameters?.tag !== 5 || modulus?.tag !== 2 || exponent?.tag !== 2 || extra.length > 0 || top === undefined || top === 0 || (modulus.content[0] as number) > 0x7f) return null;
  return { kind: 'rsa', bits: (modulus.content.length - highest) * 8 - (Math.clz32(top) - 24), exponentSound: soundExponent(exponent.content) };
}

/** Odd, at least 3, at most 33 bits, as BoringSSL has it. */
function soundExponent(content: Uint8Array): boolean {
  const value = content.length > 5 || (content[0] ?? 0) > 0x7f ? 0 : content.reduce((all, byte) => all * 256 + byte, 0);
  return value >= 3 && value % 2 === 1 && value < 2 ** 33;
}

/** The extensions in the one SEQUENCE that `block` is, identifiers in hex; null when it is not well-formed or one kind comes twice. */
export function readExtensions(block: Uint8Array): { oid: string; critical: boolean; value: Uint8Array }[] | null {
  const list = sequence(block);
  if (list === null || list.length === 0 || list.length > extensionLimit) return null;
  const found: { oid: string; critical: boolean; value: Uint8Array }[] = [];
  const seen = new Set<string>();
  for (const extension of list) {
    const parts = extension.tag === 0x30 ? children(extension.content) : null;
    const oid = parts?.[0];
    const value = parts?.at(-1);
    if (oid?.tag !== 6 || value?.tag !== 4 || (parts?.length !== 2 && parts?.length !== 3)) return null;
    const critical = parts.length === 3 ? boolean(parts[1] as Element) : false;
    if (critical === null) return null;
    const id = hex(oid.content);
    // RFC 5280 section 4.2: never two of one kind; which of two subjectAltNames is read must not be a choice.
    if (seen.has(id)) return null;
    seen.add(id);
    found.push({ oid: id, critical, value: value.content });
  }
  return found;
}
