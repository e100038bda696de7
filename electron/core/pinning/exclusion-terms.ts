// When a refusal earns one pass-through, and how long an exclusion may last afterwards. Decisions 2 to 4 and 11.
// Not for what to do with a verdict (core/policy/decide) and not for storage (agent/pinning).
import { groupAttempts, successMemoryMs } from './verdict.ts';
import type { AppIdentity, History, Observation, Verdict } from '../model.ts';

const hour = 3600_000;
const day = 24 * hour;

/** One pass-through per app and host in this time; five per app and hour (decision 4). */
export const passThroughPerHostMs = 12 * hour;
export const passThroughsPerAppHour = 5;
/** Lifetimes: first, after a second confirmation, short (undetermined, unsigned, per-call tools). */
export const exclusionLifetimes = { short: hour, first: 12 * hour, confirmed: 7 * day } as const;
/** A sibling with data this close says that a refusal was none (clients.md section 5). */
export const siblingWindowMs = 3_000;

export type PassThroughInputs = {
  readonly history: History;
  readonly app: AppIdentity | null;
  /** A connection of the same app to the same host is open, or carried data within `siblingWindowMs`. */
  readonly siblingAlive: boolean;
  /** Times of pass-throughs already given to this app (any host), and to this app at this host. */
  readonly given: readonly number[];
  readonly givenHere: readonly number[];
  readonly now: number;
};

/** May the app's next connection to this host go through untouched once? Must-inspect rules are decide()'s business. */
export function earnsPassThrough(inputs: PassThroughInputs): boolean {
  const { history, app, now } = inputs;
  if (app === null || inputs.siblingAlive) return false;
  const newest = history.here.at(-1);
  if (newest === undefined || newest.disposition !== 'inspect' || newest.outcome.kind !== 'refused') return false;
  // What one call of curl trusted says nothing about the next (decision 11); any other app that accepted us here does not pin.
  if (!app.perCallTrust && successOfThisVersion(history.here, app, now)) return false;
  return withinPassThroughBudget(inputs);
}

/** Asked again when a pass-through is used: many hosts may have earned theirs before the first of them was. */
export function withinPassThroughBudget({ given, givenHere, now }: Pick<PassThroughInputs, 'given' | 'givenHere' | 'now'>): boolean {
  // Either side of now: a clock that was ahead for a while must not lock the budget until its time comes again.
  if (givenHere.some((at) => Math.abs(now - at) < passThroughPerHostMs)) return false;
  return given.filter((at) => Math.abs(now - at) < hour).length < passThroughsPerAppHour;
}

/**
 * Lifetime in ms of a learned exclusion, or null for none. Needs a newest pass-through that carried data.
 * Longer than the short one only with two strong or three weak attempts in two time windows by an app that is known.
 */
export function exclusionLifetime(verdict: Verdict, history: History, app: AppIdentity): number | null {
  const passed = history.here.findLast((o) => o.outcome.kind === 'passed')?.outcome;
  if (passed?.kind !== 'passed' || !passed.data) return null;
  if (verdict.kind !== 'pinned' && verdict.kind !== 'client-certificate' && verdict.kind !== 'private-trust-store' && verdict.kind !== 'undetermined') return null;
  const { short, first, confirmed } = exclusionLifetimes;
  if (verdict.kind === 'undetermined' || !app.known || app.perCallTrust) return short;
  const refusals = groupAttempts(history.here.filter((o) => ofVersion(o, app))).filter((attempt) => attempt.kind === 'refused');
  const weight = refusals.reduce((sum, attempt) => sum + (attempt.alert === null ? 1 / 3 : 1 / 2), 0);
  const windows = new Set(refusals.map((attempt) => Math.floor(attempt.at / (10 * 60_000)))).size;
  if (weight < 0.99 || windows < 2) return short;
  return verdict.kind === 'pinned' && verdict.confidence === 'confirmed' && refusals.length >= 4 ? confirmed : first;
}

function successOfThisVersion(here: readonly Observation[], app: AppIdentity, now: number): boolean {
  return here.some((o) => o.outcome.kind === 'established' && Math.abs(now - o.at) < successMemoryMs && ofVersion(o, app));
}

function ofVersion(observation: Observation, app: AppIdentity): boolean {
  return observation.appHash === null || app.hash === null || observation.appHash === app.hash;
}
