// Makes certificates of every kind, sound and odd: each field can be set, each byte changed. Signs with node:crypto. Not a product part.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { pem } from '../../electron/agent/ca/mint.ts';

export const day = 24 * 3600_000;

export type KeyKind = 'p256' | 'p384' | 'p521' | 'secp256k1' | 'rsa1024' | 'rsa2040' | 'rsa2048' | 'rsa3072' | 'rsa4096' | 'rsa2048e3' | 'ed25519' | 'dsa2048';
export type Digest = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
export type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

export type Made = {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: Pair;
  readonly keyPem: string;
  /** Name and key identifier, for what this certificate signs. */
  readonly subject: Buffer;
  readonly keyId: Buffer;
};

export type Wanted = {
  /** Common name, or a whole Name; '' = an empty subject. */
  readonly subject?: string | Buffer;
  /** Absent = self-signed. */
  readonly by?: Made;
  /** The issuer field, where it shall differ from the signer's name. */
  readonly issuer?: Buffer;
  readonly key?: KeyKind | Pair;
  readonly extensions?: readonly Buffer[];
  /** ms since the epoch. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly digest?: Digest | 'pss';
  readonly version?: 1 | 2 | 3;
  /** The elliptic curve point in its short form. */
  readonly compressed?: boolean;
  readonly serial?: Buffer;
  /** Changes the bytes that are signed. */
  readonly tweakTbs?: (tbs: Buffer) => Buffer;
  /** The AlgorithmIdentifier outside, where it shall differ. */
  readonly outerAlgorithm?: Buffer;
  readonly tweakSignature?: (signature: Buffer) => Buffer;
  readonly trailing?: Buffer;
};

const keys = new Map<string, Pair>();

/** A key pair of a kind; the same for the same `name`. */
export function keyOf(kind: KeyKind, name = ''): Pair {
  const id = `${kind} ${kind.startsWith('rsa') ? '' : name}`;
  const known = keys.get(id) ?? newKey(kind);
  keys.set(id, known);
  return known;
}

function newKey(kind: KeyKind): Pair {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519');
  if (kind === 'dsa2048') return generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
  if (kind.startsWith('rsa')) return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(3, 7)), publicExponent: kind.endsWith('e3') ? 3 : 65_537 });
  return generateKeyPairSync('ec', { namedCurve: { p256: 'P-256', p384: 'P-384', p521: 'P-521', secp256k1: 'secp256k1' }[kind as 'p256'] });
}

/** A private key in PEM as a pair. */
export function pairOf(privatePem: string): Pair {
  const privateKey = createPrivateKey(privatePem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** An OCSP response about `leaf` by its issuer, an ECDSA authority, for the next three days. */
export function ocspResponse(leaf: Made, issuer: Made, status: 'good' | 'revoked'): Buffer {
  const sha1 = tlv(0x30, oid(digestOids.sha1.hash), tlv(5));
  const keyHash = createHash('sha1').update(issuer.key.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)).digest();
  const at = (ms: number): Buffer => tlv(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]/g, '').replace(/\.\d+Z/, 'Z')));
  const answer = tlv(0x30,
    tlv(0x30, sha1, tlv(4, createHash('sha1').update(issuer.subject).digest()), tlv(4, keyHash), tlv(2, serialOf(leaf))),
    status === 'good' ? tlv(0x80) : tlv(0xa1, at(Date.now() - day)), at(Date.now() - 60_000), tlv(0xa0, at(Date.now() + 3 * day)));
  const data = tlv(0x30, tlv(0xa2, tlv(4, keyHash)), at(Date.now() - 60_000), tlv(0x30, answer));
  const basicResponse = tlv(0x30, data, algorithmOf(issuer.key.privateKey, 'sha256'), bitString(signWith(data, issuer.key.privateKey, 'sha256')));
  return tlv(0x30, tlv(0x0a, Buffer.from([0])), tlv(0xa0, tlv(0x30, oid('1.3.6.1.5.5.7.48.1.1'), tlv(4, basicResponse))));
}

/** A revocation list of `issuer`, of yesterday and for a week unless told otherwise. `entries`: whole entries, or certificates. */
export function revocationList(issuer: Made, entries: readonly (Made | Buffer)[], wanted: {
  thisUpdate?: number; nextUpdate?: number | null; version?: number; extensions?: readonly Buffer[]; digest?: Digest | 'pss'; tweakSignature?: (signature: Buffer) => Buffer;
} = {}): Buffer {
  const now = Date.now();
  const algorithm = algorithmOf(issuer.key.privateKey, wanted.digest ?? 'sha256');
  const revoked = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : revokedEntry(entry)));
  const keyId = extension('2.5.29.35', tlv(0x30, tlv(0x80, issuer.keyId)));
  const version = wanted.version ?? 1;
  const tbs = tlv(0x30, ...(version === 0 ? [] : [integer(version)]), algorithm, issuer.subject, date(wanted.thisUpdate ?? now - day),
    ...(wanted.nextUpdate === null ? [] : [date(wanted.nextUpdate ?? now + 7 * day)]), ...(revoked.length === 0 ? [] : [tlv(0x30, ...revoked)]),
    ...(version === 0 ? [] : [tlv(0xa0, tlv(0x30, ...(wanted.extensions ?? [keyId])))]));
  const signature = signWith(tbs, issuer.key.privateKey, wanted.digest ?? 'sha256');
  return tlv(0x30, tbs, algorithm, bitString(wanted.tweakSignature === undefined ? signature : wanted.tweakSignature(signature)));
}

