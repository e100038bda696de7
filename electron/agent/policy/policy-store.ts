// Policy files on disk to the effective policy in force, read anew whenever one changes. The last good version of a file stays in
// force while a newer one is invalid, so that a typing error never empties the policy.
// Not for the format (core/policy/parse), precedence (core/policy/merge) or policy from MDM and GPO (native/managed-policy).
import { dirname } from 'node:path';
import { mergePolicy } from '../../core/policy/merge.ts';
import type { OriginLayer } from '../../core/policy/merge.ts';
import { parsePolicyFile } from '../../core/policy/parse.ts';
import type { PolicyFileRead } from '../../core/policy/parse.ts';
import type { Exclusion } from '../../core/model.ts';
import type { PolicyLayer } from '../../core/policy/keys.ts';
import type { Policy, PolicyOrigin, PolicyProblem } from '../../core/policy/policy.ts';
import { listPolicyFiles, readPolicyFile } from './policy-files.ts';
import { watchFolders } from './watch-folders.ts';

export type PolicyStoreOptions = {
  /** Holds `managed/*.json` (beats the user's file) and `recommended/*.json` (gives way to it); null = no managed policy here. */
  readonly managedFolder: string | null;
  /** Uid that must own managed files and their folder: 0 outside tests. */
  readonly managedOwner: number;
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
  /** Files that are in force, in order of precedence. */
  files(): readonly string[];
  /** What is wrong now; empty when every file present is in force as it stands. */
  problems(): readonly PolicyProblem[];
  /** Reads all files now. Listeners hear of it only if policy or problems changed. */
  reload(): void;
  /** Called after each change of policy or problems; returns the unsubscribe. */
  onChange(listener: () => void): () => void;
  close(): void;
};

type Source = {
  readonly origin: PolicyOrigin;
  readonly file: string;
  readonly owner: number | null;
  readonly required: boolean;
  /** Its folder can be neither read nor trusted now: what is in memory counts, and nothing is read. */
  readonly frozen: boolean;
};

/** Where Linux administrators put policy (the layout of Chromium's managed policies). */
export const linuxManagedFolder = '/etc/pinlight/policies';

/** The store with its first reading done. Throws only on bugs: whatever the disk holds becomes a policy or a problem. */
export function createPolicyStore(options: PolicyStoreOptions): PolicyStore {
  const lastGood = new Map<string, PolicyLayer>();
  const listeners = new Set<() => void>();
  // Watching begins first, or a change during the first reading would go unnoticed.
  const watched = watchFolders(watchedFolders(options), () => reload());
  let state = load(options, lastGood);
  let generation = 1;

  const reload = (): void => {
    const next = load(options, lastGood);
    const policyChanged = JSON.stringify(next.policy) !== JSON.stringify(state.policy);
    const problemsChanged = JSON.stringify(next.problems) !== JSON.stringify(state.problems);
    if (policyChanged) generation++;
    state = policyChanged ? next : { ...next, policy: state.policy };
    if (policyChanged || problemsChanged) for (const listener of listeners) listener();
  };

  return {
    current: () => state.policy,
    generation: () => generation,
    files: () => state.files,
    problems: () => [...state.problems, ...watched.problems()],
    reload,
    onChange: (listener) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close: () => {
      listeners.clear();
      watched.close();
    },
  };
}

type Loaded = { readonly policy: Policy; readonly files: readonly string[]; readonly problems: readonly PolicyProblem[] };

function load(options: PolicyStoreOptions, lastGood: Map<string, PolicyLayer>): Loaded {
  const problems: PolicyProblem[] = [];
  const layers: OriginLayer[] = [];
  const present = new Set<string>();
  let blind = false;
  for (const { origin, file, owner, required, frozen } of sources(options, lastGood, problems)) {
    if (!frozen) {
      const read = readLayer(file, owner);
      if (read.kind === 'absent' && !required) continue;
      if (read.kind === 'policy') lastGood.set(file, read.layer);
      else problems.push(...(read.kind === 'invalid' ? read.problems : [wholeFile(file, 'there is no such file')]));
    }
    present.add(file);
    const layer = lastGood.get(file);
    if (layer !== undefined) layers.push({ origin, file, layer });
    else blind = true;
  }
  // A file that was taken away on purpose takes its rules with it, and must not come back from memory.
  for (const file of lastGood.keys()) if (!present.has(file)) lastGood.delete(file);
  const files = layers.map(({ file }) => file ?? '');
  // A policy that exists and cannot be read may forbid inspection: then the embedded rules would be a guess, and nothing is inspected
  // but what the readable files ask for (facts/security.md section 4: never inspect with no policy).
  layers.push({ origin: 'embedded', file: null, layer: blind ? { ...options.embedded, rules: [] } : options.embedded });
  return { policy: mergePolicy(layers, options.exclusions), files, problems };
}

function readLayer(file: string, owner: number | null): PolicyFileRead | { readonly kind: 'absent' } {
  const read = readPolicyFile(file, owner);
  if (read.kind === 'absent') return read;
  return read.kind === 'text' ? parsePolicyFile(read.text, file) : { kind: 'invalid', problems: [wholeFile(file, read.why)] };
}

function sources(options: PolicyStoreOptions, lastGood: ReadonlyMap<string, PolicyLayer>, problems: PolicyProblem[]): Source[] {
  if (options.explicitFiles.length > 0) {
    return options.explicitFiles.map((file) => ({ origin: 'user', file, owner: null, required: true, frozen: false }));
  }
  const managed = (level: 'managed' | 'recommended'): Source[] => {
    if (options.managedFolder === null) return [];
    const listed = listPolicyFiles(`${options.managedFolder}/${level}`, options.managedOwner);
    const frozen = listed.why !== null;
    if (listed.why !== null) problems.push(wholeFile(listed.folder, listed.why));
    const files = frozen ? [...lastGood.keys()].filter((file) => file.startsWith(`${listed.folder}/`)) : listed.files;
    return files.map((file) => ({ origin: 'managed', file, owner: options.managedOwner, required: false, frozen }));
  };
  const user: Source[] = options.userFile === null ? [] : [{ origin: 'user', file: options.userFile, owner: null, required: false, frozen: false }];
  return [...managed('managed'), ...user, ...managed('recommended')];
}

function watchedFolders(options: PolicyStoreOptions): string[] {
  if (options.explicitFiles.length > 0) return [...new Set(options.explicitFiles.map((file) => dirname(file)))];
  return [
    ...(options.managedFolder === null ? [] : [`${options.managedFolder}/managed`, `${options.managedFolder}/recommended`]),
    ...(options.userFile === null ? [] : [dirname(options.userFile)]),
  ];
}

/** A problem of the file as a whole, which no line is to blame for. */
function wholeFile(file: string, message: string): PolicyProblem {
  return { file, line: 1, column: 1, path: '', message };
}
