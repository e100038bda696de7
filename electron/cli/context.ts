// What every command gets: client, output, clock, interruption and its exit code.
// Not for parsing arguments (main.ts and commands/).
import type { ControlClient } from '../client/control-client.ts';
import type { ErrorCode } from '../contract/errors.ts';
import type { OwnCommand } from '../contract/own-command.ts';
import type { Output } from './output.ts';

export const exitCodes = { ok: 0, negative: 1, usage: 2, notRunning: 3, notPermitted: 4, badInput: 5, bug: 70, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export type CliContext = {
  readonly client: ControlClient;
  readonly output: Output;
  /** How `pinlight` is typed where this copy runs. */
  readonly command: OwnCommand;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Aborts at Ctrl-C, SIGTERM and SIGHUP from the first call on; before it they end the process as usual. */
  readonly interruption: () => AbortSignal;
  /** Makes a command's outcome the process's exit code. */
  readonly finish: (code: ExitCode) => void;
};

/** The exit code for a failure that crossed a wire or was found by a command. */
export function exitCodeFor(code: ErrorCode): ExitCode {
  switch (code) {
    case 'agent-not-running': case 'agent-timeout': case 'listener-too-slow': return exitCodes.notRunning;
    case 'not-permitted': case 'not-permitted-by-policy': case 'foreign-origin': return exitCodes.notPermitted;
    case 'not-found': case 'no-such-route': case 'no-such-app': case 'no-such-exclusion': case 'no-such-bundle': case 'bundle-cancelled': case 'bundles-busy': case 'exclusion-fixed': case 'test-not-possible': case 'pause-refused': case 'agent-already-running': case 'port-taken': case 'stores-busy': case 'checks-busy': case 'node-too-old': case 'steering-busy': case 'service-refused': case 'capture-failed': case 'other-proxy': return exitCodes.negative;
    case 'bad-request': case 'bad-filter': case 'query-too-slow': case 'bad-policy': case 'bundle-unwritable': case 'bundle-unreadable': case 'window-not-built': case 'state-unusable':
    case 'store-corrupt': case 'root-unusable': return exitCodes.badInput;
    case 'bug': return exitCodes.bug;
  }
}
