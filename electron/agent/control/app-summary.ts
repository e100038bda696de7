// An app as people see it: the monitor's memory plus what policy would do next. Not for judging.
import { duration, explainDecision } from '../../core/explain.ts';
import { judgeApp } from '../../core/pinning/verdict.ts';
import { decide } from '../../core/policy/decide.ts';
import type { ConnectionFacts, Decision, Exclusion, Os } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { AppHost, AppSummary } from '../../contract/snapshot.ts';
import type { AppRecord, Pair, PinningMonitor } from '../pinning/pinning-monitor.ts';

/** More hosts than this are not shown with an app; the newest are. */
const hostsShown = 100;

export type SummaryContext = {
  readonly monitor: PinningMonitor; readonly policy: () => Policy; readonly os: Os; readonly selfUid: number | null; readonly now: () => number;
};

/** `wanted`: a host that is shown however long ago it was seen. */
export function summariseApp(app: AppRecord, context: SummaryContext, wanted: string | null = null): AppSummary {
  const { identity } = app;
  const newest = [...app.pairs.values()].sort((a, b) => b.lastSeen - a.lastSeen);
  const asked = newest.filter(({ host }) => host === wanted || context.monitor.test(identity.id, host) !== null);
  const pairs = [...new Set([...asked, ...newest.slice(0, hostsShown)])].slice(0, hostsShown);
  return {
    id: identity.id, name: identity.name, path: identity.path, script: identity.script, package: identity.package, runtime: identity.runtime,
    hash: identity.hash, known: identity.known, user: app.user, trust: app.trust, verdict: judgeApp([...app.pairs.values()].map(({ verdict }) => verdict)),
    inspected: app.inspected, bypassed: app.bypassed, blocked: app.blocked, lastSeen: app.lastSeen,
    hosts: pairs.map((pair) => summariseHost(app, pair, context)),
  };
}

function summariseHost(app: AppRecord, pair: Pair, context: SummaryContext): AppHost {
  const exclusion = context.monitor.findExclusion(app.identity, pair.host);
  return {
    host: pair.host, verdict: pair.verdict, next: nextConnection(app, pair, exclusion, context), exclusion, test: context.monitor.test(app.identity.id, pair.host),
    attempts: pair.attempts, firstSeen: pair.firstSeen, lastSeen: pair.lastSeen,
  };
}

function nextConnection(app: AppRecord, pair: Pair, exclusion: Exclusion | null, context: SummaryContext): AppHost['next'] {
  const decision = decideNext(app, pair.host, context.monitor.factsFor(app.identity, pair.host), context);
  if (decision.reason.code === 'exclusion' && exclusion !== null) {
    return { disposition: decision.disposition, sentence: lettingThrough(exclusion, context.now()) };
  }
  if (decision.reason.code === 'control-experiment') return { disposition: decision.disposition, sentence: 'Let through untouched once, to see whether it works: the app refused before.' };
  return { disposition: decision.disposition, sentence: explainDecision(decision) };
}

function lettingThrough({ kind, reason, expiresAt }: Exclusion, now: number): string {
  const until = expiresAt === null ? 'without an end' : `for another ${duration(expiresAt - now)}`;
  // The reason of a learned one is the verdict, which stands beside this sentence wherever it is shown.
  return `Let through untouched ${until}, by ${exclusionKinds[kind]}${kind === 'learned' ? '' : ` (${reason})`}.`;
}

const exclusionKinds: Readonly<Record<Exclusion['kind'], string>> = {
  predefined: 'a predefined exclusion', managed: 'an exclusion of the administrator', user: 'an exclusion made by hand', learned: 'a learned exclusion',
};

/** What decide() would say if nothing had been learned: what policy, lists and people want. */
export function decideUnlearned(app: AppRecord, host: string, context: SummaryContext): Decision {
  const exclusion = context.monitor.findExclusion(app.identity, host, ({ kind }) => kind !== 'learned');
  return decideNext(app, host, { exclusion, passThroughDue: false }, context);
}

/** To an ordinary TLS connection of this app to port 443 there, now. */
function decideNext(app: AppRecord, host: string, learned: Pick<ConnectionFacts, 'exclusion' | 'passThroughDue'>, context: SummaryContext): Decision {
  return decide(context.policy(), {
    target: { host, port: 443 }, os: context.os, transport: 'tls', serverName: host, cannotAnswer: null,
    app: app.identity, uid: context.selfUid, user: app.user, selfUid: context.selfUid, ...learned,
  });
}
