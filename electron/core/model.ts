// The nouns of Pinlight: plain, serialisable values that every process shares.
// Not for behaviour: whoever parses, decides, judges or explains imports these and lives in a file of its own.

/** Where the client asked to go. `host`: lower case, no trailing dot, an IP literal without brackets. `port`: 1..65535. */
export type Target = { readonly host: string; readonly port: number };

export type Os = 'linux' | 'macos' | 'windows';

/** Runtimes and TLS stacks that decide which trust store a program reads and how it refuses. */
export type Runtime =
  | 'node' | 'deno' | 'python' | 'java' | 'go' | 'electron' | 'chromium' | 'firefox'
  | 'openssl' | 'gnutls' | 'nss';

/**
 * The identified program behind a connection.
 * `id` is stable over runs: a hash of executable path, script (or jar, or module), uid and sandbox; never a bare process name.
 */
export type AppIdentity = {
  readonly id: string;
  /** For people: `curl`, `python3 · sync.py`. */
  readonly name: string;
  /** Real path of the executable. */
  readonly path: string;
  /** Real path of the script, jar or module an interpreter runs; null for native programs. */
  readonly script: string | null;
  /** `name version` of what the executable came in: package (`snap:…`, `flatpak:…`), bundle id (macOS), package family (Windows); null when nothing owns it. */
  readonly package: string | null;
  /** Code signer (Windows, macOS); null on Linux. */
  readonly signer: string | null;
  /** SHA-256, hex, of executable and script; null until it has been computed. A change means a new version. */
  readonly hash: string | null;
  readonly runtime: Runtime | null;
  /** A tool whose trust is chosen per call (curl, openssl, wget, gnutls-cli): its calls must not spoil each other's verdicts. */
  readonly perCallTrust: boolean;
  /** A package owns the file, unchanged, and root owns it; or a trusted signature holds. Fit to earn more than the short exclusion. */
  readonly known: boolean;
};

/** What a process runs in, as its cgroup says (Linux); a hint, because users may name cgroups of their own. `id`: container or app id. */
export type Sandbox = {
  readonly kind: 'docker' | 'podman' | 'kubernetes' | 'containerd' | 'lxc' | 'nspawn' | 'flatpak' | 'snap';
  readonly id: string;
};

/** Whether any process holds the client's end of a connection; `unknown` where the system does not show it. */
export type Held = 'held' | 'nobody' | 'unknown';

/** The process at the other end of a downstream socket, as the operating system says. */
export type Owner =
  | {
      readonly kind: 'process';
      readonly pid: number;
      /** Null on Windows, where `user` tells whose it is. */
      readonly uid: number | null;
      /** Login name, on Windows `DOMAIN\\name` or the SID; null when the system knows none. */
      readonly user: string | null;
      /** Milliseconds since the epoch. */
      readonly startedAt: number;
      readonly path: string;
      readonly commandLine: readonly string[];
      /** Names of the executables of up to four ancestors, the nearest first; for people and for rules of thumb, no identity. */
      readonly parents: readonly string[];
      readonly sandbox: Sandbox | null;
    }
  | {
      readonly kind: 'unknown';
      /** gone: socket closed before the look-up; late: look-up missed its deadline; denied: another user's process. */
      readonly why: 'gone' | 'late' | 'denied' | 'unsupported';
      readonly uid: number | null;
      /** Known of another user's process too. */
      readonly sandbox: Sandbox | null;
    };

/** Which trust store this very process reads and whether it holds our root; null = could not be told. */
export type TrustView = {
  /** `system`, `node-bundled`, `python-certifi`, `java:/usr/lib/jvm/…`, `nss:/home/…`, or a file named by option or variable. */
  readonly store: string;
  readonly holdsRoot: boolean | null;
  /** How we know, in a few words: `NODE_EXTRA_CA_CERTS is not set`. */
  readonly because: string;
  /** Our root came into that store after the process began, which loads it once: it may still use the older list. */
  readonly stale: boolean;
};

export type Disposition = 'inspect' | 'bypass' | 'block';

/** Stable reason codes; explain.ts has a sentence for each. */
export type ReasonCode =
  | 'rule'                // a policy rule says so
  | 'no-match'            // no rule matched: the default applies
  | 'must-inspect'        // a rule that nothing overrides
  | 'exclusion'           // an exclusion: predefined, managed, user or learned (detail names it)
  | 'control-experiment'  // one pass-through after a refusal
  | 'unknown-app'         // policy key onUnknownApp
  | 'not-tls'             // tunnel that does not speak TLS
  | 'unreadable-hello'    // TLS, but no ClientHello we can read
  | 'incompatible'        // our downstream leg cannot answer this client under the upstream's limits
  | 'upstream-invalid'    // server certificate did not verify: policy key onInvalidUpstream
  | 'upstream-failed'     // server not reachable or no TLS there
  | 'client-certificate'  // the server asks for a client certificate, which inspection cannot pass on
  | 'refused-target'      // loopback, link-local, metadata, our own port …
  | 'other-user'          // a user's own agent serves that user alone
  | 'bad-request'         // no proxy request we can read
  | 'plain-http'          // absolute-form request: relayed, not TLS
  | 'paused'              // a person has paused inspection
  | 'notice-pending';     // policy wants the notice accepted first, and this user has not

