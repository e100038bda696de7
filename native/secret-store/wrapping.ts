// Seals with AES-256-GCM under a wrapping key that the system keeps: 12 bytes nonce, 16 bytes tag, then the ciphertext.
// Not for where the wrapping key comes from.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealResult } from '../../electron/core/ca/secret-store.ts';

/** Bytes of a wrapping key. */
export const wrappingKeyBytes = 32;

const purpose = Buffer.from('Pinlight root key');

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
