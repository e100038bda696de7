// The root in use while the agent runs, and its replacement: makes the next one in time, asks for its installation, switches when stores hold it.
// Tries again what a locked keyring did not open. Not for when that is (core/ca/rotation.ts), for files and keys (ca/authority.ts) or for stores (native/trust-store).
import { homedir } from 'node:os';
import { storesWithoutNext, type LackingStore } from '../../native/trust-store/doctor.ts';
import { createTrustProbe, type TrustProbe } from '../../native/trust-store/index.ts';
import type { SecretStore } from '../core/ca/secret-store.ts';
import { halfLife, lastCall, mayAdopt, rotationStage } from '../core/ca/rotation.ts';
import { adoptNextAuthority, loadAuthority, loadNextAuthority, type Authority, type AuthorityResult } from './ca/authority.ts';
import type { Health } from './health/health.ts';

export type DeviceRoot = {
  /** Null = it cannot be used, for as long as that is so: nothing is inspected then. */
  readonly current: () => Authority | null;
  /** The one that takes over; null most of the time. */
  readonly next: () => Authority | null;
  /** Made at this start. */
  readonly created: boolean;
  /** Reads the stores for the root in use; null without one. */
  readonly probe: () => TrustProbe | null;
  /** Does what is due now: opens what was shut at the start, makes the next root, or switches to it. Never rejects. */
  readonly look: () => Promise<void>;
  readonly close: () => void;
};

export type DeviceRootOptions = {
  readonly stateFolder: string;
  readonly device: string;
  readonly secrets: SecretStore;
  readonly health: Health;
  readonly now: () => number;
  /** Another root is in use from now on. */
  readonly onSwitch: () => void;
  readonly onTrouble: (why: string) => void;
  /** Stores that hold the root in use and lack the next one; for tests. */
  readonly lacking?: (root: Buffer, next: Buffer) => Promise<readonly LackingStore[]>;
  /** Homes whose stores this agent cannot look at; a user's own agent serves no other. */
  readonly homesOutOfSight?: () => number;
};

/** Replacing a root takes months; whoever has installed the next one asks for the stores, which looks at once. */
const lookEveryMs = 3600_000;
/** A person who unlocks a keyring expects it to work soon; asking costs 0.1 s of a process of its own. */
const retryEveryMs = 60_000;

/** Loads or makes the root of the folder. Throws what the disk refuses. */
export function openDeviceRoot(options: DeviceRootOptions): DeviceRoot {
  const { stateFolder, device, secrets, health, now } = options;
  const lacking = options.lacking ?? ((root, next) => storesWithoutNext({ stateFolder, home: homedir(), env: process.env, root, next }));
  const load = (): AuthorityResult => {
    const result = loadAuthority(stateFolder, device, now(), secrets);
    const why = result.kind === 'authority' ? null : result.shut && secrets.ready !== undefined ? 'root-locked' : 'root-unusable';
    for (const code of ['root-unusable', 'root-locked'] as const) {
      if (result.kind === 'unusable' && code === why) health.raise(code, 'root', { message: result.why }, now());
      else health.clear(code, 'root');
    }
    return result;
  };
  const loaded = load();
  let current = loaded.kind === 'authority' ? loaded.authority : null;
  let probe = probeOf(current);
  let next: Authority | null = null;
  let looking: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    if (current === null && await secrets.ready?.() === true) {
      const again = load();
      if (again.kind === 'authority') use(again.authority);
    }
    if (current === null) return;
    const stage = rotationStage(current, now());
    // A keyring that gave no answer at first may do so by now.
    if (stage !== 'keep') await secrets.ready?.();
    const coming = loadNextAuthority(stateFolder, device, now(), secrets, stage !== 'keep');
    if (coming?.kind === 'unusable') options.onTrouble(coming.why);
    next = coming?.kind === 'authority' ? coming.authority : null;
    if (next !== null) {
      const stores = await lacking(current.certificate, next.certificate);
      const homes = options.homesOutOfSight?.() ?? 0;
      if (mayAdopt(stage, stores, homes)) adopt();
      else tellWaiting(current, stores, homes);
    }
    if (next === null && rotationStage(current, now()) === 'overdue') health.raise('root-expiring', 'root', { date: day(current.notAfter) }, now());
  };

  const tellWaiting = (root: Authority, stores: readonly LackingStore[], homes: number): void => {
    if (stores.length === 0) health.clear('root-next-missing', 'root');
    else health.raise('root-next-missing', 'root', { stores: stores.map(({ store }) => store).join(', '), date: day(lastCall(root.notAfter)) }, now());
    if (homes === 0 || now() >= halfLife(root)) health.clear('root-next-homes', 'root');
    else health.raise('root-next-homes', 'root', { homes, date: day(halfLife(root)) }, now());
  };

  const adopt = (): void => {
    const adopted = adoptNextAuthority(stateFolder, secrets);
    if (adopted.kind === 'unusable') return options.onTrouble(adopted.why);
    next = null;
    for (const code of ['root-next-missing', 'root-next-homes', 'root-expiring'] as const) health.clear(code, 'root');
    use(adopted.authority);
  };

  const use = (authority: Authority): void => {
    current = authority;
    probe = probeOf(current);
    options.onSwitch();
  };

  function probeOf(authority: Authority | null): TrustProbe | null {
    return authority === null ? null : createTrustProbe({ rootDer: authority.certificate, stateFolder });
  }

  // One at a time: a second one would read a next root that the first has just put in use.
  const lookOnce = (): Promise<void> => {
    looking ??= look().catch((error: unknown) => options.onTrouble(error instanceof Error ? error.message : String(error))).finally(() => {
      looking = null;
    });
    return looking;
  };
  const timers = [setInterval(() => void lookOnce(), lookEveryMs), setInterval(() => current === null && void lookOnce(), retryEveryMs)];
  for (const timer of timers) timer.unref();
  return {
    current: () => current, next: () => next, created: loaded.kind === 'authority' && loaded.created, probe: () => probe,
    look: lookOnce, close: () => timers.forEach(clearInterval),
  };
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
