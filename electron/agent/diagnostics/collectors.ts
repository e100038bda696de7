// The gatherers of a diagnostic bundle: each asks one source, within a time limit, and keeps only the fields named here.
// There is no collector for keys, payload, headers or command lines: what is not listed below cannot get into a bundle.
import { arch, cpus, freemem, platform, release, totalmem, uptime, version } from 'node:os';
import type { PolicyAnswer, TrustAnswer, TrustStoreRow } from '../../contract/routes.ts';
import type { AppSummary, ConnectionRow, Snapshot } from '../../contract/snapshot.ts';
import type { ReportAudit } from '../../core/diagnostics/report-input.ts';
import type { Exclusion } from '../../core/model.ts';
import { gatherConnections, type ConnectionSource, type GatheredConnections, type GatherOptions } from './gather-connections.ts';

/** Where a bundle gets its facts. Each may throw or hang; that costs its own file and nothing else. */
export type BundleSources = {
  readonly status: () => Promise<Snapshot>;
  readonly policy: () => Promise<PolicyAnswer>;
  readonly apps: () => Promise<readonly AppSummary[]>;
  readonly exclusions: () => Promise<readonly Exclusion[]>;
  readonly connections: ConnectionSource;
  /** A `pem` that a source adds is left out. */
  readonly trust: () => Promise<BundleTrust>;
  readonly versions: () => Promise<Readonly<Record<string, string>>>;
  readonly network: () => Promise<NetworkFacts>;
  /** The newest `limit`, oldest first. */
  readonly audit: (limit: number) => Promise<readonly ReportAudit[]>;
  /** The end of the agent's log, at most `maxBytes`. */
  readonly logTail: (maxBytes: number) => Promise<string>;
};

export type BundleTrust = { readonly root: Omit<TrustAnswer['root'], 'pem'>; readonly stores: readonly TrustStoreRow[] };

export type Collected<T> = { readonly kind: 'collected'; readonly value: T } | { readonly kind: 'failed'; readonly because: string };

/** What `collectAll` found. */
export type Collection = {
  readonly status: Collected<Snapshot>;
  readonly policy: Collected<PolicyAnswer>;
  readonly apps: Collected<readonly AppSummary[]>;
  readonly exclusions: Collected<readonly Exclusion[]>;
  readonly connections: Collected<GatheredConnections>;
  readonly trust: Collected<BundleTrust>;
  readonly versions: Collected<Readonly<Record<string, string>>>;
  readonly system: Collected<Readonly<Record<string, string | number>>>;
  readonly network: Collected<NetworkFacts>;
  readonly audit: Collected<readonly ReportAudit[]>;
  readonly log: Collected<string>;
};

/** Hardware addresses are left out: they name the device everywhere. */
export type NetworkFacts = {
  readonly interfaces: readonly { readonly name: string; readonly address: string; readonly internal: boolean }[];
  /** Where what has no way of its own goes; a sentence where it was not read. */
  readonly defaultRoutes: readonly DefaultRoute[] | string;
  readonly resolvers: readonly string[];
  readonly proxySettings: readonly ProxySetting[];
  /** What the agent cannot see of it; null = nothing is hidden from it. */
  readonly notVisible: string | null;
};

/** `gateway` null: the interface itself leads there, as with many VPNs. The lowest metric wins. */
export type DefaultRoute = { readonly family: 'IPv4' | 'IPv6'; readonly interface: string; readonly gateway: string | null; readonly metric: number };

/** `setBy`: who steers there, as far as it can be told. */
export type ProxySetting = { readonly setting: string; readonly path: string | null; readonly setBy: 'pinlight' | 'somebody else' | 'nobody' | 'not readable'; readonly detail: string };

/** Months, but on a device where something is learned all the time. */
export const maxAudit = 1_000;
/** About two days at the normal level. */
export const maxLogBytes = 2 * 1024 * 1024;

/** How many sources `collectAll` asks. */
export const sourceCount = 11;

