// The root's files missing, cut, unreadable or of two roots: nothing is inspected, everything passes but what must be inspected, no second root
// appears, and it is said.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './fault.ts';
import { baseline, makeHome, must, probe, soundAfter, start, type Home } from './stage.ts';

const hurts: Readonly<Record<string, (key: string, other: Home) => void>> = {
  'the key is missing': (key) => rmSync(key),
  'the key is cut': (key) => truncateSync(key, 100),
  'the key is empty': (key) => truncateSync(key, 0),
  'the key cannot be read': (key) => {
    rmSync(key);
    mkdirSync(key);
  },
  'the key is of another root': (key, other) => cpSync(join(other.folder, 'root.key'), key),
  'the certificate is of another root': (key, other) => cpSync(join(other.folder, 'root.pem'), key.replace(/key$/, 'pem')),
};

const spoilt: Fault = {
  name: 'root key missing or swapped', times: { quick: 6, full: 30 },
  run: async ({ n, origins, trial }) => {
    const other = await makeHome(origins);
    await (await start(other)).stop();
    const names = Object.keys(hurts);
    for (let round = 0; round < n; round += 1) {
      const what = names[round % names.length] as string;
      const home = await makeHome(origins);
      await trial(what, async () => {
        const first = await start(home);
        const { fingerprint } = first;
        await first.stop();
        const [key, certificate] = [join(home.folder, 'root.key'), join(home.folder, 'root.pem')];
        const kept = [key, certificate].map((file) => readFileSync(file));
        hurts[what]?.(key, other);
        const hurt = await start(home);
        try {
          const before = await baseline(hurt);
          const { warnings } = await hurt.client.call('status', {}, {});
          const told = warnings.find(({ code }) => code === 'root-unusable');
          if (told === undefined || !/Restore|make a new root/.test(told.advice)) throw new Error(`nobody is told how to mend it: ${JSON.stringify(warnings)}`);
          await soundAfter(hurt, before, 'passed');
        } finally {
          await hurt.stop();
        }
        if (what === 'the key is missing' && existsSync(key)) throw new Error('a second key appeared');
        // Mended as the advice says: what was taken is put back.
        for (const [index, file] of [key, certificate].entries()) {
          rmSync(file, { recursive: true, force: true });
          writeFileSync(file, kept[index] as Buffer, { mode: 0o600 });
        }
        const again = await start(home);
        try {
          if (again.fingerprint !== fingerprint || await probe(again) !== 'inspected' || await probe(again, must) !== 'inspected') throw new Error('it is not as before');
        } finally {
          await again.stop();
        }
      });
      home.remove();
    }
    other.remove();
  },
};

export const rootFaults: readonly Fault[] = [spoilt];
