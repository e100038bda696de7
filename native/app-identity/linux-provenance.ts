// Packages on Linux: dpkg or rpm, Snap by its read-only image, Flatpak by the files of a system-wide installation.
// A cgroup's name alone earns nothing here: users choose those of their own programs.
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { markOf } from './file-facts.ts';
import type { PackageBook } from './package-of.ts';
import { unvouched } from './provenance.ts';
import type { Provenance, ProvenanceBook, ProgramFile } from './provenance.ts';

/** Magic number of squashfs, which only root can mount on the paths of Snap. */
const squashfs = 0x73717368;

/** Answers from the package book and the folders of Snap and Flatpak below `root`; `typeOf` gives the number of a path's file system. */
export function createLinuxProvenance(
  packages: PackageBook,
  root = '/',
  typeOf: (file: string) => Promise<number> = async (file) => (await statfs(file)).type,
): ProvenanceBook {
  return {
    async of(file) {
      const snap = file.onHost ? snapOf(file.path, root) : null;
      if (snap !== null) return { package: snap, signer: null, proof: isRootOnly(file) && await typeOf(file.path).catch(() => 0) === squashfs ? 'sealed' : null };
      const flatpak = flatpakOf(file);
      if (flatpak !== null) return flatpak;
      const owner = file.onHost ? await packages.ownerOf(file.path) : null;
      if (owner === null) return unvouched;
      return { package: owner.version === null ? owner.name : `${owner.name} ${owner.version}`, signer: null, proof: isRootOnly(file) ? owner.digest : null };
    },
  };

  /** The file that the process sees as /app/… must be the very file of the system's installation. */
  function flatpakOf(file: ProgramFile): Provenance | null {
    if (file.sandbox?.kind !== 'flatpak' || !file.path.startsWith('/app/') || !/^[\w.-]+$/.test(file.sandbox.id)) return null;
    const installed = path.join(root, 'var/lib/flatpak/app', file.sandbox.id, 'current/active/files', file.path.slice('/app/'.length));
    return markOf(installed)?.key === file.mark.key ? { package: `flatpak:${file.sandbox.id}`, signer: null, proof: isRootOnly(file) ? 'sealed' : null } : null;
  }
}

/** `snap:firefox 4173` of /snap/firefox/4173/…; null for other paths. */
function snapOf(file: string, root: string): string | null {
  const found = /^(?:var\/lib\/snapd\/)?snap\/([a-z0-9-]+(?:_[a-z0-9]+)?)\/(x?\d+)\//.exec(path.relative(root, file));
  return found === null ? null : `snap:${found[1]} ${found[2]}`;
}

function isRootOnly({ mark }: ProgramFile): boolean {
  return mark.uid === 0 && (mark.mode & 0o022) === 0;
}
