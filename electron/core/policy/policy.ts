// The shape of an effective policy: what `decide()` reads. Where it comes from (files, defaults) is parse.ts and merge.ts;
// the parts that a file holds as they are come from keys.ts.
import type { Exclusion } from '../model.ts';
import type { ManagedBy, PolicyDefaults, PolicyDiagnostics, PolicyLearning, PolicyNetwork, PolicyNotice, PolicyPause, PolicyUser, Rule } from './keys.ts';

export type { ManagedBy, PolicyDefaults, PolicyDiagnostics, PolicyLearning, PolicyNetwork, PolicyNotice, PolicyPause, PolicyUser, Rule } from './keys.ts';

/** In rising precedence. */
export type PolicyOrigin = 'embedded' | 'recommended' | 'user' | 'managed';

/** The merged effective set. `origins` names who set each key (`defaults.onPinned`, `rules`, `rules.<id>`, `network.port`, `managedBy` …). */
export type Policy = {
  readonly version: 1;
  readonly defaults: PolicyDefaults;
  readonly rules: readonly Rule[];
  readonly network: PolicyNetwork;
  readonly learning: PolicyLearning;
  readonly user: PolicyUser;
  readonly pause: PolicyPause;
  readonly notice: PolicyNotice;
  readonly diagnostics: PolicyDiagnostics;
  readonly managedBy: ManagedBy | null;
  /** Predefined exclusions by host: active, unless a must-inspect rule matches. */
  readonly exclusions: readonly Exclusion[];
  readonly origins: Readonly<Record<string, { readonly origin: PolicyOrigin; readonly file: string | null }>>;
};

/** One complaint about policy. `file`: also a registry key or a profile, which have no lines. `path`: `rules[2].when.host`; `line` and `column` from 1. */
export type PolicyProblem = {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly path: string;
  readonly message: string;
};

/** Where a person finds it: `50-team.json, line 7`, or the name alone where there are no lines. */
export function placeOf(problem: PolicyProblem): string {
  return problem.line === null ? problem.file : `${problem.file}, line ${problem.line}`;
}
