// Managed policy on macOS: the property lists that configuration profiles leave in /Library/Managed Preferences, turned into JSON by plutil.
// Not for profiles themselves: installing one is the administrator's or the MDM's.
import { spawnSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import type { ManagedPolicy, PolicyContent, PolicySource } from '../../electron/core/policy/sources.ts';
import { errorCode, fileFault, folderFault, isAbsent } from './trusted-file.ts';

/** A program run to its end. `code` null = it could not be started or did not end in time. */
export type RunCommand = (command: string, args: readonly string[]) => { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type MacosPlace = {
  /** Holds `DOMAIN.plist` for the machine and `USER/DOMAIN.plist`. */
  readonly folder: string;
  readonly owner: number;
  /** Login name; null = the machine's level only, as for a service. */
  readonly user: string | null;
  readonly maxBytes: number;
  readonly run: RunCommand;
};

export const macosPolicyFolder = '/Library/Managed Preferences';
export const macosDomain = 'dev.pinlight.agent';

/** Reads the machine's and the user's list. plutil runs only for a list that changed. */
export function macosManagedPolicy(place: MacosPlace): ManagedPolicy {
  const folders = [place.folder, ...(place.user === null ? [] : [`${place.folder}/${place.user}`])];
  const known = new Map<string, { readonly stamp: string; readonly converted: Converted }>();
  const convert = (file: string): Converted | null => {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    const fault = fileFault(stats, place.owner) ?? folderFault(file.slice(0, file.lastIndexOf('/')), place.owner);
    if (fault !== null) return { kind: 'refused', why: fault };
    if (stats.size > place.maxBytes) return { kind: 'refused', why: `the file is larger than ${place.maxBytes} bytes` };
    const stamp = `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
    const before = known.get(file);
    if (before?.stamp === stamp) return before.converted;
    const converted = readPlutil(place.run('/usr/bin/plutil', ['-convert', 'json', '-o', '-', file]));
    known.set(file, { stamp, converted });
    return converted;
  };
  return {
    folders,
    read: () => {
      const found = folders.flatMap((folder) => {
        const file = `${folder}/${macosDomain}.plist`;
        const converted = guarded(() => convert(file));
        return converted === null ? [] : [{ file, converted }];
      });
      return (['managed', 'recommended'] as const).flatMap((origin) => found.flatMap(({ file, converted }) => sourceOf(origin, file, converted)));
    },
  };
}

/** The system's runner: 2 s are long for a converter that needs some 10 ms. */
export const runSystemCommand: RunCommand = (command, args) => {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { encoding: 'utf8', timeout: 2_000, maxBuffer: 8 << 20, stdio: ['ignore', 'pipe', 'pipe'] });
  return { code: error === undefined ? status : null, stdout: stdout ?? '', stderr: error?.message ?? stderr ?? '' };
};

type Levels = { readonly managed: unknown; readonly recommended: unknown };
type Converted = ({ readonly kind: 'levels' } & Levels) | { readonly kind: 'refused'; readonly why: string };

/** plutil's answer to the values of each level: what stands under `Recommended`, and the rest without the profile's own `Payload…` keys. */
export function readPlutil({ code, stdout, stderr }: ReturnType<RunCommand>): Converted {
  if (code !== 0) return { kind: 'refused', why: `plutil cannot read it: ${firstLine(stderr === '' ? stdout : stderr) || `exit code ${String(code)}`}` };
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return { kind: 'refused', why: 'plutil gave no JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'refused', why: 'the list has no keys' };
  const entries = Object.entries(value).filter(([name]) => !name.startsWith('Payload'));
  return {
    kind: 'levels',
    managed: Object.fromEntries(entries.filter(([name]) => name !== 'Recommended')),
    recommended: entries.find(([name]) => name === 'Recommended')?.[1],
  };
}

function sourceOf(origin: 'managed' | 'recommended', file: string, converted: Converted): PolicySource[] {
  const source = (name: string, content: PolicyContent): PolicySource[] => [{ origin, name, content }];
  // A list that cannot be read holds back both levels.
  const name = origin === 'managed' ? file : `${file}/Recommended`;
  if (converted.kind === 'refused') return origin === 'managed' ? source(file, converted) : [];
  const value = converted[origin];
  return value === undefined || (origin === 'managed' && isEmpty(value)) ? [] : source(name, { kind: 'profile', value });
}

function guarded(convert: () => Converted | null): Converted | null {
  try {
    return convert();
  } catch (error) {
    const code = errorCode(error);
    return isAbsent(code) ? null : { kind: 'refused', why: `the file cannot be read (${code})` };
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 300) ?? '';
}
