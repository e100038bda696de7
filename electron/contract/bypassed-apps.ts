// Which apps the agent lets through next time, and why in one word each: shared by tray, notices and window.
// Not for judging (core/pinning) or for full explanations (core/explain): it only reads the snapshot. Pure.
import type { Exclusion } from '../core/model.ts';
import type { Sentence } from '../core/sentence.ts';
import type { AppHost, AppSummary, Snapshot } from './snapshot.ts';

/** Why, as one or two words of each catalogue: `pinned`, `own list of authorities`, `policy`. `open`: it refuses, and nobody knows why yet. */
export type Why = Exclude<Exclusion['kind'], 'learned'> | 'pinned' | 'privateTrustStore' | 'clientCertificate' | 'incompatible' | 'open' | 'policy';

export type BypassedApp = {
  readonly id: string;
  readonly name: string;
  readonly why: Why;
  /** Pinlight found this out from the app's own refusals; nobody ordered it. */
  readonly learned: boolean;
  readonly hosts: readonly { readonly host: string; readonly words: Sentence }[];
};

/** Apps with at least one host whose next connection is bypassed, by name. */
export function bypassedApps(snapshot: Snapshot): readonly BypassedApp[] {
  return snapshot.apps
    .flatMap((app) => bypassedApp(app) ?? [])
    .sort((a, b) => a.name.localeCompare(b.name, 'en') || a.id.localeCompare(b.id, 'en'));
}

/** One app, or null when nothing of it is let through. */
export function bypassedApp(app: AppSummary): BypassedApp | null {
  const hosts = app.hosts.filter((host) => host.next.disposition === 'bypass');
  const worst = hosts.find(isLearned) ?? hosts[0];
  if (worst === undefined) return null;
  return {
    id: app.id,
    name: app.name,
    why: whyOf(worst),
    learned: isLearned(worst),
    hosts: hosts.map((host) => ({ host: host.host, words: host.next.words })),
  };
}

function isLearned(host: AppHost): boolean {
  if (host.exclusion !== null) return host.exclusion.kind === 'learned';
  return host.verdict.kind !== 'inspectable' && host.verdict.kind !== 'undetermined';
}

function whyOf(host: AppHost): Why {
  const kind = host.exclusion?.kind;
  if (kind !== undefined && kind !== 'learned') return kind;
  switch (host.exclusion?.verdict ?? host.verdict.kind) {
    case 'pinned': return 'pinned';
    case 'private-trust-store': return 'privateTrustStore';
    case 'client-certificate': return 'clientCertificate';
    case 'incompatible': return 'incompatible';
    case 'undetermined': return kind === 'learned' ? 'open' : 'policy';
    case 'inspectable': return 'policy';
  }
}
