// The gatherers of a diagnostic bundle: each asks one source, within a time limit, and keeps only the fields named here.
// There is no collector for keys, payload, headers or command lines: what is not listed below cannot get into a bundle.
import { getServers } from 'node:dns';
import { arch, cpus, freemem, networkInterfaces, platform, release, totalmem, uptime, version } from 'node:os';
import type { PolicyAnswer, TrustAnswer, TrustStoreRow } from '../../contract/routes.ts';
import type { AppSummary, ConnectionRow, Snapshot } from '../../contract/snapshot.ts';
import type { ReportAudit } from '../../core/diagnostics/report-input.ts';
import type { Exclusion } from '../../core/model.ts';

/** Where a bundle gets its facts. Each may throw or hang; that costs its own file and nothing else. */
export type BundleSources = {
  readonly status: () => Promise<Snapshot>;
  readonly policy: () => Promise<PolicyAnswer>;
  readonly apps: () => Promise<readonly AppSummary[]>;
  readonly exclusions: () => Promise<readonly Exclusion[]>;
  /** Newest first, at most `limit`. */
  readonly connections: (limit: number) => Promise<Iterable<ConnectionRow> | AsyncIterable<ConnectionRow>>;
  /** A `pem` that a source adds is left out. */
  readonly trust: () => Promise<BundleTrust>;
  readonly versions: () => Promise<Readonly<Record<string, string>>>;
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
  /** Whoever has used a row may take it out: they are many. */
  readonly connections: Collected<ConnectionRow[]>;
  readonly trust: Collected<BundleTrust>;
  readonly versions: Collected<Readonly<Record<string, string>>>;
  readonly system: Collected<Readonly<Record<string, string | number>>>;
  readonly network: Collected<NetworkFacts>;
  readonly audit: Collected<readonly ReportAudit[]>;
  readonly log: Collected<string>;
};

/** How this device is connected. Hardware addresses are left out: they name the device everywhere. */
export type NetworkFacts = {
  readonly interfaces: readonly { readonly name: string; readonly address: string; readonly internal: boolean }[];
  readonly resolvers: readonly string[];
};

/** Half a day of a busy laptop; more would take the agent beyond 150 MB of memory (test/bench/bundle-memory.ts). */
export const maxConnections = 2_500;
/** Months, but on a device where something is learned all the time. */
export const maxAudit = 1_000;
/** About two days at the normal level. */
export const maxLogBytes = 2 * 1024 * 1024;

/** How many sources `collectAll` asks. */
export const sourceCount = 11;

/** Asks every source at the same time; none takes longer than `limitMs`, and none can fail the others. `onDone` is called for each. */
export async function collectAll(sources: BundleSources, limitMs: number, onDone: () => void): Promise<Collection> {
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
    ask(() => takeConnections(sources, limitMs)),
    ask(async () => {
      const trusted = await sources.trust();
      return { root: pick(trusted.root, rootFields), stores: trusted.stores.map((store) => pick(store, storeFields)) };
    }),
    ask(sources.versions),
    ask(async () => systemFacts()),
    ask(async () => networkFacts()),
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

/** Stops by itself at its limit or deadline, so that a source without an end is not read on behind the bundle's back. */
async function takeConnections(sources: BundleSources, limitMs: number): Promise<ConnectionRow[]> {
  const deadline = performance.now() + limitMs;
  const rows: ConnectionRow[] = [];
  for await (const row of await sources.connections(maxConnections)) {
    rows.push(pick(row, connectionFields));
    if (rows.length >= maxConnections || performance.now() > deadline) break;
  }
  return rows;
}

/** A tail that was cut begins in the middle of a line, where a secret would stand without the name that gives it away. */
function wholeLines(log: string): string {
  const kept = Buffer.byteLength(log) > maxLogBytes ? Buffer.from(log).subarray(-maxLogBytes).toString() : log;
  if (Buffer.byteLength(kept) < maxLogBytes) return kept;
  const firstEnd = kept.indexOf('\n');
  return firstEnd < 0 ? '' : kept.slice(firstEnd + 1);
}

function networkFacts(): NetworkFacts {
  const interfaces = Object.entries(networkInterfaces()).flatMap(([name, all]) => (all ?? []).map(({ cidr, address, internal }) => ({ name, address: cidr ?? address, internal })));
  return { interfaces, resolvers: getServers() };
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
