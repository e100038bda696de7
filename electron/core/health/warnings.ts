// The table of conditions worth a person's attention: code, severity, title, text from arguments. A missing code means healthy.
// Not for events (those only tell) and not for TLS alerts.
import { fillText } from '../sentence.ts';

export type WarningSeverity = 'error' | 'warning' | 'notice';

type WarningEntry = {
  readonly severity: WarningSeverity;
  readonly title: string;
  /** `{name}` is replaced by the argument of that name. */
  readonly text: string;
  readonly advice: string;
};

export const warningTable = {
  'policy-invalid': {
    severity: 'error', title: 'Policy problem',
    text: '{place}: {message}. A good earlier version holds, else nothing is inspected.',
    advice: 'Correct the file; `pinlight policy check FILE` names every problem.',
  },
  'port-after-restart': {
    severity: 'warning', title: 'The proxy has another port than policy says',
    text: 'Policy says port {wanted}; the proxy listens on {port} since it was started.',
    advice: 'Restart the agent, and point programs at the new port.',
  },
  'store-corrupt': {
    severity: 'warning', title: 'History was damaged',
    text: 'The database could not be read and was set aside as {file}. A new one was begun; learned exclusions are gone.',
    advice: 'Nothing to do. The file is kept for support.',
  },
  'store-unwritable': {
    severity: 'warning', title: 'History is not being written',
    text: '{message}. {dropped} rows were dropped; traffic goes on.',
    advice: 'Free space on the disk that holds {folder}.',
  },
  'clients-turned-away': {
    severity: 'warning', title: 'Too many connections at once',
    text: 'More than {room} connections are open, which is all that the system lets the agent have. New ones are turned away.',
    advice: 'Find out which app opens so many (`pinlight watch`), or raise the limit of open files for the agent.',
  },
  'root-unusable': {
    severity: 'error', title: 'Root key cannot be used',
    text: '{message}. Nothing is inspected until this is mended; traffic passes uninspected.',
    advice: 'Restore the key file, or remove root.pem and root.key together to make a new root.',
  },
  'root-locked': {
    severity: 'error', title: 'Root key cannot be opened now',
    text: '{message}. Nothing is inspected until it opens; traffic passes uninspected. The agent tries again every minute.',
    advice: 'Unlock the keyring of this session, as signing in with a password does. If its key was deleted, remove root.pem and root.key together to make a new root.',
  },
  'root-expiring': {
    severity: 'warning', title: 'Root certificate ends soon',
    text: 'The root certificate of this device ends on {date}, and no new one could be made.',
    advice: 'Free space on the disk that holds the state folder; the log of the agent names the reason.',
  },
  'root-next-missing': {
    severity: 'warning', title: 'A new root certificate waits to be installed',
    text: 'A new root takes over on this device. These stores hold the old one and not yet the new one: {stores}. The new one is used when they do; from {date} on it waits for the system\'s store alone.',
    advice: 'Run `pinlight trust install`: it puts the new root beside the old one.',
  },
  'root-next-homes': {
    severity: 'notice', title: 'A new root certificate waits for other homes',
    text: 'A new root takes over on this device, on {date} at the earliest. Homes of users that could not be looked at: {homes}. Browsers there may have stores of their own.',
    advice: 'Have each of these users run `pinlight trust install` before that day; what is not installed then refuses to be inspected.',
  },
  'root-not-trusted': {
    severity: 'notice', title: 'No store trusts the root of this device',
    text: 'None of the {checked} stores that could be read holds the root certificate of this device: programs refuse to be inspected, unless they were told of it by hand.',
    advice: 'Run `pinlight trust install`; on a managed device your administrator does.',
  },
  'revocation-list': {
    severity: 'warning', title: 'A revocation list does not count',
    text: '{file}: {why}. Whether certificates of its authority were revoked is not known from it; traffic goes on as policy says.',
    advice: 'Renew the file, or take it out of network.upstreamCrls in the policy.',
  },
  'clock-wrong': {
    severity: 'warning', title: 'The clock of this device is wrong',
    text: 'The clock stands before the root certificate of this device begins ({date}). Nothing is inspected until it is right; traffic passes uninspected.',
    advice: 'Set the clock.',
  },
  'already-inspected': {
    severity: 'warning', title: 'Another product inspects this device',
    text: 'A root of this device that no browser ships, {root}, vouches for unrelated sites ({domains}): their traffic is opened before Pinlight sees it.',
    advice: 'Remove the other product or its root, or exclude hosts from one of the two; `network.upstreamRoots` in the policy names a root that is meant to be there.',
  },
  'private-trust-store': {
    severity: 'notice', title: 'An app does not know the root of this device',
    text: '{app} refuses inspection: the trust store it reads ({store}) does not hold the root of this device.',
    advice: 'Install the root certificate in that store, or leave the app bypassed. `pinlight trust status` names the certificate file and every store.',
  },
  'log-detailed': {
    severity: 'notice', title: 'The log is detailed',
    text: 'Until {until} every connection is written to agent.log as well.',
    advice: 'Nothing to do: it ends by itself. `pinlight log-level normal` ends it now.',
  },
  'offline': {
    severity: 'notice', title: 'The device has no network',
    text: 'No network is connected. Connections through Pinlight fail as they would without it.',
    advice: 'Connect to a network; there is nothing else to do.',
  },
  'captive-portal': {
    severity: 'warning', title: 'The network asks for a sign-in',
    text: 'Servers whose certificates held before show others now, as behind the sign-in page of a hotel or a train. Nothing is learned from that.',
    advice: 'Open any page in a browser and sign in. If you are in no such network, somebody may be reading along: leave it.',
  },
  'upstream-proxy-sign-in': {
    severity: 'error', title: 'The organisation\'s proxy wants a sign-in that Pinlight cannot make',
    text: '{proxy} asks for {schemes}. What goes through Pinlight and this proxy fails until that changes.',
    advice: 'End steering, so that programs sign in there themselves, or let the proxy accept this device or Basic authentication.',
  },
  'upstream-proxy-password': {
    severity: 'error', title: 'The organisation\'s proxy wants a password',
    text: '{proxy} wants a user name and password, and has accepted none.',
    advice: 'Put `user:password` into a file of mode 0600 and name it in the policy as network.upstreamCredentials.',
  },
  'upstream-proxy-unusable': {
    severity: 'error', title: 'The organisation\'s proxy cannot be used',
    text: '{proxy}: {detail}.',
    advice: 'Check network.upstreamProxy in the policy, or HTTPS_PROXY, NO_PROXY and auto_proxy in the environment of the agent.',
  },
  'crash-loop': {
    severity: 'error', title: 'The agent had crashed again and again',
    text: 'On {date} the agent crashed for the third time within a minute and was left off until this start. Meanwhile traffic was not inspected.',
    advice: 'Collect `pinlight bundle` and report it: agent.log holds the last lines before each crash.',
  },
  'learning-paused': {
    severity: 'notice', title: 'Learning is paused',
    text: 'Just now, {why}. Until {until} a refused connection says nothing about pinning, and no exclusion is learned from it.',
    advice: 'Nothing to do. Traffic goes on as policy says, and exclusions stay.',
  },
} as const satisfies Readonly<Record<string, WarningEntry>>;

export type WarningCode = keyof typeof warningTable;

/** A condition that holds, with its arguments and since when (ms since the epoch). `key` tells two of one code apart. */
export type ActiveWarning = {
  readonly code: WarningCode;
  readonly key: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly since: number;
};

/** A warning in words, as the window and the tray show it. */
export type VisibleWarning = ActiveWarning & {
  readonly severity: WarningSeverity;
  readonly title: string;
  readonly text: string;
  readonly advice: string;
};

const order: readonly WarningSeverity[] = ['error', 'warning', 'notice'];

/** The warnings in words, worst first, then oldest first. */
export function visibleWarnings(active: readonly ActiveWarning[]): VisibleWarning[] {
  return active
    .map((warning) => {
      const entry: WarningEntry = warningTable[warning.code];
      return {
        ...warning,
        severity: entry.severity,
        title: entry.title,
        text: fillText(entry.text, warning.values),
        advice: fillText(entry.advice, warning.values),
      };
    })
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity) || a.since - b.since);
}
