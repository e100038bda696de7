// Who may import whom, over the real import graph; no cycles; core without clock, randomness or a runtime. The house of ARCHITECTURE.md.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

type Import = { readonly from: string; readonly specifier: string; readonly to: string | null; readonly typeOnly: boolean };

const files = ['electron', 'native', 'renderer'].flatMap((folder) => sources(join(root, folder)));
const imports: readonly Import[] = files.flatMap(readImports);

/** Room of a file: the first folder of this list that holds it. Inside the agent each sub-folder is a room of its own. */
const rooms = [
  'electron/core', 'electron/contract', 'electron/client', 'electron/cli', 'electron/watchdog', 'electron/main', 'electron/preload',
  'electron/agent/store', 'electron/agent/events', 'electron/agent/ca', 'electron/agent/policy', 'electron/agent/health',
  'electron/agent/proxy', 'electron/agent/pinning', 'electron/agent/control', 'electron/agent/diagnostics', 'electron/agent', 'native', 'renderer',
] as const;
type Room = (typeof rooms)[number];

const low = ['electron/core', 'electron/contract'] as const;
const shelf = ['electron/agent/store', 'electron/agent/events', 'electron/agent/ca', 'electron/agent/policy', 'electron/agent/health'] as const;

/** What each room may import besides itself. `native → core` is for types alone. */
const allowed: Readonly<Record<Room, readonly Room[]>> = {
  'electron/core': [],
  'electron/contract': ['electron/core'],
  'electron/client': low,
  // A person's command changes the system itself, the agent never does.
  'electron/cli': [...low, 'electron/client', 'native'],
  'electron/watchdog': [...low, 'electron/client', 'native'],
  'electron/main': [...low, 'electron/client'],
  'electron/preload': low,
  'electron/agent/store': low,
  'electron/agent/events': low,
  'electron/agent/ca': low,
  'electron/agent/policy': low,
  'electron/agent/health': low,
  'electron/agent/pinning': [...low, ...shelf],
  'electron/agent/proxy': [...low, ...shelf, 'electron/agent/pinning'],
  'electron/agent/diagnostics': [...low, ...shelf],
  'electron/agent/control': [...low, ...shelf, 'electron/agent/pinning', 'electron/agent/diagnostics'],
  'electron/agent': [...rooms.filter((room) => room.startsWith('electron/agent')), ...low, 'native'],
  native: ['electron/core'],
  renderer: low,
};

/** What a room may import from outside; a prefix ends with `:` or `/`. */
const outside: Readonly<Partial<Record<Room, readonly string[]>>> = {
  'electron/core': ['zod', 'jsonc-parser'],
  'electron/contract': [],
  'electron/client': ['node:'],
  'electron/cli': ['node:', 'commander'],
  'electron/watchdog': ['node:'],
  'electron/main': ['node:', 'electron', 'i18next'],
  'electron/preload': ['electron'],
  native: ['node:', 'koffi', 'better-sqlite3', '@napi-rs/keyring'],
  renderer: ['react', 'react-dom', 'react-dom/', 'react-aria-components', '@tanstack/react-virtual', 'zustand/', 'zustand', 'i18next', 'react-i18next', 'lucide-react'],
};

describe('the import graph', () => {
  it('has been read: hundreds of files, every relative import found', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.filter((one) => one.specifier.startsWith('.') && one.to === null)).toEqual([]);
  });

  it('lets each room import only what the house allows', () => {
    const wrong = imports.filter((one) => {
      if (one.to === null || !/\.tsx?$/.test(one.to)) return false;
      const from = roomOf(one.from);
      const to = roomOf(one.to);
      return from !== to && !allowed[from].includes(to);
    });
    expect(wrong.map((one) => `${one.from} → ${one.to}`)).toEqual([]);
  });

  it('lets native take types only from core', () => {
    expect(imports.filter((one) => one.from.startsWith('native/') && one.to?.startsWith('electron/') && !one.typeOnly).map((one) => one.from)).toEqual([]);
  });

  it('keeps runtimes where they belong: packages and node: modules per room', () => {
    const wrong = imports.filter((one) => {
      const list = outside[roomOf(one.from)];
      if (one.specifier.startsWith('.') || list === undefined || (one.typeOnly && roomOf(one.from) !== 'electron/core')) return false;
      return !list.some((name) => one.specifier === name || (/[:/]$/.test(name) && one.specifier.startsWith(name)));
    });
    expect(wrong.map((one) => `${one.from} → ${one.specifier}`)).toEqual([]);
  });

  it('imports electron nowhere but in main and preload', () => {
    expect(imports.filter((one) => one.specifier === 'electron' && !/^electron\/(main|preload)\//.test(one.from)).map((one) => one.from)).toEqual([]);
  });

  it('has no cycle', () => {
    expect(findCycle()).toBeNull();
  });
});

