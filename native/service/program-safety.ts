// Whether a program may be run by a service of the machine: nobody but root may be able to change it, or the folders on the way to it.
// POSIX. Not for what the program does.
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';

/** In words what is wrong; null = the program is as much root's as the system itself. `files`: absolute. */
export function unsafeProgram(files: readonly string[]): string | null {
  for (const file of files) {
    for (let at = realOf(file); ; at = path.dirname(at)) {
      const found = statSync(at, { throwIfNoEntry: false });
      if (found === undefined) return `${at} is not there`;
      // A sticky folder (/tmp) lets others make names, and not replace this one.
      const sticky = found.isDirectory() && (found.mode & 0o1000) !== 0;
      if (isOpen(found) && !(sticky && found.uid === 0)) return openToOthers(at);
      if ((found.mode & (found.isDirectory() ? 0o001 : 0o004)) === 0) return `${at} cannot be read by the service's own account: install Pinlight where every user may read it`;
      if (at === path.dirname(at)) break;
    }
  }
  return null;
}

/**
 * The same for a folder and all that stands in it: root itself runs what is there (systemd-unit.ts), and any file of it may be a part.
 * A link has to lead to something in the folder: whoever owns a place on the way elsewhere decides what stands there.
 */
export function unsafeFolder(folder: string): string | null {
  const whole = realOf(folder);
  const isInside = (file: string): boolean => file === whole || file.startsWith(`${whole}${path.sep}`);
  for (const name of ['', ...readdirSync(whole, { recursive: true, encoding: 'utf8' })]) {
    const file = path.join(whole, name);
    const found = lstatSync(file);
    if (!found.isSymbolicLink()) {
      if (isOpen(found)) return openToOthers(file);
    // As it is written and as it ends; what it goes through inside is a row of its own here.
    } else if (![path.resolve(path.dirname(file), readlinkSync(file)), realOf(file)].every(isInside)) {
      return `${file} is a link that leads out of ${whole}, and the service would run what stands there: install Pinlight whole in a folder of root's`;
    }
  }
  return null;
}

function isOpen({ uid, mode }: Stats): boolean {
  return uid !== 0 || (mode & 0o022) !== 0;
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
