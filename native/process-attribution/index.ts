// Which process is at the other end of a downstream socket. Chooses the file for this operating system.
// Not for naming the program: native/app-identity does that.
import type { Held, Owner } from '../../electron/core/model.ts';
import { createLinuxAttribution } from './linux.ts';
import { loadMacosApi } from './macos-api.ts';
import { createMacosAttribution } from './macos.ts';
import type { Connection } from './tuple.ts';
import { loadWindowsApi } from './windows-api.ts';
import { createWindowsAttribution } from './windows.ts';

export { connectionOf } from './tuple.ts';
export type { Connection } from './tuple.ts';

export type ProcessAttribution = {
  /**
   * Owner of the client's end of a connection. A value at once where the cache or a scan of at most 2 ms answers; otherwise a promise
   * that settles within `deadlineMs` ms, with `{kind: 'unknown', why: 'late'}` when time ran out. Never throws, never rejects.
   */
  ownerOf(connection: Connection, deadlineMs: number): Owner | Promise<Owner>;
  /**
   * Whether anybody could still read or write at the client's end; half closed is held. For connections that we do not read ourselves, where a
   * close shows nowhere. `nobody` is certain. At most 50 ms, mostly some µs; never throws.
   */
  isHeld(connection: Connection): Held;
  /** A client's socket was closed: a hint that makes its next look-up quicker. */
  released(clientPort: number): void;
  /** Who listens on a loopback port; blocks up to 500 ms, so for start-up errors only. `gone` = nobody does, `late` = not found in time. */
  listenerOf(port: number): Owner;
  /** Closes the kernel socket; look-ups under way settle as `late`. */
  close(): void;
};

/** Attribution for this operating system; where there is none yet every answer is `unsupported`. */
export function createProcessAttribution(): ProcessAttribution {
  try {
    if (process.platform === 'linux') return createLinuxAttribution();
    if (process.platform === 'win32') return createWindowsAttribution(loadWindowsApi());
    if (process.platform === 'darwin') return createMacosAttribution(loadMacosApi());
  } catch {
    // A system library that lacks one of the calls: every answer is then `unsupported`, which policy sees.
  }
  const unsupported: Owner = { kind: 'unknown', why: 'unsupported', uid: null, sandbox: null };
  return { ownerOf: () => unsupported, isHeld: () => 'unknown', released: () => undefined, listenerOf: () => unsupported, close: () => undefined };
}
