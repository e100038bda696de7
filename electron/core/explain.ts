// One plain sentence for any decision, outcome, fact or verdict: in English (`explain…`), and as key and values for the window's
// languages (`…Sentence`).
// Not for advice on Pinlight's own errors (contract/errors) or warnings (core/health/warnings).
import { detailSentence, predefinedSentence } from './policy/problem-words.ts';
import { say, sentence } from './sentence.ts';
import type { Sentence, SentenceKey } from './sentence.ts';
import { alertName } from './tls/alerts.ts';
import { findingSentence } from './trust-findings.ts';
import type { ConnectionOutcome, Decision, Disposition, DisturbanceKind, Exclusion, Fact, Reason, Verdict } from './model.ts';

/** What was decided and why: `Bypassed: the predefined exclusion "apple-push" names this host.` */
export function explainDecision(decision: Decision): string {
  return say(decisionSentence(decision));
}

/** The reason alone, as the end of a sentence without its full stop. */
export function explainReason(reason: Reason, rule: string | null): string {
  return say(reasonSentence(reason, rule));
}

/** What became of one connection: `The app refused our certificate without a word after the handshake.` */
export function explainOutcome(outcome: ConnectionOutcome): string {
  return say(outcomeSentence(outcome));
}

/** One fact as a sentence. */
export function explainFact(fact: Fact): string {
  return say(factSentence(fact));
}

/** The verdict as one sentence about the app at that host. */
export function explainVerdict(verdict: Verdict, app: string, host: string): string {
  return say(verdictSentence(verdict, app, host));
}

/** What a person can do about a verdict. */
export function adviseVerdict(verdict: Verdict): string {
  return say(adviceSentence(verdict));
}

export function decisionSentence({ disposition, reason, rule }: Decision): Sentence {
  return sentence(`decision.${disposition}`, { reason: reasonSentence(reason, rule) });
}

const undetailed: ReadonlySet<Reason['code']> = new Set([
  'no-match', 'must-inspect', 'control-experiment', 'not-tls', 'client-certificate', 'other-user', 'plain-http', 'paused', 'notice-pending',
]);

export function reasonSentence({ code, detail }: Reason, rule: string | null): Sentence {
  const reason = sentence(`reason.${code}`, code === 'rule' || code === 'must-inspect' ? { rule: rule ?? '?' } : {});
  return detail === null || undetailed.has(code) ? reason : sentence('reason.detailed', { reason, detail: (code === 'exclusion' || code === 'rule' ? detailSentence(detail) : null) ?? detail });
}

export function outcomeSentence(outcome: ConnectionOutcome): Sentence {
  switch (outcome.kind) {
    case 'refused': return outcome.sign === 'alert'
      ? sentence('outcome.refused-alert', { alert: String(outcome.alert), name: outcome.alert === null ? '?' : alertName(outcome.alert) })
      : sentence(`outcome.refused-${outcome.sign}`);
    case 'incompatible': return sentence('outcome.incompatible', { alert: outcome.alert, name: alertName(outcome.alert) });
    case 'agent-fault': case 'upstream': return sentence(`outcome.${outcome.kind}`, { code: outcome.code });
    case 'passed': return sentence(outcome.data ? 'outcome.passed-data' : 'outcome.passed-empty');
    default: return sentence(`outcome.${outcome.kind}`);
  }
}

/** One connection of an app as one line; `outcome`: null while it is open. */
export function attemptSentence(decision: Decision, outcome: ConnectionOutcome | null): Sentence {
  return sentence('attempt', { decision: decisionSentence(decision), outcome: outcome === null ? sentence('outcome.open') : outcomeSentence(outcome) });
}

export function factSentence({ code, values: v }: Fact): Sentence {
  switch (code) {
    case 'refused-here': return sentence('fact.refused-here', { times: times(v['count']), how: refusalManner(v) });
    // Not counted in words: a busy app's successes are written down now and then only.
    case 'established-here': return sentence('fact.established-here');
    case 'pass-through-worked': case 'pass-through-failed': case 'client-certificate-asked':
      return sentence(`fact.${code}`, { times: times(v['count']) });
    case 'established-elsewhere': return sentence('fact.established-elsewhere', { count: v['hosts'] ?? 0, example: v['example'] ?? '?' });
    case 'others-refuse': return sentence('fact.others-refuse', { count: v['count'] ?? 0 });
    case 'disturbed': return sentence('fact.disturbed', { what: disturbanceSentence(v['kind'] as DisturbanceKind) });
    case 'store-lacks-root': case 'store-holds-root': return sentence(`fact.${code}`, { ...v, because: findingSentence(String(v['because'])) ?? v['because'] ?? '?' });
    default: return sentence(`fact.${code}`, v);
  }
}

/** How an app refused, as part of a sentence, from the values of a fact. */
function refusalManner({ sign, alert, how }: Fact['values']): Sentence | string {
  if (sign === 'silent-early' || sign === 'silent-late') return sentence(`manner.${sign}`);
  return typeof alert === 'number' && alert > 0 ? sentence('manner.alert', { alert, name: alertName(alert) }) : String(how);
}

