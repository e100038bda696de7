// What takes the weight off a refusal: a disturbed device, a captive portal, a program older than our root.
// Not for reading the device (native/device-state) and not for what follows (agent/health/disturbances, core/pinning).
import type { DisturbanceKind, Owner, TrustView } from '../model.ts';

/** One look at the device. All times in ms; only differences between two readings mean anything. */
export type DeviceReading = {
  readonly wallMs: number;
  /** A clock that nobody sets. It may stand still in suspend where `bootMs` is known, and runs on where it is not. */
  readonly monotonicMs: number;
  /** A clock that nobody sets and that runs on in suspend; null where the system has no second one. */
  readonly bootMs: number | null;
  /** Addresses and default routes as text: equal texts, same network. */
  readonly network: string;
};

/** Time between two readings, ms. A change may go unseen for as long, so it is short; a reading costs some 0.1 ms of a core. */
export const readingEveryMs = 2_000;
/** Slewing moves a clock by less between two readings, and a certificate or a handshake's deadline by less does not matter. */
const stepMs = 2_000;
/** A busy event loop is late by less. */
const lateMs = 5_000;
/** Failures of this many registrable domains within this time are no accident of one server. */
const portalHosts = 3;
export const portalWindowMs = 30_000;

/**
 * The disturbance between two readings; null = none. A resume explains a moved clock and a changed network as well, so it goes first.
 * A boot clock that ran slower than the monotonic one is none (containers show what they like), and is left out.
 */
export function readDisturbance(before: DeviceReading, after: DeviceReading): DisturbanceKind | null {
  const monotonic = after.monotonicMs - before.monotonicMs;
  const boot = before.bootMs === null || after.bootMs === null ? null : after.bootMs - before.bootMs;
  const trusted = boot !== null && boot >= monotonic - stepMs;
  // Where there is one clock only it counts sleep too (macOS, Windows), and the reading that comes far too late is the sign.
  const slept = trusted ? boot > monotonic + stepMs : boot === null && monotonic > readingEveryMs + lateMs;
  if (slept) return 'resume';
  const passed = trusted ? boot : monotonic;
  if (Math.abs(after.wallMs - before.wallMs - passed) > stepMs) return 'clock';
  return after.network === before.network ? null : 'network';
}

/**
 * A captive portal answers for every server at once: certificates that had verified before turned invalid at 3 hosts within 30 s.
 * `host`: registrable domain or IP literal; `at` and `now` in ms of one clock.
 */
export function portalSuspected(failures: readonly { readonly at: number; readonly host: string }[], now: number): boolean {
  const lately = failures.filter(({ at }) => at <= now && now - at <= portalWindowMs);
  return new Set(lately.map(({ host }) => host)).size >= portalHosts;
}

/**
 * May this process still use a list of roots from before ours was in it? What its trust view knows decides; where that knows nothing,
 * a process that began before the root was made (ms since the epoch) may. A store that lacks the root is no older list, it lacks it.
 */
export function isOlderThanRoot(owner: Owner, trust: TrustView | null, rootMadeAt: number): boolean {
  if (trust !== null && trust.holdsRoot !== null) return false;
  return trust?.stale === true || (owner.kind === 'process' && owner.startedAt < rootMadeAt);
}
