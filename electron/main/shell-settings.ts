// What the shell itself remembers between logins: silenced apps and kinds of notifications, and which untrusted root was told. One JSON file in Electron's folder
// for this user, written whole. Not for anything of the agent's.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readKinds } from '../contract/notification-kinds.ts';
import type { NotificationKind } from '../contract/notification-kinds.ts';

export type ShellSettings = { readonly silenced: readonly string[]; readonly silencedKinds: readonly NotificationKind[]; readonly untrusted: string | null };

const empty: ShellSettings = { silenced: [], silencedKinds: [], untrusted: null };
/** Apps that people silence one by one; more can only be a damaged file. */
const mostSilenced = 1_000;

/** Whatever cannot be read counts as empty: then a notice is shown once more. */
export function readShellSettings(path: string): ShellSettings {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return empty;
    const silenced: readonly unknown[] = 'silenced' in value && Array.isArray(value.silenced) ? value.silenced : [];
    return {
      silenced: silenced.filter((one): one is string => typeof one === 'string').slice(0, mostSilenced),
      silencedKinds: 'silencedKinds' in value ? readKinds(value.silencedKinds) : [],
      untrusted: 'untrusted' in value && typeof value.untrusted === 'string' ? value.untrusted : null,
    };
  } catch {
    return empty;
  }
}

/** Answers false where the disk refuses; what was chosen then holds until the shell ends. */
export function writeShellSettings(path: string, settings: ShellSettings): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.part`, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
    renameSync(`${path}.part`, path);
    return true;
  } catch {
    return false;
  }
}
