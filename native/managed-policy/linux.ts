// Managed policy on Linux: drop-in files in two folders that belong to root, the layout of Chromium's policies.
// Not for what the files say.
import { readdirSync } from 'node:fs';
import type { ManagedPolicy, PolicySource } from '../../electron/core/policy/sources.ts';
import { errorCode, folderFault, isAbsent, readTrustedText } from './trusted-file.ts';

export type LinuxPlace = {
  /** Holds `managed/*.json` and `recommended/*.json`. */
  readonly folder: string;
  /** The uid that must own files and folders; 0 outside tests. */
  readonly owner: number;
  readonly maxBytes: number;
};

/** Where Linux administrators put policy. */
export const linuxPolicyFolder = '/etc/pinlight/policies';

/** Reads both folders, files in name order. */
export function linuxManagedPolicy(place: LinuxPlace): ManagedPolicy {
  const levels = ['managed', 'recommended'] as const;
  return {
    folders: levels.map((level) => `${place.folder}/${level}`),
    read: () => levels.flatMap((level) => readFolder(`${place.folder}/${level}`, level, place)),
  };
}

function readFolder(folder: string, origin: 'managed' | 'recommended', { owner, maxBytes }: LinuxPlace): PolicySource[] {
  const refused = (why: string): PolicySource[] => [{ origin, name: folder, content: { kind: 'refused', why } }];
  try {
    const fault = folderFault(folder, owner);
    if (fault !== null) return refused(fault);
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
    return names.flatMap((name): PolicySource[] => {
      const content = readTrustedText(`${folder}/${name}`, owner, maxBytes);
      return content.kind === 'absent' ? [] : [{ origin, name: `${folder}/${name}`, content }];
    });
  } catch (error) {
    const code = errorCode(error);
    return isAbsent(code) ? [] : refused(`the folder cannot be read (${code})`);
  }
}
