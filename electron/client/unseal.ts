// Opens a sealed bundle with the organisation's private key. Not for the format (core/diagnostics/seal-format) or for sealing, which the agent does.
import { createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { chunkNonce, readSealHead, sealFormat } from '../core/diagnostics/seal-format.ts';

export type Unsealed = { readonly kind: 'open'; readonly bytes: Uint8Array } | { readonly kind: 'invalid'; readonly why: string };

/** `keyPem`: an X25519 private key (PKCS #8, PEM), as `openssl genpkey -algorithm x25519` makes it. */
export function unsealBundle(sealed: Uint8Array, keyPem: string): Unsealed {
  const head = readSealHead(sealed);
  if (head === null) return { kind: 'invalid', why: 'it is not sealed' };
  const key = agreedKey(head, keyPem);
  if (key === null) return { kind: 'invalid', why: 'the key file holds no X25519 private key in PEM' };
  const parts: Buffer[] = [];
  const step = sealFormat.chunkBytes + sealFormat.tagBytes;
  for (let at: number = sealFormat.headBytes, number = 0; ; at += step, number += 1) {
    const last = at + step >= sealed.length;
    const chunk = sealed.subarray(at, at + step);
    const plain = openChunk(chunk, key, chunkNonce(number, last));
    if (plain === null) return { kind: 'invalid', why: number === 0 && !last ? 'it was sealed to another key, or is damaged' : 'it is damaged or cut off, or was sealed to another key' };
    parts.push(plain);
    if (last) return { kind: 'open', bytes: Buffer.concat(parts) };
  }
}

function agreedKey(head: Uint8Array, keyPem: string): Buffer | null {
  try {
    const privateKey = createPrivateKey(keyPem);
    const recipient = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(head).toString('base64url') }, format: 'jwk' });
    return Buffer.from(hkdfSync('sha256', diffieHellman({ privateKey, publicKey }), Buffer.concat([head, recipient]), sealFormat.info, 32));
  } catch {
    return null;
  }
}

function openChunk(chunk: Uint8Array, key: Buffer, nonce: Uint8Array): Buffer | null {
  if (chunk.length < sealFormat.tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: sealFormat.tagBytes });
  decipher.setAuthTag(chunk.subarray(-sealFormat.tagBytes));
  try {
    return Buffer.concat([decipher.update(chunk.subarray(0, -sealFormat.tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}
