// A bundle's files as one zip stream, sealed to the organisation's key where policy names one. Not for what the files hold (bundle.ts).
import { createCipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { pipeline, Readable, Transform } from 'node:stream';
import { chunkNonce, sealFormat, sealHead } from '../../core/diagnostics/seal-format.ts';
import type { Bundle } from './bundle.ts';
import { zipOf } from './packed-file.ts';

/** `sealTo`: raw X25519 public key in base64; null = an open zip. */
export function packBundle({ files, manifest }: Bundle, sealTo: string | null): Readable {
  const zip = Readable.from(zipOf(files, Date.parse(manifest.createdAt)), { objectMode: false });
  // What goes wrong reaches whoever reads the end of the line.
  return sealTo === null ? zip : pipeline(zip, sealer(Buffer.from(sealTo, 'base64')), () => undefined);
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
