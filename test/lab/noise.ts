// Synthetic histories in which nothing is pinned: what lossy networks, browsers, monitors, updates and disturbances leave behind, and what
// a forger can leave who has not been inspected anywhere. `judgePinning` must call none of them pinned.
//
// Noise is: connections never used, left in mid-handshake or held open; refusals beside a sibling with data; refusals during a
// disturbance, by a process older than our root, by several apps at once, of a host this version accepted, by another version, by another
// TLS stack than the one that was inspected elsewhere, with alert 48, where the server wants a client certificate; our own faults.
// Not noise, and left out on purpose: a refusal byte for byte like a pin's, by the same TLS stack of the same version that was inspected
// elsewhere, with nothing against it. That is a forgery that cannot be told from a pin; budgets and must-inspect rules bound it.
import { classifyHandshake } from '../../electron/core/tls/handshake-outcome.ts';
import type { Circumstances, ConnectionOutcome, Disturbance, DisturbanceKind, HandshakeEvidence, History, Observation } from '../../electron/core/model.ts';

export const noiseNow = Date.UTC(2026, 10, 21);

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const rootAge = 30 * day;

/** Uniform in [0, 1). */
export type Random = () => number;
export type Noise = { readonly kind: string; readonly history: History };

/** A small seeded generator (mulberry32), so that a failing history can be had again. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The `n`th history of this seed's sequence takes a kind by turns; the details are drawn. */
export function noiseHistory(random: Random, n: number): Noise {
  const [kind, make] = kinds[n % kinds.length] as (typeof kinds)[number];
  const app = drawApp(random);
  const made = make(random, app);
  const chaff = listOf(random, 0, 6, () => harmless(random, app));
  return {
    kind,
    history: {
      host: 'here.example', listed: null, others: made.others ?? { refusing: 0, accepted: random() < 0.2 },
      here: inOrder([...made.here, ...chaff]), elsewhere: inOrder(made.elsewhere),
    },
  };
}

type App = Pick<Observation, 'appHash' | 'runtime' | 'perCallTrust' | 'trust' | 'ja4'>;
type Made = { readonly here: readonly Observation[]; readonly elsewhere: readonly Observation[]; readonly others?: History['others'] };

