// When the shell starts the agent: once at its own start and when a person asks, again with growing waits while nothing answers, then it
// says so. Pure. Not for crashes: an agent that ran and is gone is the watchdog's, or was stopped on purpose.

export type Supervision =
  | { readonly kind: 'looking' }
  | { readonly kind: 'running' }
  /** Started, no answer yet. */
  | { readonly kind: 'starting'; readonly attempt: number; readonly since: number }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly until: number }
  /** Was there and is gone, or never came. */
  | { readonly kind: 'gone' };

export type SupervisionEvent =
  | { readonly kind: 'answers' }
  | { readonly kind: 'silent' }
  /** A person asks for a start. */
  | { readonly kind: 'asked' }
  /** The program could not even be started. */
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'tick' };

export type SupervisionStep = {
  readonly state: Supervision;
  readonly start: boolean;
  /** What the person has to hear; null = nothing. */
  readonly tell: string | null;
};

/** An agent with a large history answers within 2 s; twice that on a slow disk, and then some. */
export const answerWithinMs = 15_000;
/** Waits of 1, 2, 4 and 8 s between them. */
export const mostAttempts = 5;

/** The next state, whether to start the agent now, and what to tell. `now`: ms since the epoch. */
export function supervise(state: Supervision, event: SupervisionEvent, now: number): SupervisionStep {
  const step = (next: Supervision, change: Partial<SupervisionStep> = {}): SupervisionStep => ({ state: next, start: false, tell: null, ...change });
  const start = (attempt: number): SupervisionStep => step({ kind: 'starting', attempt, since: now }, { start: true });
  if (event.kind === 'answers') return step({ kind: 'running' });
  if (event.kind === 'asked') return state.kind === 'starting' || state.kind === 'running' ? step(state) : start(1);
  switch (state.kind) {
    case 'looking': return event.kind === 'silent' ? start(1) : step(state);
    case 'running': return event.kind === 'silent' ? step({ kind: 'gone' }) : step(state);
    case 'starting': {
      if (event.kind === 'failed') return step({ kind: 'gone' }, { tell: event.why });
      // A clock that was set back counts from now on.
      if (now < state.since) return step({ ...state, since: now });
      if (now - state.since < answerWithinMs) return step(state);
      if (state.attempt >= mostAttempts) return step({ kind: 'gone' }, { tell: `It was started ${mostAttempts} times and never answered; agent.log in its state folder says why.` });
      return step({ kind: 'waiting', attempt: state.attempt, until: now + 1_000 * 2 ** (state.attempt - 1) });
    }
    case 'waiting': return now >= state.until ? start(state.attempt + 1) : step(state);
    case 'gone': return step(state);
  }
}
