// judgePinning and what it earns: one sentence a row, histories written as short words.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainFact, explainVerdict } from '../../../electron/core/explain.ts';
import type { Circumstances, ConnectionOutcome, DisturbanceKind, History, Observation, Runtime, TrustView, Verdict } from '../../../electron/core/model.ts';
import { fitsStoreRefusal } from '../../../electron/core/pinning/stack-signs.ts';
import { attemptWindowMs, groupAttempts, judgeApp, judgePinning, successMemoryMs } from '../../../electron/core/pinning/verdict.ts';
import rows from '../tls/clients.matrix.json' with { type: 'json' };
import { processorMs } from '../../support/processor-time.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const alert = (number: number): ConnectionOutcome => ({ kind: 'refused', sign: 'alert', alert: number });
const early: ConnectionOutcome = { kind: 'refused', sign: 'silent-early', alert: null };
const late: ConnectionOutcome = { kind: 'refused', sign: 'silent-late', alert: null };
const ok: ConnectionOutcome = { kind: 'established' };
const unused: ConnectionOutcome = { kind: 'unused' };
const incompatible: ConnectionOutcome = { kind: 'incompatible', alert: 70 };
const worked: ConnectionOutcome = { kind: 'passed', data: true };
const failed: ConnectionOutcome = { kind: 'passed', data: false };

const lacks: TrustView = { store: 'node-bundled', holdsRoot: false, because: 'NODE_EXTRA_CA_CERTS is not set', stale: false };
const holds: TrustView = { store: 'system', holdsRoot: true, because: 'it is in /etc/ssl/certs', stale: false };
const unknown: TrustView = { store: 'java:/opt/jdk', holdsRoot: null, because: 'the store is locked', stale: false };

