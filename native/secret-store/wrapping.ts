// Seals with AES-256-GCM under a wrapping key that the system keeps: 12 bytes nonce, 16 bytes tag, then the ciphertext.
// Not for where the wrapping key lies: a place that is asked for it (macos.ts, secret-service.ts), or a file (linux.ts).
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealResult, SecretStore } from '../../electron/core/ca/secret-store.ts';

/** Bytes of a wrapping key. */
const wrappingKeyBytes = 32;

const purpose = Buffer.from('Pinlight root key');

/** What a place says that is asked for the wrapping key. `none`: it answers and holds none, as far as it shows. */
export type FoundKey = { readonly kind: 'key'; readonly key: Buffer } | { readonly kind: 'none' | 'unavailable'; readonly why: string };

/** `add` puts a key there and reads it back. */
export type KeyPlace = { find(): FoundKey; add(key: Buffer): FoundKey };

/** Seals under the key of a place, made there at the first sealing. A place that does not answer gets no second key. */
export function sealedUnder(place: KeyPlace): Pick<SecretStore, 'seal' | 'open'> {
  return {
    seal: (secret) => withKey(orNew(place), (key) => wrap(key, secret)),
    open: (sealed) => withKey(place.find(), (key) => unwrap(key, sealed)),
  };
}

function orNew(place: KeyPlace): FoundKey {
  const found = place.find();
  if (found.kind !== 'none') return found;
  const key = randomBytes(wrappingKeyBytes);
  const added = place.add(key);
  return added.kind === 'key' && !key.equals(added.key) ? { kind: 'unavailable', why: 'another key came back than the one that was stored' } : added;
}

function withKey(found: FoundKey, use: (key: Buffer) => SealResult): SealResult {
  return found.kind === 'key' ? use(found.key) : { kind: 'unavailable', why: found.why };
}

/** The key that stands in a text as hex; null for anything else. */
export function keyOfHex(text: string): Buffer | null {
  const key = Buffer.from(text.trim(), 'hex');
  return key.length === wrappingKeyBytes ? key : null;
}

export function wrap(key: Uint8Array, secret: Uint8Array): SealResult {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(purpose);
  const body = Buffer.concat([cipher.update(secret), cipher.final()]);
  return { kind: 'done', bytes: Buffer.concat([nonce, cipher.getAuthTag(), body]) };
}

/** `unavailable` for what was sealed under another key or was changed since. */
export function unwrap(key: Uint8Array, sealed: Uint8Array): SealResult {
  if (sealed.length < 28) return { kind: 'unavailable', why: 'the sealed key is cut short' };
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(purpose).setAuthTag(sealed.subarray(12, 28));
    return { kind: 'done', bytes: Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]) };
  } catch {
    return { kind: 'unavailable', why: 'the key was sealed under another key than the one the system gives now, or was changed' };
  }
}
