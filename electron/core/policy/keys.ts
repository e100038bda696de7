// The format of a policy file: one zod module that gives the types, the validation and the words of its complaints.
// Not for reading text (parse.ts: positions) and not for what rules mean (decide.ts).
import * as z from 'zod';
import { nearest, orList } from '../nearest.ts';
import { upstreamProxyFault } from '../upstream-proxy/route.ts';
import { compileHostPattern, formatHostPort, isIpAddress, readHostPort } from './host-pattern.ts';

/** Limits of a policy file. `fileBytes` keeps a hostile file from costing more than a moment; the others bound what decide() reads. */
export const policyLimits = { fileBytes: 1_048_576, rules: 5_000, text: 1_000, listItems: 1_000, depth: 16 } as const;

type Complaint = { readonly input?: unknown };

const must = (what: string) => (issue: Complaint): string =>
  (issue.input === undefined ? `is missing; it must be ${what}` : `must be ${what}, not ${shown(issue.input)}`);

const oneOf = <const T extends readonly [string, ...string[]]>(words: T) => z.enum(words, {
  error: (issue) => {
    const near = typeof issue.input === 'string' ? nearest(issue.input, words) : null;
    return must(orList(words))(issue) + (near === null ? '' : `; did you mean "${near}"?`);
  },
});

const text = (what: string) => z.string({ error: must(what) })
  .min(1, { error: 'must not be empty' })
  .max(policyLimits.text, { error: `must have at most ${policyLimits.text} characters` });

const whole = (from: number, to: number) => {
  const error = must(`a whole number from ${from} to ${to}`);
  return z.int({ error }).min(from, { error }).max(to, { error });
};

/** One value or a list of them. */
const oneOrMany = <T extends z.ZodType>(one: T, what: string) => z.union([
  one,
  z.array(one).min(1, { error: 'must name at least one' }).max(policyLimits.listItems, { error: `must name at most ${policyLimits.listItems}` }).readonly(),
], { error: must(`${what} or a list of them`) });

const section = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape, { error: must('an object') });

const hostPattern = text('a host pattern').superRefine((pattern, context) => {
  const compiled = compileHostPattern(pattern);
  if (compiled.kind === 'invalid') {
    context.addIssue({ code: 'custom', message: `is no host pattern: ${compiled.why}. Allowed: "name.example", "*.name.example", "api-*.name.example", an IP address, "*"` });
  }
});

const defaults = section({
  /** What happens where no rule matches. */
  noMatch: oneOf(['inspect', 'bypass', 'block']),
  /** The server's certificate does not verify: hand the app the server's own bytes, or refuse. */
  onInvalidUpstream: oneOf(['splice', 'block']),
  onPinned: oneOf(['bypass', 'inspect', 'block']),
  onPrivateTrustStore: oneOf(['bypass', 'inspect']),
  onUnknownApp: oneOf(['bypass', 'inspect', 'block']),
  /** What becomes of traffic while the agent is down. */
  failMode: oneOf(['open', 'closed']),
});

const app = section({
  /** Glob over the real path of the executable, or of the script it runs. */
  path: text('a path, "*" allowed').optional(),
  /** Glob over the package's name, or over `name version`. */
  package: text('a package name, "*" allowed').optional(),
  /** Glob over the code signer (Windows, macOS). */
  signer: text('a code signer, "*" allowed').optional(),
});

const when = section({
  app: app.readonly().optional(),
  /** Host pattern: `x.example`, `*.x.example` (any depth below, not x itself), `api-*.x.example`, `*`. */
  host: oneOrMany(hostPattern, 'a host pattern').optional(),
  port: oneOrMany(whole(1, 65_535), 'a whole number from 1 to 65535').optional(),
  os: oneOrMany(oneOf(['linux', 'macos', 'windows']), '"linux", "macos", "windows"').optional(),
  /** Login name, decimal uid, or `self` = whoever runs the agent. */
  user: text('a login name, a uid in digits, or "self"').optional(),
});

const rule = section({
  id: text('a name for this rule').max(100, { error: 'must have at most 100 characters' })
    .regex(/^[A-Za-z0-9._-]+$/u, { error: 'may hold letters a to z, digits, ".", "_" and "-" only' }),
  when: when.readonly().default({}),
  do: oneOf(['inspect', 'bypass', 'block']),
  /** Beats every exclusion and every pass-through. Only with `do: inspect`. */
  mustInspect: z.boolean({ error: must('true or false') }).default(false),
  reason: text('a sentence').nullable().default(null),
});

const rules = z.array(rule.readonly(), { error: must('a list of rules') })
  .max(policyLimits.rules, { error: `must hold at most ${policyLimits.rules} rules` })
  .superRefine(checkRules, { when: ({ value }) => Array.isArray(value) });

