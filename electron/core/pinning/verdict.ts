// The verdict on one app at one host, over its history there and elsewhere.
// Not for policy: a verdict never changes what is inspected by itself; decide() reads it among its facts.
import { say, sentence } from '../sentence.ts';
import { alertName } from '../tls/alerts.ts';
import { fitsStoreRefusal } from './stack-signs.ts';
import type { Circumstances, DisturbanceKind, Fact, HandshakeOutcome, History, Observation, RefusalSign, Verdict, VerdictKind } from '../model.ts';

/** A success counts against a refusal for this long, and only for the same version of the app. */
export const successMemoryMs = 7 * 24 * 3600_000;
/** First connections of one app to one host within this time are one attempt. */
export const attemptWindowMs = 2_000;

/** What fails this soon after a resume, a network change or a clock step says nothing. */
export const disturbedMs = 60_000;

/** Total: a history without evidence is `undetermined`. `now`: ms since the epoch. */
export function judgePinning(history: History, now: number): Verdict {
  const version = runningVersion(history, now);
  const here = relevant(history.here, version, now);
  const attempts = groupAttempts(here.filter((o) => o.outcome.kind !== 'refused' || disturbanceOf(o) === null));
  const decisive = attempts.findLast((a) => a.kind === 'refused' || a.kind === 'established' || a.kind === 'incompatible');
  // What kept us from answering beats whatever the app said before; what it said since then beats that.
  const unanswered = here.findLast((o) => (o.circumstances.clientCertificateAsked || o.circumstances.unanswerable !== null) && o.outcome.kind !== 'established');
  if (unanswered !== undefined && (decisive === undefined || decisive.at <= unanswered.at)) return judgeUnanswered(here, unanswered.circumstances);
  if (decisive === undefined) return { kind: 'undetermined', because: whyUndetermined(here, attempts) };
  // Counter-evidence first: the newest thing this version said about our certificate is what holds, and a tool whose trust
  // is chosen per call may accept once and refuse once without contradiction.
  const refused = attempts.filter((attempt) => attempt.kind === 'refused');
  const established = attempts.filter((attempt) => attempt.kind === 'established');
  if (decisive.kind === 'established') {
    return { kind: 'inspectable', because: [
      pro('established-here', { count: established.length }),
      ...(refused.length > 0 ? [con('refused-here', refusalValues(refused))] : []),
    ] };
  }
  if (decisive.kind === 'incompatible') {
    return { kind: 'incompatible', because: [pro('incompatible-here', { alert: decisive.alert ?? 0 })] };
  }
  return judgeRefusals(refused, established.length, { ...history, here, elsewhere: relevant(history.elsewhere, version, now) });
}

/** What holds for an app as a whole: the gravest of its hosts' verdicts; hosts that said nothing do not count. Null without any. */
export function judgeApp(verdicts: readonly Verdict[]): VerdictKind | null {
  const telling = verdicts.filter((verdict) => verdict.kind !== 'undetermined' || verdict.because.some((fact) => fact.code === 'refused-here'));
  return gravest.find((kind) => telling.some((verdict) => verdict.kind === kind)) ?? null;
}

const gravest: readonly VerdictKind[] = ['pinned', 'private-trust-store', 'undetermined', 'client-certificate', 'incompatible', 'inspectable'];

/** The disturbance that takes the weight off a refusal; null when there was none in time. */
export function disturbanceOf(observation: Observation): DisturbanceKind | null {
  const { disturbance } = observation.circumstances;
  return disturbance !== null && observation.at >= disturbance.at && observation.at - disturbance.at < disturbedMs ? disturbance.kind : null;
}

function judgeUnanswered(here: readonly Observation[], latest: Circumstances): Verdict {
  const passed = passThroughFacts(here);
  if (latest.clientCertificateAsked) {
    const count = here.filter((o) => o.circumstances.clientCertificateAsked).length;
    return { kind: 'client-certificate', because: [pro('client-certificate-asked', { count }), ...passed] };
  }
  const because = [pro('hello-unanswerable', { why: latest.unanswerable ?? '' }), ...passed];
  // Untouched it failed as well: then app and server have nothing in common, whatever we can offer.
  return { kind: passed.some((fact) => fact.code === 'pass-through-failed') ? 'undetermined' : 'incompatible', because };
}

function whyUndetermined(here: readonly Observation[], attempts: readonly Attempt[]): Fact[] {
  const disturbed = here.filter((o) => o.outcome.kind === 'refused' && disturbanceOf(o) !== null);
  const latest = disturbed.at(-1);
  if (latest !== undefined) {
    return [pro('refused-here', refusalValues(groupAttempts(disturbed))), con('disturbed', { kind: disturbanceOf(latest) ?? 'network' })];
  }
  return [neither(attempts.some((a) => a.kind === 'unused') ? 'only-unused' : 'no-evidence', {})];
}

