// Reads files whose path another user chose (a process's HOME, SSL_CERT_FILE, script): never waits on a pipe, never reads without bound,
// and tells whether a program may be started at all. Not for files of our own.
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Flags with which opening a named pipe returns at once; no effect on regular files. */
export const openWithoutWaiting = constants.O_RDONLY | constants.O_NONBLOCK;

/** The first bytes of a regular file, at most `limit`; null when it is missing, unreadable or something else. */
export function readStart(file: string, limit: number): Buffer | null {
  let fd: number | null = null;
  try {
    fd = openSync(file, openWithoutWaiting);
    if (!fstatSync(fd).isFile()) return null;
    const start = Buffer.alloc(limit);
    return start.subarray(0, readSync(fd, start, 0, limit, 0));
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Reads parts of a regular file while `use` runs: bytes at an offset, fewer at its end. `use` gets a reader of nothing when it cannot be opened. */
export function withParts<Value>(file: string, use: (readAt: (offset: number, length: number) => Buffer | null) => Value): Value {
  let fd: number | null = null;
  try {
    fd = openSync(file, openWithoutWaiting);
    if (!fstatSync(fd).isFile()) throw new Error('no regular file');
  } catch {
    if (fd !== null) closeSync(fd);
    return use(() => null);
  }
  const opened = fd;
  try {
    return use((offset, length) => {
      try {
        const part = Buffer.alloc(length);
        return part.subarray(0, readSync(opened, part, 0, length, offset));
      } catch {
        return null;
      }
    });
  } finally {
    closeSync(opened);
  }
}

/** A regular file of at most `limit` bytes; null when it is missing, unreadable, larger or something else. */
export async function readWhole(file: string, limit: number): Promise<Buffer | null> {
  try {
    await using handle = await open(file, openWithoutWaiting);
    const found = await handle.stat();
    return found.isFile() && found.size <= limit ? await handle.readFile() : null;
  } catch {
    return null;
  }
}

/** A program that only root or our own user can have put there: an agent with rights must not start what a user offers it. */
export function mayStart(program: string): boolean {
  try {
    const found = statSync(realpathSync(program));
    return found.isFile() && (found.mode & 0o022) === 0 && (found.uid === 0 || found.uid === process.geteuid?.());
  } catch {
    return false;
  }
}
