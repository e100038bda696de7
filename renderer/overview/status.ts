// The sentence at the top of the window, with its reason and the next step: which words of the catalogue, with which values, for the status
// that the tray shows too (contract/status). Pure. Not for the words themselves (locales) or for pictures.
import { recentLimit } from '../../electron/contract/snapshot.ts';
import type { ConnectionRow, Snapshot } from '../../electron/contract/snapshot.ts';
import { statusLook, statusOf } from '../../electron/contract/status.ts';
import type { StatusTone } from '../../electron/contract/status.ts';
import { durationSentence } from '../../electron/core/explain.ts';
import type { VisibleWarning } from '../../electron/core/health/warnings.ts';
import type { Sentence } from '../../electron/core/sentence.ts';
import { isLetThrough } from '../apps/summary.ts';

/** `plain`: words that come ready from the agent, in English. */
type Words =
  | { readonly key: StatusKey; readonly values: Readonly<Record<string, string | number | Sentence>> }
  | { readonly warning: VisibleWarning; readonly part: 'title' | 'text' | 'advice' }
  | { readonly plain: string };

type StatusKey =
  | 'status.lost' | 'status.lostReason' | 'status.lostNext' | 'status.lostNextPackaged'
  | 'status.notice' | 'status.noticeReason' | 'status.noticeNext'
  | 'status.paused' | 'status.pausedReason' | 'status.pausedNext'
  | 'status.noRules' | 'status.noRulesReason' | 'status.noRulesNext'
  | 'status.unused' | 'status.unusedReason' | 'status.unusedNext'
  | 'status.quiet' | 'status.quietReason' | 'status.quietNext'
  | 'status.ready' | 'status.readyReason'
  | 'status.nothing' | 'status.nothingReason' | 'status.nothingNext'
  | 'status.inspecting' | 'status.inspectingThrough' | 'status.inspectingReason'
  | 'status.nextStore' | 'status.nextThrough' | 'status.nextNone';

export type OverviewStatus = { readonly tone: StatusTone; readonly sentence: Words; readonly reason: Words; readonly next: Words };

/** Where the status is read. `why`: why the agent cannot be reached, null while it can; `now`: ms since the epoch. */
export type StatusPlace = { readonly why: string | null; readonly now: number; readonly fromSource: boolean };

/** What to do while no agent answers: who has an installed Pinlight cannot type `npm start`. */
export function lostAdvice(fromSource: boolean): 'status.lostNext' | 'status.lostNextPackaged' {
  return fromSource ? 'status.lostNext' : 'status.lostNextPackaged';
}

/** What to say about this agent now. */
export function overviewStatus(snapshot: Snapshot | null, { why, now, fromSource }: StatusPlace): OverviewStatus {
  const status = statusOf(why === null ? snapshot : null, now);
  const tell = (sentence: Words, reason: Words, next: Words): OverviewStatus => ({ tone: statusLook[status.kind].tone, sentence, reason, next });
  if (snapshot === null || status.kind === 'lost') {
    return tell(words('status.lost'), why === null || why === '' ? words('status.lostReason') : { plain: why }, words(lostAdvice(fromSource)));
  }
  switch (status.kind) {
    case 'error': case 'warning': case 'offline': case 'untrusted': {
      const { warning } = status;
      return tell({ warning, part: 'title' }, { warning, part: 'text' }, { warning, part: 'advice' });
    }
    case 'notice-pending': return tell(words('status.notice'), words('status.noticeReason'), words('status.noticeNext'));
    case 'paused': return tell(words('status.paused'), words('status.pausedReason'), words('status.pausedNext'));
    case 'no-rules': return tell(words('status.noRules'), words('status.noRulesReason'), words('status.noRulesNext'));
    case 'unused': return tell(words('status.unused'), words('status.unusedReason'), words('status.unusedNext'));
    case 'quiet': return tell(words('status.quiet', { duration: durationSentence(now - status.last) }), words('status.quietReason'), words('status.quietNext'));
    case 'ready': return tell(words('status.ready'), words('status.readyReason', { duration: durationSentence(now - snapshot.agent.startedAt) }), words('status.nextNone'));
    case 'nothing': return tell(words('status.nothing'), words('status.nothingReason', { bypassed: status.bypassed, blocked: status.blocked }), words('status.nothingNext'));
    case 'inspecting': {
      const { policy } = snapshot.agent;
      const through = snapshot.apps.filter(isLetThrough).length;
      return tell(through === 0 ? words('status.inspecting') : words('status.inspectingThrough', { count: through }), words('status.inspectingReason', { count: policy.rules, generation: policy.generation }), nextStep(snapshot, through));
    }
  }
}

/** The newest connection that failed in a way a person may have felt; null when there is none among the recent ones. */
export function recentProblem(recent: readonly ConnectionRow[]): ConnectionRow | null {
  const kinds: ReadonlySet<string> = new Set(['refused', 'incompatible', 'agent-fault', 'upstream']);
  return recent.slice(0, recentLimit).find((row) => row.outcome !== null && kinds.has(row.outcome.kind)) ?? null;
}

function nextStep(snapshot: Snapshot, through: number): Words {
  const stores = snapshot.apps.filter((app) => app.hosts.some((host) => host.verdict.kind === 'private-trust-store')).length;
  if (stores > 0) return words('status.nextStore', { count: stores });
  return through > 0 ? words('status.nextThrough') : words('status.nextNone');
}

function words(key: StatusKey, values: Readonly<Record<string, string | number | Sentence>> = {}): Words {
  return { key, values };
}
