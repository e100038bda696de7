// What the device's places for policy hold to the effective policy in force, read anew whenever one changes. The last good version of
// each stays in force while a newer one is invalid, so that a typing error never empties the policy.
// Not for the format (core/policy/parse, tree), precedence (core/policy/merge) or finding managed policy (native/managed-policy).
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { mergePolicy } from '../../core/policy/merge.ts';
import type { OriginLayer } from '../../core/policy/merge.ts';
import { parsePolicyFile } from '../../core/policy/parse.ts';
import type { PolicyFileRead } from '../../core/policy/parse.ts';
import type { Exclusion } from '../../core/model.ts';
import type { PolicyLayer } from '../../core/policy/keys.ts';
import type { Policy, PolicyProblem } from '../../core/policy/policy.ts';
import type { ManagedPolicy, PolicyContent, PolicySource } from '../../core/policy/sources.ts';
import { readPolicyProfile, readPolicyRegistry } from '../../core/policy/tree.ts';
import { readPolicyFile } from './policy-files.ts';
import { settleMs, watchFolders } from './watch-folders.ts';

export type PolicyStoreOptions = {
  /** Beats the user's file where it is `managed`, gives way to it where it is `recommended`; null = no managed policy here. */
  readonly managed: ManagedPolicy | null;
  /** Null = none, as for a service. */
  readonly userFile: string | null;
  /** `--policy FILE`: when there is one, only these are read, first before second. */
  readonly explicitFiles: readonly string[];
  readonly embedded: PolicyLayer;
  readonly exclusions: readonly Exclusion[];
};

export type PolicyStore = {
  /** The policy in force; the same object until something changes. */
  current(): Policy;
  /** Grows by one each time the effective policy changes; starts at 1. */
  generation(): number;
  /** Files, registry keys and profiles that are in force, in order of precedence. */
  files(): readonly string[];
  /** What is wrong now; empty when everything present is in force as it stands. */
  problems(): readonly PolicyProblem[];
  /** Reads everything now. Listeners hear of it only if policy or problems changed. */
  reload(): void;
  /** Called after each change of policy or problems; returns the unsubscribe. */
  onChange(listener: () => void): () => void;
  close(): void;
};

/** For what no folder tells of: the registry, file systems that cannot be watched. A change counts within 2 s. */
const pollMs = 1_000;

/** The store with its first reading done. Throws only on bugs: whatever the device holds becomes a policy or a problem. */
export function createPolicyStore(options: PolicyStoreOptions): PolicyStore {
  const lastGood = new Map<string, OriginLayer>();
  const listeners = new Set<() => void>();
  // Watching begins first, or a change during the first reading would go unnoticed.
  const watched = watchFolders(watchedFolders(options), () => reload());
  let found = readSources(options);
  let state = judge(found, options, lastGood);
  let generation = 1;

  const reload = (): void => {
    const latest = readSources(options);
    if (isDeepStrictEqual(latest, found)) return;
    found = latest;
    const next = judge(found, options, lastGood);
    const policyChanged = JSON.stringify(next.policy) !== JSON.stringify(state.policy);
    const problemsChanged = JSON.stringify(next.problems) !== JSON.stringify(state.problems);
    if (policyChanged) generation++;
    state = policyChanged ? next : { ...next, policy: state.policy };
    if (policyChanged || problemsChanged) for (const listener of listeners) listener();
  };
  // Not at once: the file may be half written.
  const poll = setInterval(() => {
    if (!isDeepStrictEqual(readSources(options), found)) setTimeout(reload, settleMs).unref();
  }, pollMs).unref();

  return {
    current: () => state.policy,
    generation: () => generation,
    files: () => state.files,
    problems: () => state.problems,
    reload,
    onChange: (listener) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close: () => {
      listeners.clear();
      clearInterval(poll);
      watched.close();
    },
  };
}

type Judged = { readonly policy: Policy; readonly files: readonly string[]; readonly problems: readonly PolicyProblem[] };

function judge(found: readonly PolicySource[], options: PolicyStoreOptions, lastGood: Map<string, OriginLayer>): Judged {
  const problems: PolicyProblem[] = [];
  const counting: OriginLayer[] = [];
  const present = new Set<string>();
  let blind = false;
  for (const { origin, name, content } of found) {
    const read = judgeContent(content, name);
    if (read.kind === 'policy') lastGood.set(name, { origin, file: name, layer: read.layer });
    else problems.push(...read.problems);
    // A folder or a profile that is refused holds back all that came out of it; what did before, counts.
    const names = content.kind === 'refused' ? [...lastGood.keys()].filter((known) => isWithin(known, name)).sort() : [name];
    const layers = names.flatMap((known) => lastGood.get(known) ?? []);
    if (layers.length === 0) blind = true;
    counting.push(...layers);
    for (const known of names) present.add(known);
  }
  // A file that was taken away on purpose takes its rules with it, and must not come back from memory.
  for (const name of lastGood.keys()) if (!present.has(name)) lastGood.delete(name);
  const layers = (['managed', 'user', 'recommended'] as const).flatMap((origin) => counting.filter((layer) => layer.origin === origin));
  const files = layers.map(({ file }) => file ?? '');
  // A policy that exists and cannot be read may forbid inspection: then the embedded rules would be a guess, and nothing is inspected
  // but what the readable files ask for.
  layers.push({ origin: 'embedded', file: null, layer: blind ? { ...options.embedded, rules: [] } : options.embedded });
  return { policy: mergePolicy(layers, options.exclusions), files, problems };
}

function judgeContent(content: PolicyContent, name: string): PolicyFileRead {
  switch (content.kind) {
    case 'text': return parsePolicyFile(content.text, name);
    case 'profile': return readPolicyProfile(content.value, name);
    case 'registry': return readPolicyRegistry(content.value, name);
    // As a whole: no line is to blame.
    case 'refused': return { kind: 'invalid', problems: [{ file: name, line: null, column: null, path: '', message: content.why }] };
  }
}

function isWithin(name: string, whole: string): boolean {
  return name === whole || name.startsWith(`${whole}/`) || name.startsWith(`${whole}\\`);
}

function readSources({ explicitFiles, managed, userFile }: PolicyStoreOptions): readonly PolicySource[] {
  if (explicitFiles.length > 0) {
    return explicitFiles.map((file) => ({ origin: 'user', name: file, content: readPolicyFile(file) ?? { kind: 'refused', why: 'there is no such file' } }));
  }
  const own = userFile === null ? null : readPolicyFile(userFile);
  return [...(managed?.read() ?? []), ...(own === null || userFile === null ? [] : [{ origin: 'user' as const, name: userFile, content: own }])];
}

function watchedFolders({ explicitFiles, managed, userFile }: PolicyStoreOptions): string[] {
  if (explicitFiles.length > 0) return [...new Set(explicitFiles.map((file) => dirname(file)))];
  return [...(managed?.folders ?? []), ...(userFile === null ? [] : [dirname(userFile)])];
}
