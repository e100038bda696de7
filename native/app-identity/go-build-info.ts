// Is a program a Go binary? Its build information stands in a section of its own, in ELF, PE and Mach-O, also when it was stripped.
// Reads a few headers through the given function. Not for what the information says.

/** Bytes at an offset, fewer at the end of the file; null when it cannot be read. */
export type ReadAt = (offset: number, length: number) => Buffer | null;

const mark = Buffer.from('\xff Go buildinf:', 'latin1');
/** Go's own reader looks through as much of a data section that has no name for it. */
const searched = 1024 * 1024;
const mostSections = 512;

/** True when one of the three formats names or holds Go's build information. Never throws. */
export function hasGoBuildInfo(readAt: ReadAt): boolean {
  const head = readAt(0, 4096);
  if (head === null || head.length < 64) return false;
  const place = head.readUInt32BE(0) === 0x7f454c46 ? elfSection(head, readAt)
    : head.toString('latin1', 0, 2) === 'MZ' ? peSection(head, readAt)
      : head.readUInt32LE(0) === 0xfeedfacf ? machoSection(head, readAt, 0)
        : head.readUInt32BE(0) === 0xcafebabe ? universal(head, readAt) : null;
  return place !== null && (readAt(place.offset, Math.min(place.size, searched))?.includes(mark) ?? false);
}

type Place = { readonly offset: number; readonly size: number };

/** `.go.buildinfo` among the section headers (64 bit, little endian: every system Pinlight runs on). */
function elfSection(head: Buffer, readAt: ReadAt): Place | null {
  if (head[4] !== 2 || head[5] !== 1) return null;
  const at = Number(head.readBigUInt64LE(40));
  const [size, count, names] = [head.readUInt16LE(58), head.readUInt16LE(60), head.readUInt16LE(62)];
  if (size < 64 || count > mostSections || names >= count) return null;
  const table = readAt(at, size * count);
  if (table === null || table.length < size * count) return null;
  const place = (index: number): Place => ({ offset: Number(table.readBigUInt64LE(index * size + 24)), size: Number(table.readBigUInt64LE(index * size + 32)) });
  const strings = place(names);
  const texts = readAt(strings.offset, Math.min(strings.size, searched));
  if (texts === null) return null;
  for (let index = 0; index < count; index += 1) {
    if (nameAt(texts, table.readUInt32LE(index * size)) === '.go.buildinfo') return place(index);
  }
  return null;
}

/** Windows: no name of its own; it is in the first writable data section. */
function peSection(head: Buffer, readAt: ReadAt): Place | null {
  const at = head.readUInt32LE(60);
  const coff = readAt(at, 24);
  if (coff === null || coff.length < 24 || coff.toString('latin1', 0, 4) !== 'PE\0\0') return null;
  const count = Math.min(coff.readUInt16LE(6), mostSections);
  const table = readAt(at + 24 + coff.readUInt16LE(20), count * 40);
  if (table === null) return null;
  for (let row = 0; row + 40 <= table.length; row += 40) {
    // IMAGE_SCN_CNT_INITIALIZED_DATA | MEM_READ | MEM_WRITE, as Go's own reader asks.
    if ((table.readUInt32LE(row + 36) & 0xc0000040) >>> 0 === 0xc0000040) return { offset: table.readUInt32LE(row + 20), size: table.readUInt32LE(row + 16) };
  }
  return null;
}

/** `__go_buildinfo` among the sections of a 64-bit Mach-O that begins at `base`. */
function machoSection(head: Buffer, readAt: ReadAt, base: number): Place | null {
  const count = Math.min(head.readUInt32LE(16), mostSections);
  const commands = readAt(base + 32, Math.min(head.readUInt32LE(20), searched));
  if (commands === null) return null;
  for (let index = 0, at = 0; index < count && at + 72 <= commands.length; index += 1) {
    const size = commands.readUInt32LE(at + 4);
    if (commands.readUInt32LE(at) === 0x19) { // LC_SEGMENT_64
      for (let section = at + 72; section + 80 <= Math.min(at + size, commands.length); section += 80) {
        if (nameAt(commands.subarray(section, section + 16), 0) === '__go_buildinfo') {
          return { offset: base + commands.readUInt32LE(section + 48), size: Number(commands.readBigUInt64LE(section + 40)) };
        }
      }
    }
    if (size < 8) return null;
    at += size;
  }
  return null;
}

/** A universal binary holds one Mach-O for each processor; the first will do. */
function universal(head: Buffer, readAt: ReadAt): Place | null {
  const base = head.readUInt32BE(16);
  const inner = readAt(base, 32);
  return inner === null || inner.length < 32 || inner.readUInt32LE(0) !== 0xfeedfacf ? null : machoSection(inner, readAt, base);
}

function nameAt(texts: Buffer, at: number): string {
  const end = texts.indexOf(0, at);
  return texts.toString('latin1', at, end < 0 ? texts.length : end);
}