export type Reason = { readonly code: ReasonCode; readonly detail: string | null };

export type RuleId = string;

/** Answer of `decide()`. */
export type Decision = {
  readonly disposition: Disposition;
  readonly reason: Reason;
  readonly rule: RuleId | null;
};

/** Inspection stands still: for everybody while it is paused, for one user until the notice is accepted. */
export type Suspension = 'paused' | 'notice-pending';

/** What `decide()` knows about a connection; every field may be unknown, and the answer is still total. */
export type ConnectionFacts = {
  readonly target: Target;
  readonly os: Os;
  /** What the first bytes are: a readable ClientHello, TLS that cannot be read, something else, or a plain HTTP request. */
  readonly transport: 'tls' | 'unreadable-tls' | 'not-tls' | 'http';
  /** SNI, normalised like Target.host; null when absent. */
  readonly serverName: string | null;
  /** Why our downstream leg could never answer this hello (version, key type); null when it could. */
  readonly cannotAnswer: string | null;
  readonly app: AppIdentity | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** Uid of the agent's own user; rules with user "self" match it. Null on systems without uids. */
  readonly selfUid: number | null;
  /** Active exclusion for this app and host out of the store (user or learned). */
  readonly exclusion: Exclusion | null;
  /** A refusal has earned one untouched connection that was not used yet. */
  readonly passThroughDue: boolean;
  /** Why nothing of this user's may be inspected now; null = it may. */
  readonly suspended: Suspension | null;
};

/** Facts of one downstream handshake. */
export type HandshakeEvidence = {
  /** Our whole flight, certificate included, was accepted by the socket. */
  readonly leafSent: boolean;
  /** The app completed the handshake. */
  readonly clientFinished: boolean;
  /** By number, never by a library's wording. */
  readonly alert: number | null;
  readonly alertBy: 'client' | 'agent' | null;
  /** Dates and name of our own leaf, by our own clock. */
  readonly leafValid: boolean;
  /** A resumed handshake says nothing about trust. */
  readonly resumed: boolean;
  /** Our own failure, by code. */
  readonly fault: string | null;
  /** Plaintext bytes received from the app. */
  readonly appBytes: number;
  readonly closedBy: 'client' | 'agent' | 'deadline';
  readonly closeKind: 'fin' | 'rst' | 'close-notify' | 'none';
  /** From the last byte of our flight to the close, ms. */
  readonly msSinceLeaf: number;
  /** From the hand-over of the ClientHello to the client's Finished (or the end), ms. */
  readonly handshakeMs: number;
  /** Highest version we offered the app, which is the server leg's. */
  readonly tls: 'TLSv1.2' | 'TLSv1.3';
  /** Bytes on the wire from the app after our flight: Finished, alerts, records. From the raw socket's counter. */
  readonly bytesAfterLeaf: number;
};

/** What disturbs a device so that refusals say nothing for a while. */
export type DisturbanceKind = 'resume' | 'network' | 'clock' | 'portal' | 'root';
export type Disturbance = { readonly kind: DisturbanceKind; /** Milliseconds since the epoch. */ readonly at: number };

/** What else was the case at a handshake: evidence beside the handshake's own. */
export type Circumstances = {
  /** Age of our root, ms. */
  readonly rootAgeMs: number;
  /** The process is older than the moment our root came into the store it reads: its list in memory may be stale. */
  readonly olderThanRoot: boolean;
  /** The last disturbance before it; null = none since the agent began. */
  readonly disturbance: Disturbance | null;
  /** The server asked for a client certificate, which we cannot present for the app. */
  readonly clientCertificateAsked: boolean;
  /** Why our leg could not answer its hello at all, so that it was let through untouched; null = it could. */
  readonly unanswerable: string | null;
  /** The hello carried encrypted_client_hello (real or GREASE). */
  readonly ech: boolean;
  /** What the server leg was when the app was answered. */
  readonly upstream: 'verified' | 'not-inspected';
};

export type RefusalSign = 'alert' | 'silent-early' | 'silent-late';

export type HandshakeOutcome =
  | { readonly kind: 'established' }                     // the first application byte, not "handshake finished"
  | { readonly kind: 'refused'; readonly sign: RefusalSign; readonly alert: number | null }
  | { readonly kind: 'incompatible'; readonly alert: number }
  | { readonly kind: 'unused' }                          // finished, stayed open, closed without a word: a preconnect
  | { readonly kind: 'abandoned' }                       // left before our certificate: teaches nothing
  | { readonly kind: 'agent-fault'; readonly code: string };

/**
 * What became of one connection. Besides the handshake outcomes:
 * `passed`: bytes copied unread, `data` = application data was seen both ways;
 * `relayed`: plain HTTP or not TLS; `blocked`: by policy; `upstream`: the server's side failed (code).
 */
