// What each control route does: read from the agent's parts, answer in the contract's shapes. Not for transport (control-server.ts).
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { PinlightError } from '../../contract/errors.ts';
import type { ExplainAnswer, TrustAnswer } from '../../contract/routes.ts';
import type { AppSummary, Snapshot } from '../../contract/snapshot.ts';
import { adviseVerdict, explainDecision, explainFact, explainOutcome, explainVerdict } from '../../core/explain.ts';
import { parseFilter } from '../../core/log-query/parse-filter.ts';
import { toSql } from '../../core/log-query/to-sql.ts';
import type { AppTest, Decision, Exclusion, Reason } from '../../core/model.ts';
import { compileHostPattern, normaliseHost } from '../../core/policy/host-pattern.ts';
import { parsePolicyFile } from '../../core/policy/parse.ts';
import { whyForbidden } from '../../core/policy/permission.ts';
import type { PolicyUser } from '../../core/policy/policy.ts';
import type { PolicyStore } from '../policy/policy-store.ts';
import { testsPerAppDay, type AppRecord, type PinningMonitor } from '../pinning/pinning-monitor.ts';
import type { Store } from '../store/store.ts';
import type { EventBus } from '../events/event-bus.ts';
import { streamBundle, type BundleSources } from '../diagnostics/bundle.ts';
import { streamEvents } from './event-stream.ts';
import type { Handlers, Streams } from './control-server.ts';

/** As many attempts and observations as a person reads. */
const observationsShown = 20;

export type HandlerContext = {
  readonly store: Store;
  readonly monitor: PinningMonitor;
  readonly policy: PolicyStore;
  readonly bus: EventBus;
  readonly snapshot: () => Snapshot;
  /** `host`: one that is wanted in it, however long ago it was seen. */
  readonly summarise: (app: AppRecord, host?: string) => AppSummary;
  /** What policy, lists and people want of this app at this host, whatever was learned. */
  readonly decideUnlearned: (app: AppRecord, host: string) => Decision;
  readonly trust: () => Promise<TrustAnswer>;
  readonly versions: () => Record<string, string>;
  readonly logTail: (maxBytes: number) => Promise<string>;
  readonly homes: readonly string[];
  readonly now: () => number;
  readonly stop: () => void;
};

export function createHandlers(context: HandlerContext): Handlers {
  const { store, monitor, policy, now } = context;
  return {
    status: () => context.snapshot(),
    apps: () => ({ apps: context.snapshot().apps }),
    exclusions: () => ({ exclusions: allExclusions(context) }),
    connections: ({ filter, limit, before }) => {
      const read = parseFilter(filter ?? '');
      if (read.kind === 'invalid') throw new PinlightError('bad-filter', `${read.message} (at character ${read.at + 1})${read.suggestion === undefined ? '' : `. Did you mean "${read.suggestion}"?`}`);
      const size = wholeNumber(limit ?? '100', 'limit', 1, 1_000);
      const { where, params } = toSql(read.tree, now());
      store.flush();
      const rows = store.connections.page(where, params, size, before === undefined ? null : wholeNumber(before, 'before', 0, Number.MAX_SAFE_INTEGER));
      return { rows, next: rows.length === size ? String(rows.at(-1)?.id ?? '') : null };
    },
    explain: ({ app, host }) => explain(context, findApp(context, app), host === undefined ? null : normaliseHost(host)),
    addExclusion: (_query, body) => {
      permit(context, 'exclusions');
      return { exclusion: addExclusion(context, body) };
    },
    removeExclusion: ({ id }) => {
      permit(context, 'exclusions');
      const removed = monitor.removeExclusion(id ?? '', 'removed by a person');
      if (removed !== null) return { removed };
      const fixed = policy.current().exclusions.find((exclusion) => exclusion.id === id);
      if (fixed === undefined) throw new PinlightError('no-such-exclusion', `there is no exclusion "${id ?? ''}"`);
      throw new PinlightError('exclusion-fixed', `"${fixed.id}" is a ${fixed.kind} exclusion for ${fixed.host}: it is switched off by a policy rule, not removed`);
    },
    startTest: (_query, { app, host }) => {
      permit(context, 'testApp');
      return { test: startTest(context, app, host) };
    },
    test: ({ app, host }) => ({ test: monitor.test(findApp(context, app).identity.id, testHost(host)) }),
    cancelTest: ({ app, host }) => ({ test: monitor.cancelTest(findApp(context, app).identity.id, testHost(host)) }),
    policy: () => ({ generation: policy.generation(), policy: policy.current(), problems: policy.problems(), files: policy.files() }),
    checkPolicy: (_query, { text, file }) => {
      if (typeof text !== 'string' || typeof file !== 'string') throw new PinlightError('bad-request', 'text and file must be strings');
      const read = parsePolicyFile(text, file);
      return read.kind === 'policy' ? { valid: true, rules: read.layer.rules?.length ?? 0, problems: [] } : { valid: false, rules: 0, problems: read.problems };
    },
    trust: () => context.trust(),
    stop: () => {
      permit(context, 'stop');
      setImmediate(context.stop);
      return { stopping: true };
    },
  };
}

