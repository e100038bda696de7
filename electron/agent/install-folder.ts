// Where Pinlight is installed: the folder with its package.json and resources, whether the agent runs from sources or bundled.
// Not the state folder (contract/paths).
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path; throws when this file lies outside an installation, which is a fault of the package. */
export const installFolder: string = find(dirname(fileURLToPath(import.meta.url)));

/** Pinlight's own version. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync(join(installFolder, 'package.json'), 'utf8')) as { version: string }).version;
}

function find(folder: string): string {
  if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'resources', 'exclusions.json'))) return folder;
  if (dirname(folder) === folder) throw new Error('Pinlight is not installed whole: package.json and resources/exclusions.json are missing');
  return find(dirname(folder));
}
