// Watches the device for what makes refusals meaningless for a while: resume, network change, clock step, captive portal, a new root.
// Not for judging readings (core/health/disturbance) and not for what a refusal then means (core/pinning).
import { getDomain } from 'tldts';
import { portalSuspected, portalWindowMs, readDisturbance, type DeviceReading } from '../../core/health/disturbance.ts';
import type { Disturbance, DisturbanceKind } from '../../core/model.ts';
import { disturbedMs } from '../../core/pinning/verdict.ts';

export type Disturbances = {
  /** The last one, null = none yet. Looks at the device again when the last look is older than `freshMs`. */
  last(): Disturbance | null;
  /** The last one known so far, without a look. */
  noted(): Disturbance | null;
  /** One that others know of (a new root). */
  note(kind: DisturbanceKind): void;
  /** The server leg at a host that was dialled by this name: its certificate holds. Costs a look-up. */
  upstreamVerified(host: string): void;
  /** The certificate at this host does not hold. */
  upstreamInvalid(host: string): void;
  close(): void;
};

/** The first failures after a resume come before the next timer: whoever asks gets a look no older than this. */
const freshMs = 250;
/** Hosts remembered as verified; a name each. */
const hostLimit = 1_000;

/** Looks every `everyMs`. `onChange`: each disturbance, and null when the last one is `disturbedMs` ago. `now`: ms since the epoch. */
export function createDisturbances(options: {
  readonly read: () => DeviceReading;
  readonly now: () => number;
  readonly everyMs: number;
  readonly onChange: (disturbance: Disturbance | null) => void;
  /** A captive portal seems to be there, and when a certificate holds again, that it is gone. */
  readonly onPortal: (there: boolean) => void;
}): Disturbances {
  let before = options.read();
  let lookedAt = performance.now();
  let last: Disturbance | null = null;
  let portal = false;
  let ending: NodeJS.Timeout | null = null;
  const verified = new Set<string>();
  /** Registrable domains whose certificates turned invalid, and when. */
  const failures = new Map<string, number>();

  const note = (kind: DisturbanceKind): void => {
    last = { kind, at: options.now() };
    if (ending !== null) clearTimeout(ending);
    // By a timer, not by the clock: that may be what was set.
    ending = setTimeout(() => options.onChange(null), disturbedMs).unref();
    options.onChange(last);
  };
  const look = (): void => {
    const after = options.read();
    lookedAt = performance.now();
    const kind = readDisturbance(before, after);
    before = after;
    if (kind !== null) note(kind);
  };
  const timer = setInterval(look, options.everyMs).unref();

  return {
    last: () => {
      if (performance.now() - lookedAt > freshMs) look();
      return last;
    },
    noted: () => last,
    note,
    upstreamVerified: (host) => {
      if (portal) options.onPortal(portal = false);
      if (verified.has(host)) return;
      verified.add(host);
      if (verified.size > hostLimit) verified.delete(verified.values().next().value as string);
    },
    upstreamInvalid: (host) => {
      // Once a host: it counts again when it has verified again.
      if (!verified.delete(host)) return;
      const at = performance.now();
      failures.set(getDomain(host) ?? host, at);
      for (const [name, failedAt] of failures) if (at - failedAt > portalWindowMs) failures.delete(name);
      if (!portalSuspected([...failures].map(([name, failedAt]) => ({ host: name, at: failedAt })), at)) return;
      failures.clear();
      note('portal');
      if (!portal) options.onPortal(portal = true);
    },
    close: () => {
      clearInterval(timer);
      if (ending !== null) clearTimeout(ending);
    },
  };
}
