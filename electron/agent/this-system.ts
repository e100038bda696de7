// What this system is: its name in policies, and the versions a bundle tells. Not for what it can do (native/).
import { arch, release } from 'node:os';
import Database from 'better-sqlite3';
import type { Os } from '../core/model.ts';

export const os: Os = process.platform === 'win32' ? 'windows' : process.platform === 'darwin' ? 'macos' : 'linux';

/** `version`: Pinlight's own. */
export function versions(version: string): Record<string, string> {
  const memory = new Database(':memory:');
  const sqlite = memory.prepare('SELECT sqlite_version() AS v').get() as { v: string };
  memory.close();
  return {
    pinlight: version, node: process.versions.node, openssl: process.versions.openssl, v8: process.versions.v8, sqlite: sqlite.v,
    os: `${process.platform} ${release()} ${arch()}`,
  };
}