/** Asks every source at the same time; none takes longer than `limitMs`, and none can fail the others. `onDone` is called for each. */
export async function collectAll(sources: BundleSources, options: GatherOptions, onDone: () => void): Promise<Collection> {
  const { limitMs } = options;
  const ask = async <T>(source: () => Promise<T>): Promise<Collected<T>> => {
    const collected = await collect(source, limitMs);
    onDone();
    return collected;
  };
  const [status, policy, apps, exclusions, connections, trust, versions, system, network, audit, log] = await Promise.all([
    ask(sources.status),
    ask(sources.policy),
    ask(async () => (await sources.apps()).map((app) => pick(app, appFields))),
    ask(sources.exclusions),
    ask(() => gatherConnections(onlyFields(sources.connections), { ...options, limitMs: limitMs * 0.8 })),
    ask(async () => {
      const trusted = await sources.trust();
      return { root: pick(trusted.root, rootFields), stores: trusted.stores.map((store) => pick(store, storeFields)) };
    }),
    ask(sources.versions),
    ask(async () => systemFacts()),
    ask(sources.network),
    ask(async () => (await sources.audit(maxAudit)).map((row) => pick(row, ['at', 'kind', 'detail']))),
    ask(async () => wholeLines(await sources.logTail(maxLogBytes))),
  ]);
  return { status, policy, apps, exclusions, connections, trust, versions, system, network, audit, log };
}

async function collect<T>(source: () => Promise<T>, limitMs: number): Promise<Collected<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Collected<T>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'failed', because: `it took longer than ${limitMs / 1000} s` }), limitMs);
  });
  const asked = Promise.resolve().then(source).then(
    (value): Collected<T> => ({ kind: 'collected', value }),
    (thrown: unknown): Collected<T> => ({ kind: 'failed', because: `it failed: ${thrown instanceof Error ? thrown.message : String(thrown)}` }),
  );
  const first = await Promise.race([asked, late]);
  clearTimeout(timer);
  return first;
}

/** The log knows more of a connection than a bundle may hold. */
function onlyFields({ page, count }: ConnectionSource): ConnectionSource {
  return { count, page: async (...asked) => (await page(...asked)).map((row) => pick(row, connectionFields)) };
}

/** A tail that was cut begins in the middle of a line, where a secret would stand without the name that gives it away. */
function wholeLines(log: string): string {
  const kept = Buffer.byteLength(log) > maxLogBytes ? Buffer.from(log).subarray(-maxLogBytes).toString() : log;
  if (Buffer.byteLength(kept) < maxLogBytes) return kept;
  const firstEnd = kept.indexOf('\n');
  return firstEnd < 0 ? '' : kept.slice(firstEnd + 1);
}

function systemFacts(): Readonly<Record<string, string | number>> {
  return {
    system: platform(),
    release: release(),
    kernel: version(),
    architecture: arch(),
    processors: cpus().length,
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    memoryFreeMb: Math.round(freemem() / 1024 / 1024),
    agentMemoryMb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    upSeconds: Math.round(uptime()),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

const appFields = [
  'id', 'name', 'path', 'script', 'package', 'runtime', 'hash', 'known', 'user', 'trust', 'inspected', 'bypassed', 'blocked', 'lastSeen', 'hosts', 'verdict',
] as const satisfies readonly (keyof AppSummary)[];

const connectionFields = [
  'id', 'startedAt', 'durationMs', 'appId', 'appName', 'appPath', 'package', 'pid', 'user', 'host', 'port', 'ip', 'serverName', 'decided',
  'disposition', 'reason', 'rule', 'outcome', 'tlsVersion', 'cipher', 'alpn', 'ja4', 'bytesUp', 'bytesDown', 'error',
] as const satisfies readonly (keyof ConnectionRow)[];

const rootFields = ['certificatePath', 'fingerprint', 'subject', 'notBefore', 'notAfter', 'keyProtection'] as const satisfies readonly (keyof BundleTrust['root'])[];
const storeFields = ['store', 'kind', 'path', 'state', 'detail'] as const satisfies readonly (keyof TrustStoreRow)[];

/** Only the fields named: what a later version adds to a row stays out until somebody lists it here. */
function pick<T extends object, K extends keyof T>(value: T, fields: readonly K[]): Pick<T, K>;
function pick(value: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => fields.includes(name)));
}
