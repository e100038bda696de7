// The reference of policy keys: type and limits out of the schema that checks files, defaults out of the embedded policy, meanings here.
// Not for checking files (parse.ts) or for what is in force (`policy show`). What it gives is plain values: no schema library shows.
import * as z from 'zod';
import { embeddedLayer } from './embedded.ts';
import { policyFile } from './keys.ts';

/** What a value of a key looks like, as far as other formats have to know. */
export type KeyShape =
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'whole'; readonly from: number; readonly to: number }
  | { readonly kind: 'text'; readonly longest: number }
  | { readonly kind: 'list'; readonly longest: number }
  /** Names of its own with texts. */
  | { readonly kind: 'pairs' }
  /** What only JSON can say: a list of objects, or one of several types. */
  | { readonly kind: 'other' };

export type PolicyKey = {
  /** `defaults.onPinned`, `rules[].when.host`. */
  readonly key: string;
  /** `bypass | inspect | block`, `whole number, 1 to 65535`. */
  readonly type: string;
  readonly shape: KeyShape;
  /** Absent = none. */
  readonly default?: unknown;
  readonly required: boolean;
  readonly meaning: string;
};

/** Every key that may stand in a policy file, in the schema's order. */
export function policyKeys(): readonly PolicyKey[] {
  return leaves('', policySchema(), false);
}

/** The schema of a policy file as JSON Schema (2020-12), each key with its meaning. Host patterns and the uniqueness of ids are beyond it. */
export function policySchema(): Readonly<Record<string, unknown>> {
  return described('', z.toJSONSchema(policyFile, { io: 'input' }));
}

/** The release in which a key first stood. All are of that one so far. */
export const firstRelease = '0.1.0';

/** Key → the commands it governs. */
export const keyCommands: Readonly<Record<string, string>> = {
  'network.transparentPort': 'pinlight capture',
  'user.exclusions': 'pinlight exclude add | remove',
  'user.testApp': 'pinlight test-app',
  'user.stop': 'pinlight stop',
  'pause.mode': 'pinlight pause',
  'pause.maxMinutes': 'pinlight pause',
  'pause.maxPerDay': 'pinlight pause',
  'pause.keyFile': 'pinlight pause --ticket | --code',
  'notice.mode': 'pinlight notice',
  'notice.text': 'pinlight notice',
  'diagnostics.names': 'pinlight bundle --names',
  'diagnostics.captureHandshakes': 'pinlight bundle --capture',
  'diagnostics.sealTo': 'pinlight bundle open',
  'managedBy.name': 'pinlight status',
  'managedBy.caption': 'pinlight status',
  'managedBy.url': 'pinlight status',
};

/** Key → what it does. A key without words here is shown without any, and fails its test. */
export const keyMeanings: Readonly<Record<string, string>> = {
  version: 'version of this format',
  'defaults.noMatch': 'what happens to a connection that no rule matches',
  'defaults.onInvalidUpstream': 'the server\'s certificate does not verify: hand the app the server\'s own bytes, or refuse',
  'defaults.onPinned': 'what happens to an app that pins its certificate at a host',
  'defaults.onPrivateTrustStore': 'what happens to an app whose own list of authorities lacks our root',
  'defaults.onUnknownApp': 'what happens when the program behind a connection cannot be told',
  'defaults.failMode': 'what becomes of traffic while the agent is down, where that can be enforced',
  'rules[].id': 'name of the rule, shown wherever it decided',
  'rules[].when.app.path': 'real path of the program or of the script it runs; `*` matches anything',
  'rules[].when.app.package': 'package that owns the program, as `name` or `name version`; `*` matches anything',
  'rules[].when.app.signer': 'who signed the program (Windows, macOS); `*` matches anything',
  'rules[].when.host': 'host pattern: `x.example`, `*.x.example` (below it, not itself), `api-*.x.example`, `*`',
  'rules[].when.port': 'port of the target',
  'rules[].when.os': 'operating system',
  'rules[].when.user': 'login name, uid in digits, or `self`: whoever runs the agent',
  'rules[].do': 'what the first rule that matches does',
  'rules[].mustInspect': 'beats every exclusion and every pass-through; only with `inspect`',
  'rules[].reason': 'why, for people',
  'network.port': 'the proxy\'s port on 127.0.0.1 and ::1; 0 takes any free one; holds from the next start',
  'network.privateTargets': 'targets with private addresses (RFC 1918, ULA)',
  'network.localTargets': 'targets placed at a loopback or link-local address: "host:port" to "ip:port"',
  'network.upstreamRoots': 'PEM files with roots trusted for servers besides the system\'s',
  'network.upstreamCrls': 'files with revocation lists (CRLs) of authorities, PEM or DER; a server whose certificate, or an authority of it, stands in one does not verify; 16 MB and 200,000 entries together, and a list beyond that counts for nothing, with a warning',
  'network.unknownRevocation': 'may a server be inspected although no current revocation list is of its certificate\'s authority; with `refuse` and without any list none is',
  'network.upstreamProxy': 'the organisation\'s own proxy: `direct`, `system` (the environment of the agent), `http://HOST:PORT`, or a PAC file as `pac+http://…`',
  'network.upstreamBypass': 'targets reached without that proxy, written as in NO_PROXY',
  'network.upstreamCredentials': 'file with `user:password` for that proxy, readable by its owner alone; empty: none',
  'network.transparentPort': 'port for connections that `pinlight capture` redirects (Linux); 0: none; holds from the next start',
  'learning.shortMinutes': 'how long a learned exclusion lasts for an unknown program, or without a clear cause',
  'learning.firstHours': 'how long the first one lasts for a known app with a verdict',
  'learning.confirmedDays': 'how long it lasts once confirmed',
  'learning.perAppPerHour': 'new exclusions, and pass-throughs, that one app may earn in an hour; 0 learns nothing',
  'user.exclusions': 'may people add and remove exclusions; `user-decides`: as their own policy file says, else yes',
  'user.testApp': 'may people ask for a test of one app; `user-decides`: as their own policy file says, else yes',
  'user.stop': 'may people stop the agent through its own commands; `user-decides`: as their own policy file says, else yes',
  'pause.mode': 'may people pause inspection, and what it takes: nothing, a reason, a code of the hour, or the answer to a request; a service without policy: `disallow`',
  'pause.maxMinutes': 'how long one pause may last, in minutes',
  'pause.maxPerDay': 'how many pauses there may be within 24 hours; 0: none',
  'pause.keyFile': 'file with this device\'s key for `passcode` and `ticket`, which `pinlight pause grant --device-key` makes; absolute path',
  'notice.mode': 'the notice who inspects, what is never read and who sees it: `shown`, or `required` before anything of a person\'s is inspected',
  'notice.text': 'the organisation\'s own words for that notice',
  'diagnostics.names': 'names of hosts, users and the device in a bundle: as they are, or as pseudonyms that only the bundle\'s key resolves',
  'diagnostics.captureHandshakes': 'how many refused handshakes are kept in memory for the capture of a bundle; 0: none',
  'diagnostics.sealTo': 'X25519 public key (32 bytes in base64) that bundles are sealed to; only its owner opens them (nobody holds that of the example)',
  'managedBy.name': 'who manages this device, as people know them',
  'managedBy.caption': 'one line for people: whom to call, what for',
  'managedBy.url': 'where people find help, an https link',
};

