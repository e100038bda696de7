// Which word of the catalogue names which value of the model. Not for icons (components/badges) or sentences (core/explain).
import type { Why } from '../electron/contract/bypassed-apps.ts';
import type { PolicyOrigin } from '../electron/core/policy/policy.ts';
import type { ConnectionOutcome, Disposition, Exclusion, VerdictKind } from '../electron/core/model.ts';

export const dispositionWord = {
  inspect: 'disposition.inspect', bypass: 'disposition.bypass', block: 'disposition.block',
} as const satisfies Record<Disposition, string>;

/** The same as a promise about the next connection. */
export const nextWord = {
  inspect: 'next.inspect', bypass: 'next.bypass', block: 'next.block',
} as const satisfies Record<Disposition, string>;

export const verdictWord = {
  inspectable: 'verdict.inspectable', pinned: 'verdict.pinned', 'private-trust-store': 'verdict.privateTrustStore',
  'client-certificate': 'verdict.clientCertificate', incompatible: 'verdict.incompatible', undetermined: 'verdict.undetermined',
} as const satisfies Record<VerdictKind, string>;

/** Why an app is let through. */
export const whyWord = {
  user: 'why.user', managed: 'why.managed', predefined: 'why.predefined', pinned: 'why.pinned', privateTrustStore: 'why.privateTrustStore',
  clientCertificate: 'why.clientCertificate', incompatible: 'why.incompatible', open: 'why.open', policy: 'why.policy',
} as const satisfies Record<Why, string>;

export const exclusionWord = {
  predefined: 'exclusion.predefined', managed: 'exclusion.managed', user: 'exclusion.user', learned: 'exclusion.learned',
} as const satisfies Record<Exclusion['kind'], string>;

/** Who set something in the policy. */
export const originWord = {
  embedded: 'policy.originEmbedded', recommended: 'policy.originRecommended', user: 'policy.originUser', managed: 'policy.originManaged',
} as const satisfies Record<PolicyOrigin, string>;

const outcomeWords = {
  established: 'outcome.established', refused: 'outcome.refused', incompatible: 'outcome.incompatible', unused: 'outcome.unused',
  abandoned: 'outcome.abandoned', 'agent-fault': 'outcome.agentFault', passed: 'outcome.passed', relayed: 'outcome.relayed',
  blocked: 'outcome.blocked', upstream: 'outcome.upstream',
} as const satisfies Record<ConnectionOutcome['kind'], string>;

/** The catalogue's key for an outcome; a silent refusal has a word of its own, and so have a pass without data and a connection that is still open. */
export function outcomeWord(outcome: ConnectionOutcome | null) {
  if (outcome === null) return 'outcome.open';
  if (outcome.kind === 'refused' && outcome.sign !== 'alert') return 'outcome.refusedSilently';
  if (outcome.kind === 'passed' && !outcome.data) return 'outcome.passedEmpty';
  return outcomeWords[outcome.kind];
}