/** One entry of such a list. */
export function revokedEntry(certificate: Made, ...extensions: readonly Buffer[]): Buffer {
  return tlv(0x30, tlv(2, serialOf(certificate)), date(Date.now() - 2 * day), ...(extensions.length === 0 ? [] : [tlv(0x30, ...extensions)]));
}

function serialOf({ der }: Made): Buffer {
  return Buffer.from(new X509Certificate(der).serialNumber, 'hex');
}

/** SubjectPublicKeyInfo of a P-256 key with the point's x and the sign of y. */
function compress(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  const point = spki.subarray(-65);
  return tlv(0x30, spki.subarray(2, 23), tlv(3, Buffer.from([0, 2 + ((point[64] as number) & 1)]), point.subarray(1, 33)));
}

let serials = 1;

/** One certificate; valid from yesterday for 30 days unless told otherwise. */
export function make(wanted: Wanted): Made {
  serials += 1;
  const key = wanted.key === undefined ? keyOf('p256', `k${serials}`) : typeof wanted.key === 'string' ? keyOf(wanted.key, `k${serials}`) : wanted.key;
  const subject = typeof wanted.subject === 'object' ? wanted.subject : nameOf(wanted.subject ?? `situation ${serials}`);
  const signer = wanted.by ?? { key, subject };
  const algorithm = algorithmOf(signer.key.privateKey, wanted.digest ?? 'sha256');
  const now = Date.now();
  const spki = wanted.compressed === true ? compress(key.publicKey) : key.publicKey.export({ type: 'spki', format: 'der' });
  const version = wanted.version ?? 3;
  const parts = [
    ...(version === 1 ? [] : [tlv(0xa0, integer(version - 1))]),
    tlv(2, wanted.serial ?? Buffer.concat([Buffer.from([0x40]), createHash('sha256').update(`${now} ${serials}`).digest().subarray(0, 15)])),
    algorithm, wanted.issuer ?? signer.subject,
    tlv(0x30, date(wanted.notBefore ?? now - day), date(wanted.notAfter ?? now + 30 * day)),
    subject, spki,
    ...(wanted.extensions === undefined || wanted.extensions.length === 0 ? [] : [tlv(0xa3, tlv(0x30, ...wanted.extensions))]),
  ];
  const plain = tlv(0x30, ...parts);
  const tbs = wanted.tweakTbs === undefined ? plain : wanted.tweakTbs(plain);
  const signature = signWith(tbs, signer.key.privateKey, wanted.digest ?? 'sha256');
  const der = Buffer.concat([
    tlv(0x30, tbs, wanted.outerAlgorithm ?? algorithm, bitString(wanted.tweakSignature === undefined ? signature : wanted.tweakSignature(signature))),
    wanted.trailing ?? Buffer.alloc(0),
  ]);
  return {
    der, pem: pem(der), key, keyPem: key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, subject, keyId: keyIdOf(key.publicKey),
  };
}

/** An authority: CA, keyCertSign; `more` beside or instead of the usual extensions. */
export function authority(subject: string | Buffer, by?: Made, wanted: Partial<Wanted> & { more?: readonly Buffer[] } = {}): Made {
  return make({ subject, ...(by === undefined ? {} : { by }), extensions: [basic(true), usage(0x06, 1), ...(wanted.more ?? [])], ...wanted });
}

/** A server's certificate for names (dNSName) or addresses. */
export function server(names: readonly string[], by: Made, wanted: Partial<Wanted> & { more?: readonly Buffer[] } = {}): Made {
  return make({ subject: 'server', by, extensions: [san(...names.map(general)), usage(0x80, 7), purposes('1.3.6.1.5.5.7.3.1'), ...(wanted.more ?? [])], ...wanted });
}

export function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha1').update(key.export({ type: 'spki', format: 'der' })).digest();
}

// Extensions.

export const extension = (oidText: string, value: Buffer, critical = false): Buffer =>
  tlv(0x30, oid(oidText), ...(critical ? [tlv(1, Buffer.from([0xff]))] : []), tlv(4, value));
export const basic = (ca: boolean, pathLength?: number, critical = true): Buffer =>
  extension('2.5.29.19', tlv(0x30, ...(ca ? [tlv(1, Buffer.from([0xff]))] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])), critical);
