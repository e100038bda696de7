// The clock jumps while the agent runs: ten years ahead, ten years and an hour back. No leaf with impossible dates, no app cut off, and all is
// as before when the clock is right again. By libfaketime, whose file is read anew at each look at the clock.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from './fault.ts';
import { baseline, makeHome, soundAfter, start } from './stage.ts';

const library = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find((file) => existsSync(file));

/** Offset as faketime writes it → what an app gets meanwhile: at a wrong date no certificate of the server is valid, so it gets the server's own. */
const jumps: readonly (readonly [string, 'inspected' | 'passed'])[] = [['+10y', 'passed'], ['-10y', 'passed'], ['-1h', 'inspected'], ['+1h', 'inspected']];

const clock: Fault = {
  name: 'clock jumps', times: { quick: 4, full: 20 }, skip: () => (library === undefined ? 'libfaketime is not installed (package faketime)' : null),
  run: async ({ n, origins, trial }) => {
    const folder = mkdtempSync(join(tmpdir(), 'pinlight-clock-'));
    const file = join(folder, 'offset');
    const home = await makeHome(origins);
    writeFileSync(file, '+0');
    const running = await start(home, { env: {
      LD_PRELOAD: library ?? '', FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1',
    } });
    const before = await baseline(running);
    for (let round = 0; round < n; round += 1) {
      const [offset, expected] = jumps[round % jumps.length] as (typeof jumps)[number];
      await trial(offset, async () => {
        writeFileSync(file, offset);
        try {
          await soundAfter(running, before, expected);
        } finally {
          writeFileSync(file, '+0');
        }
        await soundAfter(running, before, 'inspected');
      });
    }
    await running.stop();
    home.remove();
    rmSync(folder, { recursive: true, force: true });
  },
};

export const clockFaults: readonly Fault[] = [clock];
