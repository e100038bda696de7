// An app as people see it: the monitor's memory plus what policy would do next. Not for judging.
import { decisionSentence, exclusionSentence } from '../../core/explain.ts';
import { judgeApp } from '../../core/pinning/verdict.ts';
import { decide } from '../../core/policy/decide.ts';
import { say, sentence } from '../../core/sentence.ts';
import type { Sentence } from '../../core/sentence.ts';
import type { ConnectionFacts, Decision, Exclusion, Os, Suspension } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { AppHost, AppSummary } from '../../contract/snapshot.ts';
import type { AppRecord, Pair, PinningMonitor } from '../pinning/pinning-monitor.ts';

/** More hosts than this are not shown with an app; the newest are. */
const hostsShown = 100;

export type SummaryContext = {
  readonly monitor: PinningMonitor; readonly policy: () => Policy; readonly os: Os; readonly selfUid: number | null; readonly now: () => number;
  /** Why nothing may be inspected now; null = it may. */
  readonly suspended: () => Suspension | null;
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
  const decision = decideLearned(app, pair, context);
  const words = nextSentence(decision, exclusion, context.now());
  return { disposition: decision.disposition, sentence: say(words), words };
}

/** What happens to the app's next connection to a host that it was seen at, as `AppHost.next` says it in English. */
export function nextWords(app: AppRecord, host: string, context: SummaryContext): Sentence {
  const pair = app.pairs.get(host);
  if (pair === undefined) return sentence('next.unseen');
  return nextSentence(decideLearned(app, pair, context), context.monitor.findExclusion(app.identity, host), context.now());
}

function nextSentence(decision: Decision, exclusion: Exclusion | null, now: number): Sentence {
  if (decision.reason.code === 'exclusion' && exclusion !== null) return exclusionSentence(exclusion, now);
  return decision.reason.code === 'control-experiment' ? sentence('next.once') : decisionSentence(decision);
}

function decideLearned(app: AppRecord, pair: Pair, context: SummaryContext): Decision {
  // A pause is told beside the apps, and ends without news of them.
  return decideNext(app, pair.host, { ...context.monitor.factsFor(app.identity, pair.host), suspended: null, cannotAnswer: unanswerable(pair) }, context);
}

/** Why the hello it offered last could not be answered; it will very likely offer the same again. */
function unanswerable({ verdict }: Pair): string | null {
  const fact = verdict.because.find(({ code }) => code === 'hello-unanswerable');
  return fact === undefined ? null : String(fact.values['why']);
}

/** What decide() would say now if nothing had been learned: what policy, lists and people want. */
export function decideUnlearned(app: AppRecord, host: string, context: SummaryContext): Decision {
  const exclusion = context.monitor.findExclusion(app.identity, host, ({ kind }) => kind !== 'learned');
  return decideNext(app, host, { exclusion, passThroughDue: false, suspended: context.suspended(), cannotAnswer: null }, context);
}

/** To an ordinary TLS connection of this app to port 443 there, now. */
function decideNext(app: AppRecord, host: string, learned: Pick<ConnectionFacts, 'exclusion' | 'passThroughDue' | 'suspended' | 'cannotAnswer'>, context: SummaryContext): Decision {
  return decide(context.policy(), {
    target: { host, port: 443 }, os: context.os, transport: 'tls', serverName: host,
    app: app.identity, uid: context.selfUid, user: app.user, selfUid: context.selfUid, ...learned,
  });
}
