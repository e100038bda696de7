// Where a user's programs keep their settings. Not for Pinlight's own state (electron/contract/paths.ts).
import path from 'node:path';

/** `$XDG_CONFIG_HOME`, else `~/.config`; a relative value counts as none (freedesktop.org, XDG Base Directory Specification). */
export function configFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const chosen = env['XDG_CONFIG_HOME'] ?? '';
  return path.isAbsolute(chosen) ? chosen : path.join(home, '.config');
}
