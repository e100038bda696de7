// kill -9 in the middle of work: while the store is written, and while the root comes into being.
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './fault.ts';
import { after, launch, makeHome, probe, quietWords, refused, shop, start, type Running } from './stage.ts';
import { fetchThrough } from '../routes/stage.ts';

/** Apps at work, an exclusion coming and going: every table is written. Ends when the agent does. */
async function work(running: Running): Promise<void> {
  const visits = Array.from({ length: 12 }, () => fetchThrough(running.home.port, `${shop}:443`).catch(() => null));
  const change = running.client.call('addExclusion', {}, { host: 'kept.test', reason: 'a fault' }).catch(() => null);
  await Promise.all([...visits, change]);
}

const storeWrites: Fault = {
  name: 'kill during store writes', times: { quick: 14, full: 500 },
  run: async ({ n, origins, random, trial }) => {
    const home = await makeHome(origins);
    let running = await start(home);
    for (let round = 0; round < n; round += 1) {
      const { fingerprint } = running;
      // A batch is written 250 ms after its first row.
      const delay = Math.floor(random() * 500);
      await trial(`round ${round}, killed ${delay} ms after work began`, async () => {
        const working = work(running);
        await after(delay);
        await running.stop('SIGKILL');
        await working;
        await refused(home);
        running = await start(home);
        if (running.fingerprint !== fingerprint) throw new Error('the root is another one');
        const { agent, warnings } = await running.client.call('status', {}, {});
        if (agent.policy.rules !== 2 || warnings.some(({ code }) => code === 'store-corrupt')) throw new Error(`policy or store: ${JSON.stringify(warnings)}`);
        if (await probe(running) !== 'inspected') throw new Error('the app was not inspected');
      });
    }
    await running.stop();
    home.remove();
  },
};

/** Files in the order in which a first start makes them. */
const steps = ['root.key.new', 'root.key', 'root.pem.new', 'root.pem', 'agent.log', 'pinlight.db', 'pinlight.db-wal'] as const;

const rootCreation: Fault = {
  name: 'kill during root creation', times: { quick: 6, full: 100 },
  run: async ({ n, origins, random, trial }) => {
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins);
      const step = steps[round % steps.length] as string;
      await trial(`at ${step}`, async () => {
        const { child, ended, errors } = launch(home);
        const seen = new Promise<void>((done) => {
          const watcher = watch(home.folder, (_, name) => {
            if (name !== step) return;
            watcher.close();
            done();
          });
        });
        await Promise.race([seen, ended, after(10_000)]);
        await after(random() * 3);
        child.kill('SIGKILL');
        await ended;
        quietWords(errors());
        await refused(home);
        const finished = existsSync(join(home.folder, 'root.pem'));
        if (finished && !existsSync(join(home.folder, 'root.key'))) throw new Error('a root that might be trusted has no key');
        const running = await start(home);
        try {
          if (await probe(running) !== 'inspected') throw new Error('the app was not inspected');
        } finally {
          await running.stop();
        }
      });
      home.remove();
    }
  },
};

export const killFaults: readonly Fault[] = [storeWrites, rootCreation];
