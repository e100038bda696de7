// The format of a bundle sealed to an organisation's public key (policy key diagnostics.sealTo): head and chunks, without the ciphers.
// X25519 with a key made for this one file, HKDF-SHA-256, then AES-256-GCM over chunks that are numbered and whose last one is marked,
// so that a reader finds out about every chunk that is changed, moved, missing or cut off (the STREAM construction).

/** Magic words, then 32 bytes: the file's own public key. */
const magic = Uint8Array.from('PINLIGHT-SEALED-1\n', (sign) => sign.charCodeAt(0));

export const sealFormat = { headBytes: magic.length + 32, chunkBytes: 65_536, tagBytes: 16, info: 'pinlight bundle 1' } as const;

/** True when the bytes begin as a sealed bundle does. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

/** The head of a sealed file for the file's own public key (32 bytes). */
export function sealHead(publicKey: Uint8Array): Uint8Array {
  return Uint8Array.from([...magic, ...publicKey]);
}

/** The file's own public key; null when the head is not whole. */
export function readSealHead(head: Uint8Array): Uint8Array | null {
  return isSealed(head) && head.length >= sealFormat.headBytes ? head.subarray(magic.length, sealFormat.headBytes) : null;
}

/** The nonce of chunk `number`: never used twice under one key, since each file has its own. */
export function chunkNonce(number: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(7, number);
  nonce[11] = last ? 1 : 0;
  return nonce;
}
