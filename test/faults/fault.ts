// What a fault is to the command: a name, how often, and one trial that throws when something was lost. Not for running them (faults.ts).
import type { Origins } from './stage.ts';

/** `quick`: for CI; `full`: the published figure. */
export type Times = { readonly quick: number; readonly full: number };

export type Fault = {
  readonly name: string;
  readonly times: Times;
  /** Why it cannot be tried here, in words; null when it can. */
  readonly skip?: () => string | null;
  /** Runs all trials; `trial` counts one: it is lost when what it does throws. `random`: 0 to 1, repeatable. */
  run(context: FaultContext): Promise<void>;
};
export type FaultContext = {
  readonly n: number;
  readonly origins: Origins;
  readonly random: () => number;
  trial(what: string, attempt: () => Promise<void>): Promise<void>;
};
export type FaultRow = { readonly name: string; readonly n: number; readonly recovered: number; readonly lost: number };
