// Finds the programs that tests, demo and bench drive. Not a product part.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Absolute path of an installed command, or null. Daemons live in sbin, which is not on every user's PATH; `folders`: looked at last. */
export function findCommand(name: string, folders: readonly string[] = []): string | null {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin', ...folders];
  const found = places.find((place) => place !== '' && canRun(join(place, name)));
  return found === undefined ? null : join(found, name);
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
