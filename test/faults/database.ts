// A damaged database: bytes changed, pieces cut, zeroed, doubled, in the file and in its write-ahead log. The agent starts, keeps policy and
// root, says so, and goes on with a sound store.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './fault.ts';
import { fetchThrough } from '../routes/stage.ts';
import { makeHome, probe, shop, start, until, type Home } from './stage.ts';

type Damage = { readonly name: string; readonly file: string; apply(bytes: Buffer, random: () => number): Buffer };
const somewhere = (bytes: Buffer, random: () => number): number => Math.floor(random() * bytes.length);
const kinds: readonly Omit<Damage, 'file'>[] = [
  { name: 'one byte', apply: (bytes, random) => { const at = somewhere(bytes, random); bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255)); return bytes; } },
  { name: '64 bytes of a page', apply: (bytes, random) => { const at = somewhere(bytes, random); for (let i = at; i < Math.min(bytes.length, at + 64); i += 1) bytes[i] = Math.floor(random() * 256); return bytes; } },
  { name: 'a page of zeros', apply: (bytes, random) => { const at = somewhere(bytes, random) & ~4095; return bytes.fill(0, at, Math.min(bytes.length, at + 4096)); } },
  { name: 'cut short', apply: (bytes, random) => bytes.subarray(0, somewhere(bytes, random)) },
  { name: 'a page where another was', apply: (bytes, random) => { const from = somewhere(bytes, random) & ~4095; bytes.copy(bytes, somewhere(bytes, random) & ~4095, from, from + 4096); return bytes; } },
  { name: 'the head', apply: (bytes, random) => { const at = Math.floor(random() * 100); bytes[at] = Math.floor(random() * 256); return bytes; } },
];
const damages: readonly Damage[] = ['pinlight.db', 'pinlight.db', 'pinlight.db-wal'].flatMap((file) => kinds.map((kind) => ({ ...kind, file })));

/** Gives a home some history; the last of it is still in the write-ahead log. Answers the root's fingerprint. */
async function live(home: Home): Promise<string> {
  let fingerprint = '';
  // An orderly end writes the log into the file, a kill leaves it.
  for (const [round, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
    const running = await start(home);
    fingerprint = running.fingerprint;
    await Promise.all(Array.from({ length: 40 }, () => fetchThrough(home.port, `${shop}:443`)));
    await running.client.call('addExclusion', {}, { host: `host-${round}.test`, reason: 'history' });
    await until('the rows are written', async () => (await running.client.call('connections', { limit: '500' }, {})).rows.length >= 40 * (round + 1));
    await running.stop(signal);
  }
  return fingerprint;
}

const damaged: Fault = {
  name: 'database damage', times: { quick: 10, full: 200 },
  run: async ({ n, origins, random, trial }) => {
    const model = await makeHome(origins);
    const fingerprint = await live(model);
    for (let round = 0; round < n; round += 1) {
      const damage = damages[Math.floor(random() * damages.length)] as Damage;
      const home = await model.copy();
      await trial(`round ${round}: ${damage.name} in ${damage.file}`, async () => {
        const file = join(home.folder, damage.file);
        writeFileSync(file, damage.apply(readFileSync(file), random));
        const running = await start(home);
        try {
          if (running.fingerprint !== fingerprint) throw new Error('the root is another one');
          const { agent, warnings } = await running.client.call('status', {}, {});
          if (agent.policy.rules !== 2) throw new Error('the policy is gone');
          const aside = readdirSync(home.folder).some((name) => name.startsWith('pinlight.db.damaged-'));
          const told = warnings.some(({ code }) => code === 'store-corrupt');
          if (aside !== told) throw new Error(aside ? 'the file was set aside and nobody was told' : 'a warning, and nothing was set aside');
          if (await probe(running) !== 'inspected') throw new Error('the app was not inspected');
          await until('a row is written', async () => (await running.client.call('connections', { limit: '1' }, {})).rows[0]?.outcome?.kind === 'established');
        } finally {
          await running.stop();
        }
      });
      home.remove();
    }
    model.remove();
  },
};

export const databaseFaults: readonly Fault[] = [damaged];
