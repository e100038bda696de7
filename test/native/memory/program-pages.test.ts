// What of Node's program is resident, before and after its read-only data is let go, and that the program goes on. Not for what it is worth (npm run bench:ui).
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readOnlyData } from '../../../native/memory/program-pages.ts';
import { repository } from '../../support/agent.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: what is resident of a program is read in /proc, which is Linux\'s');

test.runIf(linux)('the read-only data is let go, and comes back where it is needed', () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    import { dropProgramPages, readOnlyData } from './native/memory/program-pages.ts';
    const program = process.execPath;
    const resident = () => {
      const smaps = readFileSync('/proc/self/smaps', 'latin1');
      const places = readOnlyData(smaps, program).map(({ at }) => at.toString(16).padStart(8, '0'));
      return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((mapping) => places.some((at) => mapping.startsWith(at))).reduce((sum, mapping) => sum + Number(/^Rss: +([0-9]+) kB$/m.exec(mapping)[1]), 0);
    };
    const before = resident();
    dropProgramPages();
    const after = resident();
    const words = new Intl.DateTimeFormat('de', { month: 'long', timeZone: 'UTC' }).format(0);
    const worker = new Worker('import { parentPort } from "node:worker_threads"; parentPort.postMessage("ok");', { eval: true });
    worker.on('message', (said) => console.log(JSON.stringify({ before, after, words, said })));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: repository, encoding: 'utf8', timeout: 20_000 });
  expect(stderr).toBe('');
  const seen = JSON.parse(stdout) as { before: number; after: number };
  expect(seen).toMatchObject({ words: 'Januar', said: 'ok' });
  expect(seen.before).toBeGreaterThan(5_000);
  expect(seen.after).toBeLessThan(seen.before / 2);
});

test('only what is as the file has it, and of this program', () => {
  const mapping = (range: string, mode: string, file: string, anonymous: number, swapped = 0): string => `${range} ${mode} 02e01000 fe:00 5324837                            ${file}
Size:               4096 kB
Rss:                1024 kB
Anonymous:      ${String(anonymous).padStart(8)} kB
Swap:           ${String(swapped).padStart(8)} kB
VmFlags: rd mr mw me sd
`;
  const smaps = [
    mapping('00400000-00746000', 'r--p', '/opt/pinlight/node', 0),
    mapping('0074a000-03044000', 'r-xp', '/opt/pinlight/node', 0),
    mapping('06b52000-06b56000', 'r--p', '/opt/pinlight/node', 16),
    mapping('06b56000-06b5a000', 'r--p', '/opt/pinlight/node', 0, 8),
    mapping('7f0000000000-7f0000001000', 'r--p', '/usr/lib/libc.so.6', 0),
    mapping('7f0000002000-7f0000003000', 'rw-p', '', 4),
  ].join('');
  expect(readOnlyData(smaps, '/opt/pinlight/node')).toEqual([{ at: 0x400000, length: 0x346000 }]);
  expect(readOnlyData('', '/opt/pinlight/node')).toEqual([]);
});
