// Where a program's file came from, as the operating system vouches for it. Types only; one file per system answers.
import type { Sandbox } from '../../electron/core/model.ts';
import type { FileMark } from './file-facts.ts';

export type ProgramFile = {
  /** Its name as the process sees it. */
  readonly path: string;
  /** Where we can read it; another path in a container or once it has been replaced. */
  readonly readAt: string;
  readonly mark: FileMark;
  /** The same file stands under that name outside of the process's sandbox too. */
  readonly onHost: boolean;
  readonly pid: number;
  readonly sandbox: Sandbox | null;
};

export type Digest = { readonly algorithm: 'md5' | 'sha256'; readonly hex: string };

export type Provenance = {
  /** `name version` of what it came in; null when nothing owns it. */
  readonly package: string | null;
  /** Verified signer; null when there is none. */
  readonly signer: string | null;
  /** Digest as packaged, to be compared; `sealed`: a verified signature or a read-only image holds it; null: nobody vouches. */
  readonly proof: Digest | 'sealed' | null;
};

export type ProvenanceBook = {
  /** Answers within seconds, because tools may be started; the caller keeps the answer per version of the file. Never rejects. */
  of(file: ProgramFile): Promise<Provenance>;
};

export const unvouched: Provenance = { package: null, signer: null, proof: null };
