// "Test this app now": where each test stands, step by step along the app's own connections. In memory; a restart ends them.
// Not for whether policy allows one (control/handlers.ts) and not for judging: the verdict is handed in.
import { attemptWindowMs } from '../../core/pinning/verdict.ts';
import type { AppTest, Observation, VerdictKind } from '../../core/model.ts';

/** A person who asked has tried the app by then; the end is shown as long again. */
const lastsMs = 10 * 60_000;
const keptMs = 10 * 60_000;
const stepLimit = 20;
/** Tunnels of one test: a browser opens several connections and uses one of them. */
const passLimit = 3;
/** Inspected refusals where one should have passed, before it is clear that none will: policy says so. */
const deniedLimit = 2;
/** Tests at a time; the oldest is given up. */
const testLimit = 100;

type State = {
  readonly appId: string;
  test: AppTest;
  /** Policy would let a connection through untouched. */
  readonly mayPass: boolean;
  refusedAt: number;
  passes: number;
  /** Tunnels that ended without data. */
  empty: number;
  denied: number;
  endedAt: number | null;
  timer: NodeJS.Timeout | null;
};

export type AppTests = ReturnType<typeof createAppTests>;

/** `changed`: people see it at this app and host. */
export function createAppTests(options: { now: () => number; changed: (appId: string, host: string) => void }) {
  const { now } = options;
  const states = new Map<string, State>();

  /** Begins anew where one runs. `mayPass`: false where nothing may pass untouched (must-inspect). */
  function start(appId: string, host: string, mayPass: boolean): AppTest {
    forget(keyOf(appId, host));
    if (states.size >= testLimit) forget(states.keys().next().value as string);
    const startedAt = now();
    const state: State = {
      appId, mayPass, refusedAt: 0, passes: 0, empty: 0, denied: 0, endedAt: null, timer: null,
      test: { host, phase: 'inspecting', startedAt, endsAt: startedAt + lastsMs, steps: [], result: null },
    };
    states.set(keyOf(appId, host), state);
    lookAgain(state, lastsMs);
    options.changed(appId, host);
    return state.test;
  }

  /** The test as it stands, ended where its time is over; null = none, or ended too long ago. */
  function at(appId: string, host: string): AppTest | null {
    return stateAt(appId, host)?.test ?? null;
  }

  function stateAt(appId: string, host: string): State | null {
    if (states.size === 0) return null;
    const state = states.get(keyOf(appId, host));
    if (state === undefined) return null;
    if (state.endedAt === null && now() >= state.test.endsAt) end(state, 'no-attempt');
    if (state.endedAt !== null && now() >= state.endedAt + keptMs) {
      forget(keyOf(appId, host));
      return null;
    }
    return state;
  }

  /** What the app's next connection there is to be: null = no test runs. */
  function wants(appId: string, host: string): 'inspect' | 'pass' | null {
    const state = stateAt(appId, host);
    if (state === null || state.test.phase === 'done') return null;
    return state.test.phase === 'letting-through' && state.passes < passLimit ? 'pass' : 'inspect';
  }

  function passTaken(appId: string, host: string): void {
    const state = stateAt(appId, host);
    if (state !== null) state.passes += 1;
  }

  /** One finished connection, and what the verdict is now. `siblingAlive`: another connection of the attempt may still say otherwise. */
  function step(appId: string, { at: when, host, disposition, outcome, circumstances }: Observation, verdict: VerdictKind, siblingAlive: boolean): void {
    const state = stateAt(appId, host);
    if (state === null || state.test.phase === 'done') return;
    const steps = [...state.test.steps, { at: when, disposition, outcome }].slice(-stepLimit);
    state.test = { ...state.test, steps };
    // What was seen before anything could be inspected, the server's wish or the app's hello: nothing is left to find out.
    if ((circumstances.clientCertificateAsked && verdict === 'client-certificate') || circumstances.unanswerable !== null) end(state, verdict);
    else if (disposition === 'inspect') inspected(state, when, outcome.kind, verdict, siblingAlive);
    else if (outcome.kind === 'passed' && state.test.phase === 'letting-through') {
      if (!outcome.data) state.empty += 1;
      if (outcome.data || state.empty >= passLimit) end(state, verdict);
    }
    options.changed(appId, host);
  }

  function inspected(state: State, when: number, kind: Observation['outcome']['kind'], verdict: VerdictKind, siblingAlive: boolean): void {
    if (kind === 'established') return end(state, 'inspectable');
    if (state.test.phase === 'inspecting') {
      if (kind === 'incompatible') return end(state, verdict);
      // Unused siblings say nothing, and one that is open may still carry data.
      if (kind !== 'refused' || siblingAlive) return;
      if (!state.mayPass) return end(state, 'not-allowed');
      state.refusedAt = when;
      state.test = { ...state.test, phase: 'letting-through' };
    } else if (kind === 'refused' && state.passes === 0 && Math.abs(when - state.refusedAt) > attemptWindowMs) {
      state.denied += 1;
      if (state.denied >= deniedLimit) end(state, 'not-allowed');
    }
  }

  /** Gives it up; answers what it was. */
  function cancel(appId: string, host: string): AppTest | null {
    const test = at(appId, host);
    if (test === null) return null;
    forget(keyOf(appId, host));
    options.changed(appId, host);
    return test;
  }

  function end(state: State, result: NonNullable<AppTest['result']>): void {
    state.test = { ...state.test, phase: 'done', result };
    state.endedAt = now();
    lookAgain(state, keptMs);
  }

  function forget(key: string): void {
    const state = states.get(key);
    if (state?.timer) clearTimeout(state.timer);
    states.delete(key);
  }

  /** Time ends a test, and takes an ended one away, without anybody asking. */
  function lookAgain(state: State, afterMs: number): void {
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      stateAt(state.appId, state.test.host);
      options.changed(state.appId, state.test.host);
    }, afterMs + 20);
    state.timer.unref();
  }

  return { start, at, wants, passTaken, step, cancel };
}

/** App ids hold no line break. */
function keyOf(appId: string, host: string): string {
  return `${appId}\n${host}`;
}
