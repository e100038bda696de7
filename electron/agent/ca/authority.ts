// Holds the per-device root: makes it once, keeps its key in a 0600 file of a 0700 folder, never makes a second one by itself.
// Not for leaves (leaf-contexts.ts) and not for trust stores (native/trust-store).
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readCertificate } from '../../core/ca/certificate.ts';
import { mintRoot, pem } from './mint.ts';

/** Two years at most (C3); rotation before half of it is left belongs to the trust-store work. */
export const rootLifetimeMs = 730 * 24 * 3600_000;

/** Clocks of programs and devices may be behind by a day. */
const backdatedMs = 24 * 3600_000;

export type Authority = {
  readonly key: KeyObject;
  readonly certificate: Buffer;
  readonly certificatePem: string;
  readonly certificatePath: string;
  /** SHA-256, hex in pairs with colons. */
  readonly fingerprint: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex: our own root is refused upstream by it (A6). */
  readonly spkiHash: string;
  readonly subject: string;
  /** Whole subject Name as encoded. */
  readonly subjectDer: Uint8Array;
  readonly keyId: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When it was made, ms since the epoch, to the second. */
  readonly createdAt: number;
  /** What protects the key at rest, in words. */
  readonly keyProtection: string;
};

export type AuthorityResult =
  | { readonly kind: 'authority'; readonly authority: Authority; readonly created: boolean }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Loads the root of `folder`, or makes it where neither file is there. A certificate without its key, or with another key,
 * is `unusable`: a silent second root would leave the first one trusted on the device for nothing.
 */
export function loadAuthority(folder: string, device: string, now: number): AuthorityResult {
  const certificatePath = join(folder, 'root.pem');
  const keyPath = join(folder, 'root.key');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A key without a certificate is what a crash between the two writes leaves: nobody can trust it yet, so begin again.
    const created = !existsSync(certificatePath);
    if (created) create(certificatePath, keyPath, device, now);
    else if (!existsSync(keyPath)) return { kind: 'unusable', why: `the root certificate is there, its key is not (${keyPath})` };
    if (process.platform !== 'win32' && (statSync(keyPath).mode & 0o077) !== 0) chmodSync(keyPath, 0o600);
    return open(certificatePath, keyPath, created);
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

function create(certificatePath: string, keyPath: string, device: string, now: number): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const date = new Date(now).toISOString().slice(0, 10);
  const der = mintRoot({
    key: privateKey, publicKey, commonName: `Pinlight root for ${device} (${date})`.slice(0, 64),
    notBefore: now - backdatedMs, notAfter: now + rootLifetimeMs - backdatedMs,
  });
  writeDurably(keyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, 0o600);
  writeDurably(certificatePath, pem(der), 0o644);
}

function open(certificatePath: string, keyPath: string, created: boolean): AuthorityResult {
  const certificate = new X509Certificate(readFileSync(certificatePath));
  const key = createPrivateKey(readFileSync(keyPath));
  if (!certificate.checkPrivateKey(key)) return { kind: 'unusable', why: 'the root certificate and its key do not belong together' };
  const read = readCertificate(certificate.raw);
  if (read.kind === 'malformed' || read.facts.keyId === null) return { kind: 'unusable', why: 'the root certificate is not one of ours' };
  const { facts } = read;
  return { kind: 'authority', created, authority: {
    key,
    certificate: certificate.raw,
    certificatePem: pem(certificate.raw),
    certificatePath,
    fingerprint: certificate.fingerprint256,
    spkiHash: spkiHash(certificate.raw),
    subject: certificate.subject.replaceAll('\n', ', '),
    subjectDer: Uint8Array.from(facts.subject),
    keyId: Uint8Array.from(facts.keyId as Uint8Array),
    notBefore: facts.notBefore,
    notAfter: facts.notAfter,
    createdAt: facts.notBefore + backdatedMs,
    keyProtection: 'file mode only (0600, this user)',
  } };
}

/** SHA-256 over a certificate's SubjectPublicKeyInfo, hex. */
export function spkiHash(certificate: Uint8Array): string {
  return createHash('sha256').update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
}

/** Whole file or nothing: temporary name, fsync, rename. */
function writeDurably(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
