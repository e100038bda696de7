// When a root is replaced by the next one: made early, used once the stores hold it, used in any case before the old one ends. Pure.
// Not for making it (agent/ca) and not for stores (native/trust-store).

const dayMs = 24 * 3600_000;

/** The next root is made this long before half of the old one's life is over (C3): time for a person or an administrator to install it. */
export const overlapMs = 90 * dayMs;

/** From here on the next root is used even where a store lacks it: an ended root breaks every app, a missing one only some. */
export const lastCallMs = 30 * dayMs;

/** `keep`: nothing to do; `prepare`: a next root is wanted, and used as soon as the stores hold it; `overdue`: it is used now. */
export type RotationStage = 'keep' | 'prepare' | 'overdue';

/** All in ms since the epoch. */
export function rotationStage(root: { readonly notBefore: number; readonly notAfter: number }, now: number): RotationStage {
  if (now >= lastCall(root.notAfter)) return 'overdue';
  return now >= (root.notBefore + root.notAfter) / 2 - overlapMs ? 'prepare' : 'keep';
}

/** When a root that ends at `notAfter` is replaced whatever the stores hold. */
export function lastCall(notAfter: number): number {
  return notAfter - lastCallMs;
}