/** What a device sees of apps that do not pin. Each needs to hold whatever harmless connections are mixed in. */
const kinds: readonly (readonly [string, (random: Random, app: App) => Made])[] = [
  ['only unused, abandoned and broken connections', (random, app) => ({
    here: listOf(random, 0, 10, () => harmless(random, app)), elsewhere: successes(random, app),
  })],
  ['a sibling carried data', (random, appDrawn) => {
    const app = { ...appDrawn, perCallTrust: false };
    return {
      here: listOf(random, 1, 5, () => {
        const at = moment(random);
        const success = seen(app, at, established(random));
        return [success, ...listOf(random, 1, 3, () => seen(app, at + Math.floor(random() * 1_900), refusal(random, [null, 46])))];
      }).flat(),
      elsewhere: successes(random, app),
    };
  }],
  ['accepted here before by the same version', (random, appDrawn) => {
    const app = { ...appDrawn, perCallTrust: false };
    const success = noiseNow - hour - Math.floor(random() * 5 * day);
    return {
      here: [seen(app, success, established(random)), ...listOf(random, 1, 4, () => seen(app, between(random, success, noiseNow), refusal(random)))],
      elsewhere: successes(random, app),
    };
  }],
  ['the newest answer is a success', (random, app) => ({
    here: [...refusals(random, app, (o) => ({ ...o, at: Math.min(o.at, noiseNow - hour) })), seen(app, noiseNow - minute, established(random))],
    elsewhere: successes(random, app),
  })],
  ['refuses everywhere: a monitor that never sends data, a forger, a private list', (random, app) => ({
    here: refusals(random, app),
    elsewhere: refusals(random, app).map((o, index) => ({ ...o, host: `h${index}.example` })),
  })],
  ['a forger that was never inspected anywhere, let through once', (random, app) => ({
    here: [...refusals(random, app), ...listOf(random, 1, 2, () => passed(random, app))], elsewhere: [],
  })],
  ['alert 48: a list of its own for this host', (random, app) => ({
    here: refusals(random, app, (o) => o, [48]), elsewhere: successes(random, { ...app, perCallTrust: false }),
  })],
  ['inspected elsewhere by another TLS stack only', (random, app) => ({
    here: refusals(random, { ...app, ja4: 't13d4312h1_c7886603b240_b26ce05bbdd6' }),
    elsewhere: successes(random, { ...app, ja4: 't13d311100_e8f1e7e78f70_d41ae481755e' }),
  })],
  ['inspected elsewhere by the version before only', (random, app) => ({
    here: refusals(random, { ...app, appHash: 'new' }, (o) => ({ ...o, at: Math.max(o.at, noiseNow - hour) })),
    elsewhere: successes(random, { ...app, appHash: 'old' }).map((o) => ({ ...o, at: Math.min(o.at, noiseNow - 2 * hour) })),
  })],
  ['refused by the version before, which is gone', (random, app) => ({
    here: refusals(random, { ...app, appHash: 'old' }, (o) => ({ ...o, at: Math.min(o.at, noiseNow - 2 * hour) })),
    elsewhere: successes(random, { ...app, appHash: 'new' }).map((o) => ({ ...o, at: Math.max(o.at, noiseNow - hour) })),
  })],
  ['the device was just disturbed', (random, app) => ({
    here: refusals(random, app, (o) => during(o, { kind: pick(random, disturbances), at: o.at - Math.floor(random() * 55 * second) })),
    elsewhere: successes(random, app),
  })],
  ['started before our root came into its list', (random, app) => ({
    here: refusals(random, app, (o) => ({ ...o, circumstances: { ...o.circumstances, olderThanRoot: true, rootAgeMs: hour } })),
    // A process that was started since is inspected.
    elsewhere: successes(random, app),
  })],
  ['several unrelated apps refuse the host at once', (random, app) => ({
    here: refusals(random, app), elsewhere: successes(random, app), others: { refusing: 1 + Math.floor(random() * 4), accepted: false },
  })],
  ['the server wants a client certificate', (random, app) => ({
    here: refusals(random, app, (o) => ({ ...o, circumstances: { ...o.circumstances, clientCertificateAsked: true } })),
    elsewhere: successes(random, app),
  })],
  ['nothing in common but our own leaf or clock at fault', (random, app) => ({
    here: listOf(random, 1, 8, () => seen(app, moment(random), { ...evidence(random), ...pick(random, [
      { leafValid: false, alert: 45, alertBy: 'client' as const }, { leafValid: false, clientFinished: true }, { fault: 'ERR_SSL_INTERNAL' },
      { leafSent: false, alert: 40, alertBy: 'agent' as const, closedBy: 'agent' as const }, { alert: 70, alertBy: 'client' as const },
    ]) })),
    elsewhere: successes(random, app),
  })],
  ['refused more than a week ago', (random, app) => ({
    here: refusals(random, app, (o) => ({ ...o, at: noiseNow - 7 * day - 1 - Math.floor(random() * day) })), elsewhere: successes(random, app),
  })],
  ['the clock went back: everything lies in the future', (random, app) => ({
    here: refusals(random, app, (o) => ({ ...o, at: noiseNow + 1 + Math.floor(random() * day) })), elsewhere: successes(random, app),
  })],
];

export const noiseKinds: readonly string[] = kinds.map(([kind]) => kind);

const disturbances: readonly DisturbanceKind[] = ['resume', 'network', 'clock', 'portal', 'root'];

function drawApp(random: Random): App {
  const runtime = pick(random, [null, 'node', 'python', 'java', 'go', 'chromium', 'firefox', 'openssl', 'gnutls', 'nss', 'electron'] as const);
  const holdsRoot = pick(random, [true, false, null]);
  return {
    appHash: pick(random, [null, 'aa']), runtime, perCallTrust: random() < 0.2, ja4: pick(random, [null, 't13d311100_e8f1e7e78f70_d41ae481755e']),
    trust: random() < 0.3 ? null : { store: 'system', holdsRoot, because: 'drawn', stale: holdsRoot === null && random() < 0.5 },
  };
}