/** What happened, as part of a sentence: `the network changed`. */
export function disturbanceSentence(kind: DisturbanceKind): Sentence {
  return sentence(`disturbance.${kind}`);
}

export function verdictSentence(verdict: Verdict, app: string, host: string): Sentence {
  const values = { app, host };
  switch (verdict.kind) {
    case 'pinned': return sentence(verdict.hosts === 'all' ? 'verdict.pinned-everywhere' : `verdict.pinned-${verdict.confidence}`, values);
    case 'undetermined': return sentence(openQuestion(verdict.because), values);
    default: return sentence(`verdict.${verdict.kind}`, values);
  }
}

/** Why it cannot be told: the fact that stands in the way, else both readings. */
function openQuestion(because: readonly Fact[]): SentenceKey {
  const codes = new Set(because.map((fact) => fact.code));
  if (!codes.has('refused-here') && !codes.has('hello-unanswerable')) return 'verdict.open-nothing';
  if (codes.has('disturbed')) return 'verdict.open-disturbed';
  if (codes.has('older-than-root')) return 'verdict.open-older';
  if (codes.has('others-refuse')) return 'verdict.open-others';
  return codes.has('pass-through-failed') ? 'verdict.open-failed' : 'verdict.open-both';
}

export function adviceSentence(verdict: Verdict): Sentence {
  switch (verdict.kind) {
    case 'inspectable': return sentence('todo.nothing');
    case 'undetermined': return sentence(openAdvice(verdict.because));
    default: return sentence(`todo.${verdict.kind}`);
  }
}

function openAdvice(because: readonly Fact[]): SentenceKey {
  const codes = new Set(because.map((fact) => fact.code));
  if (codes.has('older-than-root')) return 'todo.restart-app';
  if (codes.has('others-refuse') || codes.has('pass-through-failed')) return 'todo.look-at-server';
  return codes.has('disturbed') || !codes.has('refused-here') ? 'todo.use-again' : 'todo.test';
}

/** What a person can do about one connection that failed by no doing of its app; null where the app's verdict says it, or nothing failed. */
export function connectionAdvice({ disposition, outcome }: { readonly disposition: Disposition; readonly outcome: ConnectionOutcome | null }): Sentence | null {
  if (outcome?.kind === 'agent-fault') return sentence('todo.fault');
  if (outcome?.kind === 'upstream') return sentence('todo.server');
  return disposition === 'block' ? sentence('todo.blocked') : null;
}

/** What still holds for connections that are let through untouched. `bytes`: of those seen lately, both ways; `names`: who looked the name up, null where nobody had to or it is not known. */
export function controlSentences({ connections, bytes, names }: { readonly connections: number; readonly bytes: number; readonly names: 'here' | 'proxy' | null }): Sentence[] {
  return [sentence('control.rules'), ...(names === null ? [] : [sentence(`control.names-${names}`)]), sentence('control.certificate'), sentence('control.recorded', { times: times(connections), size: Math.ceil(bytes / 1000) })];
}

/** What an exclusion does to the next connection; `now` in ms since the epoch. */
export function exclusionSentence({ kind, reason, expiresAt }: Exclusion, now: number): Sentence {
  const until = expiresAt === null ? sentence('next.no-end') : sentence('next.for-another', { duration: durationSentence(expiresAt - now) });
  const by = sentence(`next.by-${kind}`);
  // The reason of a learned one is the verdict, which stands beside this sentence wherever it is shown.
  return sentence('next.excluded', { until, by: kind === 'learned' ? by : sentence('reason.detailed', { reason: by, detail: (kind === 'predefined' ? predefinedSentence(reason) : null) ?? reason }) });
}

/** Why something is excluded and until when; `now` in ms since the epoch. */
export function explainExclusion(exclusion: Exclusion, now: number): string {
  const until = exclusion.expiresAt === null ? 'no end' : `ends in ${duration(exclusion.expiresAt - now)}`;
  const who = exclusion.appName ?? 'every app';
  return `${who} at ${exclusion.host === '*' ? 'every host' : exclusion.host}: ${exclusion.reason} (${exclusion.kind}, ${until})`;
}

/** `728 d`, `3 d 4 h`, `2 h 5 min`, `40 s`; never negative. */
export function duration(ms: number): string {
  return say(durationSentence(ms));
}

/** `duration` before it is worded. */
export function durationSentence(ms: number): Sentence {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (minutes === 0) return sentence('duration.seconds', { number: seconds });
  if (hours === 0) return sentence('duration.minutes', { number: minutes });
  if (days === 0) return both(sentence('duration.hours', { number: hours }), 'duration.minutes', minutes % 60);
  return both(sentence('duration.days', { count: days }), 'duration.hours', days < daysAlone ? hours % 24 : 0);
}

/** From here on the hours say nothing. */
const daysAlone = 10;

function both(big: Sentence, unit: SentenceKey, number: number): Sentence {
  return number === 0 ? big : sentence('duration.two', { big, small: sentence(unit, { number }) });
}

function times(count: string | number | undefined): Sentence {
  return sentence('times', { count: count ?? '?' });
}
