// Whether a program may be run by a service of the machine: nobody but root may be able to change it, or the folders on the way to it.
// POSIX. Not for what the program does.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';

/** In words what is wrong; null = the program is as much root's as the system itself. `files`: absolute. */
export function unsafeProgram(files: readonly string[]): string | null {
  for (const file of files) {
    for (let at = realOf(file); ; at = path.dirname(at)) {
      const found = statSync(at, { throwIfNoEntry: false });
      if (found === undefined) return `${at} is not there`;
      // A sticky folder (/tmp) lets others make names, and not replace this one.
      const open = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0;
      if (found.uid !== 0 || open) return openToOthers(at);
      if ((found.mode & (found.isDirectory() ? 0o001 : 0o004)) === 0) return `${at} cannot be read by the service's own account: install Pinlight where every user may read it`;
      if (at === path.dirname(at)) break;
    }
  }
  return null;
}

/** The same for all that stands in a folder: root itself runs what is there (systemd-unit.ts), and any file of it may be a part. */
export function unsafeFolder(folder: string): string | null {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    // A link by what it leads to; one that leads nowhere is nobody's program.
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && (found.uid !== 0 || (found.mode & 0o022) !== 0)) return openToOthers(file);
  }
  return null;
}

function openToOthers(at: string): string {
  return `${at} can be changed by others than root, and the service would run what stands there: install Pinlight in a folder of root's`;
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
