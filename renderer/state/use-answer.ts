// Asks the agent once, and again when told to. Not for what the stream carries anyway (agent-store).
import { useEffect, useState } from 'react';
import type { BridgeRoute } from '../../electron/contract/bridge.ts';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { RouteAnswer, RouteQuery } from '../../electron/contract/routes.ts';
import { errorOf } from './error-of.ts';
import { useBridge } from './services.tsx';

export type Asked<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly answer: T }
  | { readonly kind: 'failed'; readonly error: ErrorBody };

/** The answer to a GET route; keeps the old one on screen until the new one has come. `stamp`: asks again when it changes; null = not now. */
export function useAnswer<N extends BridgeRoute>(route: N, query: RouteQuery<N>, stamp: string | null): { readonly state: Asked<RouteAnswer<N>>; readonly retry: () => void } {
  const bridge = useBridge();
  const [state, setState] = useState<Asked<RouteAnswer<N>>>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const wish = stamp === null ? null : `${stamp} ${attempt}`;
  // As text: a query is made anew at each rendering.
  const asked = JSON.stringify(query);
  useEffect(() => {
    if (wish === null) return;
    let current = true;
    async function ask(): Promise<void> {
      try {
        const answer = await bridge.call(route, JSON.parse(asked) as RouteQuery<N>, {});
        if (current) setState({ kind: 'ready', answer });
      } catch (thrown) {
        if (current) setState({ kind: 'failed', error: errorOf(thrown) });
      }
    }
    void ask();
    return () => { current = false; };
  }, [bridge, route, asked, wish]);
  return {
    state,
    retry: () => {
      setState((now) => (now.kind === 'failed' ? { kind: 'loading' } : now));
      setAttempt((number) => number + 1);
    },
  };
}
