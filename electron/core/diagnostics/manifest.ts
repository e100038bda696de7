// The bundle's table of contents: what is in it, what is not and why, what was removed, and what is never collected.
// Not for gathering (agent/diagnostics) or for reading a bundle back.
import { findingTexts } from '../sentence.ts';
import { inGroups, toBase32 } from './base32.ts';
import { addCounts } from './redact.ts';
import type { RedactionCounts } from './redact.ts';

/** One file of the bundle. `bytes` and `sha256` (hex) are of the file as it stands in the archive, uncompressed. */
export type ManifestFile = {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly redactions: RedactionCounts;
  /** How much of what there is it holds, where that is not all: `12,400 of 1,000,000 connections: …`. */
  readonly holds?: string;
};

/** Names as they are, or pseudonyms; `check` tells a wrong key (pseudonyms.ts). */
export type NamesKept = { readonly kind: 'shown' } | { readonly kind: 'pseudonyms'; readonly check: string };

/** What a person did between two moments (ms since the epoch), so that a reader looks there first. */
export type Recording = { readonly from: number; readonly to: number };

/** Something that should be in the bundle and is not; `because` is the end of a sentence. */
export type NotCollected = { readonly name: string; readonly because: string };

export type Manifest = {
  readonly format: 1;
  /** Spoken on the phone: `PL-7K3M-Q2XA`. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly device: string;
  /** Pinlight's own. */
  readonly version: string;
  /** What the person who asked reports, in own words. */
  readonly note: string | null;
  readonly recording: Recording | null;
  readonly names: NamesKept;
  /** Every file but the manifest itself. */
  readonly files: readonly ManifestFile[];
  readonly notCollected: readonly NotCollected[];
  readonly redactionCounts: RedactionCounts;
  readonly neverCollected: readonly string[];
  readonly kept: string;
};

/** What has no collector at all, whatever switch is set. */
export const neverCollected: readonly string[] = (['keys', 'bodies', 'cookies', 'queries', 'sessions', 'environment'] as const).map((what) => findingTexts[`found.never-${what}`]);

/** What became of names (a decision of policy, not an oversight). */
export const keptNotes: Readonly<Record<NamesKept['kind'], string>> = {
  shown: 'User names, device names, app paths and the hosts that apps connect to are kept: '
    + 'the helpdesk has to match them with the caller. Home folders are written as ~.',
  pseudonyms: 'Hosts, addresses, users and the device are written as pseudonyms: the same name is the same mark in every file of this bundle. '
    + 'Who has its key can ask with `pinlight bundle who FILE --key KEY host NAME`. Home folders are written as ~.',
};

/** The manifest; `createdAt` in ms since the epoch. */
export function buildManifest(input: {
  readonly id: string;
  readonly createdAt: number;
  readonly device: string;
  readonly version: string;
  readonly note: string | null;
  readonly recording: Recording | null;
  readonly names: NamesKept;
  readonly files: readonly ManifestFile[];
  readonly notCollected: readonly NotCollected[];
}): Manifest {
  return {
    format: 1,
    id: input.id,
    createdAt: new Date(input.createdAt).toISOString(),
    device: input.device,
    version: input.version,
    note: input.note,
    recording: input.recording,
    names: input.names,
    files: input.files,
    notCollected: input.notCollected,
    redactionCounts: addCounts(input.files.map((file) => file.redactions)),
    neverCollected,
    kept: keptNotes[input.names.kind],
  };
}

/** `PL-7K3M-Q2XA` out of five random bytes (40 bits: two of a helpdesk's million bundles meet with a chance of 1 in 3). Throws on fewer. */
export function spokenId(random: Uint8Array): string {
  if (random.length < 5) throw new RangeError('five random bytes are needed');
  return `PL-${inGroups(toBase32(random, 8))}`;
}

/** `pinlight-diag-LAPTOP-42-20261120T103000Z-PL-7K3M-Q2XA.zip`; `at` in ms since the epoch. Safe as a file name on every system. */
export function bundleFileName(device: string, at: number, id: string): string {
  const name = device.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 40) || 'device';
  const time = new Date(at).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return `pinlight-diag-${name}-${time}-${id}.zip`;
}
