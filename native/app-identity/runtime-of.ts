// Which runtime or TLS library a program uses, from its name, its neighbours, its first bytes and the libraries it has mapped. Pure.
// Not for reading files: the caller passes what it read.
import type { Runtime } from '../../electron/core/model.ts';
import { interpreterOf } from './interpreters.ts';

export type RuntimeClues = {
  /** Real path of the executable. */
  readonly path: string;
  /** File names in the executable's folder; empty when unreadable. */
  readonly neighbours: readonly string[];
  /** First 64 kB of the executable; null when unreadable. */
  readonly head: Buffer | null;
  /** Text of /proc/PID/maps; null when unreadable. */
  readonly maps: string | null;
};

/** Runtime or TLS library; null when no clue names one. */
export function runtimeOf(clues: RuntimeClues): Runtime | null {
  return runtimeByName(clues.path) ?? runtimeByNeighbours(clues.neighbours) ?? (clues.head !== null && isGo(clues.head) ? 'go' : null)
    ?? (clues.maps === null ? null : tlsLibraryOf(clues.maps));
}

/** Tools whose trust is an option of each call. */
export function hasPerCallTrust(path: string): boolean {
  return /^(curl|openssl|wget2?|gnutls-cli)$/.test(baseName(path));
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

/** A Go binary carries its build id in an ELF note within the first pages, or the build info's mark. */
export function isGo(head: Buffer): boolean {
  if (head.length < 4 || head.readUInt32BE(0) !== 0x7f454c46) return false;
  return head.includes('Go build ID: "') || head.includes('\xff Go buildinf:', 0, 'latin1') || head.includes(goNote);
}

// ELF note header of Go's build id: name length 4, then description length (83 in practice), type 4, name "Go\0\0".
const goNote = Buffer.from([4, 0, 0, 0, 0x47, 0x6f, 0, 0]);

function runtimeByName(path: string): Runtime | null {
  const name = baseName(path);
  if (/^firefox(-esr|-bin|-nightly|-beta)?$|^(librewolf|waterfox|thunderbird)(-bin)?$/.test(name)) return 'firefox';
  if (/^(chrome|chromium|google-chrome|msedge|microsoft-edge|brave|vivaldi|opera)(-browser|-stable|-beta|-dev|-bin)?$/.test(name)) return 'chromium';
  const interpreter = interpreterOf(path);
  return interpreter === 'node' || interpreter === 'python' || interpreter === 'java' || interpreter === 'electron' ? interpreter : null;
}

function runtimeByNeighbours(neighbours: readonly string[]): Runtime | null {
  const has = (name: string): boolean => neighbours.includes(name);
  if (has('omni.ja') && has('libxul.so')) return 'firefox';
  if (!has('icudtl.dat') || !has('resources.pak')) return null;
  // Electron apps keep their code in a folder `resources`; browsers have none beside `resources.pak`.
  return has('LICENSE.electron.txt') || has('resources') ? 'electron' : 'chromium';
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
