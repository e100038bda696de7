// A bundle's files, compressed as they are made, and the zip that holds them. Compressed they are a tenth, so a bundle that waits for its
// reader stays in memory: what was previewed is byte for byte what is saved, and nothing is left on disk that somebody would have to
// delete. Our own writer, because the sizes have to stand before the data, which no library does for what is already compressed.
// Not for sealing (pack.ts); read back by core/diagnostics/read-zip.
import { createHash } from 'node:crypto';
import { constants, crc32, deflateRawSync } from 'node:zlib';

/** `bytes` and `sha256` (hex) of the content; `packed`: raw deflate. */
export type PackedFile = { readonly name: string; readonly bytes: number; readonly sha256: string; readonly crc: number; readonly packed: readonly Uint8Array[] };

/**
 * Takes the parts one after another, never more than one at a time; throws what they throw. Each is deflated by itself, up to a sync flush
 * (RFC 1951 allows to put such pieces together), because a stream keeps a dozen parts alive.
 */
export function packFile(name: string, parts: Iterable<string | Buffer>): PackedFile {
  const hash = createHash('sha256');
  let crc = 0;
  let bytes = 0;
  const packed: Uint8Array[] = [];
  // A copy: what zlib answers lies in a block of 64 kB, whatever its size.
  const keep = (deflated: Buffer): void => void packed.push(new Uint8Array(deflated));
  for (const part of parts) {
    const chunk = typeof part === 'string' ? encoded(part) : part;
    hash.update(chunk);
    crc = crc32(chunk, crc);
    bytes += chunk.length;
    keep(deflateRawSync(chunk, { finishFlush: constants.Z_SYNC_FLUSH }));
  }
  keep(deflateRawSync(''));
  return { name, bytes, sha256: hash.digest('hex'), crc, packed };
}

/** For one part after another: a buffer each would wait by the dozen for the collector. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024);

function encoded(text: string): Buffer {
  return text.length * 3 > scratch.length ? Buffer.from(text) : scratch.subarray(0, scratch.write(text));
}

/** The archive in its pieces; `at`: ms since the epoch, the time of every file. Only its owner may read what is unpacked. */
export function* zipOf(files: readonly PackedFile[], at: number): Generator<Uint8Array> {
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.name);
    const common = commonHead(file, name.length, at);
    const head = Buffer.concat([Buffer.from('504b0304', 'hex'), common, name]);
    // Made by a Unix: its mode is in the upper half of the attributes.
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((0o100600 << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('504b01021403', 'hex'), common, rest, name);
    yield head;
    yield* file.packed;
    offset += head.length + packedBytes(file);
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  yield Buffer.concat([entries, end]);
}

/** What a file's head and its entry in the directory share: version 2.0, no flags, deflated, time, sizes. */
function commonHead(file: PackedFile, nameLength: number, at: number): Buffer {
  const time = new Date(at);
  const head = Buffer.alloc(26);
  head.writeUInt16LE(20, 0);
  head.writeUInt16LE(8, 4);
  head.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), 6);
  head.writeUInt16LE((Math.min(Math.max(time.getUTCFullYear() - 1980, 0), 127) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(), 8);
  head.writeUInt32LE(file.crc, 10);
  head.writeUInt32LE(packedBytes(file), 14);
  head.writeUInt32LE(file.bytes, 18);
  head.writeUInt16LE(nameLength, 22);
  return head;
}

function packedBytes({ packed }: PackedFile): number {
  return packed.reduce((sum, { length }) => sum + length, 0);
}
