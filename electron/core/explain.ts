// One plain sentence for any decision, outcome, fact or verdict. English; the window's other languages translate by the same codes.
// Not for advice on Pinlight's own errors (contract/errors) or warnings (core/health/warnings).
import { alertName } from './tls/alerts.ts';
import type { ConnectionOutcome, Decision, DisturbanceKind, Exclusion, Fact, Reason, Verdict } from './model.ts';

/** What was decided and why: `Bypassed: the predefined exclusion "apple-push" names this host.` */
export function explainDecision(decision: Decision): string {
  const verb = { inspect: 'Inspected', bypass: 'Bypassed', block: 'Blocked' }[decision.disposition];
  return `${verb}: ${explainReason(decision.reason, decision.rule)}.`;
}

/** The reason alone, as the end of a sentence without its full stop. */
export function explainReason(reason: Reason, rule: string | null): string {
  const detail = reason.detail;
  switch (reason.code) {
    case 'rule': return `policy rule "${rule ?? '?'}" says so${detail === null ? '' : ` (${detail})`}`;
    case 'no-match': return 'no policy rule matches, so the default applies';
    case 'must-inspect': return `policy rule "${rule ?? '?'}" must inspect, whatever exclusions say`;
    case 'exclusion': return `an exclusion names it${detail === null ? '' : ` (${detail})`}`;
    case 'control-experiment': return 'the app refused before, so this one connection was let through untouched to see whether it works';
    case 'unknown-app': return `the program behind the connection could not be identified${detail === null ? '' : ` (${detail})`}`;
    case 'not-tls': return 'it does not speak TLS';
    case 'unreadable-hello': return `its ClientHello cannot be read${detail === null ? '' : ` (${detail})`}`;
    case 'incompatible': return `Pinlight cannot offer what the app needs${detail === null ? '' : ` (${detail})`}`;
    case 'upstream-invalid': return `the server's certificate does not verify${detail === null ? '' : ` (${detail})`}`;
    case 'upstream-failed': return `the server could not be reached${detail === null ? '' : ` (${detail})`}`;
    case 'client-certificate': return 'the server asks for a client certificate, which only the app itself can present';
    case 'refused-target': return `Pinlight does not connect there${detail === null ? '' : ` (${detail})`}`;
    case 'bad-request': return `the proxy request cannot be read${detail === null ? '' : ` (${detail})`}`;
    case 'plain-http': return 'it is plain HTTP, which is relayed';
  }
}

/** What became of one connection: `The app refused our certificate without a word after the handshake.` */
export function explainOutcome(outcome: ConnectionOutcome): string {
  switch (outcome.kind) {
    case 'established': return 'The app accepted our certificate and sent data.';
    case 'refused': return explainRefusal(outcome.sign, outcome.alert);
    case 'incompatible': return `App and Pinlight have no protocol in common (alert ${outcome.alert}, ${alertName(outcome.alert)}).`;
    case 'unused': return 'The app opened the connection and never used it.';
    case 'abandoned': return 'The app left before it saw our certificate.';
    case 'agent-fault': return `Pinlight itself failed (${outcome.code}).`;
    case 'passed': return outcome.data ? 'Let through untouched, and data went both ways.' : 'Let through untouched; no data was seen.';
    case 'relayed': return 'Relayed as it is.';
    case 'blocked': return 'Blocked.';
    case 'upstream': return `The server's side failed (${outcome.code}).`;
  }
}

function explainRefusal(sign: 'alert' | 'silent-early' | 'silent-late', alert: number | null): string {
  switch (sign) {
    case 'alert': return `The app refused our certificate with alert ${alert} (${alert === null ? '?' : alertName(alert)}).`;
    case 'silent-early': return 'The app saw our certificate and hung up without a word.';
    case 'silent-late': return 'The app finished the handshake, then hung up at once without sending anything.';
  }
}

/** One fact as a sentence. */
export function explainFact(fact: Fact): string {
  const v = fact.values;
  switch (fact.code) {
    case 'refused-here': return `It refused our certificate here ${times(v.count)}: ${v.how}.`;
    case 'established-here': return `It accepted our certificate here ${times(v.count)}.`;
    case 'established-elsewhere': return `The same app accepted our certificate at ${v.hosts} other host${v.hosts === 1 ? '' : 's'}, ${v.example} among them, so it trusts our root.`;
    case 'refuses-everywhere': return `No other host has seen it accept our certificate so far (it refused at ${v.hosts}).`;
    case 'alert-unknown-ca': return 'It said "unknown CA" (alert 48): our root is not in its list. No key pin measured ever said that.';
    case 'store-lacks-root': return `The trust store it reads (${v.store}) does not hold our root: ${v.because}.`;
    case 'store-holds-root': return `The trust store it reads (${v.store}) holds our root: ${v.because}.`;
    case 'form-fits-store': return `${v.runtime} programs refuse an unknown root in exactly this form.`;
    case 'form-speaks-against-store': return `${v.runtime} programs do not refuse an unknown root in this form; a check of the app's own does.`;
    case 'pass-through-worked': return `Let through untouched it worked ${times(v.count)}, so inspection was the cause.`;
    case 'pass-through-failed': return `Let through untouched it failed as well ${times(v.count)}, so inspection may not be the cause.`;
    case 'incompatible-here': return `App and Pinlight have no protocol in common here (alert ${v.alert}).`;
    case 'client-certificate-asked': return `The server asked for a client certificate ${times(v.count)}; inspection cannot present the app's own.`;
    case 'older-than-root': return 'The program was started before our root came into its trust store, so it may still use the older list. Start it again.';
    case 'disturbed': return `Just before, ${disturbanceWords[v.kind as DisturbanceKind]}; what fails then says little.`;
    case 'others-refuse': return `${v.count} other app${v.count === 1 ? '' : 's'} that trust our root refuse${v.count === 1 ? 's' : ''} this host too, so the host or our certificate for it may be at fault.`;
    case 'others-accept': return 'Another app accepts our certificate for this host, so the certificate is fine.';
    case 'listed': return `The list "${v.list}" knows it as pinned.`;
    case 'only-unused': return 'Its connections here were opened and never used, which says nothing.';
    case 'no-evidence': return 'Nothing has been seen yet that says anything about trust.';
    case 'per-call-trust': return 'What this tool trusts is chosen anew at each call, so other calls say little about this one.';
  }
}