export const usage = (bits: number, unused: number): Buffer => extension('2.5.29.15', tlv(3, Buffer.from([unused, bits])), true);
export const purposes = (...list: readonly string[]): Buffer => extension('2.5.29.37', tlv(0x30, ...list.map(oid)));
export const san = (...names: readonly Buffer[]): Buffer => extension('2.5.29.17', tlv(0x30, ...names));
export const criticalSan = (...names: readonly Buffer[]): Buffer => extension('2.5.29.17', tlv(0x30, ...names), true);
export const policies = (...list: readonly string[]): Buffer => extension('2.5.29.32', tlv(0x30, ...list.map((one) => tlv(0x30, oid(one)))));
export const dns = (name: string): Buffer => tlv(0x82, Buffer.from(name, 'latin1'));
export const general = (name: string): Buffer => (/^[\d.]+$|:/.test(name) ? tlv(0x87, addressOf(name)) : dns(name));
export const constraints = (limits: { permitted?: readonly Buffer[]; excluded?: readonly Buffer[] }, critical = true): Buffer => extension('2.5.29.30', tlv(0x30,
  ...(limits.permitted === undefined ? [] : [tlv(0xa0, ...limits.permitted.map((one) => tlv(0x30, one)))]),
  ...(limits.excluded === undefined ? [] : [tlv(0xa1, ...limits.excluded.map((one) => tlv(0x30, one)))])), critical);

/** 4 or 16 bytes; IPv6 without `::`. */
export function addressOf(text: string): Buffer {
  return text.includes(':') ? Buffer.from(text.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])) : Buffer.from(text.split('.').map(Number));
}

// DER.

export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x10000 ? [0x82, length >> 8, length & 0xff] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** One RDN with a common name; '' = an empty Name. `tag`: the string type, UTF8String unless told otherwise. */
export function nameOf(commonName: string, tag = 0x0c, attribute = '2.5.4.3'): Buffer {
  return commonName === '' ? tlv(0x30) : tlv(0x30, tlv(0x31, tlv(0x30, oid(attribute), tlv(tag, Buffer.from(commonName)))));
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((value) => {
    const septets = [value & 0x7f];
    for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return tlv(6, Buffer.from(bytes));
}

export const integer = (value: number): Buffer => tlv(2, Buffer.from(value > 0x7f ? [value >> 8, value & 0xff] : [value]));
const bitString = (bytes: Buffer): Buffer => tlv(3, Buffer.from([0]), bytes);

function date(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').replace(/\.\d+Z/, 'Z');
  return Number(text.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}

const digestOids: Readonly<Record<Digest, { rsa: string; ec: string; dsa: string; hash: string }>> = {
  md5: { rsa: '1.2.840.113549.1.1.4', ec: '', dsa: '', hash: '1.2.840.113549.2.5' },
  sha1: { rsa: '1.2.840.113549.1.1.5', ec: '1.2.840.10045.4.1', dsa: '1.2.840.10040.4.3', hash: '1.3.14.3.2.26' },
  sha224: { rsa: '1.2.840.113549.1.1.14', ec: '1.2.840.10045.4.3.1', dsa: '2.16.840.1.101.3.4.3.1', hash: '2.16.840.1.101.3.4.2.4' },
  sha256: { rsa: '1.2.840.113549.1.1.11', ec: '1.2.840.10045.4.3.2', dsa: '2.16.840.1.101.3.4.3.2', hash: '2.16.840.1.101.3.4.2.1' },
  sha384: { rsa: '1.2.840.113549.1.1.12', ec: '1.2.840.10045.4.3.3', dsa: '2.16.840.1.101.3.4.3.3', hash: '2.16.840.1.101.3.4.2.2' },
  sha512: { rsa: '1.2.840.113549.1.1.13', ec: '1.2.840.10045.4.3.4', dsa: '2.16.840.1.101.3.4.3.4', hash: '2.16.840.1.101.3.4.2.3' },
};

/** AlgorithmIdentifier of a signature by this key. */
export function algorithmOf(key: KeyObject, digest: Digest | 'pss'): Buffer {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return tlv(0x30, oid('1.3.101.112'));
  if (digest === 'pss') {
    const sha256 = tlv(0x30, oid(digestOids.sha256.hash), tlv(5));
    return tlv(0x30, oid('1.2.840.113549.1.1.10'), tlv(0x30, tlv(0xa0, sha256), tlv(0xa1, tlv(0x30, oid('1.2.840.113549.1.1.8'), sha256)), tlv(0xa2, integer(32))));
  }
  return type === 'rsa' ? tlv(0x30, oid(digestOids[digest].rsa), tlv(5)) : tlv(0x30, oid(digestOids[digest][type === 'dsa' ? 'dsa' : 'ec']));
}

function signWith(bytes: Buffer, key: KeyObject, digest: Digest | 'pss'): Buffer {
  if (key.asymmetricKeyType === 'ed25519') return sign(null, bytes, key);
  return digest === 'pss' ? sign('sha256', bytes, { key, padding: 6, saltLength: 32 }) : sign(digest, bytes, key);
}
