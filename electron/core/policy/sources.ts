// What the places that may hold policy were found to hold, as values between whoever reads a system and whoever judges.
// Not for reading (native/managed-policy, agent/policy) or judging (parse.ts, tree.ts).
import type { PolicyOrigin } from './policy.ts';

export type PolicyContent =
  /** JSON as somebody wrote it. */
  | { readonly kind: 'text'; readonly text: string }
  /** Values with types of their own, as a configuration profile has them. */
  | { readonly kind: 'profile'; readonly value: unknown }
  /** Strings, numbers, lists of strings and keys in keys, as the Windows registry has them. */
  | { readonly kind: 'registry'; readonly value: unknown }
  /** It is there and does not count; what was read from it, or from a folder's files, before does. */
  | { readonly kind: 'refused'; readonly why: string };

export type PolicySource = {
  readonly origin: Exclude<PolicyOrigin, 'embedded'>;
  /** Path of the file or folder, the registry key, the profile: what people are shown. */
  readonly name: string;
  readonly content: PolicyContent;
};

/** The managed policy of this device. */
export type ManagedPolicy = {
  /** What there is now, each level in order of precedence. Cheap enough for every other second; never throws for what it finds. */
  read(): readonly PolicySource[];
  /** Folders whose changes are worth a new reading at once; there may be none. */
  readonly folders: readonly string[];
};
