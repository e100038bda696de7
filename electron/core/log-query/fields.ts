// The fields of the filter language: what each is called, which columns of the `connections` table it reads and what it takes.
// Feeds the parser, the SQL and `pinlight log --help`. Not for the table itself (agent/store).
import type { ConnectionOutcome, Disposition, ReasonCode, RefusalSign, VerdictKind } from '../model.ts';
import type { SentenceKey } from '../sentence.ts';

/** How a field's values are written and compared. */
export type FieldType =
  | 'text'       // ASCII letters compare without case
  | 'host'       // stored in lower case, so equality can use an index
  | 'address'    // an address, or a network such as 192.0.2.0/24
  | 'tls'        // 1.3 in any spelling
  | 'number'
  | 'choice'     // one of `values`
  | 'alert'      // a number or a registered name
  | 'error'      // Palo Alto's word: the alert's name, NoAlert, or what failed on the server's side
  | 'bytes'      // 10k, 1.5M
  | 'duration'   // 5s, 200ms
  | 'time'       // a moment, or how long ago
  | 'since';     // not longer ago than

export type Operator = '==' | '!=' | '>' | '>=' | '<' | '<=' | 'contains' | 'matches';

export type Field = {
  readonly name: string;
  /** Other spellings, Palo Alto's among them. */
  readonly aliases: readonly string[];
  /** Columns or one SQL expression; a test holds when it holds for any of them. */
  readonly columns: readonly string[];
  readonly type: FieldType;
  readonly operators: readonly Operator[];
  /** What may stand as value; null = anything of the type. */
  readonly values: readonly string[] | null;
  /** Other words for those values. */
  readonly meanings?: Readonly<Record<string, string>>;
  readonly example: string;
  readonly help: string;
};

const equality: readonly Operator[] = ['==', '!='];
const order: readonly Operator[] = ['==', '!=', '>', '>=', '<', '<='];
const words: readonly Operator[] = ['==', '!=', 'contains', 'matches'];

// Written as objects so that the compiler notices when the model gains a value that nobody could filter by.
const dispositions = keys<Disposition>({ inspect: true, bypass: true, block: true });
const outcomes = keys<ConnectionOutcome['kind']>({
  established: true, refused: true, incompatible: true, unused: true, abandoned: true, 'agent-fault': true,
  passed: true, relayed: true, blocked: true, upstream: true,
});
const signs = keys<RefusalSign>({ alert: true, 'silent-early': true, 'silent-late': true });
const verdicts = keys<VerdictKind>({
  inspectable: true, pinned: true, 'private-trust-store': true, 'client-certificate': true, incompatible: true, undetermined: true,
});
const reasons = keys<ReasonCode>({
  rule: true, 'no-match': true, 'must-inspect': true, exclusion: true, 'control-experiment': true, 'unknown-app': true, 'not-tls': true,
  'unreadable-hello': true, incompatible: true, 'upstream-invalid': true, 'upstream-failed': true, 'client-certificate': true, 'refused-target': true, 'other-user': true, 'bad-request': true,
  'plain-http': true, paused: true, 'notice-pending': true,
});

/** Palo Alto's words for what was done. Its `allow` would be two of ours: values.ts says so. */
const actions = { decrypt: 'inspect', 'no-decrypt': 'bypass', deny: 'block', drop: 'block', reset: 'block', 'reset-both': 'block', 'reset-client': 'block', 'reset-server': 'block' } as const;

