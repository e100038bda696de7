// The one nftables table of transparent capture as text, what a listing of it says, and its settings as read from a file. Pure.
// Not for loading it (index.ts).

/** Whose connections are redirected where. Uids and gids as numbers; `ports`: of the targets. */
export type CaptureSettings = {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly ports: readonly number[];
  /** The agent's transparent listener on 127.0.0.1 and ::1; null: there is none, and these connections are refused at once. */
  readonly listenerPort: number | null;
  /** Whose connections are never redirected, whatever the rest says: without it each of them would make another, without end. */
  readonly agentUid: number;
};

export const captureTable = 'inet pinlight';

/**
 * A script that puts these rules in, or with null takes them away: one transaction, all or nothing. UDP 443 is refused at once, so that QUIC
 * falls back to TCP. Addresses of this device are left alone, wherever another table sends them; both families in one table. Only what begins
 * is touched: what was open before goes on.
 *
 * `found`: our own table as it is there. What is not redirected is refused. So it is without a listener, as whoever takes its port would get
 * these connections, and so it stays with one, in a table that is filled anew where it stands: the kernel changes over each chain at once and
 * not both, and a connection that begins in that moment meets the old `redirected` and the new `refused` (measured: 4 of 5 million went direct
 * over 16,000 changes of both). Sets that are right are not touched: before Linux 6.17 a look-up in that moment may find neither the old nor
 * the new element. What begins is a SYN and not `ct state new`: from a port of which the kernel remembers another connection a SYN counts as
 * that one's.
 */
export function captureScript(settings: CaptureSettings | null, found: CaptureSettings | null = null): string {
  // Named first, so that deleting it is no error where there is none.
  if (settings === null) return `table ${captureTable}\ndelete table ${captureTable}\n`;
  const { agentUid, listenerPort } = settings;
  const whose = ['meta skuid @users', 'meta skgid @groups'];
  const begins = 'tcp dport @ports tcp flags & (fin | syn | rst | ack) == syn';
  const rules = {
    redirected: [
      `meta skuid ${agentUid} return`,
      // Never true in a chain of nat: a rule that asks keeps the kernel tracking, or the way back of what was redirected is lost when the redirection goes.
      'ct state established return',
      'oifname "lo" return',
      ...(listenerPort === null ? [] : whose.map((one) => `${one} ${begins} redirect to :${listenerPort}`)),
    ],
    refused: [
      `meta skuid ${agentUid} accept`,
      // The interface is the one before any translation, the address the one after.
      'oifname "lo" accept', 'ct status dnat fib daddr type local accept',
      ...whose.map((one) => `${one} udp dport 443 reject`), ...whose.map((one) => `${one} ${begins} reject with tcp reset`),
    ],
  };
  const elements = sets.filter(({ of }) => sorted(settings[of]).join() !== sorted(found?.[of] ?? []).join());
  return [
    `table ${captureTable} {`,
    ...sets.map(({ name, type }) => `\tset ${name} { type ${type}; }`),
    ...chains.map(({ name, type, priority }) => `\tchain ${name} { type ${type} hook output priority ${priority}; policy accept; }`),
    '}', `flush table ${captureTable}`,
    ...elements.flatMap(({ name, of }) => [`flush set ${captureTable} ${name}`, ...(settings[of].length === 0 ? [] : [`add element ${captureTable} ${name} { ${settings[of].join(', ')} }`])]),
    ...chains.flatMap(({ name }) => rules[name].map((rule) => `add rule ${captureTable} ${name} ${rule}`)),
  ].map((line) => `${line}\n`).join('');
}

const sets = [{ name: 'users', type: 'uid', of: 'uids' }, { name: 'groups', type: 'gid', of: 'gids' }, { name: 'ports', type: 'inet_service', of: 'ports' }] as const;
/** Before those that others have at the usual place of destinations (-100): what is translated there first, the kernel asks nobody else about. */
const chains = [{ name: 'redirected', type: 'nat', priority: -101 }, { name: 'refused', type: 'filter', priority: 0 }] as const;

