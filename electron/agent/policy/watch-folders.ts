// Tells when something in one of some folders may have changed, also for folders that do not exist yet.
// Not for what changed: whoever listens reads again.
import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export type FolderWatch = { close(): void };

/** Editors and package managers write, rename and chmod in one go; 100 ms after the last of these the file is whole. */
export const settleMs = 100;
/** Somebody who writes without a pause is heard this long after the first sign. */
const patienceMs = 1_000;

type Watched = { readonly watcher: FSWatcher; readonly inode: number };

/**
 * Calls `changed` 100 ms after the last sign of a change, 1 s after the first at most. Holds no process open. A folder that the system
 * cannot watch (inotify used up, some network file systems) is passed over: whoever needs certainty looks now and then.
 */
export function watchFolders(folders: readonly string[], changed: () => void): FolderWatch {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | null = null;
  let firstSign: number | null = null;

  const settle = (): void => {
    if (timer !== null) clearTimeout(timer);
    firstSign ??= performance.now();
    timer = setTimeout(() => {
      firstSign = null;
      arrange();
      changed();
    }, Math.min(settleMs, firstSign + patienceMs - performance.now()));
    timer.unref();
  };
  const drop = (folder: string): void => {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  };
  const add = (folder: string, inode: number): void => {
    try {
      const watcher = watch(folder, { persistent: false }, settle);
      watcher.on('error', () => {
        drop(folder);
        settle();
      });
      watched.set(folder, { watcher, inode });
    } catch {
      // ENOSPC or EMFILE: the user's inotify watches are used up.
    }
  };
  /** A folder made anew under its old name is another one, and a missing one is waited for in its nearest ancestor. */
  const arrange = (): void => {
    const wanted = new Map(folders.map(nearestFolder));
    for (const [folder, { inode }] of watched) if (wanted.get(folder) !== inode) drop(folder);
    for (const [folder, inode] of wanted) if (!watched.has(folder)) add(folder, inode);
  };
  arrange();

  return {
    close: () => {
      if (timer !== null) clearTimeout(timer);
      for (const folder of watched.keys()) drop(folder);
    },
  };
}

function nearestFolder(folder: string): [string, number] {
  const inode = inodeOf(folder);
  if (inode !== null) return [folder, inode];
  const parent = dirname(folder);
  return parent === folder ? [folder, 0] : nearestFolder(parent);
}

/** Null for what is missing, no folder, or behind a folder that may not be entered: all are waited for further up. */
function inodeOf(folder: string): number | null {
  try {
    const stats = statSync(folder);
    return stats.isDirectory() ? stats.ino : null;
  } catch {
    return null;
  }
}
