// The control API as types: every route with its method, path, query, body and answer. Client and handlers both derive from it.
// Not for transport (client/control-client, agent/control) or for the window's bridge (contract/bridge).
import type { ErrorBody } from './errors.ts';
import type { AppTest, Exclusion, Observation, Verdict } from '../core/model.ts';
import type { Policy, PolicyProblem } from '../core/policy/policy.ts';
import type { AppSummary, ConnectionRow, Snapshot } from './snapshot.ts';

/** Query parameters are strings on the wire; absent = not given. */
type Query = Readonly<Record<string, string | undefined>>;
type Route<Q extends Query, Body, Answer> = { readonly query: Q; readonly body: Body; readonly answer: Answer };
type None = Record<string, never>;

export type ConnectionsAnswer = {
  readonly rows: readonly ConnectionRow[];
  /** Pass as `before` for the next page; null at the end. */
  readonly next: string | null;
};

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
  /** Newest first, at most 20. */
  readonly attempts: readonly { readonly at: number; readonly host: string; readonly sentence: string }[];
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

export type TrustAnswer = {
  readonly root: Snapshot['agent']['root'] & { readonly pem: string };
  readonly stores: readonly TrustStoreRow[];
};

export type PolicyAnswer = {
  readonly generation: number;
  readonly policy: Policy;
  readonly problems: readonly PolicyProblem[];
  readonly files: readonly string[];
};

export type PolicyCheckAnswer = { readonly valid: boolean; readonly rules: number; readonly problems: readonly PolicyProblem[] };

/** Route name → types. Paths and methods stand in `routePaths`. */
export type Routes = {
  status: Route<None, None, Snapshot>;
  connections: Route<{ filter?: string; limit?: string; before?: string }, None, ConnectionsAnswer>;
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
  checkPolicy: Route<None, { text: string; file: string }, PolicyCheckAnswer>;
  trust: Route<None, None, TrustAnswer>;
  stop: Route<None, None, { readonly stopping: true }>;
};

export type RouteName = keyof Routes;
export type RouteQuery<N extends RouteName> = Routes[N]['query'];
export type RouteBody<N extends RouteName> = Routes[N]['body'];
export type RouteAnswer<N extends RouteName> = Routes[N]['answer'];

/** `right`: reading is for the console user, writing for whoever runs the agent (per user) or administrators (service). */
export const routePaths: Readonly<Record<RouteName, { method: 'GET' | 'POST' | 'DELETE'; path: string; right: 'read' | 'write' }>> = {
  status: { method: 'GET', path: '/v1/status', right: 'read' },
  connections: { method: 'GET', path: '/v1/connections', right: 'read' },
  apps: { method: 'GET', path: '/v1/apps', right: 'read' },
  explain: { method: 'GET', path: '/v1/explain', right: 'read' },
  exclusions: { method: 'GET', path: '/v1/exclusions', right: 'read' },
  addExclusion: { method: 'POST', path: '/v1/exclusions', right: 'write' },
  removeExclusion: { method: 'DELETE', path: '/v1/exclusions', right: 'write' },
  startTest: { method: 'POST', path: '/v1/tests', right: 'write' },
  test: { method: 'GET', path: '/v1/tests', right: 'read' },
  cancelTest: { method: 'DELETE', path: '/v1/tests', right: 'write' },
  policy: { method: 'GET', path: '/v1/policy', right: 'read' },
  checkPolicy: { method: 'POST', path: '/v1/policy/check', right: 'read' },
  trust: { method: 'GET', path: '/v1/trust', right: 'read' },
  stop: { method: 'POST', path: '/v1/stop', right: 'write' },
};

/** Routes that answer with a stream instead of one JSON document. */
export const streamPaths = {
  /** newline JSON: StreamLine */
  events: '/v1/events',
  /** application/zip */
  bundle: '/v1/bundle',
} as const;

/** Every JSON answer of the control API and of `pinlight --json`. */
export type Envelope<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly error: ErrorBody };