const calm: Circumstances = { rootAgeMs: day, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified' };
const alone = { others: { refusing: 0, accepted: false }, listed: null } as const;

/** One observation, by default a minute-old inspected one of no special app. */
function seen(outcome: ConnectionOutcome, change: Partial<Observation> = {}): Observation {
  return {
    at: now - minute, host: 'here.example', disposition: outcome.kind === 'passed' ? 'bypass' : 'inspect', outcome, appHash: null, runtime: null,
    perCallTrust: false, trust: null, ja4: null, evidence: null, circumstances: calm, ...change,
  };
}

const ago = (ms: number): Partial<Observation> => ({ at: now - ms });
const at = (host: string, outcome: ConnectionOutcome, change: Partial<Observation> = {}): Observation => seen(outcome, { host, ...change });

function words(verdict: Verdict): string {
  return verdict.kind === 'pinned' ? `pinned ${verdict.hosts} ${verdict.confidence}` : verdict.kind;
}

const judge = (here: readonly Observation[], elsewhere: readonly Observation[] = [], more: Partial<History> = {}): Verdict =>
  judgePinning({ host: 'here.example', here, elsewhere, ...alone, ...more }, now);
const amid = (change: Partial<Circumstances>): Partial<Observation> => ({ circumstances: { ...calm, ...change } });
const disturbed = (kind: DisturbanceKind, before: number): Partial<Observation> => amid({ disturbance: { kind, at: now - minute - before } });
const asked = amid({ clientCertificateAsked: true });
const unanswered = amid({ unanswerable: 'no elliptic curve in common' });
const trusted = [at('other.example', ok)];
const node = { runtime: 'node', trust: lacks } as const;
const curl = { runtime: 'openssl', perCallTrust: true } as const;
const gnutls = { runtime: 'gnutls', perCallTrust: true } as const;
const own = { runtime: 'python', trust: holds } as const;
const [v1, v2] = [{ appHash: 'aa' }, { appHash: 'bb' }];

describe('the verdict', () => {
  test.each<[string, readonly Observation[], readonly Observation[], string]>([
    // Nothing to judge by
    ['nothing seen: undetermined', [], [], 'undetermined'],
    ['nothing but success elsewhere: undetermined here', [], trusted, 'undetermined'],
    ['only unused connections: undetermined', [seen(unused)], trusted, 'undetermined'],
    ['only abandoned ones and our own faults: undetermined', [seen({ kind: 'abandoned' }), seen({ kind: 'agent-fault', code: 'x' })], trusted, 'undetermined'],
    ['upstream trouble and blocks say nothing', [seen({ kind: 'upstream', code: 'ETIMEDOUT' }), seen({ kind: 'blocked' })], trusted, 'undetermined'],
    ['only bypassed connections: undetermined', [seen(worked)], trusted, 'undetermined'],
    // Success
    ['one success: inspectable', [seen(ok)], [], 'inspectable'],
    ['a success after a refusal: inspectable', [seen(early, ago(hour)), seen(ok)], [], 'inspectable'],
    ['a success after an incompatible hello: inspectable', [seen(incompatible, ago(hour)), seen(ok)], [], 'inspectable'],
    ['an unused connection after a success changes nothing', [seen(ok, ago(hour)), seen(unused)], [], 'inspectable'],
    // Pinned
    ['refused here, accepted elsewhere: pinned there', [seen(late)], trusted, 'pinned some likely'],
    ['refused here by alert 46, accepted elsewhere: pinned there', [seen(alert(46))], trusted, 'pinned some likely'],
    ['and let through it works: confirmed', [seen(late, ago(hour)), seen(worked)], trusted, 'pinned some confirmed'],
    ['and let through it fails as well: not our doing', [seen(late, ago(hour)), seen(failed)], trusted, 'undetermined'],
    ['let through it failed once and worked once: confirmed', [seen(late, ago(hour)), seen(failed), seen(worked)], trusted, 'pinned some confirmed'],
    ['the store holds our root and it refuses: pinned where it accepts elsewhere', [seen(late, { trust: holds, runtime: 'python' })], trusted, 'pinned some likely'],
    ['the store seems to lack our root, now as then, yet it accepts elsewhere: the view of the store is wrong', [seen(early, node)], [at('other.example', ok, node)], 'pinned some likely'],
    ['it accepts nowhere, refuses without a sign: never pinned', [seen(late)], [at('b.example', late), at('c.example', late)], 'undetermined'],
    ['a handshake-only monitor that never sends data: never pinned', [seen(late), seen(late, ago(hour))], [], 'undetermined'],
    // Private trust store
    ['alert 48 alone: private trust store', [seen(alert(48))], [], 'private-trust-store'],
    ['alert 48 and a store with our root: the app reads another one', [seen(alert(48), { trust: holds, runtime: 'python' })], [], 'private-trust-store'],
    ['a Node whose store lacks our root hangs up early: private trust store', [seen(early, node)], [], 'private-trust-store'],
    ['a Node whose store lacks our root hangs up late: private trust store', [seen(late, node)], [], 'private-trust-store'],
    ['Java by alert 46 with a store that lacks our root', [seen(alert(46), { runtime: 'java', trust: lacks })], [], 'private-trust-store'],
    ['Go by alert 42 with a store that lacks our root', [seen(alert(42), { runtime: 'go', trust: lacks })], [], 'private-trust-store'],
    ['wget hangs up late with a store that lacks our root', [seen(late, { runtime: 'gnutls', trust: lacks, perCallTrust: true })], [], 'private-trust-store'],
    ['a Node that refuses everywhere, its store unknown: no sign, undetermined', [seen(early, { runtime: 'node', trust: unknown })], [at('b.example', early)], 'undetermined'],
    ['a Node that refuses everywhere, never looked at: no sign, undetermined', [seen(early, { runtime: 'node' })], [at('b.example', early)], 'undetermined'],
    ['a Go that refuses by 42, never looked at: no sign, undetermined', [seen(alert(42), { runtime: 'go' })], [], 'undetermined'],
    ['the same, and let through it fails as well: not our doing', [seen(early, { ...node, ...ago(hour) }), seen(failed)], [], 'undetermined'],
    ['alert 48, and let through it fails as well: the list lacks our root all the same', [seen(alert(48), ago(hour)), seen(failed)], [], 'private-trust-store'],
    ['the store lacks our root but no runtime is known: undetermined', [seen(early, { trust: lacks })], [], 'undetermined'],
    ['a Python that hangs up late: a form its store check never has, undetermined', [seen(late, { runtime: 'python', trust: lacks })], [], 'undetermined'],
    ['a store that holds our root: no sign, undetermined', [seen(early, { runtime: 'node', trust: holds })], [], 'undetermined'],
    ['alert 48 here, accepted elsewhere: contradiction, undetermined', [seen(alert(48))], trusted, 'undetermined'],
    ['our root has left the store since the success elsewhere: private trust store', [seen(early, node)], [at('other.example', ok, { ...ago(hour), runtime: 'node', trust: holds })], 'private-trust-store'],
    // One app, two TLS stacks
    ['accepted elsewhere by another TLS stack of the app says nothing', [seen(alert(48), { ja4: 't13d4312h1_c7886603b240_b26ce05bbdd6' })], [at('b.example', ok, { ja4: 't13d311100_e8f1e7e78f70_d41ae481755e' })], 'private-trust-store'],
    ['accepted elsewhere by the same stack with another ALPN counts', [seen(early, { ja4: 't13d521100_b262b3658495_8e6e362c5eac' })], [at('b.example', ok, { ja4: 't13d5212h2_b262b3658495_aaaaaaaaaaaa' })], 'pinned some likely'],
    // Tools with trust per call
    ['curl accepted elsewhere, alert 48 here: this call had another list', [seen(alert(48), curl)], [at('b.example', ok, curl)], 'private-trust-store'],
    ['curl accepted elsewhere, silent here: pinned by this call', [seen(late, { ...curl, trust: holds })], [at('b.example', ok, curl)], 'pinned some likely'],
    ['curl accepted here before, then a pinned call: pinned', [seen(ok, { ...curl, ...ago(hour) }), seen(late, curl)], [at('b.example', ok, curl)], 'pinned some likely'],
    ['gnutls-cli accepted elsewhere, refused here as an unknown root, its list not seen: undetermined', [seen(alert(42), gnutls), seen(worked, gnutls)], [at('b.example', ok, gnutls)], 'undetermined'],
    ['the same, its list unreadable: undetermined', [seen(alert(42), { ...gnutls, trust: unknown })], [at('b.example', ok, gnutls)], 'undetermined'],
    ['the same, its list holds our root: pinned by this call', [seen(alert(42), { ...gnutls, trust: holds })], [at('b.example', ok, gnutls)], 'pinned some likely'],
    ['curl refused, then called again with trust: inspectable', [seen(alert(48), { ...curl, ...ago(hour) }), seen(ok, curl)], [], 'inspectable'],
    ['curl whose list lacks our root, but in the form of a pin: undetermined', [seen(late, { ...curl, trust: lacks })], [at('b.example', ok, curl)], 'undetermined'],
    // Counter-evidence
    ['accepted here last week by the same version, refused once now: not pinned', [seen(ok, ago(2 * day)), seen(late)], trusted, 'undetermined'],
    ['the newest answer counts, not the most frequent', [seen(early, ago(3 * hour)), seen(early, ago(2 * hour)), seen(ok)], [], 'inspectable'],
    ['accepted here by the version before: says nothing, pinned', [seen(ok, { ...ago(hour), ...v1 }), seen(late, v2)], [at('b.example', ok, v2)], 'pinned some likely'],
    ['accepted elsewhere by the version before only: not pinned', [seen(late, v2)], [at('b.example', ok, { ...ago(hour), ...v1 })], 'undetermined'],
    ['refused here by the version before, new version seen elsewhere: nothing known here', [seen(late, { ...ago(hour), ...v1 })], [at('b.example', ok, v2)], 'undetermined'],
    ['an unknown hash counts for any version', [seen(late, v2)], trusted, 'pinned some likely'],
    ['accepted elsewhere more than 7 days ago: forgotten', [seen(late)], [at('b.example', ok, ago(successMemoryMs + 1))], 'undetermined'],
    ['a refusal of more than 7 days ago is forgotten', [seen(late, ago(successMemoryMs + 1))], trusted, 'undetermined'],
    // Pinned everywhere: the store this very process reads decides
    ['its store holds our root, a form no store refusal has, two hosts, works untouched: pinned everywhere', [seen(late, own), seen(worked)], [at('b.example', late, own)], 'pinned all confirmed'],
    ['the same at one host only: undetermined', [seen(late, own), seen(worked)], [], 'undetermined'],
    ['the same, never let through: undetermined', [seen(late, own)], [at('b.example', late, own)], 'undetermined'],
    ['the same in a form its runtime gives to an unknown root: undetermined', [seen(early, { ...own, runtime: 'node' }), seen(worked)], [at('b.example', early, { ...own, runtime: 'node' })], 'undetermined'],
    ['the same with alert 48 at the other host: undetermined', [seen(late, own), seen(worked)], [at('b.example', alert(48), own)], 'undetermined'],
    ['the same of no known runtime: undetermined', [seen(late, { ...own, runtime: null }), seen(worked)], [at('b.example', late, { ...own, runtime: null })], 'undetermined'],
    // Client certificates
    ['the server asked for a client certificate: that, whatever was refused before', [seen(late, ago(hour)), seen(worked, asked)], trusted, 'client-certificate'],
    ['a hello that our leg cannot answer, and worked untouched: incompatible', [seen(worked, unanswered)], [], 'incompatible'],
    ['the same, whatever it refused before', [seen(late, ago(hour)), seen(worked, unanswered)], trusted, 'incompatible'],
    ['a hello that nobody can answer is not our doing', [seen(failed, unanswered)], [], 'undetermined'],
    ['what it said since then counts more', [seen(worked, { ...ago(hour), ...unanswered }), seen(ok)], [], 'inspectable'],
    ['and it stays that while the exclusion lets it through', [seen(worked, { ...ago(hour), ...asked }), seen(worked)], [], 'client-certificate'],
    ['asked, inspected all the same and used: inspectable', [seen(ok, asked)], [], 'inspectable'],
    ['asked once, accepted without one since: inspectable', [seen(worked, { ...ago(hour), ...asked }), seen(ok)], [], 'inspectable'],
    // Disturbed
    ['refused a second after waking up: says nothing', [seen(late, disturbed('resume', 1_000))], trusted, 'undetermined'],
    ['refused 59 s after the network changed: says nothing', [seen(late, disturbed('network', 59_000))], trusted, 'undetermined'],
    ['refused 61 s after: it counts', [seen(late, disturbed('network', 61_000))], trusted, 'pinned some likely'],
    ['a captive portal says nothing about trust either', [seen(alert(48), disturbed('portal', 10_000))], [], 'undetermined'],
    ['a clock that was set after the refusal changes nothing', [seen(late, disturbed('clock', -1_000))], trusted, 'pinned some likely'],
    ['one refusal disturbed, another not: the other counts', [seen(late, ago(hour)), seen(late, disturbed('resume', 1_000))], trusted, 'pinned some likely'],
    ['a success counts, disturbed or not', [seen(ok, disturbed('resume', 1_000))], [], 'inspectable'],
    // Older than the root
    ['a process older than our root that trusts nothing: start it again', [seen(alert(48), amid({ olderThanRoot: true }))], [], 'undetermined'],
    ['older than our root, yet it accepts elsewhere: its list has it, pinned', [seen(late, amid({ olderThanRoot: true }))], [at('other.example', ok, amid({ olderThanRoot: true }))], 'pinned some likely'],
    ['older than our root, accepted elsewhere by a process started since: its own list may still lack it', [seen(late, amid({ olderThanRoot: true }))], trusted, 'undetermined'],
    // Incompatible
    ['no version in common: incompatible', [seen(incompatible)], [], 'incompatible'],
    ['incompatible after a refusal: the newest answer', [seen(early, ago(hour)), seen(incompatible)], trusted, 'incompatible'],
    // Attempts
    ['a refused sibling of a success within the window is no refusal', [seen(ok, { at: now - 10_000 }), seen(late, { at: now - 9_000 })], trusted, 'inspectable'],
    ['a refusal after the window is one', [seen(ok, { at: now - 10_000 }), seen(late, { at: now - 10_000 + attemptWindowMs + 1 })], trusted, 'undetermined'],
    // Clock
    ['observations of the future do not count', [seen(late, { at: now + 1 })], trusted, 'undetermined'],
    ['a success of the future elsewhere does not count', [seen(late)], [at('b.example', ok, { at: now + day })], 'undetermined'],
    ['a version of the future is not the running one', [seen(late, v1), seen(unused, { ...v2, at: now + day })], [at('b.example', ok, v1)], 'pinned some likely'],
    ['after the clock went back, a refusal is not swallowed by an old success', [seen(ok, { at: now - minute }), seen(late, { at: now - hour })], trusted, 'undetermined'],
    // Truncated
    ['a history whose beginning is lost judges by the rest', [seen(worked, ago(hour)), seen(late)], trusted, 'pinned some confirmed'],
  ])('%s', (_, here, elsewhere, expected) => {
    const verdict = judge(here, elsewhere);
    expect(words(verdict)).toBe(expected);
    expect(verdict.because.length).toBeGreaterThan(0);
    for (const fact of verdict.because) expect(explainFact(fact)).not.toMatch(/undefined|null|\?|NaN/);
    expect(explainVerdict(verdict, 'app', 'here.example')).toMatch(/\.$/);
  });

  test('private trust store always names its sign; alert 48 or a form that fits', () => {
    const codes = judge([seen(early, node)]).because.filter((fact) => fact.speaks === 'for').map((fact) => fact.code);
    expect(codes).toEqual(expect.arrayContaining(['store-lacks-root', 'form-fits-store']));
    expect(judge([seen(alert(48))]).because.map((fact) => fact.code)).toContain('alert-unknown-ca');
  });

  test('a contradiction is told with both sides', () => {
    expect(judge([seen(ok, ago(day)), seen(late)], trusted).because.map((fact) => `${fact.speaks} ${fact.code}`))
      .toEqual(['for refused-here', 'against established-here', 'for established-elsewhere']);
  });
});

describe('other apps at the same host', () => {
  test.each<[string, Partial<History>, string]>([
    ['refuse it too: our certificate or the server, not a pin', { others: { refusing: 1, accepted: false } }, 'undetermined'],
    ['refuse it too while one accepts it: the certificate is fine, pinned', { others: { refusing: 3, accepted: true } }, 'pinned some likely'],
    ['accept it: pinned', { others: { refusing: 0, accepted: true } }, 'pinned some likely'],
  ])('%s', (_, more, expected) => {
    const verdict = judge([seen(late)], trusted, more);
    expect(words(verdict)).toBe(expected);
    for (const fact of verdict.because) expect(explainFact(fact)).not.toMatch(/undefined|null|\?|NaN/);
  });

  test('a list that knows the host is told and decides nothing', () => {
    const verdict = judge([seen(late)], [], { listed: 'messengers' });
    expect(verdict.kind).toBe('undetermined');
    expect(verdict.because.map(explainFact).join(' ')).toContain('"messengers"');
  });
});

describe('the app as a whole', () => {
  const unsure: Verdict = { kind: 'undetermined', because: [] };
  const refusing: Verdict = { kind: 'undetermined', because: [{ code: 'refused-here', speaks: 'for', values: {} }] };
  const fine: Verdict = { kind: 'inspectable', because: [] };
  const pin: Verdict = { kind: 'pinned', hosts: 'some', confidence: 'likely', because: [] };
  const store: Verdict = { kind: 'private-trust-store', because: [] };
  test.each<[string, readonly Verdict[], string | null]>([
    ['nothing is known of an app without hosts', [], null],
    ['nor of one whose hosts said nothing', [unsure, unsure], null],
    ['fine where everything that spoke is fine', [fine, unsure], 'inspectable'],
    ['pinned where one host is', [fine, pin, fine], 'pinned'],
    ['a private store where one host says so', [fine, store, refusing], 'private-trust-store'],
    ['undetermined where one refuses for no known reason', [fine, refusing], 'undetermined'],
  ])('%s', (_, verdicts, expected) => expect(judgeApp(verdicts)).toBe(expected));
});

describe('attempts', () => {
  test.each<[string, readonly Observation[], string]>([
    ['none of nothing', [], ''],
    ['connections within the window are one', [seen(unused, { at: 0 }), seen(late, { at: 500 }), seen(early, { at: 2_000 })], 'refused'],
    ['the window starts at the first, it does not move', [seen(late, { at: 0 }), seen(late, { at: 1_500 }), seen(late, { at: 3_000 })], 'refused refused'],
    ['one success makes the attempt', [seen(late, { at: 0 }), seen(ok, { at: 100 }), seen(alert(46), { at: 200 })], 'established'],
    ['a refusal outranks an unused sibling', [seen(unused, { at: 0 }), seen(late, { at: 10 })], 'refused'],
    ['per-call tools: each call is an attempt', [seen(late, { at: 0, ...curl }), seen(ok, { at: 10, ...curl })], 'refused established'],
    ['bypassed connections belong to none', [seen(worked, { at: 0 }), seen(late, { at: 10 })], 'refused'],
    ['a clock that went back begins a new one', [seen(ok, { at: 100_000 }), seen(late, { at: 1_000 })], 'established refused'],
    ['a clock that went back a little does not', [seen(ok, { at: 1_000 }), seen(late, { at: 900 })], 'established'],
  ])('%s', (_, observations, expected) => {
    expect(groupAttempts(observations).map((attempt) => attempt.kind).join(' ')).toBe(expected);
  });
});

describe('how runtimes refuse an unknown root', () => {
  const measured = rows.filter((row) => row.situation === 'root-not-trusted' && runtimeOf(row.client) !== null);
  test.each(measured.map((row) => [`${row.client}, TLS ${row.tls}`, row] as const))('%s fits its table', (_, row) => {
    const sign = row.form === 'F1' || row.form === 'F3' ? 'alert' : row.form === 'F2' ? 'silent-early' : 'silent-late';
    expect(fitsStoreRefusal(runtimeOf(row.client) ?? 'nss', sign, row.alert)).toBe(true);
  });

  test('the table is measured, not empty', () => expect(measured.length).toBeGreaterThan(40));
});

/** The runtime of a measured client, by the beginning of its name. */
function runtimeOf(client: string): Runtime | null {
  for (const [start, runtime] of [
    ['Chromium', 'chromium'], ['Firefox', 'firefox'], ['curl', 'openssl'], ['openssl', 'openssl'], ['libcurl-GnuTLS', 'gnutls'], ['git', 'gnutls'], ['wget', 'gnutls'],
    ['gnutls-cli', 'gnutls'], ['libsoup', 'gnutls'], ['Python', 'python'], ['Node', 'node'], ['Go', 'go'], ['Java', 'java'], ['OkHttp', 'java'], ['NSS', 'nss'],
  ] as const) if (client.startsWith(start)) return runtime;
  return null;
}

describe('any history', () => {
  const outcome = fc.oneof(
    fc.constantFrom<ConnectionOutcome>(ok, early, late, unused, incompatible, worked, failed, { kind: 'abandoned' }, { kind: 'blocked' }, { kind: 'relayed' }),
    fc.nat(255).map(alert), fc.constant<ConnectionOutcome>({ kind: 'upstream', code: 'X' }),
  );
  const observation: fc.Arbitrary<Observation> = fc.record({
    at: fc.oneof(fc.integer({ min: now - 8 * day, max: now + day }), fc.constantFrom(0, now, Number.MAX_SAFE_INTEGER)),
    host: fc.constantFrom('a', 'b', 'c'), disposition: fc.constantFrom('inspect' as const, 'bypass' as const, 'block' as const), outcome,
    appHash: fc.constantFrom(null, 'aa', 'bb'), runtime: fc.constantFrom(null, 'node' as const, 'python' as const, 'go' as const),
    perCallTrust: fc.boolean(), trust: fc.constantFrom(null, lacks, holds, unknown), ja4: fc.constantFrom(null, '', 't13_a_b', 't13_c_d'), evidence: fc.constant(null),
    circumstances: fc.record({
      rootAgeMs: fc.constant(day), olderThanRoot: fc.boolean(), clientCertificateAsked: fc.boolean(), unanswerable: fc.constantFrom(null, 'no curve'), ech: fc.boolean(), upstream: fc.constant('verified' as const),
      disturbance: fc.constantFrom(null, { kind: 'network' as const, at: now - minute }),
    }),
  });

  test('has a verdict; pinned only with a success elsewhere or a store that holds the root, and no alert 48; private trust store only with a sign', () => {
    fc.assert(fc.property(fc.array(observation, { maxLength: 12 }), fc.array(observation, { maxLength: 8 }), (here, elsewhere) => {
      const verdict = judgePinning({ host: 'a', here, elsewhere, ...alone }, now);
      const codes = verdict.because.map((fact) => fact.code);
      expect(codes.length).toBeGreaterThan(0);
      if (verdict.kind === 'pinned') {
        expect(codes).toContain(verdict.hosts === 'some' ? 'established-elsewhere' : 'store-holds-root');
        expect(codes).not.toContain('alert-unknown-ca');
        if (verdict.hosts === 'some') expect(elsewhere.some((o) => o.outcome.kind === 'established')).toBe(true);
      }
      if (verdict.kind === 'private-trust-store') expect(codes.some((code) => code === 'alert-unknown-ca' || code === 'form-fits-store')).toBe(true);
      if (verdict.kind === 'inspectable') expect(here.some((o) => o.outcome.kind === 'established')).toBe(true);
      for (const fact of verdict.because) expect(explainFact(fact)).not.toMatch(/undefined|null|\?|NaN/);
    }), { numRuns: 3_000 });
  });

  test('of 100,000 entries is judged within a second, sorted or not', () => {
    const some = fc.sample(observation, { numRuns: 500, seed: 7 });
    const big: History = {
      host: 'a', ...alone, here: Array.from({ length: 200 }, () => some).flat(),
      elsewhere: Array.from({ length: 200 }, (_, i) => some.map((o, j) => ({ ...o, host: `h${(i * 500 + j) % 5_000}` }))).flat(),
    };
    expect(processorMs(() => expect(judgePinning(big, now).because.length).toBeGreaterThan(0))).toBeLessThan(1_000);
  });
});