/** Every field, in the order in which help lists them. */
export const fields: readonly Field[] = [
  text('app', ['app_name', 'app_path', 'app_id'], 'app contains slack', 'name, path or id of the program'),
  text('package', ['package'], 'package contains curl', 'package the program belongs to'),
  text('signer', ['signer'], 'signer contains "Contoso"', 'who signed the program (Windows, macOS)'),
  number('pid', 'pid', 'pid == 4711', 'process id'),
  number('uid', 'uid', 'uid == 1000', 'user id of the process'),
  text('user', ['user'], 'user == ada', 'login name', ['srcuser', 'user.src']),
  { ...text('host', ['host'], 'host matches *.example.com', 'where the app asked to go', ['dst']), type: 'host' },
  { ...text('domain', ['domain'], 'domain == example.com', 'registrable domain of the host'), type: 'host' },
  { ...text('sni', ['server_name'], 'sni contains cdn', 'server name in the ClientHello', ['server_name']), type: 'host' },
  { ...text('ip', ['ip'], 'ip in 192.0.2.0/24', 'address that was dialled, or its network', ['addr', 'addr.dst']), type: 'address' },
  number('port', 'port', 'port != 443', 'port of the target', ['port.dst', 'dport']),
  { ...choice('disposition', 'disposition', dispositions, 'disposition:bypass', 'what was done', ['action']), meanings: actions },
  choice('decided', 'decided', dispositions, 'decided:inspect disposition:bypass', 'what policy meant'),
  choice('reason', 'reason', reasons, 'reason:exclusion', 'why'),
  text('detail', ['reason_detail'], 'detail contains apple', 'the reason in detail', ['reason_detail']),
  text('rule', ['rule'], 'rule == own-programs-443', 'policy rule that decided', ['policy_name']),
  choice('outcome', 'outcome', outcomes, 'outcome:refused', 'what became of it'),
  choice('sign', 'sign', signs, 'sign:silent-late', 'how the app refused'),
  {
    name: 'alert', aliases: [], columns: ['alert'], type: 'alert', operators: order, values: null,
    example: 'alert:46 or alert:unknown_ca', help: 'TLS alert, by number or name',
  },
  choice('verdict', 'verdict', verdicts, 'verdict:pinned', 'what is known about the app at that host'),
  {
    name: 'error', aliases: [], columns: ['error'], type: 'error', operators: words, values: null,
    example: "error contains 'UnknownCA'", help: 'alert as one word, NoAlert for a silent refusal, or what failed on the server\'s side',
  },
  { ...text('tls', ['tls'], 'tls:1.2', 'TLS version', ['tls_version']), type: 'tls' },
  text('cipher', ['cipher'], 'cipher contains CHACHA20', 'cipher suite'),
  text('alpn', ['alpn'], 'alpn == h2', 'application protocol'),
  text('ja4', ['ja4'], 'ja4 matches t13d*', 'fingerprint of the ClientHello'),
  { ...number('bytes', '(COALESCE(bytes_up, 0) + COALESCE(bytes_down, 0))', 'bytes > 10M', 'bytes in both directions'), type: 'bytes' },
  { ...number('up', 'bytes_up', 'up > 1M', 'bytes from the app', ['bytes_up', 'bytes_sent']), type: 'bytes' },
  { ...number('down', 'bytes_down', 'down > 1M', 'bytes from the server', ['bytes_down', 'bytes_received']), type: 'bytes' },
  { ...number('dur', 'duration_ms', 'dur > 5s', 'how long it lasted', ['duration', 'elapsed']), type: 'duration' },
  {
    name: 'time', aliases: ['time_generated', 'receive_time', 'start'], columns: ['started_at'], type: 'time', operators: order, values: null,
    example: "time_generated geq '2026/08/01 10:00:00'", help: 'when it began: a date and time in the device\'s own zone, or how long ago (1h)',
  },
  {
    name: 'since', aliases: [], columns: ['started_at'], type: 'since', operators: ['=='], values: null,
    example: 'since:7d', help: 'not longer ago than 30m, 1h, 7d',
  },
  number('id', 'id', 'id == 17', 'number of the connection', ['sessionid', 'session_id']),
];

/**
 * Fields of Palo Alto's logs that nothing here answers, and why. A name that ends in a dot stands for all that begin so.
 * Source: the field names of PAN-OS traffic and decryption logs.
 */
const foreign: readonly (readonly [names: readonly string[], why: SentenceKey])[] = [
  [['addr.src', 'src', 'port.src', 'sport', 'natsrc', 'natsport', 'host.src'], 'foreign.source'],
  [['zone.', 'from', 'to', 'interface.', 'inbound_if', 'outbound_if', 'vsys', 'vsys_name'], 'foreign.zone'],
  [['natdst', 'natdport'], 'foreign.nat'],
  [['proto', 'ip_protocol', 'flags', 'packets', 'pkts_sent', 'pkts_received'], 'foreign.packets'],
  [['type', 'subtype', 'log_type', 'eventid'], 'foreign.log'],
  [['serial', 'device_name', 'dg_hier_level_1'], 'foreign.device'],
  [['category', 'url_category', 'category-of-app', 'threatid', 'severity', 'risk-of-app'], 'foreign.category'],
  [['proxy_type'], 'foreign.proxy-type'],
  [['session_end_reason'], 'foreign.session-end'],
  [['cn', 'issuer_cn', 'root_cn', 'fingerprint', 'chain_status', 'root_status', 'cert_flags', 'notbefore', 'notafter', 'cert_serial'], 'foreign.certificate'],
  [['srcloc', 'dstloc', 'location.'], 'foreign.place'],
];

/** Why a field that people know from elsewhere is none here; null for any other name. */
export function whyForeign(name: string): SentenceKey | null {
  const wanted = name.toLowerCase();
  return foreign.find(([names]) => names.some((one) => (one.endsWith('.') ? wanted.startsWith(one) : wanted === one)))?.[1] ?? null;
}

/** The field of that name or alias in any case; null when there is none. */
export function findField(name: string): Field | null {
  const wanted = name.toLowerCase();
  return fields.find((field) => field.name === wanted || field.aliases.includes(wanted)) ?? null;
}

function text(name: string, columns: readonly string[], example: string, help: string, aliases: readonly string[] = []): Field {
  return { name, aliases, columns, type: 'text', operators: words, values: null, example, help };
}

function number(name: string, column: string, example: string, help: string, aliases: readonly string[] = []): Field {
  return { name, aliases, columns: [column], type: 'number', operators: order, values: null, example, help };
}

function choice(name: string, column: string, values: readonly string[], example: string, help: string, aliases: readonly string[] = []): Field {
  return { name, aliases, columns: [column], type: 'choice', operators: equality, values, example, help };
}

function keys<T extends string>(all: Readonly<Record<T, true>>): readonly string[] {
  return Object.keys(all);
}
