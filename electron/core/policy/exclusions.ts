// The shipped list of hosts that are known to break under inspection, as exclusions.
// Not for privacy choices (those are no-inspect rules an administrator turns on) and not for learned exclusions.
import * as z from 'zod';
import type { Exclusion, Os } from '../model.ts';
import { say, sentence } from '../sentence.ts';
import { compileHostPattern } from './host-pattern.ts';

const host = z.string().refine((pattern) => compileHostPattern(pattern, 'exclusion').kind === 'pattern', { error: 'is no host pattern' });

const seedEntry = z.object({
  id: z.string().regex(/^[a-z0-9-]+$/u),
  vendor: z.string().min(1),
  hosts: z.array(host),
  os: z.union([z.literal('any'), z.array(z.string())]),
  reason: z.enum(['pinned', 'vendor-forbids-inspection', 'private-trust-store', 'client-certificate', 'privacy-choice']),
  /** `app+host` entries only raise a prior until a publisher is known; they exclude nothing. */
  scope: z.enum(['host', 'app+host']),
});

type SeedEntry = z.infer<typeof seedEntry>;

/** Active predefined exclusions for one system out of the shipped list. Throws when the list is malformed: it is ours, so that is a bug. */
export function predefinedExclusions(seed: unknown, os: Os): Exclusion[] {
  return z.array(seedEntry).parse(seed)
    .filter((entry) => entry.scope === 'host' && entry.reason !== 'privacy-choice' && (entry.os === 'any' || entry.os.includes(os)))
    .flatMap((entry) => entry.hosts.map((pattern, index) => ({
      id: entry.hosts.length === 1 ? entry.id : `${entry.id}.${index + 1}`,
      kind: 'predefined' as const,
      host: pattern,
      appId: null,
      appName: null,
      appHash: null,
      reason: reasonWords(entry),
      verdict: null,
      createdAt: 0,
      expiresAt: null,
    })));
}

function reasonWords({ reason, vendor }: SeedEntry): string {
  return say(sentence(`predefined.${reason}`, { vendor: vendor === 'various' ? sentence('predefined.various') : vendor }));
}
