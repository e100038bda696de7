// Which runtime or TLS library a program uses, from its name, its neighbours, its build information and the libraries it has mapped. Pure.
// Not for opening files: the caller passes what it read and how to read more.
import type { Runtime } from '../../electron/core/model.ts';
import { hasGoBuildInfo } from './go-build-info.ts';
import type { ReadAt } from './go-build-info.ts';
import { interpreterOf, programName } from './interpreters.ts';

export type RuntimeClues = {
  /** Real path of the executable. */
  readonly path: string;
  /** File names in the executable's folder and, on macOS, among its bundle's frameworks; empty when unreadable. */
  readonly neighbours: readonly string[];
  /** Reads parts of the executable. */
  readonly readAt: ReadAt;
  /** Text of /proc/PID/maps; null when unreadable. */
  readonly maps: string | null;
};

/** Runtime or TLS library; null when no clue names one. */
export function runtimeOf(clues: RuntimeClues): Runtime | null {
  return runtimeByName(clues.path) ?? runtimeByNeighbours(clues.neighbours) ?? (hasGoBuildInfo(clues.readAt) ? 'go' : null)
    ?? (clues.maps === null ? null : tlsLibraryOf(clues.maps));
}

/** Tools whose trust is an option of each call. */
export function hasPerCallTrust(path: string): boolean {
  return /^(curl|openssl|wget2?|gnutls-cli)$/.test(programName(path));
}

/** TLS library among the mapped files: libcurl's own flavour decides where several are mapped (curl's librtmp brings GnuTLS along). */
export function tlsLibraryOf(maps: string): Runtime | null {
  if (/\/libcurl-gnutls\.so/.test(maps)) return 'gnutls';
  if (/\/libcurl-nss\.so/.test(maps)) return 'nss';
  if (/\/libcurl\.so/.test(maps) && /\/libssl\.so/.test(maps)) return 'openssl';
  if (/\/libnss3\.so/.test(maps)) return 'nss';
  if (/\/libgnutls\.so/.test(maps)) return 'gnutls';
  if (/\/libssl\.so/.test(maps)) return 'openssl';
  return null;
}

function runtimeByName(path: string): Runtime | null {
  const name = programName(path);
  if (/^firefox(-esr|-bin|-nightly|-beta)?$|^(librewolf|waterfox|thunderbird)(-bin)?$/.test(name)) return 'firefox';
  if (/^(chrome|chromium|google-chrome|msedge|microsoft-edge|brave|vivaldi|opera)(-browser|-stable|-beta|-dev|-bin)?$/.test(name)) return 'chromium';
  // macOS: the names of bundles, and of their helpers, which hold the sockets.
  if (/^(Google Chrome|Chromium|Microsoft Edge|Brave Browser|Vivaldi|Opera)( (Beta|Dev|Canary))?( Helper( \(\w+\))?)?$/.test(name)) return 'chromium';
  switch (interpreterOf(path)) {
    case 'node': return 'node';
    case 'deno': return 'deno';
    case 'python': return 'python';
    case 'java': return 'java';
    case 'electron': return 'electron';
    default: return null;
  }
}

function runtimeByNeighbours(neighbours: readonly string[]): Runtime | null {
  const has = (name: string): boolean => neighbours.includes(name);
  if ((has('omni.ja') && (has('libxul.so') || has('xul.dll'))) || has('XUL')) return 'firefox';
  if (has('Electron Framework.framework')) return 'electron';
  if (has('Google Chrome Framework.framework') || has('Chromium Framework.framework')) return 'chromium';
  if (!has('icudtl.dat') || !has('resources.pak')) return null;
  // Electron apps keep their code in a folder `resources`; browsers have none beside `resources.pak`.
  return has('LICENSE.electron.txt') || has('resources') ? 'electron' : 'chromium';
}
