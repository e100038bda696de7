// The table of conditions worth a person's attention: code, severity, title, text from arguments. A missing code means healthy.
// Not for events (those only tell) and not for TLS alerts.

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
    text: '{place}: {message}. A good earlier version stays in force.',
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
  'root-unusable': {
    severity: 'error', title: 'Root key cannot be used',
    text: '{message}. Nothing is inspected until this is mended; traffic passes uninspected.',
    advice: 'Restore the key file, or remove root.pem and root.key together to make a new root.',
  },
  'root-expiring': {
    severity: 'warning', title: 'Root certificate ends soon',
    text: 'The root certificate of this device ends on {date}.',
    advice: 'Remove root.pem and root.key and start the agent again; install the new root where the old one was.',
  },
  'private-trust-store': {
    severity: 'notice', title: 'An app does not know the root of this device',
    text: '{app} refuses inspection: the trust store it reads ({store}) does not hold the root of this device.',
    advice: 'Install the root certificate in that store, or leave the app bypassed. `pinlight trust status` names the certificate file and every store.',
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
        text: fill(entry.text, warning.values),
        advice: fill(entry.advice, warning.values),
      };
    })
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity) || a.since - b.since);
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => (name in values ? String(values[name]) : all));
}