function evidence(random: Random): HandshakeEvidence {
  return {
    leafSent: true, clientFinished: false, alert: null, alertBy: null, leafValid: true, resumed: false, fault: null, appBytes: 0,
    closedBy: 'client', closeKind: pick(random, ['fin', 'rst', 'close-notify', 'none']), msSinceLeaf: random() * 900, handshakeMs: 1 + random() * 200,
    tls: pick(random, ['TLSv1.2', 'TLSv1.3']), bytesAfterLeaf: Math.floor(random() * 120),
  };
}

const established = (random: Random): HandshakeEvidence => ({ ...evidence(random), clientFinished: true, appBytes: 1 + Math.floor(random() * 5_000) });

/** A handshake that reads as a refusal; `alerts`: what it may have said, null = nothing. */
function refusal(random: Random, alerts: readonly (number | null)[] = [null, null, 42, 46, 49, 80]): HandshakeEvidence {
  const alert = pick(random, alerts);
  return { ...evidence(random), clientFinished: random() < 0.5, alert, alertBy: alert === null ? null : 'client' };
}

/** Says nothing about trust, whatever else is known. */
function harmless(random: Random, app: App): Observation {
  const at = moment(random);
  if (random() < 0.25) {
    const outcome = pick<ConnectionOutcome>(random, [{ kind: 'upstream', code: 'ETIMEDOUT' }, { kind: 'blocked' }, { kind: 'relayed' }, { kind: 'abandoned' }]);
    return { ...seen(app, at, evidence(random)), outcome, evidence: null, disposition: outcome.kind === 'blocked' ? 'block' : 'inspect' };
  }
  return seen(app, at, { ...evidence(random), ...pick(random, [
    { clientFinished: true, msSinceLeaf: 1_000 + random() * 20_000 }, { clientFinished: true, closedBy: 'agent' as const },
    { leafSent: false }, { closedBy: 'deadline' as const, msSinceLeaf: 20_000 }, { msSinceLeaf: 1_000 + random() * 9_000 },
    { clientFinished: true, resumed: true }, { leafSent: false, closedBy: 'agent' as const, alert: 40, alertBy: 'client' as const },
  ]) });
}

function refusals(random: Random, app: App, change: (o: Observation) => Observation = (o) => o, alerts?: readonly (number | null)[]): Observation[] {
  return listOf(random, 1, 8, () => change(seen(app, moment(random), refusal(random, alerts))));
}

function successes(random: Random, app: App): Observation[] {
  return listOf(random, 1, 6, (index) => ({ ...seen(app, moment(random), established(random)), host: `h${index}.example` }));
}

function passed(random: Random, app: App): Observation {
  return { ...seen(app, noiseNow - Math.floor(random() * minute), evidence(random)), disposition: 'bypass', outcome: { kind: 'passed', data: true }, evidence: null };
}

function seen(app: App, at: number, what: HandshakeEvidence): Observation {
  const circumstances: Circumstances = {
    rootAgeMs: rootAge, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified',
  };
  return { ...app, at, host: 'here.example', disposition: 'inspect', outcome: classifyHandshake(what, app.runtime), evidence: what, circumstances };
}

function during(observation: Observation, disturbance: Disturbance): Observation {
  return { ...observation, circumstances: { ...observation.circumstances, disturbance } };
}

/** Within the last five days. */
const moment = (random: Random): number => noiseNow - Math.floor(random() * 5 * day);
const between = (random: Random, from: number, to: number): number => from + 1 + Math.floor(random() * (to - from - 1));
const inOrder = (observations: readonly Observation[]): Observation[] => [...observations].sort((a, b) => a.at - b.at);

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function listOf<Value>(random: Random, least: number, most: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, (_, index) => make(index));
}