/** What `nft -j -n -n list table` says; null where it is not the table that `captureScript` makes. */
export function parseCapture(listing: string): CaptureSettings | null {
  const items = itemsOf(listing);
  const rules = items.flatMap((item) => (item['rule'] === undefined ? [] : [objectOf(item['rule'])]));
  const elements = (name: string): readonly number[] | null => {
    const found = items.map((item) => objectOf(item['set'])).find((set) => set['name'] === name);
    if (found === undefined) return null;
    const list: unknown = found['elem'] ?? [];
    return Array.isArray(list) && list.every((one) => typeof one === 'number') ? sorted(list) : null;
  };
  const uids = elements('users');
  const gids = elements('groups');
  const ports = elements('ports');
  const steps = rules.map((rule) => ({ chain: rule['chain'], expressions: Array.isArray(rule['expr']) ? rule['expr'].map(objectOf) : [] }));
  const redirects = steps.flatMap(({ expressions }) => expressions.flatMap((one) => objectOf(one['redirect'])['port'] ?? []));
  const spared = objectOf(steps[0]?.expressions[0]?.['match'])['right'];
  const [listenerPort = null] = redirects;
  if (uids === null || gids === null || ports === null || (listenerPort !== null && typeof listenerPort !== 'number') || typeof spared !== 'number') return null;
  const shape = steps.map(({ chain, expressions }) => `${String(chain)} ${Object.keys(expressions.at(-1) ?? {}).join()}`).join('; ');
  if (frameOf(items) !== ownFrame || shape !== (listenerPort === null ? refusingShape : redirectingShape)) return null;
  return redirects.every((port) => port === listenerPort) ? { uids, gids, ports, listenerPort, agentUid: spared } : null;
}

/** Settings as we write them down; null for what nobody of us wrote. */
export function captureSettingsIn(value: unknown): CaptureSettings | null {
  const { uids, gids, ports, listenerPort, agentUid } = objectOf(value);
  const isNumber = (one: unknown): one is number => Number.isInteger(one) && Number(one) >= 0;
  const areNumbers = (list: unknown): list is readonly number[] => Array.isArray(list) && list.every(isNumber);
  if (!areNumbers(uids) || !areNumbers(gids) || !areNumbers(ports) || !isNumber(agentUid) || !(listenerPort === null || isNumber(listenerPort))) return null;
  return { uids, gids, ports, listenerPort, agentUid };
}

/** Do these rules do the same? */
export function sameCapture(a: CaptureSettings | null, b: CaptureSettings | null): boolean {
  return textOf(a) === textOf(b);
}

const refusing = 'refused accept; refused accept; refused accept; refused reject; refused reject; refused reject; refused reject';
const sparing = 'redirected return; redirected return; redirected return';
const refusingShape = `${sparing}; ${refusing}`;
const redirectingShape = `${sparing}; redirected redirect; redirected redirect; ${refusing}`;

/** What of table, sets and chains decides whether they can be filled, and are called. */
const frameKeys = { table: ['flags'], set: ['name', 'type', 'flags'], chain: ['name', 'type', 'hook', 'prio', 'policy'] } as const;
const ownFrame = frameOf([
  { table: {} }, ...sets.map(({ name, type }) => ({ set: { name, type } })), ...chains.map(({ name, type, priority }) => ({ chain: { name, type, hook: 'output', prio: priority, policy: 'accept' } })),
]);

function frameOf(items: readonly Readonly<Record<string, unknown>>[]): string {
  const kinds = ['table', 'set', 'chain'] as const;
  return items.flatMap((item) => kinds.filter((kind) => item[kind] !== undefined).map((kind) => `${kind} ${JSON.stringify(frameKeys[kind].map((key) => objectOf(item[kind])[key] ?? null))}`)).sort().join('; ');
}

function textOf(settings: CaptureSettings | null): string {
  if (settings === null) return '';
  return JSON.stringify([...sets.map(({ of }) => sorted(settings[of])), settings.listenerPort, settings.agentUid]);
}

function sorted(list: readonly number[]): readonly number[] {
  return [...new Set(list)].sort((one, other) => one - other);
}

function itemsOf(listing: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const { nftables } = objectOf(JSON.parse(listing));
    return Array.isArray(nftables) ? nftables.map(objectOf) : [];
  } catch {
    return [];
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
