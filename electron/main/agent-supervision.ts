// When the shell starts the agent: at its own start, when a person asks, and when it is away without having been stopped; with growing waits,
// then it says so. Where the system has Pinlight as a service nothing is ever started beside it. Pure. Not for words (app.ts).

export type Supervision =
  | { readonly kind: 'looking' }
  /** Answers since then; `attempt`: how many starts this one took. */
  | { readonly kind: 'running'; readonly attempt: number; readonly since: number }
  /** Started, no answer yet. */
  | { readonly kind: 'starting'; readonly attempt: number; readonly since: number }
  /** Started again at `until`, if it is not back by then. */
  | { readonly kind: 'waiting'; readonly attempt: number; readonly until: number }
  /** The service's, which the system starts. */
  | { readonly kind: 'service' }
  /** Was stopped by somebody, or could not be started. */
  | { readonly kind: 'gone' };

export type SupervisionEvent =
  | { readonly kind: 'answers' }
  /** `stopped`: its last words were that it was asked to end. */
  | { readonly kind: 'silent'; readonly stopped: boolean }
  /** A person asks for a start. */
  | { readonly kind: 'asked' }
  /** The program could not even be started. */
  | { readonly kind: 'failed'; readonly why: StartTrouble }
  | { readonly kind: 'tick' };

/** Why a program could not be started; `message`: the system's own. */
export type StartTrouble = { readonly kind: 'missing'; readonly file: string } | { readonly kind: 'refused'; readonly message: string };

export type SupervisionStep = {
  readonly state: Supervision;
  readonly start: boolean;
  /** What the person has to hear; null = nothing. */
  readonly tell: StartTrouble | { readonly kind: 'unanswered'; readonly attempts: number } | null;
};

/** An agent with a large history answers within 2 s; twice that on a slow disk, and then some. */
export const answerWithinMs = 15_000;
/** Waits of 1, 2, 4 and 8 s between them. */
export const mostAttempts = 5;
/** The watchdog has a crashed agent back within 2 s; who is away longer has lost it too. */
export const graceMs = 10_000;
/** An agent that answered for so long was no failed start. */
export const steadyMs = 5 * 60_000;

/** The next state, whether to start the agent now, and what to tell. `now`: ms since the epoch; `service`: the system has Pinlight as one. */
export function supervise(state: Supervision, event: SupervisionEvent, now: number, service: boolean): SupervisionStep {
  const step = (next: Supervision, change: Partial<SupervisionStep> = {}): SupervisionStep => ({ state: next, start: false, tell: null, ...change });
  const start = (attempt: number): SupervisionStep => step({ kind: 'starting', attempt, since: now }, { start: true });
  const wait = (attempt: number, ms: number): SupervisionStep => (attempt >= mostAttempts
    ? step({ kind: 'gone' }, { tell: { kind: 'unanswered', attempts: attempt } }) : step({ kind: 'waiting', attempt, until: now + ms }));

  if (event.kind === 'answers') return state.kind === 'running' ? step(state) : step({ kind: 'running', attempt: 'attempt' in state ? state.attempt : 0, since: now });
  if (service) return state.kind === 'running' && event.kind !== 'silent' ? step(state) : step({ kind: 'service' });
  if (event.kind === 'asked') return state.kind === 'starting' || state.kind === 'running' ? step(state) : start(1);
  switch (state.kind) {
    case 'looking': return event.kind === 'silent' ? start(1) : step(state);
    case 'running': {
      if (event.kind !== 'silent') return step(state);
      if (event.stopped) return step({ kind: 'gone' });
      const attempt = now - state.since < steadyMs ? state.attempt : 0;
      return wait(attempt, graceMs + backOff(attempt));
    }
    case 'starting': {
      if (event.kind === 'failed') return step({ kind: 'gone' }, { tell: event.why });
      // A clock that was set back counts from now on.
      if (now < state.since) return step({ ...state, since: now });
      return now - state.since < answerWithinMs ? step(state) : wait(state.attempt, backOff(state.attempt));
    }
    case 'waiting': {
      if (state.until - now > longestWaitMs) return step({ ...state, until: now + longestWaitMs });
      return now >= state.until ? start(state.attempt + 1) : step(state);
    }
    // The service was removed meanwhile.
    case 'service': return start(1);
    case 'gone': return step(state);
  }
}

/** What the tray says while no agent answers: whether one is on its way, and who brings it. */
export type Away = 'gone' | 'starting' | 'waiting' | 'service';

export function awayOf({ kind }: Supervision): Away {
  return kind === 'starting' || kind === 'waiting' || kind === 'service' ? kind : 'gone';
}

function backOff(attempt: number): number {
  return attempt === 0 ? 0 : 1_000 * 2 ** (attempt - 1);
}

/** Longer can only be left by a clock that was set back. */
const longestWaitMs = graceMs + 1_000 * 2 ** (mostAttempts - 1);
