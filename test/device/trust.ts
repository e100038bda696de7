// kill -9 in the middle of `pinlight trust install | remove`, on copies of this machine's stores: the next start finds every store whole, as before or
// as asked. Not for what programs make of a store (stores.ts). Not a test.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pinlightFile } from '../cli/run-pinlight.ts';
import { makeAuthority, makeNssDatabase } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { killRuns, linesOf } from './kill-runs.ts';
import type { Dose, KilledCommand, KillRuns } from './kill-runs.ts';
import { roomCopies } from './room-copies.ts';
import type { RoomCopies } from './room-copies.ts';

type Row = { readonly store: string; readonly path: string; readonly read: boolean; readonly roots: number };
type Verb = 'install' | 'remove';

export type TrustStand = {
  readonly env: Readonly<Record<string, string>>;
  readonly jdk: string;
  /** What the receipt says of these stores, with the bytes of each; throws when an interrupted change could not be put right. */
  stores(chosen: readonly string[]): Promise<readonly (Row & { readonly hash: string })[]>;
};

/** Debian's hook fills it whenever the system's store changes. */
const systemKeystore = '/etc/ssl/certs/java/cacerts';

/** A root, two NSS databases and a JDK's keystore, in the room's own folders. */
export function openTrustStand(room: StoreRoom): TrustStand {
  const jdk = path.join(room.folder, 'jdk');
  const env = { PINLIGHT_HOME: room.state, JAVA_HOME: jdk };
  makeAuthority(room.state);
  makeNssDatabase(path.join(room.home, '.pki/nssdb'));
  makeNssDatabase(path.join(room.home, '.mozilla/firefox/p'));
  writeFileSync(path.join(room.home, '.mozilla/firefox/profiles.ini'), '[Profile0]\nName=p\nIsRelative=1\nPath=p\n');
  mkdirSync(path.join(jdk, 'lib/security'), { recursive: true });
  cpSync(systemKeystore, path.join(jdk, 'lib/security/cacerts'));
  return {
    env, jdk,
    async stores(chosen) {
      const ran = await room.run([process.execPath, pinlightFile, 'trust', 'receipt', '--json', ...flags(chosen)], env);
      const { data }: { data: { stores: readonly Row[]; recovered: readonly { left: readonly string[] }[] } } = JSON.parse(ran.stdout);
      const left = data.recovered.flatMap((one) => one.left);
      if (left.length > 0) throw new Error(`left: ${left.join('; ')}`);
      return Promise.all(data.stores.filter((row) => row.read).map(async (row) => ({ ...row, hash: createHash('sha256').update((await room.run(['cat', row.path])).stdout).digest('hex') })));
    },
  };
}

/** Installs (or removes), killed as often as the dose says: of the quick stores together, and of those that the system's own tool fills. */
export async function measureTrust(room: StoreRoom, stand: TrustStand, verb: Verb, dose: Dose): Promise<KillRuns> {
  // Those that need no slow tool; the machine's own system and Java stores have rows of their own.
  const quick = [`java:${stand.jdk}`, `nss:${room.home}/.pki/nssdb`, `firefox:${room.home}/.mozilla/firefox/p`, 'browser-policy', 'environment'];
  const java = (await stand.stores([])).find((row) => row.path === systemKeystore)?.store;
  if (java === undefined) console.error(`skipped: no Java here reads ${systemKeystore}, so the system's store was changed alone`);
  const system = ['system', ...(java === undefined ? [] : [java])];
  const copies = roomCopies(room, ['/etc', '/usr/local/share', room.home, room.state, stand.jdk], /^$/);
  await copies.keep('without');
  const commands: KilledCommand[] = [];
  for (const chosen of [quick, system]) commands.push(await commandOn({ room, stand, copies }, verb, chosen));
  const runs = await killRuns(commands, dose);
  await copies.putBack('without');
  return runs;
}

async function commandOn({ room, stand, copies }: { readonly room: StoreRoom; readonly stand: TrustStand; readonly copies: RoomCopies }, verb: Verb, chosen: readonly string[]): Promise<KilledCommand> {
  const told = (one: Verb): readonly string[] => [process.execPath, pinlightFile, 'trust', one, ...flags(chosen)];
  const done = async (one: Verb): Promise<void> => {
    const ran = await room.run(told(one), stand.env);
    if (ran.code !== 0) throw new Error(`trust ${one} of ${chosen.join(', ')} does not work here at all: ${ran.stdout}${ran.stderr}`);
  };
  const rootsBefore = verb === 'install' ? 0 : 1;
  const from = verb === 'install' ? 'without' : `with ${chosen.length}`;
  if (verb === 'remove') {
    await done('install');
    await copies.keep(from);
  }
  await copies.putBack(from);
  const before = await stand.stores(chosen);
  const hashes = new Map(before.map(({ store, hash }) => [store, hash]));
  if (before.some((row) => row.roots !== rootsBefore)) throw new Error(`the stores cannot be brought to where the runs begin: ${JSON.stringify(before)}`);
  await copies.putBack('without');
  return {
    name: `trust ${verb} of ${chosen.length} stores`,
    prepare: () => copies.putBack(from),
    start: () => room.start(told(verb), stand.env),
    marks: () => [linesOf(path.join(room.state, 'undo/trust.jsonl'))],
    async judge(killed) {
      const rows = await stand.stores(chosen).catch(String);
      if (typeof rows === 'string') return [rows];
      const litter = await room.run(['sh', '-c', `find /etc /usr/local/share "${room.home}" "${stand.jdk}" -name '.*.pinlight-*'; ls "${room.state}/undo/scratch" 2>/dev/null; true`]);
      const wrong = rows.flatMap(({ store, path: file, roots, hash }) => {
        if (roots !== rootsBefore) return roots === 1 - rootsBefore ? [] : [`${store} holds ${roots} roots`];
        if (!killed) return [`${store} is as before`];
        // Of a keystore that is written anew with the system's the list is compared by the receipt, not its bytes.
        return hash === hashes.get(store) || file === systemKeystore ? [] : [`${store} has other bytes than before`];
      });
      return [...(rows.length === before.length ? [] : ['a store is missing']), ...wrong, ...(litter.stdout === '' ? [] : [`litter: ${litter.stdout}`])];
    },
  };
}

function flags(chosen: readonly string[]): readonly string[] {
  return chosen.flatMap((name) => ['--store', name]);
}
