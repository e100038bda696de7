// What the doctor wants of every store, whatever keeps it: three verbs, words for what is in the way, and a proof.
// Types and small helpers only. Not for any one store.
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import type { Change, StepData } from '../undo-journal/index.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import type { ToolRunner } from './run-tool.ts';

export type StoreKind = 'system' | 'node' | 'python' | 'java' | 'nss' | 'firefox' | 'browser-policy' | 'environment' | 'containers';

/**
 * What is in a store now. `present`: every root of Pinlight's that it holds in any way; `trusted`: those of them that its programs accept;
 * `traces`: files or entries of ours besides the root, by path.
 */
export type Reading =
  | { readonly kind: 'read'; readonly trusted: readonly RootCertificate[]; readonly present: readonly RootCertificate[]; readonly traces?: readonly string[]; readonly detail: string }
  | { readonly kind: 'unreadable' | 'not-checked'; readonly detail: string };

/** `why` in words; `rights`: the same by a caller with more rights would work. */
export type Refusal = { readonly kind: 'refused'; readonly why: string; readonly rights: boolean };
export type Outcome = { readonly kind: 'changed' } | Refusal;

export type TrustStore = {
  /** As `--store NAME` takes it. */
  readonly name: string;
  readonly kind: StoreKind;
  readonly path: string | null;
  /** Why the caller cannot change it, found without changing anything; null = nothing seems in the way. */
  blocked(): Refusal | null;
  /** Reads only. */
  check(): Promise<Reading>;
  /**
   * Makes the store hold these roots and no other one of Pinlight's: one, or two while a new root takes over. Throws what the system says;
   * the caller takes the change back then.
   */
  install(change: Change, roots: readonly RootCertificate[]): Promise<Outcome>;
  /** Takes every root of Pinlight's out. Throws like `install`. */
  uninstall(change: Change): Promise<Outcome>;
  /** Takes back, or completes, a journaled step of this store that may or may not have happened. */
  undoStep?(verb: string, name: string, data: StepData): Promise<void>;
  /** Asks a program that reads the store, within 3 s; null when none is there to ask. */
  prove?(root: RootCertificate): Promise<Proof | null>;
  /** What its programs are started with at the next login. */
  variables?(): Readonly<Record<string, string>>;
};

/** `by`: the programs asked. */
export type Proof = { readonly accepted: boolean; readonly by: string };

/** The person whose stores these are, and what may be used to change them. */
export type Caller = {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The caller changes the machine's stores, not a person's. */
  readonly machine: boolean;
  /** Folder of ours for files that programs are pointed to; readable by those who shall use them. */
  readonly ownFolder: string;
  /** 0700 folder for copies that tools work on. */
  readonly scratch: string;
  /** Password of Java keystores. */
  readonly storePassword: string;
  readonly tools: ToolRunner;
};

/** Longest time a proof may take. */
export const proofMs = 3000;

export const nothing: Reading = { kind: 'read', trusted: [], present: [], detail: '' };

/** Why this file, or a new one in its folder, cannot be written; null when it can. Looks only. */
export function writeBlocked(file: string): Refusal | null {
  let folder = path.dirname(file);
  while (!existsSync(folder) && folder !== path.dirname(folder)) folder = path.dirname(folder);
  for (const one of existsSync(file) ? [file, folder] : [folder]) {
    try {
      accessSync(one, constants.W_OK);
    } catch (error) {
      return refusalOf(error, one);
    }
  }
  return null;
}

/** An error of the system's as a refusal in words; other errors are bugs and thrown on. */
export function refusalOf(error: unknown, where: string): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'EACCES': case 'EPERM': return { kind: 'refused', why: `${where} cannot be written by this user`, rights: true };
    case 'EROFS': return { kind: 'refused', why: `${where} is on a read-only file system`, rights: false };
    case 'ENOSPC': case 'EDQUOT': return { kind: 'refused', why: `there is no space left for ${where}`, rights: false };
    case 'ENOENT': case 'ENOTDIR': case 'EISDIR': case 'ELOOP': case 'EIO': case 'EBUSY': case 'ETXTBSY': return { kind: 'refused', why: `${where} cannot be written (${code})`, rights: false };
    default: throw error;
  }
}

/** Whether the root is one of these, by fingerprint. */
export function isAmong(root: RootCertificate, roots: readonly RootCertificate[]): boolean {
  return roots.some((one) => one.fingerprint === root.fingerprint);
}

/** Takes an owned file away, and the folders that were made for it. */
export function removeOwned(change: Change, file: string): void {
  if (!change.restore([file], (content) => content === null)) change.write(file, null);
}
