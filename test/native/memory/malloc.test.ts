// glibc's own count of what lies in its fast bins, in processes that do without them and that do not. Not for how much time that saves (npm run bench).
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { repository } from '../../support/agent.ts';

const glibc = process.platform === 'linux' && (process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } }).header.glibcVersionRuntime !== undefined;
if (!glibc) console.log('skipped: fast bins are glibc\'s, which is not here');

/** A thousand pieces of 48 bytes taken and freed; the field `smblks` of mallinfo(3) is how many of them lie in fast bins. */
function fastPieces(before: string): number {
  const script = `
    import koffi from 'koffi';
    import { doWithoutFastBins, giveMemoryBack } from './native/memory/malloc.ts';
    const libc = koffi.load(null);
    const fields = ['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost'];
    koffi.struct('Mallinfo', Object.fromEntries(fields.map((name) => [name, 'int'])));
    const mallinfo = libc.func('Mallinfo mallinfo()');
    const malloc = libc.func('void *malloc(size_t size)');
    const free = libc.func('void free(void *piece)');
    ${before}
    const pieces = Array.from({ length: 1000 }, () => malloc(48));
    giveMemoryBack();
    for (const piece of pieces) free(piece);
    console.log(mallinfo().smblks);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: repository, encoding: 'utf8', timeout: 20_000 });
  expect(stderr).toBe('');
  return Number(stdout);
}

test.runIf(glibc)('small pieces that are freed lie in no fast bin', () => {
  expect(fastPieces('')).toBeGreaterThan(500);
  // What was in them before stays until it is used.
  expect(fastPieces('doWithoutFastBins();')).toBeLessThan(100);
});
