// What each control route does: read from the agent's parts, answer in the contract's shapes. Not for transport (control-server.ts).
import { randomBytes } from 'node:crypto';
import { PinlightError } from '../../contract/errors.ts';
import type { ExplainAnswer, PolicyAnswer, TrustAnswer } from '../../contract/routes.ts';
import type { AppSummary, ConnectionRow, Snapshot } from '../../contract/snapshot.ts';
import { adviceSentence, attemptSentence, controlSentences, decisionSentence, explainDecision, factSentence, verdictSentence } from '../../core/explain.ts';
import { isStored, storedFields } from '../../core/log-query/suggest.ts';
import type { AppTest, Decision, Exclusion, Fact, Reason } from '../../core/model.ts';
import { addressBytes } from '../../core/policy/address.ts';
import { compileHostPattern, normaliseHost } from '../../core/policy/host-pattern.ts';
import { whyForbidden } from '../../core/policy/permission.ts';
import type { PolicyUser } from '../../core/policy/policy.ts';
import { say, sentence } from '../../core/sentence.ts';
import type { Sentence } from '../../core/sentence.ts';
import type { PolicyStore } from '../policy/policy-store.ts';
import { testsPerAppDay, type AppRecord, type PinningMonitor } from '../pinning/pinning-monitor.ts';
import type { LogReader } from '../store/log-reader.ts';
import type { Store } from '../store/store.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { BundleJobs } from '../diagnostics/bundle-jobs.ts';
import type { NetworkFacts } from '../diagnostics/collectors.ts';
import type { HandshakeLog } from '../events/handshake-log.ts';
import type { Authority } from '../ca/authority.ts';
import { testOwnTls } from '../ca/tls-selftest.ts';
import type { createHandshakeChecks, HandshakeCheck } from './handshake-check.ts';
import { bundleJob, cancelBundle, sendBundle, startBundle, type BundleContext } from './bundle-routes.ts';
import { backlogLimit, streamEvents } from './event-stream.ts';
import type { Notices } from './notices.ts';
import type { Pauses } from './pauses.ts';
import type { Handlers, Streams } from './control-server.ts';

/** As many attempts and observations as a person reads. */
const observationsShown = 20;

export type HandlerContext = {
  readonly store: Store;
  /** The log as the caller may see it. */
  readonly log: LogReader;
  readonly monitor: PinningMonitor;
  readonly policy: PolicyStore;
  readonly bus: EventBus;
  readonly snapshot: () => Snapshot;
  /** `host`: one that is wanted in it, however long ago it was seen. */
  readonly summarise: (app: AppRecord, host?: string) => AppSummary;
  /** What policy, lists and people want of this app at this host, whatever was learned. */
  readonly decideUnlearned: (app: AppRecord, host: string) => Decision;
  /** app-summary's own: what happens next at a host it was seen at. */
  readonly nextWords: (app: AppRecord, host: string) => Sentence;
  readonly trust: () => Promise<TrustAnswer>;
  /** The roots that programs may be asked about; null = there is none. */
  readonly rootFor: (which: 'current' | 'next') => Authority | null;
  readonly handshakeChecks: ReturnType<typeof createHandshakeChecks>;
  readonly versions: () => Record<string, string>;
  readonly network: () => Promise<NetworkFacts>;
  readonly logTail: (maxBytes: number) => Promise<string>;
  readonly homes: readonly string[];
  readonly bundles: BundleJobs;
  readonly handshakes: HandshakeLog;
  readonly now: () => number;
  readonly stop: () => void;
  readonly pauses: Pauses;
  readonly notices: Notices;
  /** Whose notice the caller's is (Notices). */
  readonly account: string;
  /** "Detailed log for 30 minutes". */
  readonly logDetail: { readonly until: () => number | null; readonly set: (detailed: boolean) => void };
  /** May do what concerns everybody; others only what policy allows always (callers.ts). */
  readonly administrator: boolean;
};

