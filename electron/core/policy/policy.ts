// The shape of an effective policy: what `decide()` reads. Where it comes from (files, defaults) is parse.ts and merge.ts;
// the parts that a file holds as they are come from keys.ts.
import type { Exclusion } from '../model.ts';
import type { PolicyDefaults, PolicyLearning, PolicyNetwork, Rule } from './keys.ts';

export type { PolicyDefaults, PolicyLearning, PolicyNetwork, Rule } from './keys.ts';

export type PolicyOrigin = 'embedded' | 'user' | 'managed';

/** The merged effective set. `origins` names who set each key (`defaults.onPinned`, `rules`, `rules.<id>`, `network.port` …). */
export type Policy = {
  readonly version: 1;
  readonly defaults: PolicyDefaults;
  readonly rules: readonly Rule[];
  readonly network: PolicyNetwork;
  readonly learning: PolicyLearning;
  /** Predefined exclusions by host (decision 15): active, unless a must-inspect rule matches. */
  readonly exclusions: readonly Exclusion[];
  readonly origins: Readonly<Record<string, { readonly origin: PolicyOrigin; readonly file: string | null }>>;
};

/** One complaint about a policy file. `path`: `rules[2].when.host`; `line` and `column` from 1. */
export type PolicyProblem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
};
