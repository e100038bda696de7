// Which apps the agent lets through next time, and why in one word each: shared by the tray menu and the notices.
// Not for judging (core/pinning) or for full explanations (core/explain): it only reads the snapshot. Pure.
import type { AppHost, AppSummary, Snapshot } from '../contract/snapshot.ts';
import type { Sentence } from '../core/sentence.ts';
import type { WordKey } from './words.ts';

export type BypassedApp = {
  readonly id: string;
  readonly name: string;
  /** Key of one or two words: `pinned`, `own list of authorities`, `policy`. */
  readonly why: WordKey;
  /** Pinlight found this out from the app's own refusals; nobody ordered it. */
  readonly learned: boolean;
  readonly hosts: readonly { readonly host: string; readonly words: Sentence }[];
};

/** Apps with at least one host whose next connection is bypassed, by name. */
export function bypassedApps(snapshot: Snapshot): readonly BypassedApp[] {
  return snapshot.apps
    .flatMap((app) => bypassed(app) ?? [])
    .sort((a, b) => a.name.localeCompare(b.name, 'en') || a.id.localeCompare(b.id, 'en'));
}

function bypassed(app: AppSummary): BypassedApp | null {
  const hosts = app.hosts.filter((host) => host.next.disposition === 'bypass');
  const worst = hosts.find(isLearned) ?? hosts[0];
  if (worst === undefined) return null;
  return {
    id: app.id,
    name: app.name,
    why: whyWord(worst),
    learned: isLearned(worst),
    hosts: hosts.map((host) => ({ host: host.host, words: host.next.words })),
  };
}

function isLearned(host: AppHost): boolean {
  if (host.exclusion !== null) return host.exclusion.kind === 'learned';
  return host.verdict.kind !== 'inspectable' && host.verdict.kind !== 'undetermined';
}

function whyWord(host: AppHost): WordKey {
  const kind = host.exclusion?.kind;
  if (kind === 'user') return 'why.user';
  if (kind === 'managed') return 'why.managed';
  if (kind === 'predefined') return 'why.predefined';
  switch (host.exclusion?.verdict ?? host.verdict.kind) {
    case 'pinned': return 'why.pinned';
    case 'private-trust-store': return 'why.privateTrustStore';
    case 'client-certificate': return 'why.clientCertificate';
    case 'incompatible': return 'why.incompatible';
    case 'undetermined': return kind === 'learned' ? 'why.open' : 'why.policy';
    case 'inspectable': return 'why.policy';
  }
}
