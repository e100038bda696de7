// Stores of this machine, copied: each alone is given the root, judged by the programs that read it, and cleaned; then all together. Real programs. Not a test.
import path from 'node:path';
import { firefoxProfile, storeClients } from '../native/support/store-clients.ts';
import type { StoreClient } from '../native/support/store-clients.ts';
import { makeAuthority, serveHello } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';

export type StoreResult = {
  readonly name: string;
  /** The programs asked. */
  readonly by: readonly string[];
  /** The command said so, and the store reads back as trusted. */
  readonly install: boolean;
  /** Every program refused before, and accepted then. */
  readonly handshake: boolean;
  /** The command said so. */
  readonly remove: boolean;
  /** Roots in the store, files of ours below /etc, and programs that still accept. */
  readonly residue: number;
};

type Row = { readonly store: string; readonly state: string; readonly roots: number };

/** One row for each store that is here, and one for all of them at once. */
export async function measureStores(room: StoreRoom, progress: (text: string) => void): Promise<readonly StoreResult[]> {
  const server = await serveHello(makeAuthority(room.state));
  try {
    const clients = storeClients(room, server);
    const jdk = (await rowsOf(room, ['status'])).find((row) => row.store.startsWith('java:'))?.store;
    const stores: readonly { readonly name: string; readonly stores: readonly string[]; readonly programs: readonly string[] }[] = [
      { name: 'system', stores: ['system'], programs: ['curl', 'wget', 'openssl', 'git', 'python3'] },
      { name: 'java', stores: jdk === undefined ? [] : [jdk], programs: ['java'] },
      { name: 'nss (chromium)', stores: [`nss:${path.join(room.home, '.pki/nssdb')}`], programs: ['chromium'] },
      { name: 'firefox', stores: [`firefox:${firefoxProfile(room)}`], programs: ['firefox'] },
      { name: 'environment', stores: ['environment'], programs: ['node, as a new login starts it'] },
      { name: 'browser policy (chromium)', stores: ['browser-policy'], programs: ['chromium'] },
      { name: 'all', stores: [], programs: ['curl', 'wget', 'java', 'chromium', 'firefox'] },
    ];
    const known = new Set((await rowsOf(room, ['status'])).flatMap((row) => [row.store, row.store.split(':')[0] ?? '']));
    const results: StoreResult[] = [];
    for (const store of stores) {
      const programs = clients.filter((client) => store.programs.includes(client.name));
      if (programs.length === 0 || (store.name !== 'all' && (store.stores.length === 0 || !store.stores.every((name) => known.has(name))))) {
        progress(`stores: ${store.name} skipped, because ${programs.length === 0 ? store.programs.join(' and ') : 'such a store'} is not here`);
        continue;
      }
      progress(`stores: ${store.name}`);
      results.push(await measure(room, store.name, store.stores.flatMap((name) => ['--store', name]), programs));
    }
    return results;
  } finally {
    server.close();
  }
}

async function measure(room: StoreRoom, name: string, chosen: readonly string[], programs: readonly StoreClient[]): Promise<StoreResult> {
  const before = await accepting(programs);
  const installed = await rowsOf(room, ['install', ...chosen]);
  const accepted = await accepting(programs);
  const removed = await room.pinlight(['trust', 'remove', ...chosen]);
  const left = (await rowsOf(room, ['receipt', ...chosen])).reduce((sum, row) => sum + row.roots, 0);
  const still = await accepting(programs);
  const files = (await room.run(['find', '/etc', '/usr/local/share', '-iname', '*pinlight*'])).stdout.split('\n').filter((line) => line !== '').length;
  return {
    name, by: programs.map((program) => program.name),
    install: installed.length > 0 && installed.filter((row) => row.state !== 'not-checked').every((row) => row.state === 'trusted'),
    handshake: before === 0 && accepted === programs.length,
    remove: removed.code === 0,
    residue: left + files + still,
  };
}

/** How many of the programs accept the server now; one after the other, as they share profiles. */
async function accepting(programs: readonly StoreClient[]): Promise<number> {
  let count = 0;
  for (const program of programs) if (await program.accepts()) count += 1;
  return count;
}

async function rowsOf(room: StoreRoom, command: readonly string[]): Promise<readonly Row[]> {
  const ran = await room.pinlight(['trust', ...command, '--json']);
  const answer = JSON.parse(ran.stdout) as { readonly data?: { readonly stores: readonly Row[] } };
  return answer.data?.stores ?? [];
}