export function createStreams(context: HandlerContext): Streams {
  return {
    events: (response) => streamEvents(response, context.bus, context.snapshot),
    bundle: (response) => sendBundle(response, context),
  };
}

/** Throws where policy keeps people from it. */
function permit(context: HandlerContext, deed: keyof PolicyUser): void {
  const why = whyForbidden(context.policy.current(), deed);
  if (why !== null) throw new PinlightError('not-permitted-by-policy', why);
}

async function sendBundle(response: ServerResponse, context: HandlerContext): Promise<void> {
  const snapshot = context.snapshot();
  const sources: BundleSources = {
    status: async () => snapshot,
    policy: async () => ({
      generation: context.policy.generation(), policy: context.policy.current(), problems: context.policy.problems(), files: context.policy.files(),
    }),
    apps: async () => snapshot.apps,
    exclusions: async () => allExclusions(context),
    connections: async (limit) => {
      context.store.flush();
      return context.store.connections.page('', [], limit, null);
    },
    trust: context.trust,
    versions: async () => context.versions(),
    logTail: context.logTail,
  };
  const { stream } = streamBundle(sources, {
    device: snapshot.agent.device, version: snapshot.agent.version, now: context.now(), random: randomBytes(8), homes: context.homes,
  });
  response.writeHead(200, { 'content-type': 'application/zip', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  await pipeline(stream, response);
}

/** Stored ones first (they can be removed), then the predefined ones of the policy. */
function allExclusions(context: HandlerContext): Exclusion[] {
  return [...context.monitor.exclusions(), ...context.policy.current().exclusions];
}

function addExclusion(context: HandlerContext, body: { host: string; app?: string; reason: string; hours?: number }): Exclusion {
  const { host, reason, hours } = body;
  if (typeof host !== 'string' || typeof reason !== 'string' || reason.trim() === '' || reason.length > 500) {
    throw new PinlightError('bad-request', 'an exclusion needs a host and a reason of at most 500 characters');
  }
  if (hours !== undefined && (typeof hours !== 'number' || !(hours > 0) || hours > 24 * 366)) throw new PinlightError('bad-request', 'hours must be a number above 0 and at most 8784');
  const pattern = compileHostPattern(host, 'exclusion');
  if (pattern.kind === 'invalid') throw new PinlightError('bad-request', `host: ${pattern.why}`);
  if (body.app !== undefined && typeof body.app !== 'string') throw new PinlightError('bad-request', 'app must be the id, name or path of an app');
  const app = body.app === undefined ? null : findApp(context, body.app);
  const createdAt = context.now();
  const same = context.monitor.exclusions().find((one) => one.kind === 'user' && one.host === normaliseHost(host) && one.appId === (app?.identity.id ?? null));
  if (same !== undefined) return extended(context, same, hours === undefined ? null : createdAt + hours * 3600_000);
  const exclusion: Exclusion = {
    id: `user-${randomBytes(4).toString('hex')}`, kind: 'user', host: normaliseHost(host), appId: app?.identity.id ?? null, appName: app?.identity.name ?? null,
    appHash: null, reason: reason.trim(), verdict: null, createdAt, expiresAt: hours === undefined ? null : createdAt + hours * 3600_000,
  };
  context.monitor.addExclusion(exclusion);
  return exclusion;
}

/** A person asks again for what there is: the later end holds. */
function extended(context: HandlerContext, same: Exclusion, expiresAt: number | null): Exclusion {
  if (same.expiresAt === null || (expiresAt !== null && expiresAt <= same.expiresAt)) return same;
  const longer = { ...same, expiresAt };
  context.monitor.addExclusion(longer, same);
  return longer;
}

/** The app's next connection there, whatever was learned; not where policy, a list or a person wants none inspected. */
function startTest(context: HandlerContext, wanted: string, wantedHost: string): AppTest {
  const app = findApp(context, wanted);
  const host = testHost(wantedHost);
  const decision = context.decideUnlearned(app, host);
  if (decision.disposition !== 'inspect') {
    throw new PinlightError('test-not-possible', `${app.identity.name} cannot be tested at ${host}. ${explainDecision(decision)}`);
  }
  const test = context.monitor.startTest(app, host, decision.reason.code !== 'must-inspect');
  if (test === null) throw new PinlightError('test-not-possible', `${app.identity.name} was tested ${testsPerAppDay} times within a day, which is the limit`);
  return test;
}

/** One host, not a pattern. */
function testHost(wanted: unknown): string {
  if (typeof wanted !== 'string') throw new PinlightError('bad-request', 'a test needs the host to test the app at');
  const host = normaliseHost(wanted);
  const pattern = compileHostPattern(host, 'exclusion');
  if (pattern.kind === 'invalid') throw new PinlightError('bad-request', `host: ${pattern.why}`);
  if (host.includes('*')) throw new PinlightError('bad-request', 'host: one host, not a pattern');
  return host;
}

/** By id, then by path, then by name; a name that several apps share is answered with the newest. */
function findApp(context: HandlerContext, wanted: unknown): AppRecord {
  if (typeof wanted !== 'string') throw new PinlightError('no-such-app', 'an app is missing: its id, name or path');
  const apps = context.monitor.apps().sort((a, b) => b.lastSeen - a.lastSeen);
  const found = apps.find((app) => app.identity.id === wanted) ?? apps.find((app) => app.identity.path === wanted || app.identity.script === wanted)
    ?? apps.find((app) => app.identity.name === wanted) ?? apps.find((app) => app.identity.name.toLowerCase().includes(wanted.toLowerCase()) && wanted !== '');
  if (found === undefined) throw new PinlightError('no-such-app', `Pinlight has not seen an app "${wanted}"`);
  return found;
}

function explain(context: HandlerContext, record: AppRecord, host: string | null): ExplainAnswer {
  // Before the summary: what is on disk only comes back with it.
  const recalled = host === null ? null : context.monitor.recall(record, host);
  const app = context.summarise(record, host ?? undefined);
  const chosen = host === null ? worstHost(app) : app.hosts.find((entry) => entry.host === host);
  if (host !== null && chosen === undefined) throw new PinlightError('not-found', `${app.name} was not seen at ${host}`);
  context.store.flush();
  const params = chosen === undefined ? [app.id] : [app.id, chosen.host, chosen.host];
  const where = chosen === undefined ? 'app_id = ?' : 'app_id = ? AND (host = ? OR server_name = ?)';
  const rows = context.store.connections.page(where, params, observationsShown, null);
  const facts = chosen?.verdict.because ?? [];
  return {
    app, host: chosen?.host ?? null,
    sentence: chosen === undefined ? `${app.name} has made no inspected connection yet.` : explainVerdict(chosen.verdict, app.name, chosen.host),
    verdict: chosen?.verdict ?? null,
    evidenceFor: facts.filter((fact) => fact.speaks === 'for').map(explainFact),
    evidenceAgainst: facts.filter((fact) => fact.speaks === 'against').map(explainFact),
    alsoKnown: facts.filter((fact) => fact.speaks === 'neither').map(explainFact),
    next: chosen?.next.sentence ?? 'Policy decides when it connects.',
    advice: chosen === undefined ? 'Nothing to do.' : adviseVerdict(chosen.verdict),
    attempts: rows.map((row) => ({
      at: row.startedAt, host: row.host,
      sentence: `${explainDecision({ ...row, reason: briefReason(row.reason) })} ${row.outcome === null ? 'Still open.' : explainOutcome(row.outcome)}`,
    })),
    observations: chosen === undefined ? [] : (recalled ?? context.monitor.recall(record, chosen.host) ?? []).toReversed().slice(0, observationsShown),
  };
}

/** The host a person asking about an app most likely means: one that is not fine. */
function worstHost(app: AppSummary): AppSummary['hosts'][number] | undefined {
  const rank = { pinned: 0, 'private-trust-store': 1, 'client-certificate': 2, incompatible: 3, undetermined: 4, inspectable: 5 } as const;
  return [...app.hosts].sort((a, b) => rank[a.verdict.kind] - rank[b.verdict.kind] || b.lastSeen - a.lastSeen)[0];
}

function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new PinlightError('bad-request', `${name} must be a whole number from ${least} to ${most}`);
  return value;
}

/** In a list of attempts the rule's name says enough; its author's sentence would stand in every line. */
function briefReason(reason: Reason): Reason {
  return reason.code === 'rule' ? { ...reason, detail: null } : reason;
}
