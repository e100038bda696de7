// Reads the directory of a bundle's zip file, strictly: only what our own writer makes, so that no two readers can see different files.
// Not for inflating or for what the files say (read-bundle). Input is a stranger's: every offset is checked before it is followed.
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';

/** One file as it stands in the archive. */
export type ZipEntry = {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly packed: Uint8Array;
  /** Bytes when inflated, as declared. */
  readonly size: number;
  readonly crc: number;
};

export type ZipRead = { readonly kind: 'entries'; readonly entries: readonly ZipEntry[] } | { readonly kind: 'invalid'; readonly why: Sentence };

/** A bundle has about 20 files and at most 64 MB. */
export const zipLimits = { entries: 64, fileBytes: 64 * 1024 * 1024, totalBytes: 128 * 1024 * 1024 } as const;

/** Plain names only: without a slash no name can leave the folder it is unpacked into. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Every entry, or why this is no bundle's archive. */
export function readZipDirectory(bytes: Uint8Array): ZipRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (bytes.length < 22 || u32(0) !== 0x04034b50) return invalid(sentence('bundle.no-zip'));
  const end = bytes.length - 22;
  if (u32(end) !== 0x06054b50 || u16(end + 20) !== 0) return invalid(sentence('bundle.ends-wrong'));
  const count = u16(end + 10);
  const start = u32(end + 16);
  if (u32(end + 4) !== 0 || u16(end + 8) !== count) return invalid(sentence('bundle.parts'));
  if (count === 0 || count > zipLimits.entries) return invalid(sentence('bundle.file-number', { number: count, most: zipLimits.entries }));
  if (start + u32(end + 12) !== end) return invalid(sentence('bundle.directory-elsewhere'));

  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = start;
  let local = 0;
  let total = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + 46 > end || u32(at) !== 0x02014b50) return invalid(sentence('bundle.directory-damaged'));
    const nameLength = u16(at + 28);
    const next = at + 46 + nameLength + u16(at + 30) + u16(at + 32);
    if (next > end) return invalid(sentence('bundle.directory-damaged'));
    const name = ascii(bytes.subarray(at + 46, at + 46 + nameLength));
    if (!plainName.test(name)) return invalid(sentence('bundle.name', { name: JSON.stringify(name.slice(0, 80)) }));
    if (names.has(name)) return invalid(sentence('bundle.twice', { name }));
    names.add(name);
    const kind = (u32(at + 38) >>> 16) & 0xf000;
    if (kind !== 0 && kind !== 0x8000) return invalid(sentence('bundle.link', { name }));
    const [flags, method, crc, packedSize, size] = [u16(at + 8), u16(at + 10), u32(at + 16), u32(at + 20), u32(at + 24)];
    if ((flags & ~0x0800) !== 0) return invalid(sentence('bundle.flags', { name }));
    if (method !== 0 && method !== 8) return invalid(sentence('bundle.method', { name }));
    if (size > zipLimits.fileBytes) return invalid(sentence('bundle.file-large', { name, size }));
    total += size;
    if (total > zipLimits.totalBytes) return invalid(sentence('bundle.large'));
    if (method === 0 && packedSize !== size) return invalid(sentence('bundle.two-sizes', { name }));
    // Files follow each other without a gap and without sharing a byte.
    if (u32(at + 42) !== local || local + 30 > start || u32(local) !== 0x04034b50) return invalid(sentence('bundle.file-elsewhere', { name }));
    const sameHead = u16(local + 6) === flags && u16(local + 8) === method && u32(local + 14) === crc && u32(local + 18) === packedSize && u32(local + 22) === size;
    const data = local + 30 + u16(local + 26) + u16(local + 28);
    if (!sameHead || ascii(bytes.subarray(local + 30, local + 30 + u16(local + 26))) !== name) return invalid(sentence('bundle.two-heads', { name }));
    if (data + packedSize > start) return invalid(sentence('bundle.file-cut', { name }));
    entries.push({ name, method: method === 0 ? 'stored' : 'deflated', packed: bytes.subarray(data, data + packedSize), size, crc });
    local = data + packedSize;
    at = next;
  }
  if (at !== end || local !== start) return invalid(sentence('bundle.loose-bytes'));
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

function invalid(why: Sentence): ZipRead {
  return { kind: 'invalid', why };
}
