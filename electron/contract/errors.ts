// Stable error codes with one line of advice each: everything that crosses a wire fails with one of these.
// Not for expected outcomes of connections: those are values in core/model.
import { asTyped, ownCommands } from './own-command.ts';
import type { OwnCommand } from './own-command.ts';

/** Code → advice. A code never changes its meaning; new ones are added. */
export const errorAdvice = {
  'agent-not-running': 'Open Pinlight, which starts it; where it is a service, `pinlight service status` says how it stands.',
  'agent-already-running': 'Use `pinlight status`; `pinlight stop` ends the running one.',
  'agent-timeout': 'The agent did not answer in time. Try `pinlight status`; if that hangs too, restart the agent.',
  'not-permitted': 'Ask an administrator, or run the command as the user who runs the agent.',
  'not-permitted-by-policy': 'Ask whoever manages this device; `pinlight policy show` names where the policy stands.',
  'bad-request': 'See `pinlight help` for what the command takes.',
  'bad-filter': 'See `pinlight log --help` for fields and examples.',
  'query-too-slow': 'Narrow the filter: a time (since:1d), an app, a host. `pinlight log --help` has examples.',
  'bad-policy': 'Correct the file at the line named; until then a good version read earlier stays in force.',
  'not-found': 'List what there is with `pinlight apps` or `pinlight exclude list`.',
  'no-such-route': 'Program and agent may be of different versions: `pinlight stop`, start the agent again, and try once more.',
  'no-such-app': 'List the apps Pinlight has seen with `pinlight apps`.',
  'no-such-exclusion': 'List exclusions with `pinlight exclude list`.',
  'test-not-possible': 'See `pinlight policy show` and `pinlight exclude list` for what holds there.',
  'pause-refused': 'See `pinlight pause --help` for what a pause takes; `pinlight policy show` names what the policy asks for.',
  'exclusion-fixed': 'It is part of the policy: a rule with `mustInspect` for the host beats it; the administrator decides.',
  'foreign-origin': 'The control API answers programs on this machine, never web pages.',
  'port-taken': 'End the program that holds the port, or set `network.port` in the policy.',
  'node-too-old': 'Install Node.js 20 or newer; Pinlight then brings its own Node 24.',
  'state-unusable': 'Check that the state folder exists, is yours, and has space; PINLIGHT_HOME chooses another.',
  'store-corrupt': 'The damaged database was set aside and a new one begun; the bundle lists the file.',
  'root-unusable': 'Traffic passes uninspected. `pinlight doctor` says why: unlock the keyring that holds its key, restore the key file from its place, or remove both root files to make a new root.',
  'stores-busy': 'Only one command changes trust stores at a time; try again when the other has ended.',
  'capture-failed': 'Install nftables and try again as root; nothing was left half done.',
  'steering-busy': 'Only one command changes steering at a time; try again when the other has ended.',
  'other-proxy': 'Name that proxy in the policy (`network.upstreamProxy`), so that the agent goes through it, or leave this device unsteered.',
  'service-refused': 'Nothing was left half done; `pinlight service status` says how it stands.',
  'window-not-built': 'Install Pinlight again: the files of its window are missing.',
  'bundle-unwritable': 'Choose another place with `-o FILE`.',
  'bundle-unreadable': 'Ask for the bundle again; `pinlight bundle` makes one.',
  'no-such-bundle': 'Bundles are kept for ten minutes; collect it again.',
  'checks-busy': 'Try again in a minute; a check takes seconds.',
  'bundles-busy': 'Try again in a minute; each is kept for ten at most.',
  'bundle-cancelled': 'Collect it again when you want it.',
  'listener-too-slow': 'The event stream was cut because it was not read; connect again.',
  'bug': 'This is a fault in Pinlight. Collect `pinlight bundle` and report it.',
} as const;

export type ErrorCode = keyof typeof errorAdvice;

/** What is said instead where this copy runs from its source tree, which nobody installed. */
export const sourceAdvice: { readonly [C in ErrorCode]?: string } = {
  'agent-not-running': 'Start it with `npm start` and try again.',
  'window-not-built': 'Run `npm run build` once.',
};

/** The line of advice for this copy; `command`: how `pinlight` is typed here. */
export function adviceHere({ code, advice }: Pick<ErrorBody, 'code' | 'advice'>, command: OwnCommand): string {
  return asTyped((command === ownCommands.source ? sourceAdvice[code] : undefined) ?? advice, command);
}

export type ErrorBody = { readonly code: ErrorCode; readonly message: string; readonly advice: string };

/** An error with a stable code; what the control API answers and the client throws. */
export class PinlightError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'PinlightError';
    this.code = code;
  }
  get advice(): string {
    return errorAdvice[this.code];
  }
  toBody(): ErrorBody {
    return { code: this.code, message: this.message, advice: this.advice };
  }
}

/** Any thrown value as an error body; what is not ours is a bug and says so. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof PinlightError) return thrown.toBody();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'bug', message, advice: errorAdvice.bug };
}

/** HTTP status for a code on the control API and the window server. */
export function errorStatus(code: ErrorCode): number {
  switch (code) {
    case 'not-permitted': case 'not-permitted-by-policy': case 'foreign-origin': return 403;
    case 'not-found': case 'no-such-route': case 'no-such-app': case 'no-such-exclusion': case 'no-such-bundle': return 404;
    case 'bad-request': case 'bad-filter': case 'bad-policy': return 400;
    case 'agent-already-running': case 'port-taken': case 'exclusion-fixed': case 'test-not-possible': case 'pause-refused': case 'stores-busy': case 'checks-busy': case 'bundles-busy': return 409;
    case 'agent-timeout': case 'query-too-slow': return 504;
    case 'agent-not-running': return 503;
    default: return 500;
  }
}
