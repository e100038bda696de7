// Which process is at the other end of a downstream socket. Chooses the file for this operating system.
// Not for naming the program: native/app-identity does that.
import type { Owner } from '../../electron/core/model.ts';
import { createLinuxAttribution } from './linux.ts';
import type { Connection } from './tuple.ts';

export type { Connection } from './tuple.ts';

export type ProcessAttribution = {
  /**
   * Owner of the client's end of a connection. A value at once where the cache or a scan of at most 2 ms answers; otherwise a promise
   * that settles within `deadlineMs` ms, with `{kind: 'unknown', why: 'late'}` when time ran out. Never throws, never rejects.
   */
  ownerOf(connection: Connection, deadlineMs: number): Owner | Promise<Owner>;
  /** Who listens on a loopback port; blocks up to 500 ms, so for start-up errors only. `gone` = nobody does. */
  listenerOf(port: number): Owner;
  /** Closes the kernel socket; look-ups under way settle as `late`. */
  close(): void;
};

/** Attribution for this operating system; where there is none yet every answer is `unsupported`. */
export function createProcessAttribution(): ProcessAttribution {
  if (process.platform === 'linux') return createLinuxAttribution();
  const unsupported: Owner = { kind: 'unknown', why: 'unsupported', uid: null };
  return { ownerOf: () => unsupported, listenerOf: () => unsupported, close: () => undefined };
}
