// Holds the per-device root: makes it once, keeps its key sealed or in a 0600 file of a 0700 folder, and the next root beside it while that
// takes over. Not for when that is (core/ca/rotation.ts), for leaves (leaf-contexts.ts) or for trust stores (native/trust-store).
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readCertificate } from '../../core/ca/certificate.ts';
import { fileModeOnly, sealedMark, type SecretStore } from '../../core/ca/secret-store.ts';
import { mintRoot, pem } from './mint.ts';

/** Two years at most (C3); core/ca/rotation.ts says when the next one takes over. */
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
  | Unusable;

/** `shut`: the key is there, sealed, and what seals it does not open it now. */
export type Unusable = { readonly kind: 'unusable'; readonly why: string; readonly shut: boolean };

/** File names of a root: the one in use, and the one that takes over. */
const inUse = { certificate: 'root.pem', key: 'root.key' } as const;
const coming = { certificate: 'root.next.pem', key: 'root.next.key' } as const;
type Names = typeof inUse | typeof coming;

/**
 * Loads the root of `folder`, or makes it where neither file is there. A certificate without its key, with another key, or with one that
 * cannot be opened now is `unusable`: a silent second root would leave the first one trusted on the device for nothing.
 * A key that lies there plain is sealed where `secrets` does better.
 */
export function loadAuthority(folder: string, device: string, now: number, secrets: SecretStore = fileModeOnly): AuthorityResult {
  return guarded(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    finishAdoption(folder, secrets);
    // A key without a certificate is what a crash between the two writes leaves: nobody can trust it yet, so begin again.
    const created = !existsSync(join(folder, inUse.certificate));
    if (created) create(folder, inUse, device, now, secrets);
    return open(folder, inUse, created, secrets);
  });
}

/** The root that takes over from the present one, made when `make` says so; null when there is none. */
export function loadNextAuthority(folder: string, device: string, now: number, secrets: SecretStore, make: boolean): AuthorityResult | null {
  return guarded(() => {
    const created = !existsSync(join(folder, coming.certificate));
    if (created && !make) return null;
    if (created) create(folder, coming, device, now, secrets);
    return open(folder, coming, created, secrets);
  });
}

/** The next root takes the place of the present one, whose key is gone then. A crash at any point is completed by the next start. */
export function adoptNextAuthority(folder: string, secrets: SecretStore): AuthorityResult {
  return guarded(() => {
    renameSync(join(folder, coming.key), join(folder, inUse.key));
    finishAdoption(folder, secrets);
    return open(folder, inUse, false, secrets);
  });
}

/** The key goes first: so a next certificate whose key is in use already says that the rest is to be done. One without any key is of no use. */
function finishAdoption(folder: string, secrets: SecretStore): void {
  const certificate = join(folder, coming.certificate);
  if (!existsSync(certificate) || existsSync(join(folder, coming.key))) return;
  const { key } = readKey(join(folder, inUse.key), secrets);
  if (new X509Certificate(readFileSync(certificate)).checkPrivateKey(key)) renameSync(certificate, join(folder, inUse.certificate));
  else rmSync(certificate);
}

function guarded<T>(work: () => T): T | Unusable {
  try {
    return work();
  } catch (error) {
    return { ...unusable(error instanceof Error ? error.message : String(error)), shut: error instanceof Error && error.cause === shut };
  }
}

/** The cause of an error that says so. */
const shut = Symbol('shut');

function unusable(why: string): Unusable {
  return { kind: 'unusable', why, shut: false };
}

function create(folder: string, names: Names, device: string, now: number, secrets: SecretStore): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const date = new Date(now).toISOString().slice(0, 10);
  const der = mintRoot({
    key: privateKey, publicKey, commonName: `Pinlight root for ${device} (${date})`.slice(0, 64),
    notBefore: now - backdatedMs, notAfter: now + rootLifetimeMs - backdatedMs,
  });
  const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  writeDurably(join(folder, names.key), sealedFile(key, secrets) ?? key, 0o600);
  writeDurably(join(folder, names.certificate), Buffer.from(pem(der)), 0o644);
}

function open(folder: string, names: Names, created: boolean, secrets: SecretStore): AuthorityResult {
  const [certificatePath, keyPath] = [join(folder, names.certificate), join(folder, names.key)];
  if (!existsSync(keyPath)) return unusable(`the root certificate is there, its key is not (${keyPath})`);
  if (process.platform !== 'win32' && (statSync(keyPath).mode & 0o077) !== 0) chmodSync(keyPath, 0o600);
  const certificate = new X509Certificate(readFileSync(certificatePath));
  const { key, words } = readKey(keyPath, secrets);
  if (!certificate.checkPrivateKey(key)) return unusable('the root certificate and its key do not belong together');
  const read = readCertificate(certificate.raw);
  if (read.kind === 'malformed' || read.facts.keyId === null) return unusable('the root certificate is not one of ours');
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
    keyProtection: words,
  } };
}

/** Throws what people can do something about. */
function readKey(file: string, secrets: SecretStore): { readonly key: KeyObject; readonly words: string } {
  const text = readFileSync(file, 'latin1');
  if (!text.startsWith(sealedMark)) {
    const key = createPrivateKey(text);
    const better = sealedFile(Buffer.from(text, 'latin1'), secrets);
    if (better !== null) writeDurably(file, better, 0o600);
    return { key, words: better === null ? fileModeOnly.words : secrets.words };
  }
  const [first = '', body = ''] = text.split('\n');
  const form = first.slice(sealedMark.length);
  if (form !== secrets.form) throw new Error(`the root key is sealed (${form}), and this start of the agent is not given what opens it`);
  const opened = secrets.open(Buffer.from(body, 'base64'));
  if (opened.kind === 'unavailable') throw new Error(opened.why, { cause: shut });
  return { key: createPrivateKey(Buffer.from(opened.bytes)), words: secrets.words };
}

/** What stands in the file of a sealed key; null where nothing better than the plain key can be had, or where it would not open again. */
function sealedFile(key: Buffer, secrets: SecretStore): Buffer | null {
  if (secrets.form === 'plain') return null;
  const sealed = secrets.seal(key);
  if (sealed.kind === 'unavailable') return null;
  const opened = secrets.open(sealed.bytes);
  if (opened.kind === 'unavailable' || !key.equals(opened.bytes)) return null;
  return Buffer.from(`${sealedMark}${secrets.form}\n${Buffer.from(sealed.bytes).toString('base64')}\n`);
}

/** SHA-256 over a certificate's SubjectPublicKeyInfo, hex. */
export function spkiHash(certificate: Uint8Array): string {
  return createHash('sha256').update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
}

/** Whole file or nothing: temporary name, fsync, rename. */
function writeDurably(path: string, content: Buffer, mode: number): void {
  const temporary = `${path}.new`;
  // Made anew: what lies there under that name may be a link to somewhere else (F8).
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', mode);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
