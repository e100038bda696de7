// How this device stands in one value, for tray and window alike, so that the two never disagree. Pure: no words, no clock.
// Not for the words (each has its own catalogue) or for what a newer shell says beside it (main/tray-model).
import type { VisibleWarning } from '../core/health/warnings.ts';
import type { Snapshot } from './snapshot.ts';

export type DeviceStatus =
  /** No agent answers. */
  | { readonly kind: 'lost' }
  /** A warning is the news: an error; anything else that is wrong; no network; a root that no store holds, while nothing was inspected. */
  | { readonly kind: 'error' | 'warning' | 'offline' | 'untrusted'; readonly warning: VisibleWarning }
  /** The person has not accepted the first-start notice, and policy wants it. */
  | { readonly kind: 'notice-pending' }
  /** Ends at `until`, ms since the epoch. */
  | { readonly kind: 'paused'; readonly until: number }
  | { readonly kind: 'no-rules' }
  /** No program was ever seen. */
  | { readonly kind: 'unused' }
  /** None for long; `last`: the newest one, ms since the epoch. */
  | { readonly kind: 'quiet'; readonly last: number }
  /** None since the agent started, which is not long ago. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'nothing'; readonly bypassed: number; readonly blocked: number }
  | { readonly kind: 'inspecting'; readonly inspected: number };

/** solid: inspecting; half: running and not inspecting, or with a warning; outline: no agent; bar: an error. */
export type StatusShape = 'solid' | 'half' | 'outline' | 'bar';

export type StatusTone = 'good' | 'attention' | 'bad' | 'idle';

/** Shape in the tray and tone in the window of each. */
export const statusLook = {
  lost: { shape: 'outline', tone: 'bad' }, error: { shape: 'bar', tone: 'bad' }, warning: { shape: 'half', tone: 'attention' },
  offline: { shape: 'half', tone: 'idle' }, untrusted: { shape: 'half', tone: 'attention' }, 'notice-pending': { shape: 'half', tone: 'attention' },
  paused: { shape: 'half', tone: 'attention' }, 'no-rules': { shape: 'half', tone: 'idle' }, unused: { shape: 'half', tone: 'attention' },
  quiet: { shape: 'half', tone: 'attention' }, ready: { shape: 'half', tone: 'idle' }, nothing: { shape: 'half', tone: 'idle' },
  inspecting: { shape: 'solid', tone: 'good' },
} as const satisfies Record<DeviceStatus['kind'], { readonly shape: StatusShape; readonly tone: StatusTone }>;

/** A working device connects many times an hour; a day without is worth a word. */
export const quietMs = 24 * 3600_000;

/** The status. `snapshot`: null while no agent answers; `now`: ms since the epoch. */
export function statusOf(snapshot: Snapshot | null, now: number): DeviceStatus {
  if (snapshot === null) return { kind: 'lost' };
  const { agent, counts, warnings } = snapshot;
  const [worst] = warnings;
  if (worst?.severity === 'error') return { kind: 'error', warning: worst };
  if (agent.noticePending) return { kind: 'notice-pending' };
  if (agent.pause.active !== null) return { kind: 'paused', until: agent.pause.active.until };
  if (agent.policy.rules === 0) return { kind: 'no-rules' };
  if (worst?.severity === 'warning') return { kind: 'warning', warning: worst };
  const offline = warnings.find(({ code }) => code === 'offline');
  if (offline !== undefined) return { kind: 'offline', warning: offline };
  // Programs that were told of the root by hand are inspected all the same.
  const untrusted = warnings.find(({ code }) => code === 'root-not-trusted');
  if (untrusted !== undefined && counts.inspect === 0) return { kind: 'untrusted', warning: untrusted };
  return trafficOf(snapshot, now);
}

function trafficOf({ agent, apps, counts, recent }: Snapshot, now: number): DeviceStatus {
  const { inspect, bypass, block, open } = counts;
  const last = Math.max(recent[0]?.startedAt ?? 0, ...apps.map((app) => app.lastSeen));
  if (open === 0 && inspect + bypass + block === 0) {
    if (last === 0) return { kind: 'unused' };
    if (now - Math.max(last, agent.startedAt) < quietMs) return { kind: 'ready' };
  }
  // A user of the service may have none while others have.
  if (open === 0 && last > 0 && now - Math.max(last, agent.startedAt) >= quietMs) return { kind: 'quiet', last };
  return inspect === 0 ? { kind: 'nothing', bypassed: bypass, blocked: block } : { kind: 'inspecting', inspected: inspect };
}
