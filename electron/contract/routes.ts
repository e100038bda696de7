// The control API as types: every route with its method, path, query, body and answer. Client and handlers both derive from it.
// Not for transport (client/control-client, agent/control) or for the window's bridge (contract/bridge).
import type { ErrorBody } from './errors.ts';
import type { BundleJob, BundleRequest } from './jobs.ts';
import type { Sentence } from '../core/sentence.ts';
import type { AppTest, Exclusion, Observation, Verdict } from '../core/model.ts';
import type { NoticeParagraph, NoticeRecord } from '../core/policy/notice.ts';
import type { Pause } from '../core/policy/pause.ts';
import type { Policy, PolicyNotice, PolicyProblem } from '../core/policy/policy.ts';
import type { AppSummary, ConnectionRow, Snapshot } from './snapshot.ts';

/** Query parameters are strings on the wire; absent = not given. */
type Query = Readonly<Record<string, string | undefined>>;
type Route<Q extends Query, Body, Answer> = { readonly query: Q; readonly body: Body; readonly answer: Answer };
type None = Record<string, never>;

export type ConnectionsAnswer = {
  /** Newest first, whichever way is paged. */
  readonly rows: readonly ConnectionRow[];
  /** Pass as `before` for the next older page; null at the end. A page asked for with `after` goes the other way: its first row's id leads on. */
  readonly next: string | null;
};

/** Ended and open connections that began within an hour; none is counted twice. Those whose server could not be reached are left out. */
export type LogBucket = {
  /** Begin, ms since the epoch. */
  readonly at: number;
  readonly inspected: number;
  readonly refused: number;
  readonly bypassed: number;
  readonly blocked: number;
};
/** `from` included, `to` not, ms since the epoch; hours in which nothing happened have no bucket. */
export type LogStatisticsAnswer = { readonly from: number; readonly to: number; readonly bucketMs: number; readonly buckets: readonly LogBucket[] };

export type ExplainAnswer = {
  readonly app: AppSummary;
  readonly host: string | null;
  /** One sentence. */
  readonly sentence: string;
  readonly verdict: Verdict | null;
  readonly evidenceFor: readonly string[];
  readonly evidenceAgainst: readonly string[];
  /** Facts that point neither way. */
  readonly alsoKnown: readonly string[];
  /** What happens to the next connection. */
  readonly next: string;
  /** What a person can do. */
  readonly advice: string;
  /** What still protects connections that are let through; empty where they are not. */
  readonly controls: readonly string[];
  /** Newest first, at most 20. */
  readonly attempts: readonly { readonly at: number; readonly host: string; readonly sentence: string }[];
  /** The sentences above as keys and values, for the languages of the window; attempts in their order. */
  readonly words: {
    readonly sentence: Sentence;
    readonly evidenceFor: readonly Sentence[]; readonly evidenceAgainst: readonly Sentence[]; readonly alsoKnown: readonly Sentence[];
    readonly next: Sentence; readonly advice: Sentence; readonly controls: readonly Sentence[]; readonly attempts: readonly Sentence[];
  };
  /** The evidence behind the verdict, newest first, at most 20: what the lab records as fixtures. */
  readonly observations: readonly Observation[];
};

export type TrustStoreRow = {
  readonly store: string;
  readonly kind: 'system' | 'node' | 'python' | 'java' | 'nss' | 'firefox' | 'browser-policy' | 'environment' | 'containers';
  readonly path: string | null;
  readonly state: 'trusted' | 'missing' | 'unreadable' | 'not-checked';
  readonly detail: string;
};

export type TrustRoot = Snapshot['agent']['root'] & { readonly pem: string };

export type TrustAnswer = {
  readonly root: TrustRoot;
  /** The root that takes over once the stores hold it; null most of the time. */
  readonly next: TrustRoot | null;
  readonly stores: readonly TrustStoreRow[];
};

export type PolicyAnswer = {
  readonly generation: number;
  readonly policy: Policy;
  readonly problems: readonly PolicyProblem[];
  readonly files: readonly string[];
};


/** The first-start notice as it stands, and what the caller was shown of this very version. */
export type NoticeAnswer = NoticeRecord & { readonly mode: PolicyNotice['mode']; readonly paragraphs: readonly NoticeParagraph[] };

