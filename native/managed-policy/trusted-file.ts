// Files that only an administrator can have written: who owns a file and every folder above it, and who may write there.
// Not for what the files say.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';

export type TrustedText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string };

/** The text of a file that belongs to `owner` and that nobody else may write. The folder above it is the caller's to check. */
export function readTrustedText(file: string, owner: number, maxBytes: number): TrustedText {
  let descriptor: number | null = null;
  try {
    // Non-blocking: a named pipe in this place would hold the agent for good. No link: what it points at may be changed by somebody else.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    // Asked of the open file, not of the path: what was checked is what is read.
    const stats = fstatSync(descriptor);
    const fault = fileFault(stats, owner);
    if (fault !== null) return { kind: 'refused', why: fault };
    if (stats.size > maxBytes) return { kind: 'refused', why: `the file is larger than ${maxBytes} bytes` };
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(descriptor)) };
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'refused', why: 'the file is not UTF-8 text' };
    const code = errorCode(error);
    if (isAbsent(code)) return { kind: 'absent' };
    return { kind: 'refused', why: code === 'ELOOP' ? 'this is a symbolic link; put the file itself here' : `the file cannot be read (${code})` };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Why a file's contents are not only its owner's word; null when they are. */
export function fileFault(stats: Stats, owner: number): string | null {
  if (!stats.isFile()) return 'this is not a regular file';
  const fault = modeFault(stats, owner);
  return fault === null ? null : `the file ${fault}, so it is not taken as managed policy`;
}

/**
 * Why others than `owner` and root could exchange a folder's files: whoever may write to a folder may replace what is in it,
 * whoever owns that. Null when nobody can. Throws what the file system says of a missing or closed folder.
 */
export function folderFault(folder: string, owner: number): string | null {
  const fault = modeFault(lstatSync(realpathSync(folder)), owner);
  if (fault !== null) return `the folder ${fault}, so no policy is taken from it`;
  for (let above = dirname(realpathSync(folder)), below = ''; above !== below; below = above, above = dirname(above)) {
    const stats = lstatSync(above);
    // In a sticky folder (/tmp) only the owner of an entry may exchange it.
    if ((stats.mode & 0o1000) !== 0 && (stats.uid === 0 || stats.uid === owner)) continue;
    const aboveFault = modeFault(stats, stats.uid === 0 ? 0 : owner);
    if (aboveFault !== null) return `the folder ${above} above it ${aboveFault}, so no policy is taken from it`;
  }
  return null;
}

export function isAbsent(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The system's code of a failed call; anything else is a bug and thrown again. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}

function modeFault(stats: Stats, owner: number): string | null {
  if (stats.uid !== owner) return `belongs to uid ${stats.uid} instead of ${owner}`;
  return (stats.mode & 0o022) === 0 ? null : 'can be written by others than its owner';
}