describe('core and contract', () => {
  const pure = files.filter((file) => /^electron\/(core|contract)\//.test(file));

  it('ask no clock and no dice: time and randomness are arguments', () => {
    const asked = pure.filter((file) => /Date\.now\(|new Date\(\)|Math\.random\(|performance\.|crypto\.|globalThis|process\./.test(withoutComments(read(file))));
    expect(asked).toEqual([]);
  });

  it('say in their first lines what they are for', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\//.test(read(file)))).toEqual([]);
  });
});

describe('the words of the house', () => {
  it('no default exports, no enums, no any, no ignored errors', () => {
    const wrong = files.filter((file) => /^export default|^(export )?(const )?enum |: any\b|\bas any\b|@ts-ignore|@ts-expect-error|oxlint-disable|eslint-disable/m.test(withoutComments(read(file))));
    expect(wrong).toEqual([]);
  });

  it('raw ipcMain and ipcRenderer live in one file each', () => {
    expect(files.filter((file) => /\bipcMain\b/.test(withoutComments(read(file))))).toEqual(['electron/main/ipc.ts']);
    expect(files.filter((file) => /\bipcRenderer\b/.test(withoutComments(read(file))))).toEqual(['electron/preload/bridge.ts']);
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return /\.tsx?$/.test(name) && !/\.(d|config)\.ts$/.test(name) ? [relative(root, path)] : [];
  });
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function readImports(file: string): Import[] {
  const text = withoutComments(read(file));
  const found: Import[] = [];
  for (const match of text.matchAll(/(?:^|\n)\s*(import|export)\s+(type\s+)?([^'"]*?)\s*from\s*'([^']+)'/g)) {
    found.push(entry(file, match[4] as string, match[2] !== undefined || (/^\{[^}]*\}$/.test((match[3] as string).trim()) && allTypes(match[3] as string))));
  }
  for (const match of text.matchAll(/(?:^|\n)\s*import\s*'([^']+)'|import\(\s*'([^']+)'\s*\)/g)) found.push(entry(file, (match[1] ?? match[2]) as string, false));
  return found;
}

/** `{ type A, type B }`: every name is a type. */
function allTypes(names: string): boolean {
  return names.replace(/[{}]/g, '').split(',').map((name) => name.trim()).filter((name) => name !== '').every((name) => name.startsWith('type '));
}

function entry(from: string, specifier: string, typeOnly: boolean): Import {
  if (!specifier.startsWith('.')) return { from, specifier, to: null, typeOnly };
  const path = resolve(root, dirname(from), specifier.replace(/\?.*$/, ''));
  return { from, specifier, to: statSync(path, { throwIfNoEntry: false })?.isFile() === true ? relative(root, path) : null, typeOnly };
}

function roomOf(file: string): Room {
  const room = rooms.find((one) => file.startsWith(`${one}/`));
  if (room === undefined) throw new Error(`${file} stands in no room`);
  return room;
}

/** A cycle of value imports, as `a → b → a`; null when there is none. Types vanish before anything runs. */
function findCycle(): string | null {
  const edges = new Map<string, string[]>();
  for (const one of imports) if (one.to !== null && !one.typeOnly) edges.set(one.from, [...(edges.get(one.from) ?? []), one.to]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' → ');
    if (done.has(file)) return null;
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
