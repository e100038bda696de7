// Everything Pinlight changes on a device, killed with -9 at each step, each kind in a room of its own, two rooms at a time. Not a test.
import { openStoreRoom } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { openTwoNetworks } from '../native/support/two-networks.ts';
import type { TwoNetworks } from '../native/support/two-networks.ts';
import { measureCapture } from './capture.ts';
import { doses } from './kill-runs.ts';
import type { KillRuns } from './kill-runs.ts';
import { measureService } from './service.ts';
import { measureDesktop, measureMachine } from './steer.ts';
import { measureTrust, openTrustStand } from './trust.ts';
import { measureUninstall } from './uninstall.ts';

/** `install` and `remove` are those of roots in stores. Null = not run, because there are no rights for it. */
export type Kills = Readonly<Record<'install' | 'remove' | 'steer' | 'steer as root' | 'capture' | 'service' | 'uninstall', KillRuns | null>>;

/** With fewer steps in the longest run, the commands were not killed where they are at work. */
export const fewestSteps: Readonly<Record<keyof Kills, number>> = { install: 15, remove: 10, steer: 10, 'steer as root': 10, capture: 1, service: 3, uninstall: 25 };

/** Every kind; `progress` is told which one begins. */
export async function measureKills(quick: boolean, progress: (text: string) => void): Promise<Kills> {
  const dose = quick ? doses.quick : doses.full;
  const told = <T>(kind: string, measure: () => Promise<T>): Promise<T> => {
    progress(`kill -9: ${kind}`);
    return measure();
  };
  const inRoom = async (kind: string, measure: (room: StoreRoom) => Promise<KillRuns>): Promise<KillRuns | null> => closing(await openStoreRoom(), (room) => told(kind, () => measure(room)));
  const inNetworks = async (kind: string, measure: (networks: TwoNetworks) => Promise<KillRuns>): Promise<KillRuns | null> => closing(await openTwoNetworks(), (networks) => told(kind, () => measure(networks)));
  // The longest stand in different lanes.
  const [one, other] = await Promise.all([
    (async () => ({
      uninstall: await inNetworks('uninstall', (networks) => measureUninstall(networks, dose)),
      capture: await inNetworks('capture', (networks) => measureCapture(networks, dose)),
      service: await inRoom('service', (room) => measureService(room, dose)),
      steer: await told('steer', () => measureDesktop(dose)),
    }))(),
    (async () => ({
      install: await inRoom('install', (room) => measureTrust(room, openTrustStand(room), 'install', dose)),
      remove: await inRoom('remove', (room) => measureTrust(room, openTrustStand(room), 'remove', dose)),
      'steer as root': await inRoom('steer as root', (room) => measureMachine(room, dose)),
    }))(),
  ]);
  return { ...one, ...other };
}

async function closing<R extends { close(): void }>(room: R | null, measure: (room: R) => Promise<KillRuns>): Promise<KillRuns | null> {
  if (room === null) return null;
  try {
    return await measure(room);
  } finally {
    room.close();
  }
}