/** Route name → types. Paths and methods stand in `routePaths`. */
export type Routes = {
  /** Answers at once whatever else goes on: for whoever watches over the agent. */
  ping: Route<None, None, { readonly pid: number }>;
  status: Route<None, None, Snapshot>;
  /** `before`, `after`: rows with a lower, or higher, number than this; next to it. `limit`: 1 to 1000. */
  connections: Route<{ filter?: string; limit?: string; before?: string; after?: string }, None, ConnectionsAnswer>;
  /** Connections per hour of the last `hours` (1 to 744). `app`: AppSummary.id. */
  logStatistics: Route<{ hours: string; filter?: string; app?: string }, None, LogStatisticsAnswer>;
  /** Values of a field (core/log-query/suggest) that occur lately and contain `part`, the most frequent first, at most 20. */
  logValues: Route<{ field: string; part?: string }, None, { readonly values: readonly string[] }>;
  apps: Route<None, None, { readonly apps: readonly AppSummary[] }>;
  explain: Route<{ app: string; host?: string }, None, ExplainAnswer>;
  exclusions: Route<None, None, { readonly exclusions: readonly Exclusion[] }>;
  /** `app`: id, name or path of an app Pinlight has seen; absent = every app. `hours`: 0 < hours; absent = no end. */
  addExclusion: Route<None, { host: string; app?: string; reason: string; hours?: number }, { readonly exclusion: Exclusion }>;
  removeExclusion: Route<{ id: string }, None, { readonly removed: Exclusion }>;
  /** "Test this app now" (AppTest). Starting again begins anew. */
  startTest: Route<None, { app: string; host: string }, { readonly test: AppTest }>;
  test: Route<{ app: string; host: string }, None, { readonly test: AppTest | null }>;
  cancelTest: Route<{ app: string; host: string }, None, { readonly test: AppTest | null }>;
  policy: Route<None, None, PolicyAnswer>;
  /** Reads policy now instead of within two seconds. */
  reloadPolicy: Route<None, None, PolicyAnswer>;
  trust: Route<None, None, TrustAnswer>;
  /** `minutes`: absent = 15, or the most that policy allows. `code`: where policy asks for one. */
  pause: Route<None, { minutes?: number; reason?: string; code?: string }, { readonly pause: Pause }>;
  /** `ended`: null where none ran. `active`: one that somebody else began and that runs on. */
  resume: Route<None, None, { readonly ended: Pause | null; readonly active: Pause | null }>;
  /** A request for the helpdesk to answer (pause.mode ticket). */
  pauseTicket: Route<None, None, { readonly request: string; readonly device: string }>;
  notice: Route<None, None, NoticeAnswer>;
  acceptNotice: Route<None, { version: string; as: 'shown' | 'accepted' }, NoticeAnswer>;
  /** `detailed` ends by itself after 30 minutes. `until`: ms since the epoch; null = normal. */
  logLevel: Route<None, { level: 'normal' | 'detailed' }, { readonly until: number | null }>;
  /** Begins to collect a bundle; it is then kept for ten minutes, in memory alone. */
  startBundle: Route<None, BundleRequest, { readonly job: BundleJob }>;
  bundleJob: Route<{ id: string }, None, { readonly job: BundleJob }>;
  /** Ends the work, or throws away what it made. */
  cancelBundle: Route<{ id: string }, None, { readonly job: BundleJob }>;
  stop: Route<None, None, { readonly stopping: true }>;
};

export type RouteName = keyof Routes;
export type RouteQuery<N extends RouteName> = Routes[N]['query'];
export type RouteBody<N extends RouteName> = Routes[N]['body'];
export type RouteAnswer<N extends RouteName> = Routes[N]['answer'];

/** Who may do what: agent/control/callers shows a service's user their own alone, and each handler that changes something asks policy. */
export const routePaths: Readonly<Record<RouteName, { method: 'GET' | 'POST' | 'DELETE'; path: string }>> = {
  ping: { method: 'GET', path: '/v1/ping' },
  status: { method: 'GET', path: '/v1/status' },
  connections: { method: 'GET', path: '/v1/connections' },
  logStatistics: { method: 'GET', path: '/v1/connections/statistics' },
  logValues: { method: 'GET', path: '/v1/connections/values' },
  apps: { method: 'GET', path: '/v1/apps' },
  explain: { method: 'GET', path: '/v1/explain' },
  exclusions: { method: 'GET', path: '/v1/exclusions' },
  addExclusion: { method: 'POST', path: '/v1/exclusions' },
  removeExclusion: { method: 'DELETE', path: '/v1/exclusions' },
  startTest: { method: 'POST', path: '/v1/tests' },
  test: { method: 'GET', path: '/v1/tests' },
  cancelTest: { method: 'DELETE', path: '/v1/tests' },
  policy: { method: 'GET', path: '/v1/policy' },
  reloadPolicy: { method: 'POST', path: '/v1/policy/reload' },
  trust: { method: 'GET', path: '/v1/trust' },
  pause: { method: 'POST', path: '/v1/pause' },
  resume: { method: 'DELETE', path: '/v1/pause' },
  pauseTicket: { method: 'POST', path: '/v1/pause/ticket' },
  notice: { method: 'GET', path: '/v1/notice' },
  acceptNotice: { method: 'POST', path: '/v1/notice' },
  logLevel: { method: 'POST', path: '/v1/log-level' },
  startBundle: { method: 'POST', path: '/v1/bundles' },
  bundleJob: { method: 'GET', path: '/v1/bundles' },
  cancelBundle: { method: 'DELETE', path: '/v1/bundles' },
  stop: { method: 'POST', path: '/v1/stop' },
};

/** Routes that answer with a stream instead of one JSON document. */
export const streamPaths = {
  /** newline JSON: StreamLine */
  events: '/v1/events',
  /** application/zip, or application/octet-stream for a sealed one: the bundle of the job `?id=` */
  bundle: '/v1/bundle',
  /** newline JSON: HandshakeLine. `pairs`: how many; `root`: `current` or `next` */
  handshakes: '/v1/trust/handshakes',
} as const;

/**
 * Servers of the agent's on loopback while the stream is read: `own` is `localhost` under the root, `stranger` the same under a key that nobody
 * trusts. `met`: a connection came; `asked`: a request came, so the handshake was finished; `failed`: it was broken off, with Node's error code.
 */
export type HandshakeLine =
  | { readonly kind: 'ready'; /** Fingerprint. */ readonly root: string; readonly pairs: readonly { readonly own: number; readonly stranger: number }[] }
  | { readonly kind: 'met'; readonly port: number }
  | { readonly kind: 'asked'; readonly port: number; readonly path: string; readonly agent: string }
  | { readonly kind: 'failed'; readonly port: number; readonly code: string };

/** Every JSON answer of the control API and of `pinlight --json`. */
export type Envelope<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly error: ErrorBody };
