// Asks the agent to explain one app at one host, again whenever that host was seen anew.
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import { useAnswer } from '../state/use-answer.ts';
import type { Asked } from '../state/use-answer.ts';

export type Explained = Asked<ExplainAnswer>;

/** The explanation while `wanted`. `stamp`: asks again when it changes. */
export function useExplain(app: string, host: string, wanted: boolean, stamp: string): { readonly state: Explained; readonly retry: () => void } {
  return useAnswer('explain', { app, host }, wanted ? stamp : null);
}
