// Path of a cgroup by the id that the kernel tells with a socket: what is left to say about a process that may not be looked into.
// Not for what a path means: sandbox.ts.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseCgroupMount } from '../procfs/parse.ts';
import { readProcText } from '../procfs/read.ts';

export type CgroupPaths = {
  /** Path below the root of the hierarchy, `/` for the root; null when it is not found. Blocks for 10 ms at most, and that twice a second. */
  pathOf(id: bigint): string | null;
};

/** A desktop has some 200 cgroups, read in 2 ms. */
const walkMs = 10;
const walkAgainMs = 500;

/** The unified hierarchy of this system, or the one below `root`. */
export function createCgroupPaths(root: string | null = mountedAt()): CgroupPaths {
  let known = new Map<bigint, string>();
  let walkedAt = -Infinity;
  return {
    pathOf(id) {
      const found = known.get(id);
      // An id is used once between two boots, so a path found once is right.
      if (found !== undefined || root === null || performance.now() - walkedAt < walkAgainMs) return found ?? null;
      known = walk(root);
      walkedAt = performance.now();
      return known.get(id) ?? null;
    },
  };
}

function walk(root: string): Map<bigint, string> {
  const found = new Map<bigint, string>();
  const until = performance.now() + walkMs;
  const waiting = ['/'];
  for (let folder = waiting.shift(); folder !== undefined && performance.now() < until; folder = waiting.shift()) {
    try {
      found.set(statSync(path.join(root, folder), { bigint: true }).ino, folder);
      for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) if (entry.isDirectory()) waiting.push(path.join(folder, entry.name));
    } catch {
      // Cgroups come and go.
    }
  }
  return found;
}

function mountedAt(): string | null {
  const read = readProcText('/proc/self/mountinfo');
  return typeof read === 'string' ? null : parseCgroupMount(read.text);
}