function judgeRefusals(refused: readonly Attempt[], establishedHere: number, history: History): Verdict {
  const { here, elsewhere, others } = history;
  const latest = refused.at(-1)?.observation as Observation;
  const outcome = latest.outcome as Refusal;
  const shared: Fact[] = [pro('refused-here', refusalValues(refused)), ...passThroughFacts(here)];
  const worked = here.some((o) => o.outcome.kind === 'passed' && o.outcome.data);
  if (latest.perCallTrust) shared.push(neither('per-call-trust', {}));
  if (establishedHere > 0) shared.push(con('established-here', { count: establishedHere }));
  if (others.accepted) shared.push(pro('others-accept', {}));
  if (history.listed !== null) shared.push(neither('listed', { list: history.listed }));

  const acceptedHosts = [...new Set(elsewhere.filter((o) => o.outcome.kind === 'established' && sameTrust(o, latest)).map((o) => o.host))];
  const triedHosts = new Set([...elsewhere, ...here].filter((o) => o.outcome.kind === 'refused').map((o) => o.host));
  const saidUnknownCa = outcome.sign === 'alert' && outcome.alert === 48;
  const store = storeSign(latest, outcome);
  // Untouched it failed as well: not our doing, but a server's trouble, a network's, a probe, a user's abort.
  const failedAsWell = shared.some((fact) => fact.code === 'pass-through-failed');
  const confidence = worked ? 'confirmed' as const : 'likely' as const;

  if (acceptedHosts.length > 0 && (!latest.perCallTrust || hasRootInThisCall(latest, outcome))) {
    const because = [...shared, pro('established-elsewhere', { hosts: acceptedHosts.length, example: acceptedHosts[0] as string })];
    if (saidUnknownCa) return { kind: 'undetermined', because: [...because, con('alert-unknown-ca', {})] };
    // Several apps at once do not pin one host by chance: our certificate for it, or the server, is the likelier cause.
    if (others.refusing > 0 && !others.accepted) return { kind: 'undetermined', because: [...because, con('others-refuse', { count: others.refusing })] };
    if (failedAsWell) return { kind: 'undetermined', because };
    // A pin does not accept our leaf one day and refuse it the next: trouble of another kind, unless each call chooses its trust.
    if (establishedHere > 0 && !latest.perCallTrust) return { kind: 'undetermined', because };
    return { kind: 'pinned', hosts: 'some', confidence, because };
  }
  const everywhere = neither('refuses-everywhere', { hosts: triedHosts.size });
  // A list in memory from before our root came is neither private nor a pin: a fresh start decides.
  if (latest.circumstances.olderThanRoot && !latest.perCallTrust) return { kind: 'undetermined', because: [...shared, con('older-than-root', {}), ...store.facts, everywhere] };
  if (saidUnknownCa) return { kind: 'private-trust-store', because: [...shared, pro('alert-unknown-ca', {}), ...store.facts, everywhere] };
  if (store.fits && !failedAsWell) return { kind: 'private-trust-store', because: [...shared, ...store.facts, everywhere] };
  if (acceptedHosts.length === 0 && pinsEverywhere([...elsewhere, ...here], worked)) {
    return { kind: 'pinned', hosts: 'all', confidence, because: [...shared, ...store.facts, pro('refuses-everywhere', { hosts: triedHosts.size })] };
  }
  return { kind: 'undetermined', because: [...shared, ...store.facts, everywhere] };
}

/**
 * Of a tool whose trust is chosen per call: did this one have our root? Its store was seen to, or could not be read and the refusal has
 * a form that its runtime never gives to an unknown root. What other calls trusted elsewhere says nothing.
 */
function hasRootInThisCall({ trust, runtime }: Observation, { sign, alert }: Refusal): boolean {
  if (sign === 'alert' && alert === 48) return false;
  return trust?.holdsRoot ?? (runtime !== null && !fitsStoreRefusal(runtime, sign, alert));
}

/**
 * Pinned at every host, by the device's own knowledge: the store this very process reads holds our root, no refusal had a form in
 * which its runtime refuses an unknown root (48 least of all), two hosts at least, and let through it worked.
 */
function pinsEverywhere(seen: readonly Observation[], worked: boolean): boolean {
  const refusals = seen.filter((o) => o.outcome.kind === 'refused');
  return worked && new Set(refusals.map((o) => o.host)).size >= 2 && refusals.every((o) => {
    const { sign, alert } = o.outcome as Refusal;
    return o.trust?.holdsRoot === true && o.runtime !== null && !fitsStoreRefusal(o.runtime, sign, alert);
  });
}

type Refusal = Extract<HandshakeOutcome, { kind: 'refused' }>;

function passThroughFacts(here: readonly Observation[]): Fact[] {
  const worked = here.filter((o) => o.outcome.kind === 'passed' && o.outcome.data).length;
  if (worked > 0) return [pro('pass-through-worked', { count: worked })];
  const failed = here.filter((o) => o.disposition === 'bypass' && o.outcome.kind === 'passed' && !o.outcome.data).length;
  return failed > 0 ? [con('pass-through-failed', { count: failed })] : [];
}

