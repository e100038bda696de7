// A registry key with everything below it as plain values, through advapi32. Not for what the values mean.
// By system calls and not reg.exe: that starts a process for each look, prints in the console's code page, which has no room for most
// letters, and marks neither the end of a value of several lines nor the entries of a list.
import koffi from 'koffi';

/** The calls used of advapi32.dll, as koffi gives them; each answers an error code of Windows, 0 = done. */
export type Advapi32 = {
  RegOpenKeyExW(root: bigint, path: string, options: number, access: number, key: [bigint | number]): number;
  RegEnumKeyExW(key: bigint, index: number, name: Buffer, nameLength: [number], reserved: null, className: null, classLength: null, written: null): number;
  RegEnumValueW(key: bigint, index: number, name: Buffer, nameLength: [number], reserved: null, type: [number], data: Buffer, dataLength: [number]): number;
  RegCloseKey(key: bigint): number;
};

export type RegistryValue = string | number | readonly string[] | RegistryTree;
export type RegistryTree = { readonly [name: string]: RegistryValue };

export type RegistryRead =
  | { readonly kind: 'tree'; readonly tree: RegistryTree }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string };

/** Predefined handles are negative 32-bit numbers, sign-extended to pointers. */
const registryRoots = { HKLM: -2147483646n, HKCU: -2147483647n } as const;

const success = 0;
const notFound = 2;
const noMoreItems = 259;
/** KEY_READ, and the 64-bit view whatever this process is. */
const readAccess = 0x20019 | 0x0100;
/** Longest names of keys (255) and values (16383), in characters, with their closing zero. */
const nameRoom = 16_384;
/** A policy is four levels deep. */
const deepest = 8;

/** Reads everything below a path of a root. Values of kinds that no policy uses (binary, links) are left out. `maxBytes` bounds one value. */
export function createRegistryReader(api: Advapi32, maxBytes: number): (root: keyof typeof registryRoots, path: string) => RegistryRead {
  const room = { name: Buffer.alloc(nameRoom * 2), data: Buffer.alloc(maxBytes) };
  return (root, path) => readKey(api, registryRoots[root], path, room, deepest);
}

/** advapi32.dll, loaded on the first call. Throws where there is none: on every system but Windows. */
export function loadAdvapi32(): Advapi32 {
  const library = koffi.load('advapi32.dll');
  const declare = (name: keyof Advapi32, args: string) => library.func(`long __stdcall ${name}(${args})`);
  const open = declare('RegOpenKeyExW', 'intptr_t root, str16 path, uint32_t options, uint32_t access, _Out_ intptr_t *key');
  const enumKey = declare('RegEnumKeyExW', 'intptr_t key, uint32_t index, uint8_t *name, _Inout_ uint32_t *nameLength, void *reserved, void *className, void *classLength, void *written');
  const enumValue = declare('RegEnumValueW', 'intptr_t key, uint32_t index, uint8_t *name, _Inout_ uint32_t *nameLength, void *reserved, _Out_ uint32_t *type, uint8_t *data, _Inout_ uint32_t *dataLength');
  const close = declare('RegCloseKey', 'intptr_t key');
  return {
    RegOpenKeyExW: (...args) => Number(open(...args)),
    RegEnumKeyExW: (...args) => Number(enumKey(...args)),
    RegEnumValueW: (...args) => Number(enumValue(...args)),
    RegCloseKey: (key) => Number(close(key)),
  };
}

type Room = { readonly name: Buffer; readonly data: Buffer };

function readKey(api: Advapi32, root: bigint, path: string, room: Room, depth: number): RegistryRead {
  const handle: [bigint | number] = [0];
  const opened = api.RegOpenKeyExW(root, path, 0, readAccess, handle);
  if (opened === notFound) return { kind: 'absent' };
  if (opened !== success) return refused(path, opened);
  // koffi gives small numbers as numbers.
  const key = BigInt(handle[0]);
  try {
    return readOpenKey(api, key, path, room, depth);
  } finally {
    api.RegCloseKey(key);
  }
}

function readOpenKey(api: Advapi32, key: bigint, path: string, room: Room, depth: number): RegistryRead {
  const tree: Record<string, RegistryValue> = Object.create(null) as Record<string, RegistryValue>;
  for (let index = 0; ; index++) {
    const [nameLength, type, dataLength]: [[number], [number], [number]] = [[nameRoom], [0], [room.data.length]];
    const code = api.RegEnumValueW(key, index, room.name, nameLength, null, type, room.data, dataLength);
    if (code === noMoreItems) break;
    if (code !== success) return refused(path, code);
    const value = decodeValue(type[0], room.data.subarray(0, dataLength[0]));
    const name = nameOf(room, nameLength);
    // A key's own unnamed value is nobody's policy.
    if (value !== null && name !== '') tree[name] = value;
  }
  for (let index = 0; ; index++) {
    const nameLength: [number] = [nameRoom];
    const code = api.RegEnumKeyExW(key, index, room.name, nameLength, null, null, null, null);
    if (code === noMoreItems) return { kind: 'tree', tree };
    if (code !== success) return refused(path, code);
    const name = nameOf(room, nameLength);
    const below: RegistryRead = depth === 0 ? { kind: 'refused', why: 'its keys are nested too deep' } : readKey(api, key, name, room, depth - 1);
    if (below.kind === 'refused') return below;
    if (below.kind === 'tree') tree[name] = below.tree;
  }
}

/** The value by its registry type; null for what no policy uses. */
export function decodeValue(type: number, data: Buffer): RegistryValue | null {
  switch (type) {
    // REG_SZ, REG_EXPAND_SZ: the closing zero may be missing, and what stands behind it is nothing.
    case 1: case 2: return text(data).split('\0')[0] ?? '';
    case 4: return data.length >= 4 ? data.readUInt32LE() : null;
    case 11: return data.length >= 8 ? Number(data.readBigUInt64LE()) : null;
    case 7: return text(data).replace(/\0+$/u, '').split('\0').filter((line) => line !== '');
    default: return null;
  }
}

function refused(path: string, code: number): RegistryRead {
  return { kind: 'refused', why: code === 5 ? `${path} may not be read` : `${path} cannot be read (Windows error ${code})` };
}

function nameOf(room: Room, length: readonly [number]): string {
  return text(room.name.subarray(0, length[0] * 2));
}

function text(data: Buffer): string {
  return data.toString('utf16le');
}
