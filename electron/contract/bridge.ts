// The one interface the screens talk to. Behind it: Electron's preload over IPC, or the window server over HTTP; screens can't tell.
// Not for main's own calls to the agent (client/control-client).
import type { DoctorReport } from '../core/diagnostics/doctor-report.ts';
import type { NotificationKind } from './notification-kinds.ts';
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from './routes.ts';
import type { StreamLine } from './snapshot.ts';

/** What a screen may ask for: reading, and the writes that can be taken back. `stop` stays with the tray menu and the CLI. */
export const bridgeRoutes = [
  'status', 'connections', 'logStatistics', 'logValues', 'apps', 'explain', 'exclusions', 'addExclusion', 'removeExclusion', 'startTest', 'cancelTest', 'policy', 'trust',
  'startBundle', 'bundleJob', 'cancelBundle',
  'reloadPolicy', 'pause', 'resume', 'pauseTicket', 'notice', 'acceptNotice', 'logLevel',
] as const satisfies readonly RouteName[];
export type BridgeRoute = (typeof bridgeRoutes)[number];

/** What `watch` reports: lines of the stream, and whether the agent can be reached at all. */
export type BridgeSignal =
  | StreamLine
  | { readonly kind: 'disconnected'; readonly why: string };

export type Bridge = {
  /** Rejects with PinlightError; in Electron with its ErrorBody, since contextBridge would strip an Error of its code. */
  call<N extends BridgeRoute>(route: N, query: RouteQuery<N>, body: RouteBody<N>): Promise<RouteAnswer<N>>;
  /** Snapshot first, then changes; reconnects by itself (a new snapshot follows a `disconnected`). Returns the unsubscribe. */
  watch(listener: (signal: BridgeSignal) => void): () => void;
  /** Saves the bundle of a job that is ready where the person chooses; answers the file's name, or null when they chose none. */
  saveBundle(job: string): Promise<string | null>;
  /** Looks at this device as `pinlight doctor` does; absent where the window's own process cannot. */
  examine?(): Promise<DoctorReport>;
  /** Silences these kinds of notifications for this person; null only asks. Answers those that are silenced; absent where none are shown. */
  notifications?(silenced: readonly NotificationKind[] | null): Promise<readonly NotificationKind[]>;
  /** `electron` or `browser`: only for texts such as "in your downloads folder". */
  readonly shell: 'electron' | 'browser';
};
