// Finding and reading policy files with care: who owns them, how large they are, whether they are files at all.
// Not for what they say (core/policy/parse).
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { policyLimits } from '../../core/policy/keys.ts';

export type PolicyFileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string };

export type PolicyFileList = {
  readonly folder: string;
  /** Full paths in name order. */
  readonly files: readonly string[];
  /** Why the folder's files do not count; null when they do or there is no such folder. */
  readonly why: string | null;
};

/** The drop-in files of one folder. `owner`: the only uid that may be able to write there. */
export function listPolicyFiles(folder: string, owner: number): PolicyFileList {
  try {
    // Whoever may write to the folder may replace the files in it, whoever owns those.
    const fault = trustFault(statSync(folder), owner);
    if (fault !== null) return { folder, files: [], why: `the folder ${fault}, so no policy is taken from it` };
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
    return { folder, files: names.map((name) => `${folder}/${name}`), why: null };
  } catch (error) {
    const code = errorCode(error);
    return { folder, files: [], why: isAbsent(code) ? null : `the folder cannot be read (${code})` };
  }
}

/** The text of one file. `owner`: the only uid that may be able to write it; null = anybody, as for the user's own file. */
export function readPolicyFile(file: string, owner: number | null): PolicyFileText {
  let descriptor: number | null = null;
  try {
    // Non-blocking: a named pipe in this place would hold the agent for good. Windows knows neither pipes here nor the flag.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    // Asked of the open file, not of the path: what was checked is what is read.
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { kind: 'refused', why: 'this is not a regular file' };
    const fault = owner === null ? null : trustFault(stats, owner);
    if (fault !== null) return { kind: 'refused', why: `the file ${fault}, so it is not taken as managed policy` };
    return readBounded(descriptor);
  } catch (error) {
    const code = errorCode(error);
    return isAbsent(code) ? { kind: 'absent' } : { kind: 'refused', why: `the file cannot be read (${code})` };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function readBounded(descriptor: number): PolicyFileText {
  // One byte more than allowed tells "too large" without reading the rest; a file may grow after its size was asked.
  const bytes = new Uint8Array(policyLimits.fileBytes + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length < bytes.length; length += got) got = readSync(descriptor, bytes, length, bytes.length - length, null);
  if (length > policyLimits.fileBytes) return { kind: 'refused', why: `the file is larger than ${policyLimits.fileBytes} bytes` };
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length)) };
  } catch {
    return { kind: 'refused', why: 'the file is not UTF-8 text' };
  }
}

function trustFault(stats: Stats, owner: number): string | null {
  if (stats.uid !== owner) return `belongs to uid ${stats.uid} instead of ${owner}`;
  return (stats.mode & 0o022) === 0 ? null : 'can be written by others than its owner';
}

function isAbsent(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}
