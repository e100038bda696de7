// What the doctor's checks get and answer. Not for any one check (checks.ts) or for running them (run-doctor.ts).
import type { Wanted } from '../../../native/system-proxy/setting.ts';
import type { SteerRow } from '../../../native/system-proxy/steering.ts';
import type { ControlClient } from '../../client/control-client.ts';
import type { OwnCommand } from '../../contract/own-command.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import type { DoctorCheck } from '../../core/diagnostics/doctor-report.ts';

export type Finding = Pick<DoctorCheck, 'state' | 'text' | 'fix'>;

/** What steering is asked for (null = nothing any more), and what every setting that it has to do with says. */
export type SteeringSeen = { readonly wanted: Wanted | null; readonly rows: readonly SteerRow[] };

export type DoctorInputs = {
  readonly client: ControlClient;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  /** Of this program, to compare with the agent's. */
  readonly version: string;
  /** How `pinlight` is typed for this copy. */
  readonly command: OwnCommand;
  /** `name` or `name:port` to be reached; null = the last server that the agent reached. */
  readonly probe: string | null;
};

/** What checks share, each asked for once. */
export type DoctorContext = DoctorInputs & {
  /** Null = no agent answers. */
  readonly snapshot: () => Promise<Snapshot | null>;
  /** Null = nothing was ever asked for. One reader at a time, so one for all checks. */
  readonly settings: () => Promise<SteeringSeen | null>;
};

export type NamedCheck = { readonly name: string; readonly run: (context: DoctorContext) => Promise<Finding> };

export const ok = (text: string): Finding => ({ state: 'ok', text, fix: null });
export const wrong = (text: string, fix: string): Finding => ({ state: 'wrong', text, fix });
export const unknown = (text: string): Finding => ({ state: 'unknown', text, fix: null });
