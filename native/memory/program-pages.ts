// The pages of Node's own program file: its read-only data is for starts (the snapshot of a context, tables), and stays resident after them, some 10 MB.
// Linux; elsewhere nothing happens. Not for the program's code, nor for what was allocated (malloc.ts).
import { readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';

/** Lets the program's read-only data go: what is needed again comes back out of the system's cache of the file. Less than a millisecond. */
export function dropProgramPages(): void {
  drop ??= prepare();
  drop();
}

let drop: (() => void) | null = null;

function prepare(): () => void {
  try {
    if (process.platform !== 'linux') return () => undefined;
    const places = readOnlyData(readFileSync('/proc/self/smaps', 'latin1'), readlinkSync('/proc/self/exe'));
    const madvise = koffi.load(null).func('int madvise(uintptr_t at, size_t length, int advice)');
    const dontNeed = 4; // MADV_DONTNEED
    return () => { for (const { at, length } of places) madvise(at, length, dontNeed); };
  } catch {
    // A /proc that is not there: nothing is dropped.
    return () => undefined;
  }
}

/**
 * Where a program's read-only data lies, of the text of /proc/PID/smaps (proc_pid_smaps(5)). Only what is as the file has it: what was changed in
 * memory, as the loader's relocations are, would be lost, swapped out or not.
 */
export function readOnlyData(smaps: string, program: string): { readonly at: number; readonly length: number }[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r--p \S+ \S+ \d+ +(.+)$/m.exec(mapping);
    if (head === null || head[3] !== program || !/^Anonymous: +0 kB$/m.test(mapping) || !/^Swap: +0 kB$/m.test(mapping)) return [];
    const at = Number.parseInt(head[1] ?? '', 16);
    return [{ at, length: Number.parseInt(head[2] ?? '', 16) - at }];
  });
}
