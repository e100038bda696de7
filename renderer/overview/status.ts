// The one sentence at the top of the window, with its reason and the next step: which words of the catalogue, with which values.
// Pure. Not for the words themselves (locales) or for pictures.
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { recentLimit } from '../../electron/contract/snapshot.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import type { VisibleWarning } from '../../electron/core/health/warnings.ts';
import { isLetThrough } from '../apps/summary.ts';

/** `plain`: words that come ready from the agent, in English. */
type Words = { readonly key: StatusKey; readonly values: Readonly<Record<string, string | number>> } | { readonly warning: VisibleWarning; readonly part: 'title' | 'text' | 'advice' } | { readonly plain: string };

type StatusKey =
  | 'status.lost' | 'status.lostReason' | 'status.lostNext'
  | 'status.paused' | 'status.pausedReason' | 'status.pausedNext'
  | 'status.nothing' | 'status.nothingReason' | 'status.nothingNext'
  | 'status.inspecting' | 'status.inspectingThrough' | 'status.inspectingReason'
  | 'status.nextFirst' | 'status.nextStore' | 'status.nextThrough' | 'status.nextNone';

export type OverviewStatus = {
  readonly tone: 'good' | 'attention' | 'bad' | 'idle';
  readonly sentence: Words;
  readonly reason: Words;
  readonly next: Words;
};

/** What to say about this agent now. `why`: why it cannot be reached, null while it can. */
export function overviewStatus(snapshot: Snapshot | null, why: string | null): OverviewStatus {
  if (snapshot === null || why !== null) {
    return {
      tone: 'bad',
      sentence: words('status.lost'),
      reason: why === null || why === '' ? words('status.lostReason') : { plain: why },
      next: words('status.lostNext'),
    };
  }
  const worst = snapshot.warnings[0];
  if (worst !== undefined && worst.severity === 'error') {
    return { tone: 'bad', sentence: { warning: worst, part: 'title' }, reason: { warning: worst, part: 'text' }, next: { warning: worst, part: 'advice' } };
  }
  if (snapshot.agent.pause.active !== null) {
    return { tone: 'attention', sentence: words('status.paused'), reason: words('status.pausedReason'), next: words('status.pausedNext') };
  }
  if (snapshot.agent.policy.rules === 0) {
    return { tone: 'idle', sentence: words('status.nothing'), reason: words('status.nothingReason'), next: words('status.nothingNext') };
  }
  const through = snapshot.apps.filter(isLetThrough).length;
  return {
    tone: worst === undefined || worst.severity === 'notice' ? 'good' : 'attention',
    sentence: through === 0 ? words('status.inspecting') : words('status.inspectingThrough', { count: through }),
    reason: words('status.inspectingReason', { count: snapshot.agent.policy.rules, generation: snapshot.agent.policy.generation }),
    next: nextStep(snapshot, through),
  };
}

/** The newest connection that failed in a way a person may have felt; null when there is none among the recent ones. */
export function recentProblem(recent: readonly ConnectionRow[]): ConnectionRow | null {
  const kinds: ReadonlySet<string> = new Set(['refused', 'incompatible', 'agent-fault', 'upstream']);
  return recent.slice(0, recentLimit).find((row) => row.outcome !== null && kinds.has(row.outcome.kind)) ?? null;
}

function nextStep(snapshot: Snapshot, through: number): Words {
  if (snapshot.apps.length === 0) return words('status.nextFirst');
  const stores = snapshot.apps.filter((app) => app.hosts.some((host) => host.verdict.kind === 'private-trust-store')).length;
  if (stores > 0) return words('status.nextStore', { count: stores });
  return through > 0 ? words('status.nextThrough') : words('status.nextNone');
}

function words(key: StatusKey, values: Readonly<Record<string, string | number>> = {}): Words {
  return { key, values };
}
