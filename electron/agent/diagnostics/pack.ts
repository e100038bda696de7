// A bundle's files as one zip stream, sealed to the organisation's key where policy names one. Not for what the files hold (bundle.ts).
import { createCipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { ZipFile } from 'yazl';
import { chunkNonce, sealFormat, sealHead } from '../../core/diagnostics/seal-format.ts';
import type { Bundle } from './bundle.ts';

/** Begins to flow at once. `sealTo`: raw X25519 public key in base64; null = an open zip. Sizes stand before the data, which readers that cannot seek need. */
export function packBundle(bundle: Bundle, sealTo: string | null): Readable {
  const zip = new ZipFile();
  for (const file of bundle.files) zip.addBuffer(file.bytes, file.name, { mtime: new Date(bundle.manifest.createdAt), mode: 0o100600 });
  zip.end();
  const stream: Readable = sealTo === null ? new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) }) : sealer(Buffer.from(sealTo, 'base64'));
  zip.outputStream.on('error', (error: Error) => stream.destroy(error)).pipe(stream as Transform);
  return stream;
}

/** Not encrypted with the recipient's key but with one agreed for this file alone: nobody here can open it afterwards. */
function sealer(recipient: Buffer): Transform {
  const own = generateKeyPairSync('x25519');
  const ownPublic = own.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: recipient.toString('base64url') }, format: 'jwk' }) });
  const key = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([ownPublic, recipient]), sealFormat.info, 32));
  let waiting = Buffer.alloc(0);
  let number = 0;
  const seal = (plain: Buffer, last: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, chunkNonce(number, last));
    number += 1;
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting = Buffer.concat([waiting, chunk]);
      // One chunk stays back: only the end tells which is the last.
      for (; waiting.length > sealFormat.chunkBytes; waiting = waiting.subarray(sealFormat.chunkBytes)) this.push(seal(waiting.subarray(0, sealFormat.chunkBytes), false));
      done();
    },
    flush(done) {
      done(null, seal(waiting, true));
    },
  });
  stream.push(sealHead(ownPublic));
  return stream;
}
