// Writes zip files as an attacker would, head by head. For tests of the bundle's reader only.
import { deflateRawSync } from 'node:zlib';
import { crc32 } from '../../../electron/core/diagnostics/read-zip.ts';

export type Forged = {
  readonly name: string; readonly content: Buffer; readonly method?: 0 | 8; readonly flags?: number; readonly attributes?: number; readonly size?: number; readonly crc?: number;
  /** What the local head says instead. */
  readonly local?: { readonly name?: string; readonly size?: number };
  readonly gap?: number; readonly offset?: number;
};

/** A zip file as an attacker writes it, head by head. */
export function forge(files: readonly Forged[], end: { readonly count?: number; readonly comment?: string; readonly before?: Buffer } = {}): Buffer {
  const parts: Buffer[] = end.before === undefined ? [] : [end.before];
  const central: Buffer[] = [];
  let at = end.before?.length ?? 0;
  for (const { name, content, method = 8, flags = 0x0800, attributes = 0o100600, size = content.length, crc = crc32(content), local = {}, gap = 0, offset } of files) {
    const packed = method === 8 ? deflateRawSync(content) : content;
    const fixed = (realName: string, realSize: number): Buffer => {
      const head = Buffer.alloc(26);
      head.writeUInt16LE(20, 0);
      head.writeUInt16LE(flags, 2);
      head.writeUInt16LE(method, 4);
      head.writeUInt32LE(crc, 10);
      head.writeUInt32LE(packed.length, 14);
      head.writeUInt32LE(realSize, 18);
      head.writeUInt16LE(Buffer.byteLength(realName, 'latin1'), 22);
      return head;
    };
    const localName = local.name ?? name;
    const entry = Buffer.concat([Buffer.from('PK\u0003\u0004'), fixed(localName, local.size ?? size), Buffer.from(localName, 'latin1'), packed, Buffer.alloc(gap)]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((attributes << 16) >>> 0, 6);
    tail.writeUInt32LE(offset ?? at, 10);
    central.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 3]), fixed(name, size), tail, Buffer.from(name, 'latin1')]));
    parts.push(entry);
    at += entry.length;
  }
  const directory = Buffer.concat(central);
  const last = Buffer.alloc(22);
  last.write('PK\u0005\u0006', 'latin1');
  last.writeUInt16LE(end.count ?? files.length, 8);
  last.writeUInt16LE(end.count ?? files.length, 10);
  last.writeUInt32LE(directory.length, 12);
  last.writeUInt32LE(at, 16);
  last.writeUInt16LE(end.comment?.length ?? 0, 20);
  return Buffer.concat([...parts, directory, last, Buffer.from(end.comment ?? '')]);
}