type Node = Readonly<Record<string, unknown>>;

function leaves(path: string, value: unknown, required: boolean): readonly PolicyKey[] {
  const node = nodeOf(value);
  const { properties, items } = node;
  if (properties !== undefined) {
    const wanted: readonly unknown[] = Array.isArray(node['required']) ? node['required'] : [];
    return Object.entries(nodeOf(properties)).flatMap(([name, child]) => leaves(path === '' ? name : `${path}.${name}`, child, wanted.includes(name)));
  }
  if (nodeOf(items)['properties'] !== undefined) return leaves(`${path}[]`, items, false);
  return [{ key: path, type: typeWords(node), shape: shapeOf(node), ...defaultOf(path, node), required, meaning: keyMeanings[path] ?? '' }];
}

function described(path: string, value: unknown): Node {
  const node = nodeOf(value);
  const { properties, items } = node;
  if (properties !== undefined) {
    const children = Object.entries(nodeOf(properties)).map(([name, child]) => [name, described(path === '' ? name : `${path}.${name}`, child)]);
    return { ...node, properties: Object.fromEntries(children) as Node };
  }
  if (nodeOf(items)['properties'] !== undefined) return { ...node, items: described(`${path}[]`, items) };
  const meaning = keyMeanings[path];
  return meaning === undefined ? node : { description: meaning, ...node };
}

function typeWords(node: Node): string {
  const { anyOf, type, minimum, maximum, items, additionalProperties } = node;
  if (Array.isArray(node['enum'])) return node['enum'].join(' | ');
  if (node['const'] !== undefined) return JSON.stringify(node['const']);
  if (Array.isArray(anyOf)) {
    const parts: readonly Node[] = anyOf.map(nodeOf);
    return parts.map((part) => (part['type'] === 'array' ? 'a list' : typeWords(part))).join(', or ');
  }
  if (type === 'integer') return `whole number, ${String(minimum)} to ${String(maximum)}`;
  if (type === 'array') return `list of ${typeWords(nodeOf(items))}s`;
  if (type === 'object' && additionalProperties !== undefined) return 'object';
  return { string: 'text', boolean: 'true | false', null: 'null' }[String(type)] ?? String(type);
}

function shapeOf(node: Node): KeyShape {
  const { anyOf, type } = node;
  if (Array.isArray(node['enum'])) return { kind: 'choice', values: node['enum'].map(String) };
  if (type === 'integer') return { kind: 'whole', from: Number(node['minimum']), to: Number(node['maximum']) };
  if (type === 'string') return { kind: 'text', longest: Number(node['maxLength']) };
  if (type === 'array') return { kind: 'list', longest: Number(nodeOf(node['items'])['maxLength']) };
  if (type === 'object') return { kind: 'pairs' };
  // A value or null: whoever leaves the key out says null.
  const given = Array.isArray(anyOf) ? anyOf.map(nodeOf).filter((part) => part['type'] !== 'null') : [];
  return given.length === 1 ? shapeOf(nodeOf(given[0])) : { kind: 'other' };
}

function defaultOf(path: string, node: Node): { readonly default?: unknown } {
  if (node['default'] !== undefined) return { default: node['default'] };
  let value: unknown = embeddedLayer('user');
  for (const name of path.split('.')) value = nodeOf(value)[name];
  return value === undefined || path === 'version' ? {} : { default: value };
}

/** Schema nodes and policies are plain objects; anything else has no keys. */
function nodeOf(value: unknown): Node {
  return isNode(value) ? value : {};
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}
