// When a refusal earns one pass-through, and how long an exclusion may last afterwards.
// Not for what to do with a verdict (core/policy/decide) and not for storage (agent/pinning).
import { disturbanceOf, groupAttempts, successMemoryMs } from './verdict.ts';
import type { AppIdentity, Exclusion, History, Observation, Verdict } from '../model.ts';
import type { PolicyLearning } from '../policy/policy.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** One pass-through per app and host in this time; how many per app and hour is policy's `learning.perAppPerHour`. */
export const passThroughPerHostMs = 12 * hour;
/** A sibling with data this close says that a refusal was none (measured). */
export const siblingWindowMs = 3_000;
/** An app with exclusions at this many hosts, and no success anywhere, is excluded as a whole instead. */
export const appWideHosts = 3;

export type PassThroughInputs = {
  readonly history: History;
  readonly app: AppIdentity | null;
  /** A connection of the same app to the same host is open, or carried data within `siblingWindowMs`. */
  readonly siblingAlive: boolean;
  /** Times of pass-throughs already given to this app (any host), and to this app at this host. */
  readonly given: readonly number[];
  readonly givenHere: readonly number[];
  readonly learning: PolicyLearning;
  readonly now: number;
};

/** May the app's next connection to this host go through untouched once? Must-inspect rules are decide()'s business. */
export function earnsPassThrough(inputs: PassThroughInputs): boolean {
  const { history, app, now } = inputs;
  if (app === null || inputs.siblingAlive) return false;
  const newest = history.here.at(-1);
  if (newest === undefined || newest.disposition !== 'inspect' || newest.outcome.kind !== 'refused') return false;
  // What fails right after a resume or a network change fails for reasons of its own.
  if (disturbanceOf(newest) !== null) return false;
  // What one call of curl trusted says nothing about the next; any other app that accepted us here does not pin.
  if (!app.perCallTrust && successOfThisVersion(history.here, app, now)) return false;
  return withinPassThroughBudget(inputs);
}

/** Asked again when a pass-through is used: many hosts may have earned theirs before the first of them was. */
export function withinPassThroughBudget({ given, givenHere, learning, now }: Pick<PassThroughInputs, 'given' | 'givenHere' | 'learning' | 'now'>): boolean {
  // Either side of now: a clock that was ahead for a while must not lock the budget until its time comes again.
  if (givenHere.some((at) => Math.abs(now - at) < passThroughPerHostMs)) return false;
  return given.filter((at) => Math.abs(now - at) < hour).length < learning.perAppPerHour;
}

export type LearnInputs = {
  readonly verdict: Verdict;
  readonly history: History;
  readonly app: AppIdentity;
  /** Times of this app's pass-throughs at this host. */
  readonly givenHere: readonly number[];
  readonly learning: PolicyLearning;
};

/**
 * Lifetime in ms of a learned exclusion, or null for none. Needs a newest pass-through that carried data: one we gave, or one to a
 * server that asked for a client certificate. What a list or a person let through says nothing about our certificate.
 * Longer than the short one only with two strong or three weak attempts in two time windows by an app that is known.
 */
export function exclusionLifetime({ verdict, history, app, givenHere, learning }: LearnInputs): number | null {
  const passed = history.here.findLast((o) => o.outcome.kind === 'passed');
  if (passed?.outcome.kind !== 'passed' || !passed.outcome.data || learning.perAppPerHour === 0) return null;
  const { kind } = verdict;
  if (kind !== 'pinned' && kind !== 'client-certificate' && kind !== 'private-trust-store' && kind !== 'undetermined') return null;
  if (kind !== 'client-certificate' && givenHere.length === 0) return null;
  const [short, first] = [learning.shortMinutes * minute, learning.firstHours * hour];
  if (kind === 'undetermined' || !app.known || app.perCallTrust) return short;
  // The request is the server's, in its own handshake: no app can forge it.
  if (kind === 'client-certificate') return Math.max(short, first);
  const refusals = groupAttempts(history.here.filter((o) => ofVersion(o, app) && disturbanceOf(o) === null)).filter((attempt) => attempt.kind === 'refused');
  const weight = refusals.reduce((sum, attempt) => sum + (attempt.alert === null ? 1 / 3 : 1 / 2), 0);
  const windows = new Set(refusals.map((attempt) => Math.floor(attempt.at / (10 * minute)))).size;
  if (weight < 0.99 || windows < 2) return short;
  return kind === 'pinned' && verdict.confidence === 'confirmed' && refusals.length >= 4 ? learning.confirmedDays * day : Math.max(short, first);
}

/** One host of an app, for `appWideLifetime`. */
export type AppHostState = { readonly host: string; readonly verdict: Verdict; readonly exclusion: Exclusion | null };

/**
 * Lifetime in ms of one exclusion for the whole app instead of those by host, or null for none: at least `appWideHosts` hosts with a
 * learned exclusion, all for a cause that holds everywhere, and no host that accepts inspection. As short as the shortest of them.
 */
export function appWideLifetime(hosts: readonly AppHostState[], app: AppIdentity, now: number): number | null {
  if (app.perCallTrust || hosts.some(({ verdict }) => verdict.kind === 'inspectable')) return null;
  const learned = hosts.filter(({ verdict, exclusion }) => exclusion?.kind === 'learned' && exclusion.host !== '*'
    && ((verdict.kind === 'pinned' && verdict.hosts === 'all') || verdict.kind === 'private-trust-store'));
  if (learned.length < appWideHosts) return null;
  const left = Math.min(...learned.map(({ exclusion }) => (exclusion?.expiresAt ?? Infinity) - now));
  return Number.isFinite(left) && left > 0 ? left : null;
}

function successOfThisVersion(here: readonly Observation[], app: AppIdentity, now: number): boolean {
  return here.some((o) => o.outcome.kind === 'established' && Math.abs(now - o.at) < successMemoryMs && ofVersion(o, app));
}

function ofVersion(observation: Observation, app: AppIdentity): boolean {
  return observation.appHash === null || app.hash === null || observation.appHash === app.hash;
}
