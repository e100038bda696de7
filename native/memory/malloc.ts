// The C library's memory: given back to the system when it is free, and kept without fast bins. Linux with glibc; elsewhere nothing happens.
// Not for V8's own heap (agent/idle-memory.ts).
import koffi from 'koffi';

/** Gives back what was freed: glibc keeps it, 10 MB after an agent's start and as much after a bundle. Takes 1 to 3 ms. */
export function giveMemoryBack(): void {
  trim ??= find('int malloc_trim(size_t keep)');
  trim(0);
}

/**
 * For the life of the process: small pieces that are freed go where the others go. glibc keeps them apart in fast bins and joins them all each time
 * something large is freed, as a relay's 64 kB buffers are; without, an inspected connection costs 2 to 3 % less (`npm run bench`).
 */
export function doWithoutFastBins(): void {
  const maxFast = 1; // M_MXFAST of malloc.h
  find('int mallopt(int what, int value)')(maxFast, 0);
}

type Call = (...values: readonly number[]) => unknown;

let trim: Call | null = null;

function find(declaration: string): Call {
  try {
    if (process.platform === 'linux') return koffi.load(null).func(declaration);
  } catch {
    // musl has neither: it keeps nothing back and has no bins.
  }
  return () => undefined;
}
