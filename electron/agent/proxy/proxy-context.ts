// What the route of a connection needs from the rest of the agent, as one value; start-agent puts it together.
// Not for logic.
import type { Socket } from 'node:net';
import type { AppIdentity, Circumstances, Held, Os, Owner, Suspension, Target, TrustView } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { ConnectionLog } from '../events/connection-log.ts';
import type { AlreadyInspected } from '../health/already-inspected.ts';
import type { HandshakeLog } from '../events/handshake-log.ts';
import type { Disturbances } from '../health/disturbances.ts';
import type { LeafContexts } from '../ca/leaf-contexts.ts';
import type { PinningMonitor } from '../pinning/pinning-monitor.ts';
import type { Store } from '../store/store.ts';
import type { Upstreams } from './connect-upstream.ts';
import type { DialResult, DialUse } from './dial.ts';
import type { RecentTargets } from './recent-targets.ts';

/** Who is at the other end of a downstream socket. */
export type Who = { readonly owner: Owner; readonly app: AppIdentity | null };

/** An intercepted connection that is open: found by app and host when an exclusion begins. */
export type LiveConnection = { readonly appId: string | null; readonly host: string; readonly moved: () => number; readonly close: () => void };

export type ProxyContext = {
  readonly os: Os;
  readonly selfUid: number | null;
  /** The only user besides root whose programs may use this proxy; null = everybody (admission.ts). */
  readonly servedUid: number | null;
  /** Whether it is there for several users (the service, root's agent): none may learn from it what another's programs do. */
  readonly shared: boolean;
  readonly policy: () => Policy;
  readonly policyGeneration: () => number;
  /** Why nothing of this owner's may be inspected now; null = it may. */
  readonly suspended: (owner: Owner) => Suspension | null;
  /** `dialled`: where a captured client's own socket leads to. */
  readonly whoIs: (client: Socket, dialled: Target | null) => Who | Promise<Who>;
  /** Whether anybody still holds the other end of a client; `dialled` as for `whoIs`. */
  readonly isHeld: (client: Socket, dialled: Target | null) => Held;
  /** The app has closed its end: a hint for its next look-up. */
  readonly appLeft: (client: Socket) => void;
  readonly trustViewOf: (who: Who) => Promise<TrustView | null>;
  /** What else is the case at a handshake of theirs, now. `look`: whether the device may have to be asked. */
  readonly circumstances: (who: Who, trust: TrustView | null, look: boolean) => Pick<Circumstances, 'rootAgeMs' | 'olderThanRoot' | 'disturbance'>;
  /** Hears whether servers' certificates hold: a captive portal answers for all of them. */
  readonly disturbances: Pick<Disturbances, 'upstreamVerified' | 'upstreamInvalid'>;
  readonly alreadyInspected: AlreadyInspected;
  readonly monitor: PinningMonitor;
  readonly store: Store;
  readonly log: ConnectionLog;
  readonly handshakes: Pick<HandshakeLog, 'wanted' | 'keep'>;
  readonly live: Map<number, LiveConnection>;
  /** A connection to the target, by the policy of this moment (dial.ts). */
  readonly dial: (target: Target, use: DialUse) => Promise<DialResult>;
  readonly recentTargets: RecentTargets;
  /** Null while the root cannot be used: then nothing is inspected. Once there is one, it stays. */
  readonly inspection: { readonly upstreams: () => Upstreams; readonly leaves: LeafContexts } | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A bug in a route: told once per connection, never thrown further. */
  readonly onBug: (error: unknown) => void;
};
