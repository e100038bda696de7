// A disk that is full, or that may not be written: rows are lost and counted, traffic, policy and root are not.
import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import { fetchThrough } from '../routes/stage.ts';
import { baseline, failedStart, makeHome, probe, refused, shop, soundAfter, start, until } from './stage.ts';

const skip = (): string | null => (process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0 ? null : 'a file system of its own needs root and unshare');

const full: Fault = {
  name: 'disk full', times: { quick: 1, full: 5 }, skip,
  run: async ({ n, origins, trial }) => {
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins);
      await trial(`round ${round}`, async () => {
        const running = await start(home, { mount: 'size=8m' });
        try {
          const before = await baseline(running);
          const { bavail, bsize } = statfsSync(running.inside(''));
          writeFileSync(running.inside('filler'), Buffer.alloc(bavail * bsize));
          await until('the agent says that it cannot write', async () => {
            await Promise.all(Array.from({ length: 20 }, () => fetchThrough(home.port, `${shop}:443`)));
            return (await running.client.call('status', {}, {})).warnings.some(({ code }) => code === 'store-unwritable');
          }, 60_000);
          if (await probe(running) !== 'inspected') throw new Error('the app was not inspected while the disk was full');
          rmSync(running.inside('filler'));
          await until('the warning goes', async () => {
            await probe(running);
            return (await running.client.call('status', {}, {})).warnings.length === 0;
          }, 30_000);
          await soundAfter(running, before, 'inspected');
        } finally {
          await running.stop();
        }
      });
      home.remove();
    }
  },
};

const readOnly: Fault = {
  name: 'read-only state folder', times: { quick: 1, full: 3 }, skip,
  run: async ({ n, origins, trial }) => {
    const home = await makeHome(origins);
    for (let round = 0; round < n; round += 1) {
      await trial(`round ${round}`, async () => {
        const { code, errors } = await failedStart(home, { mount: 'ro' });
        // It ends in words, the port stays closed, so apps go direct or are refused at once.
        if (code !== 1 || !errors.includes('[state-unusable]')) throw new Error(`ended with ${String(code)}: ${errors}`);
        await refused(home);
        const again = await start(home);
        if (await probe(again) !== 'inspected') throw new Error('the app was not inspected once it could be written');
        await again.stop();
      });
    }
    home.remove();
  },
};

export const diskFaults: readonly Fault[] = [full, readOnly];
