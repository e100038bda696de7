// The gatherers of a diagnostic bundle: each asks one source, within a time limit, and keeps only the fields named here.
// There is no collector for keys, payload, headers or command lines: what is not listed below cannot get into a bundle.
import { readlinkSync } from 'node:fs';
import { arch, cpus, freemem, platform, release, totalmem, uptime, version } from 'node:os';
import type { PolicyAnswer, TrustAnswer, TrustStoreRow } from '../../contract/routes.ts';
import type { AppSummary, Snapshot } from '../../contract/snapshot.ts';
import type { SelfTestRow } from '../../core/diagnostics/tls-selftest.ts';
import type { ReportAudit } from '../../core/diagnostics/report-input.ts';
import type { Exclusion } from '../../core/model.ts';

/** Where a bundle gets its facts. Each may throw or hang; that costs its own file and nothing else. */
export type BundleSources = {
  readonly status: () => Promise<Snapshot>;
  readonly policy: () => Promise<PolicyAnswer>;
  readonly apps: () => Promise<readonly AppSummary[]>;
  readonly exclusions: () => Promise<readonly Exclusion[]>;
  /** A `pem` that a source adds is left out. */
  readonly trust: () => Promise<BundleTrust>;
  readonly versions: () => Promise<Readonly<Record<string, string>>>;
  readonly network: () => Promise<NetworkFacts>;
  /** Handshakes of the agent with itself. */
  readonly selfTest: () => Promise<readonly SelfTestRow[]>;
  /** The newest `limit`, oldest first. */
  readonly audit: (limit: number) => Promise<readonly ReportAudit[]>;
  /** The end of the agent's log, at most `maxBytes`. */
  readonly logTail: (maxBytes: number) => Promise<string>;
};

export type BundleTrust = { readonly root: Omit<TrustAnswer['root'], 'pem'>; readonly stores: readonly TrustStoreRow[] };

export type Collected<T> = { readonly kind: 'collected'; readonly value: T } | { readonly kind: 'failed'; readonly because: string };

/** What `collectAll` found: plain data, so that it can be handed to another thread. */
export type Collection = {
  readonly status: Collected<Pick<Snapshot, (typeof statusFields)[number]>>;
  readonly policy: Collected<PolicyAnswer>;
  readonly apps: Collected<readonly AppSummary[]>;
  readonly exclusions: Collected<readonly Exclusion[]>;
  readonly trust: Collected<BundleTrust>;
  readonly versions: Collected<Readonly<Record<string, string>>>;
  readonly system: Collected<Readonly<Record<string, string | number>>>;
  readonly network: Collected<NetworkFacts>;
  readonly selfTest: Collected<readonly SelfTestRow[]>;
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

export type BundleProgress = (phase: 'collecting' | 'redacting', done: number, total: number) => void;

/** For one source, ms: a person waits for the bundle. */
export const collectorLimitMs = 10_000;
/** What is collected: eleven sources here and, behind them, the log (bundle.ts). */
export const sourceCount = 12;

/** Asks every source but the log at the same time; none takes longer than `limitMs`, and none can fail the others. */
export async function collectAll(sources: BundleSources, limitMs: number, onProgress: BundleProgress): Promise<Collection> {
  let done = 0;
  onProgress('collecting', done, sourceCount);
  const ask = async <T>(source: () => Promise<T>): Promise<Collected<T>> => {
    const collected = await collect(source, limitMs);
    onProgress('collecting', done += 1, sourceCount);
    return collected;
  };
  const [status, policy, apps, exclusions, trust, versions, system, network, selfTest, audit, log] = await Promise.all([
    ask(async () => pick(await sources.status(), statusFields)),
    ask(sources.policy),
    ask(async () => (await sources.apps()).map((app) => pick(app, appFields))),
    ask(sources.exclusions),
    ask(async () => {
      const trusted = await sources.trust();
      return { root: pick(trusted.root, rootFields), stores: trusted.stores.map((store) => pick(store, storeFields)) };
    }),
    ask(sources.versions),
    ask(async () => systemFacts()),
    ask(sources.network),
    ask(sources.selfTest),
    ask(async () => (await sources.audit(maxAudit)).map((row) => pick(row, ['at', 'kind', 'detail']))),
    ask(async () => wholeLines(await sources.logTail(maxLogBytes))),
  ]);
  return { status, policy, apps, exclusions, trust, versions, system, network, selfTest, audit, log };
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
    timeZone: timeZone(),
  };
}

/** By its link, as most systems have it: Intl would load 8 MB for the rest of the agent's life. */
function timeZone(): string {
  try {
    const name = process.env['TZ'] === undefined ? readlinkSync('/etc/localtime').split('/zoneinfo/')[1] : undefined;
    if (name !== undefined) return name;
  } catch {
    // A system without the link.
  }
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const appFields = [
  'id', 'name', 'path', 'script', 'package', 'runtime', 'hash', 'known', 'user', 'trust', 'inspected', 'bypassed', 'blocked', 'lastSeen', 'hosts', 'verdict',
] as const satisfies readonly (keyof AppSummary)[];

// Apps, exclusions, connections and warnings have files of their own; the recent ones twice would only be read twice.
const statusFields = ['sequence', 'agent', 'counts', 'warnings'] as const satisfies readonly (keyof Snapshot)[];
const rootFields = ['certificatePath', 'fingerprint', 'subject', 'notBefore', 'notAfter', 'keyProtection'] as const satisfies readonly (keyof BundleTrust['root'])[];
const storeFields = ['store', 'kind', 'path', 'state', 'detail'] as const satisfies readonly (keyof TrustStoreRow)[];

/** Only the fields named: what a later version adds to a row stays out until somebody lists it here. */
export function pick<T extends object, K extends keyof T>(value: T, fields: readonly K[]): Pick<T, K>;
export function pick(value: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => fields.includes(name)));
}
