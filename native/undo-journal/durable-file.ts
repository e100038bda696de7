// Whole files, read with owner and mode and replaced so that a crash leaves the old or the new one, never a part.
// Not for knowing what was changed: index.ts writes that down first.
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, rmdirSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/** A regular file as it is; null = there is none. */
export type FileImage = { readonly content: Buffer; readonly mode: number; readonly uid: number; readonly gid: number } | null;

/** The file at this path, through links; throws for what is there and cannot be read, or is no regular file. */
export function readImage(file: string): FileImage {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isFile()) throw new Error(`${file} is not a regular file`);
  return { content: readFileSync(file), mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

/** The path that a replacement has to go to: where links lead, so that a link of the system's stays one. */
export function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** Makes the file be this image, in one step; its folder has to be there. Throws what the system says, and leaves nothing then. */
export function replaceFile(file: string, image: FileImage): void {
  const folder = path.dirname(file);
  if (image === null) {
    rmSync(file, { force: true });
    syncFolder(folder);
    return;
  }
  const temporary = temporaryName(file);
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, image.content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const made = statSync(temporary);
    if (made.uid !== image.uid || made.gid !== image.gid) chownSync(temporary, image.uid, image.gid);
    chmodSync(temporary, image.mode);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** What a killed `replaceFile` may leave beside the file. */
export function isTemporaryOf(file: string, name: string): boolean {
  return name.startsWith(`.${path.basename(file)}.pinlight-`);
}

/** This folder and those above it that are not there, outermost first. */
export function missingFolders(folder: string): readonly string[] {
  const missing: string[] = [];
  for (let at = folder; statSync(at, { throwIfNoEntry: false }) === undefined; at = path.dirname(at)) missing.unshift(at);
  return missing;
}

/** Makes folders, outermost first, with this mode whatever the caller's umask. */
export function makeFolders(folders: readonly string[], mode: number): void {
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode);
  }
}

/** Removes folders that are empty, innermost first; what somebody else uses stays, and one that was never made holds nothing up. */
export function dropFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
    }
  }
}

function temporaryName(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.pinlight-${randomBytes(4).toString('hex')}`);
}

function syncFolder(folder: string): void {
  // Windows opens no folders; NTFS writes its own journal.
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
