// Reads the directory of a bundle's zip file, strictly: only what our own writer makes, so that no two readers can see different files.
// Not for inflating or for what the files say (read-bundle). Input is a stranger's: every offset is checked before it is followed.

/** One file as it stands in the archive. */
export type ZipEntry = {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly packed: Uint8Array;
  /** Bytes when inflated, as declared. */
  readonly size: number;
  readonly crc: number;
};

export type ZipRead = { readonly kind: 'entries'; readonly entries: readonly ZipEntry[] } | { readonly kind: 'invalid'; readonly why: string };

/** A bundle has about 20 files and at most 64 MB. */
export const zipLimits = { entries: 64, fileBytes: 64 * 1024 * 1024, totalBytes: 128 * 1024 * 1024 } as const;

/** Plain names only: without a slash no name can leave the folder it is unpacked into. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Every entry, or why this is no bundle's archive. */
export function readZipDirectory(bytes: Uint8Array): ZipRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (bytes.length < 22 || u32(0) !== 0x04034b50) return invalid('it is no zip file');
  const end = bytes.length - 22;
  if (u32(end) !== 0x06054b50 || u16(end + 20) !== 0) return invalid('it is cut off, or something was added at its end');
  const count = u16(end + 10);
  const start = u32(end + 16);
  if (u32(end + 4) !== 0 || u16(end + 8) !== count) return invalid('it is part of several');
  if (count === 0 || count > zipLimits.entries) return invalid(`it names ${count} files; a bundle has 1 to ${zipLimits.entries}`);
  if (start + u32(end + 12) !== end) return invalid('its directory is not where it says');

  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = start;
  let local = 0;
  let total = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + 46 > end || u32(at) !== 0x02014b50) return invalid('its directory is damaged');
    const nameLength = u16(at + 28);
    const next = at + 46 + nameLength + u16(at + 30) + u16(at + 32);
    if (next > end) return invalid('its directory is damaged');
    const name = ascii(bytes.subarray(at + 46, at + 46 + nameLength));
    if (!plainName.test(name)) return invalid(`a file in it is named ${JSON.stringify(name.slice(0, 80))}, which is no plain name`);
    if (names.has(name)) return invalid(`it holds ${name} twice`);
    names.add(name);
    const kind = (u32(at + 38) >>> 16) & 0xf000;
    if (kind !== 0 && kind !== 0x8000) return invalid(`${name} is no ordinary file but a link or a device`);
    const [flags, method, crc, packedSize, size] = [u16(at + 8), u16(at + 10), u32(at + 16), u32(at + 20), u32(at + 24)];
    if ((flags & ~0x0800) !== 0) return invalid(`${name} is encrypted or written in a way that bundles are not`);
    if (method !== 0 && method !== 8) return invalid(`${name} is packed by an unknown method`);
    if (size > zipLimits.fileBytes) return invalid(`${name} would have ${size} bytes, which is more than any file of a bundle has`);
    total += size;
    if (total > zipLimits.totalBytes) return invalid('it would unpack to more than any bundle has');
    if (method === 0 && packedSize !== size) return invalid(`${name} has two sizes`);
    // Files follow each other without a gap and without sharing a byte.
    if (u32(at + 42) !== local || local + 30 > start || u32(local) !== 0x04034b50) return invalid(`${name} is not where the directory says`);
    const sameHead = u16(local + 6) === flags && u16(local + 8) === method && u32(local + 14) === crc && u32(local + 18) === packedSize && u32(local + 22) === size;
    const data = local + 30 + u16(local + 26) + u16(local + 28);
    if (!sameHead || ascii(bytes.subarray(local + 30, local + 30 + u16(local + 26))) !== name) return invalid(`${name} is described in two ways`);
    if (data + packedSize > start) return invalid(`${name} is cut off`);
    entries.push({ name, method: method === 0 ? 'stored' : 'deflated', packed: bytes.subarray(data, data + packedSize), size, crc });
    local = data + packedSize;
    at = next;
  }
  if (at !== end || local !== start) return invalid('it holds bytes that belong to no file');
  return { kind: 'entries', entries };
}

/** CRC-32 as zip has it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : 0xedb88320 ^ (value >>> 1);
  return value;
});

function ascii(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function invalid(why: string): ZipRead {
  return { kind: 'invalid', why };
}
