// The state that travels: one snapshot, then changes, through one pure `reduce` shared by tray, window and CLI.
// Not for how it is carried (control API stream, IPC, window server).
import type {
  AppTest, ConnectionOutcome, Disposition, Exclusion, Os, Reason, Runtime, TrustView, Verdict, VerdictKind,
} from '../core/model.ts';
import type { PauseView } from '../core/policy/pause.ts';
import type { ManagedBy, PolicyOrigin } from '../core/policy/policy.ts';
import type { VisibleWarning } from '../core/health/warnings.ts';
import type { Sentence } from '../core/sentence.ts';

/** One connection as people see it. Times: ms since the epoch; sizes: bytes of plaintext (inspect) or of the tunnel (bypass). */
export type ConnectionRow = {
  readonly id: number;
  readonly startedAt: number;
  /** Null while it is open. */
  readonly durationMs: number | null;
  readonly appId: string | null;
  readonly appName: string | null;
  readonly appPath: string | null;
  readonly package: string | null;
  readonly pid: number | null;
  readonly user: string | null;
  readonly host: string;
  readonly port: number;
  /** The address dialled; null when none was. */
  readonly ip: string | null;
  readonly serverName: string | null;
  /** What policy meant. */
  readonly decided: Disposition;
  /** What was done (an invalid upstream turns inspect into bypass). */
  readonly disposition: Disposition;
  readonly reason: Reason;
  readonly rule: string | null;
  /** Null while nothing is known yet. */
  readonly outcome: ConnectionOutcome | null;
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  readonly alpn: string | null;
  readonly ja4: string | null;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Why the server's certificate or the dial failed; null when it did not. */
  readonly error: string | null;
};

/** One app at one host with its verdict. */
export type AppHost = {
  readonly host: string;
  readonly verdict: Verdict;
  /** What happens to the next connection, in one word, and why in one sentence: in English, and for other languages. */
  readonly next: { readonly disposition: Disposition; readonly sentence: string; readonly words: Sentence };
  readonly exclusion: Exclusion | null;
  /** A test a person asked for; kept for a while after its end. */
  readonly test: AppTest | null;
  readonly attempts: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
};

export type AppSummary = {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly script: string | null;
  readonly package: string | null;
  readonly runtime: Runtime | null;
  readonly hash: string | null;
  readonly known: boolean;
  readonly user: string | null;
  readonly trust: TrustView | null;
  /** Over all its hosts: what holds for the app as a whole; null while nothing was seen. */
  readonly verdict: VerdictKind | null;
  readonly inspected: number;
  readonly bypassed: number;
  readonly blocked: number;
  readonly lastSeen: number;
  readonly hosts: readonly AppHost[];
};

/** Ended connections by what was done, without those whose server could not be reached; `open`: now. */
export type Counts = { readonly inspect: number; readonly bypass: number; readonly block: number; readonly open: number };

export type AgentState = {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly device: string;
  readonly os: Os;
  /** `127.0.0.1:18443`, `[::1]:18443`. */
  readonly proxy: readonly string[];
  readonly controlPath: string;
  readonly stateFolder: string;
  readonly root: {
    readonly certificatePath: string;
    /** SHA-256, hex in pairs with colons. */
    readonly fingerprint: string;
    readonly subject: string;
    readonly notBefore: number;
    readonly notAfter: number;
    readonly keyProtection: string;
  };
  readonly policy: {
    readonly generation: number; readonly origin: PolicyOrigin; readonly rules: number;
    /** Files, registry keys and profiles in force. */
    readonly files: readonly string[];
    /** Null = nobody says so. */
    readonly managedBy: ManagedBy | null;
  };
  readonly pause: PauseView;
  /** Policy wants the first-start notice accepted, and the person who asks has not: nothing of theirs is inspected. */
  readonly noticePending: boolean;
  /** It was asked to end and is about to: whoever asked wants it away. */
  readonly stopping: boolean;
  /** The agent's log is detailed until then, ms since the epoch; null = normal. */
  readonly logDetailUntil: number | null;
};

export type Snapshot = {
  /** Grows by one with each change; a gap means: ask for a new snapshot. */
  readonly sequence: number;
  readonly agent: AgentState;
  /** Since the agent started. */
  readonly counts: Counts;
  readonly apps: readonly AppSummary[];
  readonly exclusions: readonly Exclusion[];
  readonly warnings: readonly VisibleWarning[];
  /** Newest first, at most `recentLimit`. */
  readonly recent: readonly ConnectionRow[];
};

export const recentLimit = 200;

/** One change. Replaces what it names; never a partial row. */
export type AgentEvent = { readonly sequence: number } & (
  | { readonly kind: 'connection'; readonly row: ConnectionRow; readonly counts: Counts }
  | { readonly kind: 'app'; readonly app: AppSummary }
  | { readonly kind: 'exclusions'; readonly exclusions: readonly Exclusion[] }
  | { readonly kind: 'warnings'; readonly warnings: readonly VisibleWarning[] }
  | { readonly kind: 'agent'; readonly agent: AgentState }
);

/** First line of the stream, then events. `heartbeat` (every 15 s) tells a dead stream from a quiet one. */
export type StreamLine =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'heartbeat' }
  | AgentEvent;

/** The snapshot after one event. An event that is not newer changes nothing, so replays are harmless. */
export function reduce(snapshot: Snapshot, event: AgentEvent): Snapshot {
  if (event.sequence <= snapshot.sequence) return snapshot;
  const next = { ...snapshot, sequence: event.sequence };
  switch (event.kind) {
    case 'connection': {
      const rest = snapshot.recent.filter((row) => row.id !== event.row.id);
      const recent = [event.row, ...rest].sort((a, b) => b.id - a.id).slice(0, recentLimit);
      return { ...next, counts: event.counts, recent };
    }
    case 'app': {
      const rest = snapshot.apps.filter((app) => app.id !== event.app.id);
      return { ...next, apps: [event.app, ...rest] };
    }
    case 'exclusions': return { ...next, exclusions: event.exclusions };
    case 'warnings': return { ...next, warnings: event.warnings };
    case 'agent': return { ...next, agent: event.agent };
  }
}

/** True when events between snapshot and event were lost: ask for a new snapshot. */
export function hasGap(snapshot: Snapshot, event: AgentEvent): boolean {
  return event.sequence > snapshot.sequence + 1;
}
