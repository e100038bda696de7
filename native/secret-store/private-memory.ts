// Keeps this process's memory, in which the root key lies open, from other programs: no debugger of the same account, no core dump. Linux.
// Not against root, who needs no permission.
import koffi from 'koffi';

const [getDumpable, setDumpable] = [3, 4];

/** True when from now on only root may look into this process or be left its core. Costs under 1 ms; child processes are not concerned. */
export function keepMemoryPrivate(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    // Declared with all its arguments: prctl is variadic, and integers travel alike either way on x64 and arm64.
    const prctl = koffi.load(null).func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
    prctl(setDumpable, 0, 0, 0, 0);
    return Number(prctl(getDumpable, 0, 0, 0, 0)) === 0;
  } catch {
    return false;
  }
}
