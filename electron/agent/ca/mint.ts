// Builds certificates: node-forge for the DER of the TBSCertificate, node:crypto for keys and signatures (forge cannot sign ECDSA).
// Not for keeping the root (authority.ts) and not for caching (leaf-contexts.ts).
import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const universal = asn1.Class.UNIVERSAL;
const oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
} as const;

export type RootInputs = { readonly key: KeyObject; readonly publicKey: KeyObject; readonly commonName: string; readonly notBefore: number; readonly notAfter: number };

/** A self-signed root (C3): CA, pathlen 0, keyCertSign + cRLSign, serverAuth only (C9). Answers DER. */
export function mintRoot(inputs: RootInputs): Buffer {
  const name = node(asn1.Type.SEQUENCE, [
    rdn(oid.organization, 'Pinlight'),
    rdn(oid.commonName, inputs.commonName),
  ]);
  const keyId = keyIdentifier(inputs.publicKey);
  return certificate({
    key: inputs.key, publicKey: inputs.publicKey, issuer: name, subject: name,
    notBefore: inputs.notBefore, notAfter: inputs.notAfter,
    extensions: [
      extension(oid.basicConstraints, true, node(asn1.Type.SEQUENCE, [boolean(true), integer(0)])),
      extension(oid.keyUsage, true, bits(0b0000_0110, 1)),
      extension(oid.extKeyUsage, false, node(asn1.Type.SEQUENCE, [oidNode(oid.serverAuth)])),
      extension(oid.subjectKeyId, false, octets(keyId)),
    ],
  });
}

export type LeafInputs = {
  readonly rootKey: KeyObject;
  /** The root's whole subject Name, byte for byte: Go refuses a chain whose issuer was encoded anew with another string type. */
  readonly issuer: Uint8Array;
  readonly rootKeyId: Uint8Array;
  readonly publicKey: KeyObject;
  /** One DNS name or one address (4 or 16 bytes): never widened, so that browsers do not coalesce hosts. */
  readonly name: { readonly kind: 'dns'; readonly name: string } | { readonly kind: 'ip'; readonly bytes: Uint8Array };
  readonly notBefore: number;
  readonly notAfter: number;
};

/** A leaf (C4): v3, one name, serverAuth, digitalSignature, AKI (Python 3.13 refuses a leaf without). Answers DER. */
export function mintLeaf(inputs: LeafInputs): Buffer {
  const { name } = inputs;
  const general = name.kind === 'dns'
    ? asn1.create(asn1.Class.CONTEXT_SPECIFIC, 2, false, name.name)
    : asn1.create(asn1.Class.CONTEXT_SPECIFIC, 7, false, Buffer.from(name.bytes).toString('latin1'));
  // X.520 limits a common name to 64 characters; the SAN is what counts, so a longer name leaves the subject empty (SAN critical then).
  const subject = node(asn1.Type.SEQUENCE, name.kind === 'dns' && name.name.length <= 64 ? [rdn(oid.commonName, name.name)] : []);
  const emptySubject = (subject.value as Asn1[]).length === 0;
  return certificate({
    key: inputs.rootKey, publicKey: inputs.publicKey,
    issuer: asn1.fromDer(forge.util.createBuffer(Buffer.from(inputs.issuer).toString('latin1'))), subject,
    notBefore: inputs.notBefore, notAfter: inputs.notAfter,
    extensions: [
      extension(oid.basicConstraints, true, node(asn1.Type.SEQUENCE, [])),
      // digitalSignature alone, for RSA too: every suite we offer is ECDHE.
      extension(oid.keyUsage, true, bits(0b1000_0000, 7)),
      extension(oid.extKeyUsage, false, node(asn1.Type.SEQUENCE, [oidNode(oid.serverAuth)])),
      extension(oid.subjectAltName, emptySubject, node(asn1.Type.SEQUENCE, [general])),
      extension(oid.authorityKeyId, false, node(asn1.Type.SEQUENCE, [
        asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, false, Buffer.from(inputs.rootKeyId).toString('latin1')),
      ])),
      extension(oid.subjectKeyId, false, octets(keyIdentifier(inputs.publicKey))),
    ],
  });
}

/** DER as PEM text. */
export function pem(der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function certificate(inputs: {
  key: KeyObject; publicKey: KeyObject; issuer: Asn1; subject: Asn1; notBefore: number; notAfter: number; extensions: Asn1[];
}): Buffer {
  const algorithm = node(asn1.Type.SEQUENCE, [oidNode(oid.ecdsaWithSha256)]);
  const tbs = node(asn1.Type.SEQUENCE, [
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [integer(2)]),
    asn1.create(universal, asn1.Type.INTEGER, false, serial()),
    algorithm,
    inputs.issuer,
    node(asn1.Type.SEQUENCE, [date(inputs.notBefore), date(inputs.notAfter)]),
    inputs.subject,
    asn1.fromDer(forge.util.createBuffer(inputs.publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'))),
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 3, true, [node(asn1.Type.SEQUENCE, inputs.extensions)]),
  ]);
  const tbsDer = Buffer.from(asn1.toDer(tbs).getBytes(), 'latin1');
  const signature = sign('sha256', tbsDer, inputs.key);
  const signed = node(asn1.Type.SEQUENCE, [
    tbs, algorithm, asn1.create(universal, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`),
  ]);
  return Buffer.from(asn1.toDer(signed).getBytes(), 'latin1');
}

/** 127 random bits, positive and non-zero in its first byte (C3: > 0, < 2^159, at least 64 random bits). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('latin1');
}

/** RFC 5280 section 4.2.1.2 method 1: SHA-1 over the public key's bits. An identifier, not a signature. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = asn1.fromDer(forge.util.createBuffer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1')));
  const bitString = (spki.value as Asn1[])[1] as Asn1 & { bitStringContents?: string };
  const contents = bitString.bitStringContents ?? (bitString.value as string);
  return createHash('sha1').update(Buffer.from(contents.slice(1), 'latin1')).digest();
}

const node = (type: forge.asn1.Type, value: Asn1[]): Asn1 => asn1.create(universal, type, true, value);
const oidNode = (value: string): Asn1 => asn1.create(universal, asn1.Type.OID, false, asn1.oidToDer(value).getBytes());
const integer = (value: number): Asn1 => asn1.create(universal, asn1.Type.INTEGER, false, asn1.integerToDer(value).getBytes());
const boolean = (value: boolean): Asn1 => asn1.create(universal, asn1.Type.BOOLEAN, false, value ? '\xff' : '\0');
const octets = (value: Buffer): Asn1 => asn1.create(universal, asn1.Type.OCTETSTRING, false, value.toString('latin1'));
const bits = (value: number, unused: number): Asn1 => asn1.create(universal, asn1.Type.BITSTRING, false, String.fromCharCode(unused, value));

function rdn(type: string, text: string): Asn1 {
  const value = asn1.create(universal, asn1.Type.UTF8, false, forge.util.encodeUtf8(text));
  return node(asn1.Type.SET, [node(asn1.Type.SEQUENCE, [oidNode(type), value])]);
}

/** UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5); seconds precision. */
function date(ms: number): Asn1 {
  const at = new Date(Math.floor(ms / 1000) * 1000);
  return at.getUTCFullYear() < 2050
    ? asn1.create(universal, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(at))
    : asn1.create(universal, asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(at));
}

function extension(type: string, critical: boolean, value: Asn1): Asn1 {
  return node(asn1.Type.SEQUENCE, [
    oidNode(type), ...(critical ? [boolean(true)] : []), octets(Buffer.from(asn1.toDer(value).getBytes(), 'latin1')),
  ]);
}
