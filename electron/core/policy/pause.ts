// May this person pause inspection now, and for how long? The policy section `pause`, asked with a wish. Pure: no clock, no codes.
// Not for carrying a pause out (agent/control/pauses) and not for the codes of `passcode` and `ticket` (pause-code.ts).
import { whoDecides } from './permission.ts';
import type { Policy, PolicyPause } from './policy.ts';

/** A pause that runs. Times: ms since the epoch. */
export type Pause = { readonly since: number; readonly until: number; readonly reason: string | null };

/** What people see of it: what a pause takes here, how many are left of the last 24 hours, and the one that runs. */
export type PauseView = Pick<PolicyPause, 'mode' | 'maxMinutes'> & { readonly left: number; readonly active: Pause | null };

/** As it came over the wire: anything may stand in each field. `used`: pauses of the last 24 hours. */
export type PauseWish = { readonly minutes: unknown; readonly reason: unknown; readonly used: number };

export type PauseJudgement =
  | { readonly kind: 'allowed'; readonly minutes: number; readonly reason: string | null; readonly needsCode: 'passcode' | 'ticket' | null }
  /** By the policy as it stands. */
  | { readonly kind: 'forbidden'; readonly why: string }
  /** The wish lacks something. */
  | { readonly kind: 'refused'; readonly why: string };

export const longestReason = 300;
/** What a pause is counted against. */
export const pauseDayMs = 24 * 3600_000;

/** Total over any wish. Without minutes: 15, or the most that policy allows where that is less. */
export function judgePause(policy: Pick<Policy, 'pause' | 'managedBy'>, { minutes, reason, used }: PauseWish): PauseJudgement {
  const { mode, maxMinutes, maxPerDay } = policy.pause;
  if (mode === 'disallow') {
    return { kind: 'forbidden', why: `The policy (pause.mode) does not let inspection be paused here.${whoDecides(policy.managedBy)}` };
  }
  if (used >= maxPerDay) return { kind: 'forbidden', why: `The policy (pause.maxPerDay) allows ${maxPerDay} pause${maxPerDay === 1 ? '' : 's'} within 24 hours, and they are used up.` };
  const wanted = minutes ?? Math.min(usualMinutes, maxMinutes);
  if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 1 || wanted > maxMinutes) {
    return { kind: 'refused', why: `A pause lasts a whole number of minutes from 1 to ${maxMinutes} (policy key pause.maxMinutes).` };
  }
  if (reason !== undefined && reason !== null && (typeof reason !== 'string' || reason.length > longestReason)) {
    return { kind: 'refused', why: `A reason is a text of at most ${longestReason} characters.` };
  }
  const words = typeof reason === 'string' && reason.trim() !== '' ? reason.trim() : null;
  if (mode === 'comment' && words === null) return { kind: 'refused', why: 'The policy (pause.mode) asks for a reason.' };
  return { kind: 'allowed', minutes: wanted, reason: words, needsCode: mode === 'passcode' || mode === 'ticket' ? mode : null };
}

/** Long enough to try again what failed. */
const usualMinutes = 15;
