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
 * A script that puts these rules in place of any earlier ones, or with null takes them away: one transaction, all or nothing.
 * UDP 443 is refused at once, so that QUIC falls back to TCP. Addresses of this device are left alone; both families in one table.
 * Without a listener nothing is redirected: whoever takes its port would get these connections. What was open before goes on.
 */
export function captureScript(settings: CaptureSettings | null): string {
  // Named first, so that deleting it is no error where there is none.
  const away = `table ${captureTable}\ndelete table ${captureTable}\n`;
  if (settings === null) return away;
  const set = (name: string, type: string, elements: readonly number[]): string =>
    `\tset ${name} {\n\t\ttype ${type}\n${elements.length === 0 ? '' : `\t\telements = { ${elements.join(', ')} }\n`}\t}\n`;
  const redirected = (whose: string): string => (settings.listenerPort === null ? '' : `\t\t${whose} tcp dport @ports redirect to :${settings.listenerPort}\n`);
  const refused = (whose: string): string => (settings.listenerPort === null ? `\t\t${whose} tcp dport @ports ct state new reject with tcp reset\n` : '');
  return `${away}table ${captureTable} {
${set('users', 'uid', settings.uids)}${set('groups', 'gid', settings.gids)}${set('ports', 'inet_service', settings.ports)}\tchain redirected {
\t\ttype nat hook output priority -100; policy accept;
\t\tmeta skuid ${settings.agentUid} return
\t\tfib daddr type local return
${redirected('meta skuid @users')}${redirected('meta skgid @groups')}\t}
\tchain refused {
\t\ttype filter hook output priority 0; policy accept;
\t\tmeta skuid ${settings.agentUid} accept
\t\toifname "lo" accept
\t\tmeta skuid @users udp dport 443 reject
\t\tmeta skgid @groups udp dport 443 reject
${refused('meta skuid @users')}${refused('meta skgid @groups')}\t}
}
`;
}

/** What `nft -j -n -n list table` says; null where it is not the table that `captureScript` makes. */
export function parseCapture(listing: string): CaptureSettings | null {
  const items = itemsOf(listing);
  const rules = items.flatMap((item) => (item['rule'] === undefined ? [] : [objectOf(item['rule'])]));
  const elements = (name: string): number[] | null => {
    const found = items.map((item) => objectOf(item['set'])).find((set) => set['name'] === name);
    if (found === undefined) return null;
    const list: unknown = found['elem'] ?? [];
    return Array.isArray(list) && list.every((one) => typeof one === 'number') ? list.toSorted((a, b) => a - b) : null;
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
  return shape === (listenerPort === null ? refusingShape : redirectingShape) && redirects.every((port) => port === listenerPort) ? { uids, gids, ports, listenerPort, agentUid: spared } : null;
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

const [sparing, quic] = ['redirected return; redirected return', 'refused accept; refused accept; refused reject; refused reject'];
const redirectingShape = `${sparing}; redirected redirect; redirected redirect; ${quic}`;
const refusingShape = `${sparing}; ${quic}; refused reject; refused reject`;

function textOf(settings: CaptureSettings | null): string {
  if (settings === null) return '';
  const sorted = (list: readonly number[]): readonly number[] => [...new Set(list)].sort((a, b) => a - b);
  return JSON.stringify([sorted(settings.uids), sorted(settings.gids), sorted(settings.ports), settings.listenerPort, settings.agentUid]);
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