export function createHandlers(context: HandlerContext): Handlers {
  const { monitor, policy, now } = context;
  return {
    ping: () => ({ pid: process.pid }),
    status: () => context.snapshot(),
    apps: () => ({ apps: context.snapshot().apps }),
    exclusions: () => ({ exclusions: allExclusions(context) }),
    connections: ({ filter, limit, before, after }, _body, signal) => {
      if (before !== undefined && after !== undefined) throw new PinlightError('bad-request', 'a page is either before a row or after one');
      const id = (text: string | undefined, name: string): number | null => (text === undefined ? null : wholeNumber(text, name, 0, Number.MAX_SAFE_INTEGER));
      return context.log.page({ filter: filter ?? '', limit: wholeNumber(limit ?? '100', 'limit', 1, 1_000), before: id(before, 'before'), after: id(after, 'after') }, signal);
    },
    logStatistics: async ({ hours, filter, app }, _body, signal) => {
      const bucketMs = 3_600_000;
      // To the end of this hour, so that whole hours are counted.
      const to = Math.ceil(now() / bucketMs) * bucketMs;
      const from = to - wholeNumber(hours ?? '', 'hours', 1, 744) * bucketMs;
      return { from, to, bucketMs, buckets: await context.log.statistics({ filter: filter ?? '', app: app ?? null, from, to, bucketMs }, signal) };
    },
    logValues: async ({ field, part }, _body, signal) => {
      if (!isStored(field)) throw new PinlightError('bad-request', `field must be one of ${Object.keys(storedFields).join(', ')}`);
      return { values: await context.log.values({ field, part: (part ?? '').slice(0, 200), limit: 20 }, signal) };
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
    policy: () => policyAnswer(policy),
    reloadPolicy: () => {
      policy.reload();
      return policyAnswer(policy);
    },
    trust: () => context.trust(),
    startBundle: (_query, body) => ({ job: startBundle(forBundles(context), body) }),
    bundleJob: ({ id }) => ({ job: bundleJob(forBundles(context), id) }),
    cancelBundle: ({ id }) => ({ job: cancelBundle(forBundles(context), id) }),
    pause: (_query, { minutes, reason, code }) => ({ pause: context.pauses.begin({ minutes, reason, code }, context.account) }),
    resume: () => ({ ended: context.pauses.resume(context.administrator ? null : context.account), active: context.pauses.view().active }),
    pauseTicket: () => context.pauses.ticket(),
    notice: () => context.notices.read(context.account),
    acceptNotice: (_query, { version, as }) => context.notices.record(context.account, version, as),
    logLevel: (_query, { level }) => {
      if (level !== 'normal' && level !== 'detailed') throw new PinlightError('bad-request', 'level must be "normal" or "detailed"');
      if (!context.administrator) throw new PinlightError('not-permitted', 'the log is for administrators');
      context.logDetail.set(level === 'detailed');
      return { until: context.logDetail.until() };
    },
    stop: () => {
      permit(context, 'stop');
      setImmediate(context.stop);
      return { stopping: true };
    },
  };
}

export function createStreams(context: HandlerContext): Streams {
  return {
    events: (response) => streamEvents(response, context.bus, context.snapshot, backlogLimit[context.administrator ? 'administrator' : 'user']),
    bundle: (response, query) => sendBundle(response, forBundles(context), query.get('id')),
    handshakes: (response, query) => {
      const root = context.rootFor(query.get('root') === 'next' ? 'next' : 'current');
      if (root === null) throw new PinlightError('root-unusable', 'there is no such root to ask programs about');
      return context.handshakeChecks(response, { owner: context.administrator ? null : context.account, root, pairs: Number(query.get('pairs')), now: context.now(), onIssue: issuedFor(context, 'handshake-check') });
    },
  };
}

function forBundles(context: HandlerContext): BundleContext {
  return {
    ...context, policyAnswer: () => policyAnswer(context.policy), exclusions: () => allExclusions(context),
    selfTest: async () => {
      const root = context.rootFor('current');
      if (root === null) throw new Error('there is no root that can sign');
      return testOwnTls(root, context.now(), issuedFor(context, 'self-test'));
    },
  };
}

/** Writes down a leaf that no server's certificate stands behind, and what it is for. */
function issuedFor(context: HandlerContext, upstreamResult: string): HandshakeCheck['onIssue'] {
  return (leaf) => context.store.putIssued({ ...leaf, upstreamResult, at: context.now() });
}

function policyAnswer(policy: PolicyStore): PolicyAnswer {
  return { generation: policy.generation(), policy: policy.current(), problems: policy.problems(), files: policy.files() };
}

/** Throws where policy keeps people from it. */
function permit(context: HandlerContext, deed: keyof PolicyUser): void {
  const why = whyForbidden(context.policy.current(), deed);
  if (why !== null) throw new PinlightError('not-permitted-by-policy', why);
  if (!context.administrator && context.policy.current().user[deed] !== 'always') {
    throw new PinlightError('not-permitted', `only administrators may do that here; the policy key user.${deed} can let everybody ("always")`);
  }
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
  if (body.app === undefined && !context.administrator) throw new PinlightError('not-permitted', 'an exclusion for every app concerns every user: name an app of yours, or ask an administrator');
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
  const facts = (speaks: Fact['speaks']): Sentence[] => (chosen?.verdict.because ?? []).filter((fact) => fact.speaks === speaks).map(factSentence);
  const attempt = (row: ConnectionRow): Sentence => attemptSentence({ ...row, reason: briefReason(row.reason) }, row.outcome);
  const words: ExplainAnswer['words'] = {
    sentence: chosen === undefined ? sentence('verdict.none', { app: app.name }) : verdictSentence(chosen.verdict, app.name, chosen.host),
    evidenceFor: facts('for'), evidenceAgainst: facts('against'), alsoKnown: facts('neither'),
    next: nextSentence(context, record, chosen),
    advice: chosen === undefined ? sentence('todo.nothing') : adviceSentence(chosen.verdict),
    controls: chosen?.next.disposition === 'bypass' ? controlSentences({ connections: rows.length, bytes: rows.reduce((sum, row) => sum + row.bytesUp + row.bytesDown, 0), names: whoResolves(rows) }) : [],
    attempts: rows.map(attempt),
  };
  return {
    app, host: chosen?.host ?? null,
    verdict: chosen?.verdict ?? null,
    words,
    sentence: say(words.sentence), next: say(words.next), advice: say(words.advice), controls: words.controls.map(say),
    evidenceFor: words.evidenceFor.map(say), evidenceAgainst: words.evidenceAgainst.map(say), alsoKnown: words.alsoKnown.map(say),
    attempts: rows.map((row) => ({ at: row.startedAt, host: row.host, sentence: say(attempt(row)) })),
    observations: chosen === undefined ? [] : (recalled ?? context.monitor.recall(record, chosen.host) ?? []).toReversed().slice(0, observationsShown),
  };
}

/** By the newest connection that came through: an address was dialled from here, or a proxy was asked for the name. */
function whoResolves(rows: readonly ConnectionRow[]): 'here' | 'proxy' | null {
  const through = rows.find(({ outcome }) => outcome?.kind === 'passed' || outcome?.kind === 'established');
  if (through === undefined || addressBytes(through.host) !== null) return null;
  return through.ip === null ? 'proxy' : 'here';
}

/** What happens next, now: a pause that runs comes before what holds otherwise. */
function nextSentence(context: HandlerContext, record: AppRecord, chosen: AppSummary['hosts'][number] | undefined): Sentence {
  if (chosen === undefined) return sentence('next.unseen');
  const now = context.decideUnlearned(record, chosen.host);
  return now.reason.code === 'paused' || now.reason.code === 'notice-pending' ? decisionSentence(now) : context.nextWords(record, chosen.host);
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
