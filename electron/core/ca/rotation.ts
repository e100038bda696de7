// When a root is replaced by the next one: made early, used once the stores hold it, used before the old one ends though some store lacks it. Pure.
// Not for making it (agent/ca) and not for stores (native/trust-store).

const dayMs = 24 * 3600_000;

/** The next root is made this long before half of the old one's life is over (C3): time for a person or an administrator to install it. */
export const overlapMs = 90 * dayMs;

/** From here on the next root is used even where a store lacks it, though never where the system's does: an ended root breaks every app, a missing one only some. */
export const lastCallMs = 30 * dayMs;

/**
 * `keep`: nothing to do; `prepare`: a next root is wanted, and used as soon as every store is seen to hold it; `due`: as soon as those that can be
 * seen do; `overdue`: it waits for the system's store alone.
 */
export type RotationStage = 'keep' | 'prepare' | 'due' | 'overdue';

type Life = { readonly notBefore: number; readonly notAfter: number };

/** All in ms since the epoch. */
export function rotationStage(root: Life, now: number): RotationStage {
  if (now >= lastCall(root.notAfter)) return 'overdue';
  if (now >= halfLife(root)) return 'due';
  return now >= halfLife(root) - overlapMs ? 'prepare' : 'keep';
}

/** When the next root no longer waits for stores that nobody could look at, which had the overlap's time. */
export function halfLife({ notBefore, notAfter }: Life): number {
  return (notBefore + notAfter) / 2;
}

/** When a root that ends at `notAfter` is replaced though stores other than the system's lack the next one. */
export function lastCall(notAfter: number): number {
  return notAfter - lastCallMs;
}

/** Whether the next root is used now. `lacking`: stores that hold the old one and not the new one; `outOfSight`: homes whose stores nobody could look at. */
export function mayAdopt(stage: RotationStage, lacking: readonly { readonly kind: string }[], outOfSight: number): boolean {
  if (lacking.some(({ kind }) => kind === 'system')) return false;
  switch (stage) {
    case 'overdue': return true;
    case 'due': return lacking.length === 0;
    case 'prepare': case 'keep': return lacking.length === 0 && outOfSight === 0;
  }
}
