// Read-only probe of trust stores: which ones on this machine hold our root, and which one a given process reads.
// Not for installing or removing the root anywhere.
import { homedir } from 'node:os';
import path from 'node:path';
import type { AppIdentity, Owner, TrustView } from '../../electron/core/model.ts';
import { interpreterOf } from '../app-identity/interpreters.ts';
import { interpreterOptions } from '../app-identity/script-of.ts';
import { readStart } from '../procfs/foreign-file.ts';
import { parseEnviron } from '../procfs/parse.ts';
import { createUserNames, readLink, readProcText } from '../procfs/read.ts';
import { createRootSearch } from './holds-root.ts';
import type { Holding } from './holds-root.ts';
import { listStores } from './doctor.ts';
import { runtimeStores } from './installed-stores.ts';
import type { InstalledStore } from './installed-stores.ts';
import type { Place } from './places.ts';
import { configFilesOf, storeOfProcess } from './store-of-process.ts';
import type { ProcessView, StoreChoice } from './store-of-process.ts';

export type { InstalledStore } from './installed-stores.ts';

export type TrustProbe = {
  /** Every store of this machine the probe knows how to find. Takes up to some seconds; never rejects. */
  stores(): Promise<readonly InstalledStore[]>;
  /**
   * The store this very process reads and whether it holds our root: at once when its files were read before and have not changed.
   * Call it while the process lives. Null when nothing is known about how this kind of program chooses. Never throws, never rejects.
   */
  viewOf(owner: Extract<Owner, { kind: 'process' }>, app: AppIdentity): TrustView | null | Promise<TrustView | null>;
};

type Asked = {
  readonly choice: StoreChoice | null;
  /** Why nothing can be told about this process's own settings; null when they were read. */
  readonly hidden: string | null;
};

const processLimit = 512;
/** Bytes read of a program's own configuration file. */
const configLimit = 256 * 1024;
/** Linux counts process starts in hundredths of a second. */
const startUncertaintyMs = 50;

/** A probe for one root certificate, DER. `stateFolder`: where the files stand that Pinlight points programs to. */
export function createTrustProbe(options: { readonly rootDer: Buffer; readonly stateFolder: string }): TrustProbe {
  const search = createRootSearch(options.rootDer);
  const users = createUserNames();
  const asked = new Map<string, Asked>();

  return {
    async stores() {
      const rows = await Promise.all([
        listStores({ stateFolder: options.stateFolder, root: options.rootDer, home: homedir(), env: process.env }),
        runtimeStores(search, process.env),
      ]);
      return rows.flat().map(({ store, kind, path: file, state, detail }) => ({ store, kind, path: file, state, detail }));
    },
    viewOf(owner, app) {
      const key = `${owner.pid} ${owner.startedAt} ${app.id} ${app.runtime} ${owner.commandLine.join('\0')}`;
      const { choice, hidden } = asked.get(key) ?? ask(key, owner, app);
      if (choice === null) return null;
      if (hidden !== null) return { store: choice.store, holdsRoot: null, because: hidden, stale: false };
      const main = search.known(choice.places);
      const other = choice.alternative === null ? null : search.known(choice.alternative);
      if (main !== null && (choice.alternative === null || other !== null)) return judge(choice, main, other, owner.startedAt);
      return Promise.all([search.find(choice.places), choice.alternative === null ? null : search.find(choice.alternative)])
        .then(([first, second]) => judge(choice, first, second, owner.startedAt));
    },
  };

  function ask(key: string, owner: Extract<Owner, { kind: 'process' }>, app: AppIdentity): Asked {
    const environ = readProcText(`/proc/${owner.pid}/environ`);
    const env = typeof environ === 'string' ? new Map<string, string>() : parseEnviron(environ.text);
    const interpreter = interpreterOf(owner.path);
    const base = {
      path: owner.path, script: app.script, runtime: app.runtime, argv: owner.commandLine, env,
      options: interpreter === null ? owner.commandLine.slice(1) : interpreterOptions(interpreter, owner.commandLine),
      home: env.get('HOME') ?? (owner.uid === null ? null : users.of(owner.uid))?.home ?? null,
    };
    const view: ProcessView = { ...base, configs: readConfigs(configFilesOf(base)) };
    const choice = storeOfProcess(view);
    const answer: Asked = {
      choice: choice === null ? null : resolvePlaces(choice, readLink(`/proc/${owner.pid}/cwd`)),
      // A process that execs between start and environment has an empty one for a moment; an app without any variable does not exist.
      hidden: environ === 'denied' ? 'its environment cannot be read (another user\'s process)' : environ === 'gone' ? 'the process has ended' : null,
    };
    if (environ !== 'gone') asked.set(key, answer);
    for (const oldest of asked.keys()) {
      if (asked.size <= processLimit) break;
      asked.delete(oldest);
    }
    return answer;
  }
}

/** Puts the choice and what was found in its files into one answer. Pure; `startedAt` in ms since the epoch. */
export function judge(choice: StoreChoice, main: Holding, other: Holding | null, startedAt: number): TrustView {
  const view = (holdsRoot: boolean | null, because: string): TrustView => ({ store: choice.store, holdsRoot, because, stale: false });
  if (choice.untellable) return view(null, choice.because);
  if (main.holds === null) return view(null, `${choice.because}; it cannot be read`);
  if (other !== null && other.holds !== main.holds) return view(null, `${choice.because}; the two differ about our root`);
  // Only "holds" is in doubt: what lacks the root now has hardly held it before, and browsers write their own database at first start.
  if (main.holds && choice.loadsOnce && Math.max(main.changedAt, other?.changedAt ?? 0) > startedAt + startUncertaintyMs) {
    return { ...view(null, `${choice.because}; it was changed after this program started, which may still use the older one`), stale: true };
  }
  return view(main.holds, choice.because);
}

function resolvePlaces(choice: StoreChoice, cwd: string | null): StoreChoice {
  const resolve = (places: readonly Place[]): Place[] => places.map((place) => ({
    ...place, firstOf: place.firstOf.map((file) => (cwd === null ? file : path.resolve(cwd, file))),
  }));
  return { ...choice, places: resolve(choice.places), alternative: choice.alternative === null ? null : resolve(choice.alternative) };
}

function readConfigs(files: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const file of files) {
    const start = readStart(file, configLimit);
    if (start !== null) texts.set(file, start.toString('utf8'));
  }
  return texts;
}