/** The store sign: the store this runtime reads lacks our root, and the refusal has the form such a runtime gives it. */
function storeSign(latest: Observation, outcome: Refusal): { fits: boolean; facts: Fact[] } {
  const { trust, runtime } = latest;
  if (trust === null || trust.holdsRoot === null) return { fits: false, facts: [] };
  const values = { store: trust.store, because: trust.because };
  if (trust.holdsRoot) return { fits: false, facts: [con('store-holds-root', values)] };
  if (runtime === null) return { fits: false, facts: [neither('store-lacks-root', values)] };
  const fits = fitsStoreRefusal(runtime, outcome.sign, outcome.alert);
  return { fits, facts: [
    fits ? pro('store-lacks-root', values) : neither('store-lacks-root', values),
    fits ? pro('form-fits-store', { runtime }) : con('form-speaks-against-store', { runtime }),
  ] };
}

/** One attempt: an app's connections to a host that began within `attemptWindowMs`, with the best thing any of them said. */
export type Attempt = {
  readonly at: number;
  readonly kind: 'established' | 'refused' | 'incompatible' | 'unused' | 'other';
  readonly alert: number | null;
  readonly observation: Observation;
};

/** Inspected connections grouped into attempts, oldest first. One success makes the attempt a success, whatever its siblings did. */
export function groupAttempts(observations: readonly Observation[]): Attempt[] {
  const rank = { established: 4, refused: 3, incompatible: 2, unused: 1, other: 0 } as const;
  const attempts: Attempt[] = [];
  for (const observation of observations) {
    if (observation.disposition !== 'inspect') continue;
    const { outcome } = observation;
    const kind = outcome.kind === 'established' || outcome.kind === 'refused' || outcome.kind === 'incompatible' || outcome.kind === 'unused'
      ? outcome.kind : 'other';
    const alert = outcome.kind === 'refused' || outcome.kind === 'incompatible' ? outcome.alert : null;
    const attempt: Attempt = { at: observation.at, kind, alert, observation };
    const open = attempts.at(-1);
    // Per-call tools make one connection a call: two calls in a row are two attempts.
    // Either way round: a clock that went back must not put later connections into an attempt that is long over.
    if (open !== undefined && !observation.perCallTrust && Math.abs(observation.at - open.at) <= attemptWindowMs) {
      if (rank[kind] > rank[open.kind]) attempts[attempts.length - 1] = { ...attempt, at: open.at };
    } else attempts.push(attempt);
  }
  return attempts;
}

/** The newest hash seen at any host: a success of the version before an update says nothing about the one after it. */
function runningVersion(history: History, now: number): string | null {
  const newest = (observations: readonly Observation[]): Observation | undefined => observations.findLast((o) => o.appHash !== null && o.at <= now);
  const [here, elsewhere] = [newest(history.here), newest(history.elsewhere)];
  return (here !== undefined && (elsewhere === undefined || here.at >= elsewhere.at) ? here : elsewhere)?.appHash ?? null;
}

/** Observations young enough, and by the version of the app that is running now. */
function relevant(observations: readonly Observation[], version: string | null, now: number): Observation[] {
  return observations.filter((o) => now - o.at <= successMemoryMs && o.at <= now && (o.appHash === null || version === null || o.appHash === version));
}

/**
 * Does a success elsewhere speak for the trust behind this refusal? Not when it came from another TLS stack of the app (JA4's middle
 * part: requests and urllib read different stores), nor when our root has left the store since.
 */
function sameTrust(success: Observation, refusal: Observation): boolean {
  const [theirs, ours] = [success.ja4?.split('_')[1], refusal.ja4?.split('_')[1]];
  if (theirs !== undefined && ours !== undefined && theirs !== ours) return false;
  // A process that was started since says nothing about the list an older one still has in memory.
  if (refusal.circumstances.olderThanRoot && !success.circumstances.olderThanRoot) return false;
  return !(refusal.trust?.holdsRoot === false && success.trust?.holdsRoot === true);
}

function refusalValues(refused: readonly Attempt[]): Record<string, string | number> {
  const outcome = refused.at(-1)?.observation.outcome as { sign: RefusalSign; alert: number | null };
  const how = outcome.sign === 'alert' ? `alert ${outcome.alert ?? '?'} ${outcome.alert === null ? '' : alertName(outcome.alert)}`.trim()
    : say(sentence(`manner.${outcome.sign}`));
  return { count: refused.length, sign: outcome.sign, alert: outcome.alert ?? 0, how };
}

const pro = (code: Fact['code'], values: Fact['values']): Fact => ({ code, speaks: 'for', values });
const con = (code: Fact['code'], values: Fact['values']): Fact => ({ code, speaks: 'against', values });
const neither = (code: Fact['code'], values: Fact['values']): Fact => ({ code, speaks: 'neither', values });