const localTargets = z.record(z.string(), text('an address with port, such as "127.0.0.1:9443"'), { error: must('an object') })
  .superRefine((targets, context) => {
    const entries = Object.entries(targets);
    if (entries.length > policyLimits.listItems) {
      context.addIssue({ code: 'custom', message: `must name at most ${policyLimits.listItems} targets` });
      return;
    }
    for (const [key, value] of entries) {
      const from = readHostPort(key);
      if (from === null || formatHostPort(from.host, from.port) !== key) {
        context.addIssue({ code: 'custom', path: [key], params: { at: 'key' }, message: 'must be named "host:port" in lower case, as the client asks for it' });
      }
      const to = readHostPort(value);
      if (to === null || !isIpAddress(to.host)) {
        context.addIssue({ code: 'custom', path: [key], message: `must be an address with port, such as "127.0.0.1:9443" or "[::1]:9443", not ${shown(value)}` });
      }
    }
  });

const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[A-Za-z]:[\\/]/u.test(path);
const absolutePath = (what: string) => text(what).refine(isAbsolute, { error: 'must be an absolute path' });

const absolutePaths = (what: string) => z.array(absolutePath(what), { error: must('a list of paths') })
  .max(policyLimits.listItems, { error: `must name at most ${policyLimits.listItems} files` }).readonly();

const upstreamProxy = text('"direct", "system" or the address of a proxy').superRefine((value, context) => {
  const fault = upstreamProxyFault(value);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});

const network = section({
  /** The proxy's port on 127.0.0.1 and ::1; 0 = any free one (tests and demo). */
  port: whole(0, 65_535),
  /** RFC 1918 and ULA targets. */
  privateTargets: oneOf(['allow', 'block']),
  /**
   * Targets that policy itself places at a loopback, link-local or metadata address, which are refused otherwise:
   * `"api.lab.example:443": "127.0.0.1:9443"`. Key: host:port as the client asks; value: ip:port that is dialled.
   */
  localTargets: localTargets.readonly(),
  /** PEM files with roots that are trusted upstream besides the system's (an organisation's own CA). Absolute paths. */
  upstreamRoots: absolutePaths('the path of a PEM file'),
  /** Revocation lists (CRLs) of authorities upstream, PEM or DER. Absolute paths; read again when a file changes, never fetched. */
  upstreamCrls: absolutePaths('the path of a file'),
  /** What it means that none of these lists is of the authority of a server's certificate, and current; so too where there are no lists at all. */
  unknownRevocation: oneOf(['allow', 'refuse']),
  /** The organisation's own proxy: `direct`, `system` (environment), `http://proxy.example:3128`, `pac+http://wpad.example/proxy.pac`. */
  upstreamProxy,
  /** Targets that are reached without it, as in NO_PROXY; besides those that the environment names. */
  upstreamBypass: z.array(text('a host, an address or a range of addresses'), { error: must('a list of hosts') })
    .max(policyLimits.listItems, { error: `must name at most ${policyLimits.listItems}` }).readonly(),
  /** File with `user:password` for it, readable by its owner alone; empty = none. */
  upstreamCredentials: z.string({ error: must('the path of a file') }).max(policyLimits.text, { error: `must have at most ${policyLimits.text} characters` })
    .refine((path) => path === '' || isAbsolute(path), { error: 'must be an absolute path, or empty' }),
  /** Linux: port on 127.0.0.1 and ::1 for connections that `pinlight capture` redirects; 0 = none. */
  transparentPort: whole(0, 65_535),
});

const learning = section({
  /** Minutes a learned exclusion lasts for an app without a verdict, an unknown program, or a tool whose trust is chosen per call. */
  shortMinutes: whole(1, 1_440),
  /** Hours the first one lasts for a known app with a verdict. */
  firstHours: whole(1, 720),
  /** Days it lasts once confirmed. 30 at most: what is learned is looked at again. */
  confirmedDays: whole(1, 30),
  /** New exclusions, and pass-throughs, that one app may earn in an hour; 0 = nothing is learned. */
  perAppPerHour: whole(0, 100),
});

/** Who decides whether a person at the device may do something: the organisation, either way, or that person. */
const whoDecides = oneOf(['always', 'never', 'user-decides']);

const user = section({
  /** Adding, extending and removing exclusions. */
  exclusions: whoDecides,
  /** "Test this app now". */
  testApp: whoDecides,
  /** Ending the agent by `pinlight stop` or from the window; the operating system's own means are not the policy's. */
  stop: whoDecides,
});

const pause = section({
  /** Whether a person may pause inspection, and what it takes: nothing, a reason, a code of the helpdesk's, the answer to a request. */
  mode: oneOf(['disallow', 'allow', 'comment', 'passcode', 'ticket']),
  /** Longest pause, in minutes. */
  maxMinutes: whole(1, 480),
  /** Pauses within 24 hours; 0 = none, never "unlimited". */
  maxPerDay: whole(0, 100),
  /** File with this device's key (core/policy/pause-code), which `passcode` and `ticket` need; a path, so that no policy shows the key. */
  keyFile: absolutePath('the path of a file').nullable(),
});

