// When a refusal earns its one pass-through, and how long the exclusion after it may last.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AppIdentity, Circumstances, ConnectionOutcome, Exclusion, Observation, Verdict } from '../../../electron/core/model.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { appWideLifetime, earnsPassThrough, exclusionLifetime, passThroughPerHostMs, type AppHostState, type PassThroughInputs } from '../../../electron/core/pinning/exclusion-terms.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const app: AppIdentity = {
  id: 'a1', name: 'app', path: '/usr/bin/app', script: null, package: 'app 1', signer: null, hash: 'v2', runtime: null, perCallTrust: false, known: true,
};
const ok: ConnectionOutcome = { kind: 'established' };
const strong: ConnectionOutcome = { kind: 'refused', sign: 'alert', alert: 46 };
const weak: ConnectionOutcome = { kind: 'refused', sign: 'silent-late', alert: null };
const worked: ConnectionOutcome = { kind: 'passed', data: true };
const failed: ConnectionOutcome = { kind: 'passed', data: false };

const calm: Circumstances = { rootAgeMs: day, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified' };
const learning = embeddedLayer('user').learning;

function seen(outcome: ConnectionOutcome, ago: number, change: Partial<Observation> = {}): Observation {
  return {
    at: now - ago, host: 'h', disposition: outcome.kind === 'passed' ? 'bypass' : 'inspect', outcome, appHash: 'v2', runtime: null, perCallTrust: false,
    trust: null, ja4: null, evidence: null, circumstances: calm, ...change,
  };
}

const history = (...here: Observation[]): PassThroughInputs['history'] => ({ host: 'h', here, elsewhere: [], others: { refusing: 0, accepted: false }, listed: null });
const due: PassThroughInputs = { history: history(seen(weak, 10)), app, siblingAlive: false, given: [], givenHere: [], learning, now };

describe('a pass-through', () => {
  test.each<[string, Partial<PassThroughInputs>, boolean]>([
    ['is earned by one refusal, even a weak one', {}, true],
    ['is earned by an alert', { history: history(seen(strong, 10)) }, true],
    ['is earned by an app that no package owns', { app: { ...app, known: false } }, true],
    ['is never earned by an unknown owner', { app: null }, false],
    ['is not earned while a sibling is open or has just carried data', { siblingAlive: true }, false],
    ['is not earned without a history', { history: history() }, false],
    ['is not earned by an unused connection', { history: history(seen({ kind: 'unused' }, 10)) }, false],
    ['is not earned by an incompatible hello', { history: history(seen({ kind: 'incompatible', alert: 70 }, 10)) }, false],
    ['is not earned by a fault of ours', { history: history(seen({ kind: 'agent-fault', code: 'x' }, 10)) }, false],
    ['is not earned by trouble upstream', { history: history(seen({ kind: 'upstream', code: 'x' }, 10)) }, false],
    ['is not earned by a refusal that something newer has followed', { history: history(seen(weak, 20), seen({ kind: 'unused' }, 10)) }, false],
    ['is not earned by a bypassed connection', { history: history(seen(weak, 10, { disposition: 'bypass' })) }, false],
    ['is not earned within 7 days of a success of the same version', { history: history(seen(ok, 6 * day), seen(weak, 10)) }, false],
    ['is earned after 7 days', { history: history(seen(ok, 7 * day + 1), seen(weak, 10)) }, true],
    ['is earned when another version had the success', { history: history(seen(ok, day, { appHash: 'v1' }), seen(weak, 10)) }, true],
    ['is not earned when the version of the success is unknown', { history: history(seen(ok, day, { appHash: null }), seen(weak, 10)) }, false],
    ['is not earned when the version now is unknown', { app: { ...app, hash: null }, history: history(seen(ok, day, { appHash: 'v1' }), seen(weak, 10)) }, false],
    ['is not locked by a success far in the future, from a clock that was wrong', { history: history(seen(ok, -365 * day), seen(weak, 10)) }, true],
    ['comes once per app and host in 12 hours', { givenHere: [now - passThroughPerHostMs + 1], given: [now - passThroughPerHostMs + 1] }, false],
    ['comes again after 12 hours', { givenHere: [now - passThroughPerHostMs] }, true],
    ['comes five times per app and hour', { given: [1, 2, 3, 4].map((m) => now - m * minute) }, true],
    ['and not a sixth time', { given: [1, 2, 3, 4, 5].map((m) => now - m * minute) }, false],
    ['as often as policy says', { learning: { ...learning, perAppPerHour: 1 }, given: [now - minute] }, false],
    ['never where policy allows none', { learning: { ...learning, perAppPerHour: 0 } }, false],
    ['is not earned right after the network changed', { history: history(seen(weak, 10, { circumstances: { ...calm, disturbance: { kind: 'network', at: now - minute / 2 } } })) }, false],
    ['is earned a minute after', { history: history(seen(weak, 10, { circumstances: { ...calm, disturbance: { kind: 'network', at: now - 10 - minute } } })) }, true],
    ['and again when the hour is over', { given: [1, 2, 3, 4, 60].map((m) => now - m * minute) }, true],
    ['keeps its budget when the clock goes back a little', { givenHere: [now + hour] }, false],
    ['gets its budget back when the clock was a year ahead', { givenHere: [now + 365 * day], given: Array.from({ length: 9 }, () => now + 365 * day) }, true],
  ])('%s', (_, change, expected) => {
    expect(earnsPassThrough({ ...due, ...change })).toBe(expected);
  });

  test('10,000 forged refusals of one app earn no more than five an hour and one a host in 12 hours', () => {
    const given: number[] = [];
    const perHost = new Map<string, number[]>();
    for (let i = 0; i < 10_000; i += 1) {
      const at = now + i * 1_000;
      const host = `h${i % 37}`;
      const givenHere = perHost.get(host) ?? [];
      if (!earnsPassThrough({ ...due, history: history(seen(weak, 0, { at })), given, givenHere, now: at })) continue;
      given.push(at);
      perHost.set(host, [...givenHere, at]);
    }
    expect(given.length).toBeLessThanOrEqual(5 * 3);
    for (const times of perHost.values()) expect(times.length).toBe(1);
  });
});

const pinned: Verdict = { kind: 'pinned', hosts: 'some', confidence: 'confirmed', because: [] };
const likely: Verdict = { kind: 'pinned', hosts: 'some', confidence: 'likely', because: [] };
const store: Verdict = { kind: 'private-trust-store', because: [] };
const unsure: Verdict = { kind: 'undetermined', because: [] };
const [short, first, confirmed] = [hour, 12 * hour, 7 * day];
const certificate: Verdict = { kind: 'client-certificate', because: [] };
const inputs = (verdict: Verdict, here: Observation[], change: Partial<AppIdentity> = {}, givenHere = [now - 1]) => ({ verdict, history: history(...here), app: { ...app, ...change }, givenHere, learning });
const twoStrong = [seen(strong, 2 * hour), seen(strong, hour)];
const threeWeak = [seen(weak, 3 * hour), seen(weak, 2 * hour), seen(weak, hour)];
const four = [seen(strong, 4 * hour), ...threeWeak];

describe('the lifetime of a learned exclusion', () => {
  test.each<[string, Verdict, Observation[], Partial<AppIdentity>, number | null]>([
    ['one refusal and a pass-through that worked: an hour', likely, [seen(weak, hour), seen(worked, 1)], {}, short],
    ['no pass-through: none', pinned, twoStrong, {}, null],
    ['a pass-through without data: none', pinned, [...twoStrong, seen(failed, 1)], {}, null],
    ['an older one worked, the newest did not: none', pinned, [seen(worked, day), ...twoStrong, seen(failed, 1)], {}, null],
    ['an older one failed, the newest worked: yes', pinned, [seen(failed, day), ...twoStrong, seen(worked, 1)], {}, first],
    ['inspectable: none', { kind: 'inspectable', because: [] }, [seen(worked, 1)], {}, null],
    ['incompatible: none', { kind: 'incompatible', because: [] }, [seen(worked, 1)], {}, null],
    ['undetermined: an hour, however often', unsure, [...four, seen(worked, 1)], {}, short],
    ['an app that no package owns: an hour, however often', pinned, [...four, seen(worked, 1)], { known: false }, short],
    ['a tool with trust per call: an hour, however often', pinned, [...four, seen(worked, 1)], { perCallTrust: true }, short],
    ['two strong in two windows: 12 hours', likely, [...twoStrong, seen(worked, 1)], {}, first],
    ['three weak in three windows: 12 hours', likely, [...threeWeak, seen(worked, 1)], {}, first],
    ['one strong and two weak: 12 hours', likely, [seen(strong, 3 * hour), ...threeWeak.slice(1), seen(worked, 1)], {}, first],
    ['one strong and one weak: an hour', likely, [seen(strong, 3 * hour), seen(weak, hour), seen(worked, 1)], {}, short],
    ['two weak: an hour', likely, [...threeWeak.slice(1), seen(worked, 1)], {}, short],
    ['two strong within one window: an hour', likely, [seen(strong, 5 * minute), seen(strong, 4 * minute), seen(worked, 1)], {}, short],
    ['siblings within two seconds are one sign: an hour', likely, [seen(strong, hour), seen(strong, hour - 500), seen(strong, hour - 900), seen(worked, 1)], {}, short],
    ['signs of the version before do not count: an hour', likely, [seen(strong, 2 * hour, { appHash: 'v1' }), seen(strong, hour), seen(worked, 1)], {}, short],
    ['confirmed and four refusals: a week', pinned, [...four, seen(worked, 1)], {}, confirmed],
    ['only likely and four refusals: 12 hours', likely, [...four, seen(worked, 1)], {}, first],
    ['a private trust store gets 12 hours at most', store, [...four, seen(worked, 1)], {}, first],
    ['a client certificate gets 12 hours at once', certificate, [seen(worked, 1)], {}, first],
    ['a client certificate wanted from an unknown program: an hour', certificate, [seen(worked, 1)], { known: false }, short],
    ['two strong ones right after the network changed: an hour', likely, [...twoStrong.map((o) => ({ ...o, circumstances: { ...calm, disturbance: { kind: 'network' as const, at: o.at } } })), seen(worked, 1)], {}, short],
  ])('%s', (_, verdict, here, change, expected) => {
    expect(exclusionLifetime(inputs(verdict, here, change))).toBe(expected);
  });

  test('is none where a list or a person let it through, and where policy learns nothing', () => {
    const here = [...four, seen(worked, 1)];
    expect(exclusionLifetime(inputs(pinned, here, {}, []))).toBeNull();
    expect(exclusionLifetime(inputs(certificate, here, {}, []))).toBe(first);
    expect(exclusionLifetime({ ...inputs(pinned, here), learning: { ...learning, perAppPerHour: 0 } })).toBeNull();
  });

  test('is what policy says', () => {
    const own = { shortMinutes: 5, firstHours: 2, confirmedDays: 30, perAppPerHour: 5 };
    const lifetimes = ([[unsure, four], [likely, twoStrong], [pinned, four]] as const).map(([verdict, here]) => exclusionLifetime({ ...inputs(verdict, [...here, seen(worked, 1)]), learning: own }));
    expect(lifetimes).toEqual([5 * minute, 2 * hour, 30 * day]);
  });

  test('is null or one of three figures for any history, and never more than a day for what is unknown', () => {
    const outcome = fc.constantFrom(ok, strong, weak, worked, failed);
    fc.assert(fc.property(
      fc.constantFrom(pinned, likely, store, unsure), fc.array(fc.tuple(outcome, fc.integer({ min: -day, max: 8 * day })), { maxLength: 20 }), fc.boolean(), fc.boolean(),
      (verdict, entries, known, perCallTrust) => {
        const lifetime = exclusionLifetime(inputs(verdict, entries.map(([what, ago]) => seen(what, ago)), { known, perCallTrust }));
        expect([null, short, first, confirmed]).toContain(lifetime);
        if (!known || perCallTrust) expect(lifetime ?? 0).toBeLessThanOrEqual(short);
      }), { numRuns: 1_000 });
  });
});

describe('one exclusion for the whole app', () => {
  const everywhere: Verdict = { kind: 'pinned', hosts: 'all', confidence: 'confirmed', because: [] };
  const learned = (host: string, left: number, change: Partial<Exclusion> = {}): Exclusion => ({
    id: host, kind: 'learned', host, appId: 'a1', appName: 'app', appHash: 'v2', reason: 'it refuses', verdict: 'pinned', createdAt: now, expiresAt: now + left, ...change,
  });
  const at = (host: string, verdict: Verdict, exclusion: Exclusion | null = learned(host, first)): AppHostState => ({ host, verdict, exclusion });
  const three = ['a', 'b', 'c'].map((host) => at(host, everywhere));
  test.each<[string, readonly AppHostState[], Partial<AppIdentity>, number | null]>([
    ['after three hosts of an app that pins everywhere', three, {}, first],
    ['after three hosts of an app with a list of its own', three.map((host) => ({ ...host, verdict: store })), {}, first],
    ['not after two', three.slice(1), {}, null],
    ['not while a host accepts inspection', [...three, at('d', { kind: 'inspectable', because: [] }, null)], {}, null],
    ['not for pins at some hosts', three.map((host) => ({ ...host, verdict: pinned })), {}, null],
    ['not for what is undetermined', three.map((host) => ({ ...host, verdict: unsure })), {}, null],
    ['not for a tool whose trust is chosen per call', three, { perCallTrust: true }, null],
    ['not for exclusions a person made', three.map((host) => ({ ...host, exclusion: learned(host.host, first, { kind: 'user' }) })), {}, null],
    ['lasts as long as the shortest of them', [...three, at('d', everywhere, learned('d', short))], {}, short],
    ['is none where one has just ended', [...three, at('d', everywhere, learned('d', 0))], {}, null],
    ['is none where there is one already', ['*', 'b', 'c'].map((host) => at(host, everywhere, learned(host, first))), {}, null],
  ])('%s', (_, hosts, change, expected) => expect(appWideLifetime(hosts, { ...app, ...change }, now)).toBe(expected));
});
