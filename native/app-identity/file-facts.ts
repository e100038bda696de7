// Facts of one executable or script file, each computed once per (device, inode, time, size): hashes, owner, package.
// Not for putting them together: index.ts does that.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { openWithoutWaiting } from '../procfs/foreign-file.ts';
import type { PackageAnswer, PackageBook } from './package-of.ts';

export type FileFacts = {
  /** Hex; null when the file could not be read. */
  readonly sha256: string | null;
  readonly package: PackageAnswer | null;
  /** A package owns it, root owns it and nobody else may write it, and its MD5 is as packaged. */
  readonly asPackaged: boolean;
};

/** What identifies a version of a file without reading it. */
export type FileMark = { readonly key: string; readonly uid: number; readonly mode: number };

export type FileBook = {
  /** Facts of the file, computed once per version. `readAt` is where to read it (`/proc/PID/exe`), `path` its name in package lists. Never rejects. */
  factsOf(path: string, readAt: string, mark: FileMark): Promise<FileFacts>;
};

const versionLimit = 512;
/** A larger "script" is a way to keep us busy, not a program. */
const largestHashed = 1024 ** 3;

/** Mark of a file; null when it is not there or not readable. */
export function markOf(path: string): FileMark | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) return null;
    return { key: `${found.dev}:${found.ino}:${found.mtimeMs}:${found.ctimeMs}:${found.size}`, uid: found.uid, mode: found.mode };
  } catch {
    return null;
  }
}

/** A book over one package database. */
export function createFileBook(packages: PackageBook): FileBook {
  const versions = new Map<string, Promise<FileFacts>>();
  return {
    factsOf(path, readAt, mark) {
      const id = `${mark.key} ${path}`;
      const known = versions.get(id);
      if (known !== undefined) return known;
      const facts = compute(path, readAt, mark);
      versions.set(id, facts);
      for (const oldest of versions.keys()) {
        if (versions.size <= versionLimit) break;
        versions.delete(oldest);
      }
      return facts;
    },
  };

  async function compute(path: string, readAt: string, mark: FileMark): Promise<FileFacts> {
    // In a container the same name on the host is another file: then the host's packages say nothing about it.
    const sameOnHost = readAt === path || markOf(path)?.key === mark.key;
    const [hashes, owner] = await Promise.all([hashFile(readAt), sameOnHost ? packages.ownerOf(path) : null]);
    const rootOnly = mark.uid === 0 && (mark.mode & 0o022) === 0;
    return {
      sha256: hashes?.sha256 ?? null,
      package: owner,
      asPackaged: rootOnly && hashes !== null && owner !== null && owner.md5 !== null && owner.md5 === hashes.md5,
    };
  }
}

async function hashFile(path: string): Promise<{ readonly sha256: string; readonly md5: string } | null> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5'); // what dpkg records; it guards against chance and edits, the SHA-256 is what identities carry
  try {
    await using handle = await open(path, openWithoutWaiting);
    const found = await handle.stat();
    if (!found.isFile() || found.size > largestHashed) return null;
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      sha256.update(chunk);
      md5.update(chunk);
    }
    return { sha256: sha256.digest('hex'), md5: md5.digest('hex') };
  } catch {
    return null;
  }
}