const notice = section({
  /** The first-start notice: shown, or required before anything of that person's is inspected. */
  mode: oneOf(['shown', 'required']),
  /** The organisation's own words instead of the built-in ones. */
  text: text('the text of the notice').nullable(),
});

/** A raw X25519 public key in base64: 32 bytes. */
const sealingKey = text('an X25519 public key in base64').regex(/^[A-Za-z0-9+/]{43}=$/u, { error: 'must be an X25519 public key: 32 bytes in base64, 44 characters' });

const diagnostics = section({
  /** Whether a bundle shows names of hosts, users and the device, or keyed pseudonyms. A person may always choose pseudonyms. */
  names: oneOf(['shown', 'pseudonyms']),
  /** How many refused handshakes are kept in memory for a bundle's capture; 0 = none. */
  captureHandshakes: whole(0, 200),
  /** The organisation's key: bundles are sealed to it; null = not sealed. */
  sealTo: sealingKey.nullable(),
});

const managedBy = section({
  name: text('the name of who manages this device'),
  /** One line for people: whom to call, what for. */
  caption: text('a line for people').nullable().default(null),
  url: text('a link').regex(/^https:\/\/[^\s]+$/u, { error: 'must begin with https://' }).nullable().default(null),
});

/** The whole file. Every section but `version` may be absent; unknown keys are errors, since a mistyped key would silently protect nothing. */
export const policyFile = section({
  version: z.literal(1, { error: must('1') }),
  defaults: defaults.partial().readonly().optional(),
  rules: rules.readonly().optional(),
  network: network.partial().readonly().optional(),
  learning: learning.partial().readonly().optional(),
  user: user.partial().readonly().optional(),
  pause: pause.partial().readonly().optional(),
  notice: notice.partial().readonly().optional(),
  diagnostics: diagnostics.partial().readonly().optional(),
  managedBy: managedBy.readonly().optional(),
});

/** One matching line. All given conditions must hold; none given = every connection. */
export type Rule = Readonly<z.infer<typeof rule>>;
export type PolicyDefaults = Readonly<z.infer<typeof defaults>>;
export type PolicyNetwork = Readonly<z.infer<typeof network>>;
export type PolicyLearning = Readonly<z.infer<typeof learning>>;
/** What people at the device may do (core/policy/permission). */
export type PolicyUser = Readonly<z.infer<typeof user>>;
/** Whether and how long people may pause inspection (core/policy/pause). */
export type PolicyPause = Readonly<z.infer<typeof pause>>;
/** The first-start notice (core/policy/notice). */
export type PolicyNotice = Readonly<z.infer<typeof notice>>;
/** What a diagnostic bundle shows, and to whom. */
export type PolicyDiagnostics = Readonly<z.infer<typeof diagnostics>>;
/** Who manages this device, in the organisation's words. */
export type ManagedBy = Readonly<z.infer<typeof managedBy>>;
/** One valid policy file: what it sets, and nothing for what it leaves open. */
export type PolicyLayer = Readonly<z.infer<typeof policyFile>>;

const sections: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(policyFile.shape),
  defaults: Object.keys(defaults.shape),
  network: Object.keys(network.shape),
  learning: Object.keys(learning.shape),
  user: Object.keys(user.shape),
  pause: Object.keys(pause.shape),
  notice: Object.keys(notice.shape),
  diagnostics: Object.keys(diagnostics.shape),
  managedBy: Object.keys(managedBy.shape),
  rules: Object.keys(rule.shape),
  'rules.when': Object.keys(when.shape),
  'rules.when.app': Object.keys(app.shape),
};

/** The keys that may stand in the object at `path` (list positions are skipped); empty where no object belongs. */
export function allowedKeys(path: readonly PropertyKey[]): readonly string[] {
  const name = path.filter((part) => typeof part === 'string').join('.');
  return Object.hasOwn(sections, name) ? sections[name] ?? [] : [];
}

/** Runs even where single rules are broken, so that every problem is told at once: hence the look at shapes. */
function checkRules(list: readonly unknown[], context: z.core.$RefinementCtx): void {
  const seen = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    if (typeof item !== 'object' || item === null) continue;
    if ('mustInspect' in item && item.mustInspect === true && 'do' in item && item.do !== 'inspect') {
      context.addIssue({ code: 'custom', path: [index, 'mustInspect'], message: 'is allowed only with "do": "inspect"' });
    }
    if (!('id' in item) || typeof item.id !== 'string') continue;
    const first = seen.get(item.id);
    if (first === undefined) seen.set(item.id, index);
    else context.addIssue({ code: 'custom', path: [index, 'id'], message: `is taken: rules[${first}] is named ${shown(item.id)} too` });
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `${JSON.stringify(value.slice(0, 40))}…` : JSON.stringify(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
