// An app as people see it: the monitor's memory plus what policy would do next. Not for judging.
import { explainDecision, explainExclusion } from '../../core/explain.ts';
import { decide } from '../../core/policy/decide.ts';
import type { Exclusion, Os } from '../../core/model.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { AppHost, AppSummary } from '../../contract/snapshot.ts';
import type { AppRecord, Pair, PinningMonitor } from '../pinning/pinning-monitor.ts';

/** More hosts than this are not shown with an app; the newest are. */
const hostsShown = 100;

export type SummaryContext = {
  readonly monitor: PinningMonitor; readonly policy: () => Policy; readonly os: Os; readonly selfUid: number | null; readonly now: () => number;
};

export function summariseApp(app: AppRecord, context: SummaryContext): AppSummary {
  const { identity } = app;
  const pairs = [...app.pairs.values()].sort((a, b) => b.lastSeen - a.lastSeen).slice(0, hostsShown);
  return {
    id: identity.id, name: identity.name, path: identity.path, script: identity.script, package: identity.package, runtime: identity.runtime,
    hash: identity.hash, known: identity.known, user: app.user, trust: app.trust,
    inspected: app.inspected, bypassed: app.bypassed, blocked: app.blocked, lastSeen: app.lastSeen,
    hosts: pairs.map((pair) => summariseHost(app, pair, context)),
  };
}

function summariseHost(app: AppRecord, pair: Pair, context: SummaryContext): AppHost {
  const exclusion = context.monitor.findExclusion(app.identity, pair.host);
  return {
    host: pair.host, verdict: pair.verdict, next: nextConnection(app, pair, exclusion, context), exclusion,
    attempts: pair.attempts, firstSeen: pair.firstSeen, lastSeen: pair.lastSeen,
  };
}

/** What decide() would say now to an ordinary TLS connection of this app to port 443 there. */
function nextConnection(app: AppRecord, pair: Pair, exclusion: Exclusion | null, context: SummaryContext): AppHost['next'] {
  const decision = decide(context.policy(), {
    target: { host: pair.host, port: 443 }, os: context.os, transport: 'tls', serverName: pair.host, cannotAnswer: null,
    app: app.identity, uid: context.selfUid, user: app.user, selfUid: context.selfUid, exclusion, passThroughDue: pair.passThroughDue,
  });
  if (decision.reason.code === 'exclusion' && exclusion !== null) {
    return { disposition: decision.disposition, sentence: explainExclusion(exclusion, context.now()) };
  }
  return { disposition: decision.disposition, sentence: explainDecision(decision) };
}
