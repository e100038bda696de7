// The shape of an effective policy: what `decide()` reads. Where it comes from (files, defaults) is parse.ts and merge.ts.
import type { Exclusion, Os } from '../model.ts';

/** One matching line. All given conditions must hold; none given = every connection. */
export type Rule = {
  readonly id: string;
  readonly when: {
    readonly app?: { readonly path?: string; readonly package?: string; readonly signer?: string };
    /** Host pattern: `x.example`, `*.x.example` (any depth below, not x itself), `api-*.x.example`, `*`. */
    readonly host?: string | readonly string[];
    readonly port?: number | readonly number[];
    readonly os?: Os | readonly Os[];
    /** Login name, decimal uid, or `self` = whoever runs the agent. */
    readonly user?: string;
  };
  readonly do: 'inspect' | 'bypass' | 'block';
  /** Beats every exclusion and every pass-through. Only with `do: inspect`. */
  readonly mustInspect: boolean;
  readonly reason: string | null;
};

export type PolicyDefaults = {
  readonly noMatch: 'inspect' | 'bypass' | 'block';
  readonly onInvalidUpstream: 'splice' | 'block';
  readonly onPinned: 'bypass' | 'inspect' | 'block';
  readonly onPrivateTrustStore: 'bypass' | 'inspect';
  readonly onUnknownApp: 'bypass' | 'inspect' | 'block';
  readonly failMode: 'open' | 'closed';
};

export type PolicyNetwork = {
  /** The proxy's port on 127.0.0.1 and ::1; 0 = any free one (tests and demo). */
  readonly port: number;
  /** RFC 1918 and ULA targets. */
  readonly privateTargets: 'allow' | 'block';
  /**
   * Targets that policy itself places at a loopback, link-local or metadata address, which are refused otherwise:
   * `"api.lab.example:443": "127.0.0.1:9443"`. Key: host:port as the client asks; value: ip:port that is dialled.
   */
  readonly localTargets: Readonly<Record<string, string>>;
  /** PEM files with roots that are trusted upstream besides the system's (an organisation's own CA). Absolute paths. */
  readonly upstreamRoots: readonly string[];
};

export type PolicyOrigin = 'embedded' | 'user' | 'managed';

/** The merged effective set. `origins` names who set each key (`defaults.onPinned`, `rules`, `rules.<id>`, `network.port` …). */
export type Policy = {
  readonly version: 1;
  readonly defaults: PolicyDefaults;
  readonly rules: readonly Rule[];
  readonly network: PolicyNetwork;
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
