// Fills the small file system it is started in, then makes space again: run by store.test.ts in a mount namespace of its own.
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultRetention, openStore } from '../../../electron/agent/store/store.ts';
import { exclusion, observation, row } from './rows.ts';

const folder = process.argv[2] ?? '';
const filler = join(folder, 'filler');
const troubles: { message: string | null; dropped: number }[] = [];
const now = Date.now();
const { store } = openStore(join(folder, 'pinlight.db'), now, (trouble) => troubles.push(trouble));
store.putConnection(row(1, now));
store.flush();
const free = statfsSync(folder);
writeFileSync(filler, Buffer.alloc(free.bavail * free.bsize));

for (let id = 2; id < 60_000; id += 1) store.putConnection(row(id, now));
// The exclusion comes first and must outlast 25,000 observations that do not.
store.putExclusion(exclusion('kept'));
for (let id = 0; id < 25_000; id += 1) store.putObservation({ appId: 'a1', connection: 2, observation: observation(now) });
const refused = !store.flush();
let pruned: string;
try {
  pruned = typeof store.prune(now + 60 * 24 * 3600_000, defaultRetention);
} catch (error) {
  pruned = (error as Error).message;
}
rmSync(filler);
store.putConnection(row(60_000, now));
const recovered = store.flush();
const newest = recovered ? (store.connections.page('', [], 1, null)[0]?.id ?? 0) : 0;
console.log(JSON.stringify({ refused, messages: troubles.map(({ message }) => message), dropped: Math.max(...troubles.map(({ dropped }) => dropped)), pruned, recovered, newest, exclusions: store.loadExclusions().length }));
store.close();