export type ConnectionOutcome =
  | HandshakeOutcome
  | { readonly kind: 'passed'; readonly data: boolean }
  | { readonly kind: 'relayed' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'upstream'; readonly code: string };

/** One connection as history remembers it: outcome + app + host + time. */
export type Observation = {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly host: string;
  readonly disposition: Disposition;
  readonly outcome: ConnectionOutcome;
  /** The app's hash at that time: a success of another version says nothing about this one. */
  readonly appHash: string | null;
  readonly runtime: Runtime | null;
  readonly perCallTrust: boolean;
  readonly trust: TrustView | null;
  readonly ja4: string | null;
  /** Null where the app's handshake was not ours (bypass). */
  readonly evidence: HandshakeEvidence | null;
  readonly circumstances: Circumstances;
};

/** What `judgePinning` looks at: this app at this host, the same app at its other hosts (oldest first), and other apps here. */
export type History = {
  readonly host: string;
  readonly here: readonly Observation[];
  readonly elsewhere: readonly Observation[];
  readonly others: {
    /** Unrelated apps that trust our root elsewhere and refused this host within a minute of now; with each new one all are judged again. */
    readonly refusing: number;
    /** One of them accepted our certificate here lately: then leaf and server are fine. */
    readonly accepted: boolean;
  };
  /** Name of the list that knows this app or host as pinned (predefined or the organisation's); null = none. */
  readonly listed: string | null;
};

/** Stable codes of facts for and against a verdict; explain.ts has a sentence for each. */
export type FactCode =
  | 'refused-here'              // {count, sign, alert}
  | 'established-here'          // {count, last}
  | 'established-elsewhere'     // {hosts}
  | 'refuses-everywhere'        // {hosts}
  | 'alert-unknown-ca'          // alert 48: never sent by a measured key pin
  | 'store-lacks-root'          // {store, because}
  | 'store-holds-root'          // {store, because}
  | 'form-fits-store'           // this stack refuses an unknown root in exactly this form {runtime}
  | 'form-speaks-against-store' // this stack never refuses an unknown root in this form {runtime}
  | 'pass-through-worked'       // {count}
  | 'pass-through-failed'       // {count}
  | 'incompatible-here'         // {alert}
  | 'client-certificate-asked'  // {count}: the server wants one; passed on untouched
  | 'hello-unanswerable'        // {why}: our leg has nothing to offer it; passed on untouched
  | 'older-than-root'           // the process began before our root came into its store
  | 'disturbed'                 // {kind}: resume, network change, clock step, captive portal just before
  | 'others-refuse'             // {count}: unrelated apps refuse this host too
  | 'others-accept'             // another app accepted our certificate here
  | 'listed'                    // {list}: known as pinned
  | 'only-unused'               // connections that never said a word
  | 'no-evidence'
  | 'per-call-trust';           // a tool whose trust is chosen per call

export type Fact = {
  readonly code: FactCode;
  /** Which way it points for the verdict it stands under. */
  readonly speaks: 'for' | 'against' | 'neither';
  readonly values: Readonly<Record<string, string | number>>;
};

export type Verdict =
  | { readonly kind: 'inspectable'; readonly because: readonly Fact[] }
  | {
      readonly kind: 'pinned';
      readonly hosts: 'some' | 'all';
      readonly confidence: 'likely' | 'confirmed';
      readonly because: readonly Fact[];
    }
  | { readonly kind: 'private-trust-store'; readonly because: readonly Fact[] }
  | { readonly kind: 'client-certificate'; readonly because: readonly Fact[] }
  | { readonly kind: 'incompatible'; readonly because: readonly Fact[] }
  | { readonly kind: 'undetermined'; readonly because: readonly Fact[] };

export type VerdictKind = Verdict['kind'];

/**
 * "Test this app now": its next connection to the host is inspected, whatever was learned; if it refuses, the one after it is let through
 * untouched; then the verdict. Takes the app's own next attempts, never makes one.
 */
export type AppTest = {
  readonly host: string;
  readonly phase: 'inspecting' | 'letting-through' | 'done';
  readonly startedAt: number;
  /** When it is given up, ms since the epoch. */
  readonly endsAt: number;
  /** What has been seen, oldest first. */
  readonly steps: readonly { readonly at: number; readonly disposition: Disposition; readonly outcome: ConnectionOutcome }[];
  /** How it ended; null while it runs. */
  readonly result: VerdictKind | 'no-attempt' | 'not-allowed' | null;
};

/** "Inspecting this breaks it": why, since when, until when. Technical; privacy choices are no-inspect rules instead. */
export type Exclusion = {
  readonly id: string;
  readonly kind: 'predefined' | 'managed' | 'user' | 'learned';
  /** Host pattern (core/policy/host-pattern). */
  readonly host: string;
  /** AppIdentity.id; null = every app. */
  readonly appId: string | null;
  /** For people. */
  readonly appName: string | null;
  /** The app's hash when it was learned; a change ends a learned exclusion. */
  readonly appHash: string | null;
  readonly reason: string;
  /** The verdict it was learned from; null for others. */
  readonly verdict: VerdictKind | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch; null = no end. */
  readonly expiresAt: number | null;
};
