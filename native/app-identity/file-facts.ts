// Facts of one executable or script file, each computed once per (device, inode, times, size): hash, and what the system vouches for.
// Not for putting them together: index.ts does that.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { openWithoutWaiting } from '../procfs/foreign-file.ts';
import { unvouched } from './provenance.ts';
import type { ProgramFile, Provenance, ProvenanceBook } from './provenance.ts';

export type FileFacts = {
  /** Hex; null when the file could not be read, or was written or replaced meanwhile. */
  readonly sha256: string | null;
  /** `name version` of what it came in. */
  readonly package: string | null;
  /** Verified signer. */
  readonly signer: string | null;
  /** As packaged: owned, its digest unchanged and only root may write it; or a signature or a read-only image holds. */
  readonly intact: boolean;
};

/** What identifies a version of a file without reading it. Who writes a file cannot set its change time. */
export type FileMark = { readonly key: string; readonly uid: number; readonly mode: number };

export type FileBook = {
  /** Facts of the file, computed once per version. Never rejects. */
  factsOf(file: Omit<ProgramFile, 'onHost'>): Promise<FileFacts>;
};

const versionLimit = 512;
/** A larger "script" is a way to keep us busy, not a program. */
const largestHashed = 1024 ** 3;

/** Mark of a file; null when it is not there or not readable. */
export function markOf(path: string): FileMark | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true ? { key: keyOf(found), uid: found.uid, mode: found.mode } : null;
  } catch {
    return null;
  }
}

/** A book over what the system vouches for. */
export function createFileBook(provenance: ProvenanceBook): FileBook {
  const versions = new Map<string, Promise<FileFacts>>();
  return {
    factsOf(file) {
      const id = `${file.mark.key} ${file.sandbox?.id ?? ''} ${file.path}`;
      const known = versions.get(id);
      if (known !== undefined) return known;
      const facts = compute(file);
      versions.set(id, facts);
      for (const oldest of versions.keys()) {
        if (versions.size <= versionLimit) break;
        versions.delete(oldest);
      }
      // What could not be read now may be readable for the next process.
      void facts.then(({ sha256 }) => sha256 === null && versions.get(id) === facts && versions.delete(id));
      return facts;
    },
  };

  async function compute(file: Omit<ProgramFile, 'onHost'>): Promise<FileFacts> {
    // In a container the same name on the host is another file: then the host's packages say nothing about it.
    const onHost = markOf(file.path)?.key === file.mark.key;
    const [hashes, answer] = await Promise.all([hashFile(file.readAt, file.mark), provenance.of({ ...file, onHost }).catch(() => unvouched)]);
    return { sha256: hashes?.sha256 ?? null, package: answer.package, signer: answer.signer, intact: hashes !== null && holds(answer.proof, hashes) };
  }
}

type Hashes = { readonly sha256: string; readonly md5: string };

function holds(proof: Provenance['proof'], hashes: Hashes): boolean {
  if (proof === null || proof === 'sealed') return proof === 'sealed';
  return hashes[proof.algorithm] === proof.hex;
}

/** Null also when the file is not, or no longer, the version of the mark: its hash would be kept under the wrong name. */
async function hashFile(path: string, mark: FileMark): Promise<Hashes | null> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5'); // what dpkg records; it guards against chance and edits, the SHA-256 is what identities carry
  try {
    await using handle = await open(path, openWithoutWaiting);
    const found = await handle.stat();
    if (!found.isFile() || found.size > largestHashed || keyOf(found) !== mark.key) return null;
    // One buffer for all of it: a stream would leave a hundred megabytes of them behind after a browser.
    const buffer = Buffer.allocUnsafeSlow(256 * 1024);
    for (let left = found.size; left > 0;) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(left, buffer.length));
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      sha256.update(chunk);
      md5.update(chunk);
      left -= bytesRead;
    }
    return keyOf(await handle.stat()) === mark.key ? { sha256: sha256.digest('hex'), md5: md5.digest('hex') } : null;
  } catch {
    return null;
  }
}

function keyOf(found: Stats): string {
  return `${found.dev}:${found.ino}:${found.mtimeMs}:${found.ctimeMs}:${found.size}`;
}
