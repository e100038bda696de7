// Asks the agent to explain one app at one host, again whenever that host was seen anew.
import { useEffect, useState } from 'react';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';

export type Explained =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly answer: ExplainAnswer }
  | { readonly kind: 'failed'; readonly error: ErrorBody };

/** The explanation while `wanted`; keeps the old one on screen until the new one has come. `stamp`: asks again when it changes. */
export function useExplain(app: string, host: string, wanted: boolean, stamp: string): { readonly state: Explained; readonly retry: () => void } {
  const bridge = useBridge();
  const [state, setState] = useState<Explained>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const wish = wanted ? `${stamp} ${attempt}` : null;
  useEffect(() => {
    if (wish === null) return;
    let current = true;
    async function ask(): Promise<void> {
      try {
        const answer = await bridge.call('explain', { app, host }, {});
        if (current) setState({ kind: 'ready', answer });
      } catch (thrown) {
        if (current) setState({ kind: 'failed', error: errorOf(thrown) });
      }
    }
    void ask();
    return () => { current = false; };
  }, [bridge, app, host, wish]);
  return {
    state,
    retry: () => {
      setState({ kind: 'loading' });
      setAttempt((number) => number + 1);
    },
  };
}
