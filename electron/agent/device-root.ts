// The root in use while the agent runs, and its replacement: makes the next one in time, asks for its installation, switches when stores hold it.
// Not for when that is (core/ca/rotation.ts), for files and keys (ca/authority.ts) or for stores (native/trust-store).
import { homedir } from 'node:os';
import { storesWithoutNext } from '../../native/trust-store/doctor.ts';
import { createTrustProbe, type TrustProbe } from '../../native/trust-store/index.ts';
import type { SecretStore } from '../core/ca/secret-store.ts';
import { lastCall, rotationStage } from '../core/ca/rotation.ts';
import { adoptNextAuthority, loadAuthority, loadNextAuthority, type Authority } from './ca/authority.ts';
import type { Health } from './health/health.ts';

export type DeviceRoot = {
  /** Null = it cannot be used: nothing is inspected then. */
  readonly current: () => Authority | null;
  /** The one that takes over; null most of the time. */
  readonly next: () => Authority | null;
  /** Made at this start. */
  readonly created: boolean;
  /** Reads the stores for the root in use; null without one. */
  readonly probe: () => TrustProbe | null;
  /** Does what is due now: makes the next root, or switches to it. Never rejects. */
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
  readonly lacking?: (root: Buffer, next: Buffer) => Promise<readonly string[]>;
};

/** Replacing a root takes months; whoever has installed the next one asks for the stores, which looks at once. */
const lookEveryMs = 3600_000;

/** Loads or makes the root of the folder. Throws what the disk refuses. */
export function openDeviceRoot(options: DeviceRootOptions): DeviceRoot {
  const { stateFolder, device, secrets, health, now } = options;
  const lacking = options.lacking ?? ((root, next) => storesWithoutNext({ stateFolder, home: homedir(), env: process.env, root, next }));
  const loaded = loadAuthority(stateFolder, device, now(), secrets);
  let current = loaded.kind === 'authority' ? loaded.authority : null;
  let probe = probeOf(current);
  let next: Authority | null = null;
  let looking: Promise<void> | null = null;
  if (loaded.kind === 'unusable') health.raise('root-unusable', 'root', { message: loaded.why }, now());

  const look = async (): Promise<void> => {
    if (current === null) return;
    const stage = rotationStage(current, now());
    const coming = loadNextAuthority(stateFolder, device, now(), secrets, stage !== 'keep');
    if (coming?.kind === 'unusable') options.onTrouble(coming.why);
    next = coming?.kind === 'authority' ? coming.authority : null;
    if (next !== null) {
      const stores = stage === 'overdue' ? [] : await lacking(current.certificate, next.certificate);
      if (stores.length === 0) adopt();
      else health.raise('root-next-missing', 'root', { stores: stores.join(', '), date: day(lastCall(current.notAfter)) }, now());
    }
    if (rotationStage(current, now()) === 'overdue') health.raise('root-expiring', 'root', { date: day(current.notAfter) }, now());
  };

  const adopt = (): void => {
    const adopted = adoptNextAuthority(stateFolder, secrets);
    if (adopted.kind === 'unusable') return options.onTrouble(adopted.why);
    current = adopted.authority;
    probe = probeOf(current);
    next = null;
    for (const code of ['root-next-missing', 'root-expiring'] as const) health.clear(code, 'root');
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
  const timer = setInterval(() => void lookOnce(), lookEveryMs);
  timer.unref();
  return {
    current: () => current, next: () => next, created: loaded.kind === 'authority' && loaded.created, probe: () => probe,
    look: lookOnce, close: () => clearInterval(timer),
  };
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
