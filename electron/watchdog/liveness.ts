// When an agent counts as hung, and when it is started again: values in, values out. Not for asking or starting it (supervise.ts).
import { agentStartMs } from '../contract/agent-arguments.ts';

/** How often the agent is asked. */
export const pingEveryMs = 1_000;
/** Answers that may fail to come in a row: with one question a second, an agent that is silent for 3 s. */
const silentPings = 3;

/** `askedAt`: ms of a monotonic clock. */
export type Liveness = { readonly missed: number; readonly answered: boolean; readonly startedAt: number; readonly askedAt: number };

export function started(now: number): Liveness {
  return { missed: 0, answered: false, startedAt: now, askedAt: now };
}

/** After one question. A question that came late itself (the device slept, or this process was held up) proves nothing against the agent. */
export function afterPing(before: Liveness, answered: boolean, now: number): Liveness {
  const late = now - before.askedAt > 3 * pingEveryMs;
  return { ...before, askedAt: now, answered: before.answered || answered, missed: answered || late ? 0 : before.missed + 1 };
}

/** True when the agent has to be ended: silence behind an open port holds browsers up for a minute, a closed port costs nothing (measured). */
export function isHung({ missed, answered, startedAt, askedAt }: Liveness): boolean {
  return answered ? missed >= silentPings : askedAt - startedAt > agentStartMs;
}

/** Crashes within this time make a loop. */
const loopMs = 60_000;
/** Before the first and the second start after a crash; a third crash is the loop. */
const backOffMs = [100, 1_000];

export type AfterCrash = { readonly kind: 'start'; readonly delayMs: number; readonly crashes: readonly number[] } | { readonly kind: 'stay-off'; readonly crashes: readonly number[] };

/** What follows a crash. `crashes`: times of those before, ms of a monotonic clock. */
export function afterCrash(crashes: readonly number[], now: number): AfterCrash {
  const recent = [...crashes.filter((at) => now - at < loopMs), now];
  const delayMs = backOffMs[recent.length - 1];
  return delayMs === undefined ? { kind: 'stay-off', crashes: recent } : { kind: 'start', delayMs, crashes: recent };
}
