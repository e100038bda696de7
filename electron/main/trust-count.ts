// In how many stores the root of this device stands, as far as they could be looked at. Pure. Not for looking (the agent's trust route).
import type { TrustAnswer } from '../contract/routes.ts';

/** `fingerprint`: of the root they were counted for. */
export type TrustCount = { readonly trusted: number; readonly checked: number; readonly fingerprint: string };

export function countTrust({ root, stores }: TrustAnswer): TrustCount {
  const trusted = stores.filter(({ state }) => state === 'trusted').length;
  return { trusted, checked: trusted + stores.filter(({ state }) => state === 'missing').length, fingerprint: root.fingerprint };
}
