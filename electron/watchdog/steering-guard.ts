// Steering over the life of an agent: put right after a crash, applied again when the agent is there, put back when it ends and policy fails open.
// Not for what is steered: only a person's `pinlight steer on` asks for that.
import { setTimeout as delay } from 'node:timers/promises';
import { openSteering, readWanted, wasSteered } from '../../native/system-proxy/steering.ts';
import type { Steering } from '../../native/system-proxy/steering.ts';

export type SteeringGuard = {
  /** Puts right what a crashed predecessor, or a command that was cut off, left half done. */
  recover(): Promise<void>;
  /** Steers again under a new address: browsers have marked a proxy that was away as bad for five minutes, and a new address ends that. */
  resume(port: number): Promise<void>;
  /** Puts everything back where policy fails open; fail-closed stays. */
  release(): Promise<void>;
};

export type GuardOptions = { readonly stateFolder: string; readonly home: string; readonly env: NodeJS.ProcessEnv; readonly now: () => number; readonly say: (text: string) => void };

/** A command at work is waited for this long. */
const otherMs = 5_000;

/** Whatever goes wrong is said and never thrown: the agent matters more. */
export function createSteeringGuard({ stateFolder, home, env, now, say }: GuardOptions): SteeringGuard {
  // One after the other: an end may come while a resume is at work.
  let last: Promise<void> = Promise.resolve();
  const queue = (work: (steering: Steering) => Promise<unknown>, isDue: () => boolean): Promise<void> => {
    last = last.then(() => (isDue() ? withSteering(work) : undefined)).catch((error: unknown) => say(`steering: ${error instanceof Error ? error.message : String(error)}`));
    return last;
  };
  return {
    recover: () => queue(() => Promise.resolve(), () => wasSteered(stateFolder)),
    resume: (port) => queue((steering) => steering.resume(port), () => readWanted(stateFolder) !== null),
    release: () => queue((steering) => steering.suspend(), () => readWanted(stateFolder)?.failMode === 'open'),
  };

  async function withSteering(work: (steering: Steering) => Promise<unknown>): Promise<void> {
    for (const start = performance.now(); ;) {
      const opened = await openSteering({ stateFolder, home, env, only: [], now });
      if (opened.kind === 'in-use' && performance.now() - start < otherMs) {
        await delay(100);
        continue;
      }
      if (opened.kind !== 'steering') return say(`steering: ${opened.why}`);
      try {
        for (const { subject, left } of opened.steering.recovered) say(`steering: ${subject}: ${left.length === 0 ? 'an interrupted change was put right' : left.join('; ')}`);
        await work(opened.steering);
      } finally {
        opened.steering.close();
      }
      return;
    }
  }
}
