// The bundle's table of contents: what is in it, what is not and why, what was removed, and what is never collected.
// Not for gathering (agent/diagnostics) or for reading a bundle back.
import { addCounts } from './redact.ts';
import type { RedactionCounts } from './redact.ts';

/** One file of the bundle. `bytes` and `sha256` (hex) are of the file as it stands in the archive, uncompressed. */
export type ManifestFile = {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly redactions: RedactionCounts;
};

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
  /** Every file but the manifest itself. */
  readonly files: readonly ManifestFile[];
  readonly notCollected: readonly NotCollected[];
  readonly redactionCounts: RedactionCounts;
  readonly neverCollected: readonly string[];
  readonly kept: string;
};

/** What has no collector at all, whatever switch is set. */
export const neverCollected: readonly string[] = [
  'private keys, the root key of this device included',
  'bodies of requests and answers, and any other payload',
  'cookies and Authorization headers',
  'query strings of addresses',
  'TLS session secrets',
  'environment variables and command lines of apps, but for the option or variable that names a trust store',
];

/** Why names stay in (a decision, not an oversight). */
export const keptNote = 'User names, device names, app paths and the hosts that apps connect to are kept: '
  + 'the helpdesk has to match them with the caller. Home folders are written as ~.';

/** The manifest; `createdAt` in ms since the epoch. */
export function buildManifest(input: {
  readonly id: string;
  readonly createdAt: number;
  readonly device: string;
  readonly version: string;
  readonly files: readonly ManifestFile[];
  readonly notCollected: readonly NotCollected[];
}): Manifest {
  return {
    format: 1,
    id: input.id,
    createdAt: new Date(input.createdAt).toISOString(),
    device: input.device,
    version: input.version,
    files: input.files,
    notCollected: input.notCollected,
    redactionCounts: addCounts(input.files.map((file) => file.redactions)),
    neverCollected,
    kept: keptNote,
  };
}

/** Crockford's base 32: no I, L, O or U, which are misheard or misread. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** `PL-7K3M-Q2XA` out of five random bytes (40 bits: two of a helpdesk's million bundles meet with a chance of 1 in 3). Throws on fewer. */
export function spokenId(random: Uint8Array): string {
  if (random.length < 5) throw new RangeError('five random bytes are needed');
  let bits = 0n;
  for (const byte of random.subarray(0, 5)) bits = bits * 256n + BigInt(byte);
  let text = '';
  for (let i = 0; i < 8; i++) {
    text = alphabet.charAt(Number(bits % 32n)) + text;
    bits /= 32n;
  }
  return `PL-${text.slice(0, 4)}-${text.slice(4)}`;
}

/** `pinlight-diag-LAPTOP-42-20261120T103000Z.zip`; `at` in ms since the epoch. Safe as a file name on every system. */
export function bundleFileName(device: string, at: number): string {
  const name = device.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 40) || 'device';
  const time = new Date(at).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return `pinlight-diag-${name}-${time}.zip`;
}
