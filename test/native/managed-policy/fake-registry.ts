// A registry in memory behind the calls of advapi32 that are used, with their buffers, lengths and error codes as documented by Microsoft.
import type { Advapi32 } from '../../../native/managed-policy/registry.ts';

/** Value by type: text = REG_SZ, number = REG_DWORD, list = REG_MULTI_SZ, bytes = as given with its type; object = key. */
export type FakeKey = { readonly [name: string]: string | number | readonly string[] | { readonly type: number; readonly bytes: Buffer } | FakeKey };

export type FakeRegistry = Advapi32 & {
  /** Keys open now. */
  open(): number;
  /** Keys that answer with this code instead of opening. */
  readonly closed: Map<string, number>;
};

export function fakeRegistry(machine: FakeKey, user: FakeKey = {}): FakeRegistry {
  const handles = new Map<bigint, FakeKey>([[-0x7ffffffen, machine], [-0x7fffffffn, user]]);
  const closed = new Map<string, number>();
  let next = 100n;
  const roots = handles.size;
  const entries = (key: bigint, keys: boolean): [string, FakeKey[string]][] => Object.entries(handles.get(key) ?? {}).filter(([, value]) => isKey(value) === keys);
  return {
    closed,
    open: () => handles.size - roots,
    RegOpenKeyExW(root, path, _options, access, out) {
      if (access !== (0x20019 | 0x0100)) return 87;
      const refused = closed.get(path);
      if (refused !== undefined) return refused;
      let key = handles.get(root);
      for (const part of path.split('\\')) {
        const found = Object.entries(key ?? {}).find(([name]) => name.toLowerCase() === part.toLowerCase())?.[1];
        if (found === undefined || !isKey(found)) return 2;
        key = found;
      }
      if (key === undefined) return 6;
      handles.set(next, key);
      out[0] = next++;
      return 0;
    },
    RegEnumKeyExW(key, index, name, nameLength) {
      const found = entries(key, true)[index];
      return found === undefined ? 259 : writeName(found[0], name, nameLength);
    },
    RegEnumValueW(key, index, name, nameLength, _reserved, type, data, dataLength) {
      const found = entries(key, false)[index];
      if (found === undefined) return 259;
      const [kind, bytes] = encode(found[1]);
      if (bytes.length > dataLength[0]) return 234;
      type[0] = kind;
      bytes.copy(data);
      dataLength[0] = bytes.length;
      return writeName(found[0], name, nameLength);
    },
    RegCloseKey: (key) => (handles.delete(key) ? 0 : 6),
  };
}

function writeName(text: string, name: Buffer, length: [number]): number {
  if (text.length >= length[0]) return 234;
  name.fill(0xee);
  name.write(`${text}\0`, 'utf16le');
  length[0] = text.length;
  return 0;
}

function encode(value: FakeKey[string]): [number, Buffer] {
  if (typeof value === 'string') return [1, Buffer.from(`${value}\0`, 'utf16le')];
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return [4, bytes];
  }
  if (isList(value)) return [7, Buffer.from(`${value.join('\0')}\0\0`, 'utf16le')];
  if (isBytes(value)) return [value.type, value.bytes];
  throw new Error('a key has no value');
}

function isKey(value: FakeKey[string]): value is FakeKey {
  return typeof value === 'object' && !isList(value) && !isBytes(value);
}

function isBytes(value: FakeKey[string]): value is { type: number; bytes: Buffer } {
  return typeof value === 'object' && 'bytes' in value && Buffer.isBuffer(value.bytes);
}

function isList(value: FakeKey[string]): value is readonly string[] {
  return Array.isArray(value);
}
