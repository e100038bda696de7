// Writes a Java trust store (JKS, version 2): what keytool makes in a second for each certificate, at once. Not for private keys.
import { createHash } from 'node:crypto';

/** The file's bytes; `certificates` in DER. Password `changeit`, which Java does not need for reading. */
export function javaTrustStore(certificates: readonly Buffer[]): Buffer {
  const entries = certificates.map((der, index) => Buffer.concat([
    // A trusted certificate, its alias, when it was added.
    uint32(2), text(`root-${index}`), Buffer.alloc(8), text('X.509'), uint32(der.length), der,
  ]));
  const body = Buffer.concat([uint32(0xfeedfeed), uint32(2), uint32(entries.length), ...entries]);
  const password = Buffer.from('changeit', 'utf16le').swap16();
  return Buffer.concat([body, createHash('sha1').update(password).update('Mighty Aphrodite').update(body).digest()]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Java's UTF: length in two bytes, then the characters. */
function text(value: string): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value.length);
  return Buffer.concat([bytes, Buffer.from(value, 'latin1')]);
}