/** What happened, as part of a sentence: `the network changed`. */
export const disturbanceWords: Readonly<Record<DisturbanceKind, string>> = {
  resume: 'the device woke up', network: 'the network changed', clock: 'the clock was set', portal: 'a captive portal answered for other servers',
  root: 'the root certificate was renewed',
};

/** The verdict as one sentence about the app at that host. */
export function explainVerdict(verdict: Verdict, app: string, host: string): string {
  switch (verdict.kind) {
    case 'inspectable': return `${app} accepts inspection at ${host}.`;
    case 'pinned': return verdict.hosts === 'some'
      ? `${app} pins its certificate at ${host}: it trusts our root elsewhere and refuses it here${verdict.confidence === 'confirmed' ? ', and works when let through' : ''}.`
      : `${app} pins its certificates at every host it was seen at.`;
    case 'private-trust-store': return `${app} keeps a list of authorities that lacks our root; it does not pin ${host}.`;
    case 'client-certificate': return `${host} wants a client certificate from ${app}, which inspection cannot pass on.`;
    case 'incompatible': return `${app} and Pinlight have no TLS version or cipher in common at ${host}.`;
    case 'undetermined': return explainOpenQuestion(verdict.because, app, host);
  }
}

/** Why it cannot be told: the fact that stands in the way, else both readings. */
function explainOpenQuestion(because: readonly Fact[], app: string, host: string): string {
  const codes = new Set(because.map((fact) => fact.code));
  if (!codes.has('refused-here')) return `Nothing seen so far says whether ${app} accepts inspection at ${host}.`;
  if (codes.has('disturbed')) return `${app} failed at ${host} while the device or its network was changing, which says nothing about inspection.`;
  if (codes.has('older-than-root')) return `${app} refuses inspection at ${host}, but it was started before our root came into its trust store.`;
  if (codes.has('others-refuse')) return `${app} refuses inspection at ${host}, and so do other apps that trust our root: the cause is likely the host or our certificate for it, not the app.`;
  if (codes.has('pass-through-failed')) return `${app} fails at ${host} without inspection as well, so inspection is not the cause.`;
  return `${app} refuses inspection at ${host}; whether it pins its certificates or keeps its own list of authorities cannot be told yet.`;
}

/** What a person can do about a verdict. */
export function adviseVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'inspectable': return 'Nothing to do.';
    case 'pinned': return 'Leave it bypassed, or ask the administrator for a permanent exclusion. It cannot be inspected by design.';
    case 'private-trust-store': return 'Install the root of this device in that trust store (`pinlight trust status` names it); then it can be inspected.';
    case 'client-certificate': return 'Nothing to do: it is let through untouched. For good, ask the administrator for an exclusion for this host.';
    case 'incompatible': return 'Update the app, or ask the administrator for an exclusion for this host.';
    case 'undetermined': return adviseOpenQuestion(verdict.because);
  }
}

function adviseOpenQuestion(because: readonly Fact[]): string {
  const codes = new Set(because.map((fact) => fact.code));
  if (codes.has('older-than-root')) return 'Quit the app completely and start it again.';
  if (codes.has('others-refuse') || codes.has('pass-through-failed')) return 'Look at the server first; if only Pinlight is in its way, tell the administrator.';
  if (codes.has('disturbed') || !codes.has('refused-here')) return 'Use the app once more.';
  return 'Use the app once more, or test it (`pinlight test-app`). If it keeps failing, ask the administrator for an exclusion.';
}

/** Why something is excluded and until when; `now` in ms since the epoch. */
export function explainExclusion(exclusion: Exclusion, now: number): string {
  const until = exclusion.expiresAt === null ? 'no end' : `ends in ${duration(exclusion.expiresAt - now)}`;
  const who = exclusion.appName ?? 'every app';
  return `${who} at ${exclusion.host === '*' ? 'every host' : exclusion.host}: ${exclusion.reason} (${exclusion.kind}, ${until})`;
}

/** `3 d 4 h`, `2 h 5 min`, `40 s`; never negative. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function times(count: string | number | undefined): string {
  return count === 1 ? 'once' : `${count} times`;
}
