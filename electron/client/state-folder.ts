// Where the agent of this user (or of this machine) is to be found: the pure rules of contract/paths with this process's facts.
// Not for creating the folders: only the agent does.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { resolvePaths } from '../contract/paths.ts';
import { serviceFiles } from '../contract/service-files.ts';
import type { PinlightPaths } from '../contract/paths.ts';
import { PinlightError } from '../contract/errors.ts';

/** The paths of the user's own agent; those of the service where only its socket exists (Windows: where it is installed) and PINLIGHT_HOME is not set. */
export function locateAgent(): PinlightPaths {
  const own = pathsOfThisProcess(false);
  const chosen = process.env['PINLIGHT_HOME'] ?? '';
  // A pipe cannot be looked for without opening it.
  if (process.platform === 'win32') return isServiceInstalled() ? pathsOfThisProcess(true) : own;
  if (chosen !== '' || existsSync(own.controlPath)) return own;
  const service = pathsOfThisProcess(true);
  return existsSync(service.controlPath) ? service : own;
}

/** The system has Pinlight as a service, of the machine or of this user, so that it starts the agent. A chosen PINLIGHT_HOME is never the service's. */
export function isServiceInstalled(): boolean {
  const { env, platform } = process;
  return (env['PINLIGHT_HOME'] ?? '') === '' && serviceFiles({ env, platform, home: homedir() }).some((file) => existsSync(file));
}

/** The paths by this process's environment, user and system. */
export function pathsOfThisProcess(service: boolean): PinlightPaths {
  return resolvePaths({
    env: process.env,
    platform: process.platform,
    homedir: homedir(),
    tmpdir: tmpdir(),
    cwd: process.cwd(),
    service,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
  });
}

/**
 * Throws PinlightError `not-permitted` when the control socket's folder could belong to somebody else: in a folder where
 * everybody creates names (/tmp), another user can be there first and answer in the agent's place.
 */
export function checkRunFolder(paths: PinlightPaths): void {
  const uid = process.getuid?.();
  if (!paths.runFolderShared || paths.runFolder === null || uid === undefined || uid === 0) return;
  const found = lstatSync(paths.runFolder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== 0) || (found.mode & 0o022) !== 0) {
    throw new PinlightError('not-permitted', `${paths.runFolder} belongs to somebody else or is open to others, so its socket is not trusted.`);
  }
}
