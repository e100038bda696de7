// decide() by table, and over arbitrary policies and facts: always one disposition with a reason, never an exception.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainDecision } from '../../../electron/core/explain.ts';
import type { AppIdentity, ConnectionFacts, Exclusion } from '../../../electron/core/model.ts';
import { decide } from '../../../electron/core/policy/decide.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import type { Policy, PolicyDefaults, Rule } from '../../../electron/core/policy/policy.ts';

const app: AppIdentity = {
  id: 'app-1', name: 'curl', path: '/usr/bin/curl', script: null, package: 'curl 8.5.0-2', signer: null, hash: null, runtime: 'openssl',
  perCallTrust: true, known: true,
};
const facts: ConnectionFacts = {
  target: { host: 'a.example', port: 443 }, os: 'linux', transport: 'tls', serverName: 'a.example', cannotAnswer: null, app,
  uid: 1000, user: 'ada', selfUid: 1000, exclusion: null, passThroughDue: false, suspended: null,
};
const exclusion: Exclusion = {
  id: 'e1', kind: 'learned', host: 'a.example', appId: 'app-1', appName: 'curl', appHash: null, reason: 'refused', verdict: 'pinned',
  createdAt: 0, expiresAt: null,
};

type RuleInput = Partial<Rule> & Pick<Rule, 'do'>;

function policy(rules: readonly RuleInput[], defaults: Partial<PolicyDefaults> = {}, exclusions: readonly Exclusion[] = []): Policy {
  const base = mergePolicy([], exclusions);
  const full = rules.map((rule, index) => ({ id: `r${index}`, when: {}, mustInspect: false, reason: null, ...rule }));
  return { ...base, rules: full, defaults: { ...base.defaults, ...defaults } };
}

const inspectAll: RuleInput[] = [{ do: 'inspect' }];
const mustInspect: RuleInput[] = [{ do: 'inspect', mustInspect: true }];
const listed: Exclusion = { ...exclusion, id: 'list-1', kind: 'predefined', appId: null, verdict: null };

describe('decide', () => {
  test.each<[string, Policy, Partial<ConnectionFacts>, string]>([
    ['no rule: the default bypasses', policy([]), {}, 'bypass no-match -'],
    ['no rule: the default may inspect', policy([], { noMatch: 'inspect' }), {}, 'inspect no-match -'],
    ['no rule: the default may block', policy([], { noMatch: 'block' }), {}, 'block no-match -'],
    ['a rule inspects', policy(inspectAll), {}, 'inspect rule r0'],
    ['the first match wins', policy([{ do: 'bypass' }, { do: 'block' }]), {}, 'bypass rule r0'],
    ['a rule for another host does not match', policy([{ do: 'block', when: { host: '*.b.example' } }]), {}, 'bypass no-match -'],
    ['one host of a list is enough', policy([{ do: 'block', when: { host: ['x', 'a.example'] } }]), {}, 'block rule r0'],
    ['all conditions must hold', policy([{ do: 'block', when: { host: 'a.example', port: 80 } }]), {}, 'bypass no-match -'],
    ['a target in capitals with a dot is the same host', policy([{ do: 'block', when: { host: 'a.example' } }]), { target: { host: 'A.Example.', port: 443 }, serverName: null }, 'block rule r0'],
    ['a port of a list matches', policy([{ do: 'block', when: { port: [80, 443] } }]), {}, 'block rule r0'],
    ['another system does not match', policy([{ do: 'block', when: { os: 'macos' } }]), {}, 'bypass no-match -'],
    ['self is whoever runs the agent', policy([{ do: 'block', when: { user: 'self' } }]), {}, 'block rule r0'],
    ['another uid is not self', policy([{ do: 'block', when: { user: 'self' } }]), { uid: 1001 }, 'bypass no-match -'],
    ['an unknown uid is not self, even where the agent has none', policy([{ do: 'block', when: { user: 'self' } }]), { uid: null, selfUid: null }, 'bypass no-match -'],
    ['a login name matches', policy([{ do: 'block', when: { user: 'ada' } }]), {}, 'block rule r0'],
    ['a uid in digits matches', policy([{ do: 'block', when: { user: '1000' } }]), { user: null }, 'block rule r0'],
    ['an app path is a glob', policy([{ do: 'block', when: { app: { path: '/usr/*/curl' } } }]), {}, 'block rule r0'],
    ['an app path tells case apart', policy([{ do: 'block', when: { app: { path: '/USR/*' } } }]), {}, 'bypass no-match -'],
    ['an app path on Windows does not tell case apart', policy([{ do: 'block', when: { app: { path: 'C:\\Tools\\*' } } }]), { os: 'windows', app: { ...app, path: 'c:\\tools\\X.exe' } }, 'block rule r0'],
    ['a script counts as the app', policy([{ do: 'block', when: { app: { path: '/home/*/sync.py' } } }]), { app: { ...app, path: '/usr/bin/python3', script: '/home/ada/sync.py' } }, 'block rule r0'],
    ['a package matches by name', policy([{ do: 'block', when: { app: { package: 'curl' } } }]), {}, 'block rule r0'],
    ['a package matches with its version', policy([{ do: 'block', when: { app: { package: 'curl 8.*' } } }]), {}, 'block rule r0'],
    ['a signer matches', policy([{ do: 'block', when: { app: { signer: 'Contoso*' } } }]), { app: { ...app, signer: 'Contoso Ltd' } }, 'block rule r0'],
    ['no signer matches no signer rule', policy([{ do: 'block', when: { app: { signer: '*' } } }]), {}, 'bypass no-match -'],
    ['an unknown app matches no app rule', policy([{ do: 'block', when: { app: {} } }]), { app: null }, 'bypass no-match -'],

    ['SNI elsewhere: an inspect rule for it beats a bypass for the target', policy([{ do: 'bypass', when: { host: 'a.example' } }, { do: 'inspect', when: { host: 'b.example' } }]), { serverName: 'b.example' }, 'inspect rule r1'],
    ['SNI elsewhere: a block rule for it beats inspect', policy([{ do: 'inspect', when: { host: 'a.example' } }, { do: 'block', when: { host: 'b.example' } }]), { serverName: 'b.example' }, 'block rule r1'],
    ['SNI elsewhere: its bypass does not soften the target', policy([{ do: 'bypass', when: { host: 'b.example' } }, { do: 'inspect' }]), { serverName: 'b.example' }, 'inspect rule r1'],
    ['SNI elsewhere: must-inspect beats inspect', policy([{ do: 'inspect', when: { host: 'a.example' } }, { do: 'inspect', mustInspect: true, when: { host: 'b.example' } }]), { serverName: 'b.example' }, 'inspect must-inspect r1'],
    ['SNI elsewhere: a rule beats the default', policy([{ do: 'bypass', when: { host: 'b.example' } }], { noMatch: 'inspect' }), { serverName: 'b.example' }, 'bypass rule r0'],
    ['no SNI: the target alone counts', policy([{ do: 'block', when: { host: 'a.example' } }]), { serverName: null }, 'block rule r0'],

    ['plain HTTP is relayed where inspection is meant', policy(inspectAll), { transport: 'http' }, 'inspect plain-http r0'],
    ['plain HTTP under must-inspect is relayed', policy(mustInspect), { transport: 'http', app: null }, 'inspect plain-http r0'],
    ['plain HTTP is bypassed by a rule', policy([{ do: 'bypass' }]), { transport: 'http' }, 'bypass rule r0'],
    ['plain HTTP is blocked by a rule', policy([{ do: 'block' }]), { transport: 'http' }, 'block rule r0'],
    ['what is no TLS passes', policy(inspectAll), { transport: 'not-tls' }, 'bypass not-tls r0'],
    ['an unreadable hello passes', policy(inspectAll), { transport: 'unreadable-tls' }, 'bypass unreadable-hello r0'],
    ['a hello we cannot answer passes', policy(inspectAll), { cannotAnswer: 'TLS 1.0 only' }, 'bypass incompatible r0'],
    ['must-inspect blocks what is no TLS', policy(mustInspect), { transport: 'not-tls' }, 'block must-inspect r0'],
    ['must-inspect blocks an unreadable hello', policy(mustInspect), { transport: 'unreadable-tls' }, 'block must-inspect r0'],
    ['must-inspect blocks what we cannot answer', policy(mustInspect), { cannotAnswer: 'TLS 1.0 only' }, 'block must-inspect r0'],
    ['must-inspect beats a user exclusion', policy(mustInspect), { exclusion: { ...exclusion, kind: 'user' } }, 'inspect must-inspect r0'],
    ['must-inspect beats a predefined exclusion', policy(mustInspect, {}, [listed]), {}, 'inspect must-inspect r0'],
    ['must-inspect beats the pass-through', policy(mustInspect), { passThroughDue: true }, 'inspect must-inspect r0'],
    ['must-inspect beats an unknown app', policy(mustInspect), { app: null }, 'inspect must-inspect r0'],
    ['a block beats every exclusion', policy([{ do: 'block' }], {}, [listed]), { exclusion, passThroughDue: true }, 'block rule r0'],

    ['an unknown app is bypassed', policy(inspectAll), { app: null }, 'bypass unknown-app r0'],
    ['an unknown app may be blocked', policy(inspectAll, { onUnknownApp: 'block' }), { app: null }, 'block unknown-app r0'],
    ['an unknown app may be inspected', policy(inspectAll, { onUnknownApp: 'inspect' }), { app: null }, 'inspect rule r0'],
    ['an unknown app earns no pass-through', policy(inspectAll, { onUnknownApp: 'inspect' }), { app: null, passThroughDue: true }, 'inspect rule r0'],
    ['a predefined exclusion bypasses', policy(inspectAll, {}, [listed]), {}, 'bypass exclusion r0'],
    ['a predefined exclusion bypasses under the default too', policy([], { noMatch: 'inspect' }, [listed]), {}, 'bypass exclusion -'],
    ['a listed name as SNI does not excuse another host', policy(inspectAll, {}, [listed]), { target: { host: 'evil.example', port: 443 } }, 'inspect rule r0'],
    ['a listed host with another SNI is not excused', policy(inspectAll, {}, [listed]), { serverName: 'evil.example' }, 'inspect rule r0'],
    ['an address with a listed SNI is excused', policy(inspectAll, {}, [listed]), { target: { host: '192.0.2.7', port: 443 } }, 'bypass exclusion r0'],
    ['an exclusion of another app does not count', policy(inspectAll, {}, [{ ...listed, appId: 'other' }]), {}, 'inspect rule r0'],
    ['a user exclusion bypasses', policy(inspectAll, { onPinned: 'block' }), { exclusion: { ...exclusion, kind: 'user', verdict: 'pinned' } }, 'bypass exclusion r0'],
    ['a managed exclusion bypasses', policy(inspectAll), { exclusion: { ...exclusion, kind: 'managed', verdict: null } }, 'bypass exclusion r0'],
    ['a pinned app is bypassed', policy(inspectAll), { exclusion }, 'bypass exclusion r0'],
    ['an app that was excluded as a whole is bypassed', policy(inspectAll), { exclusion: { ...exclusion, host: '*' } }, 'bypass exclusion r0'],
    ['and so where its SNI names another host', policy(inspectAll), { exclusion: { ...exclusion, host: '*' }, serverName: 'other.example' }, 'bypass exclusion r0'],
    ['nobody may write such an exclusion', policy(inspectAll), { exclusion: { ...exclusion, kind: 'user', host: '*' } }, 'inspect rule r0'],
    ['nor is there one for every app', policy(inspectAll), { exclusion: { ...exclusion, appId: null, host: '*' } }, 'inspect rule r0'],
    ['must-inspect beats it', policy(mustInspect), { exclusion: { ...exclusion, host: '*' } }, 'inspect must-inspect r0'],
    ['a pinned app may be blocked', policy(inspectAll, { onPinned: 'block' }), { exclusion }, 'block exclusion r0'],
    ['a pinned app may be inspected, also when a pass-through is due', policy(inspectAll, { onPinned: 'inspect' }), { exclusion, passThroughDue: true }, 'inspect rule r0'],
    ['a private trust store is bypassed', policy(inspectAll, { onPinned: 'block' }), { exclusion: { ...exclusion, verdict: 'private-trust-store' } }, 'bypass exclusion r0'],
    ['a private trust store may be inspected', policy(inspectAll, { onPrivateTrustStore: 'inspect' }), { exclusion: { ...exclusion, verdict: 'private-trust-store' } }, 'inspect rule r0'],
    ['other learned exclusions bypass', policy(inspectAll, { onPinned: 'block', onPrivateTrustStore: 'inspect' }), { exclusion: { ...exclusion, verdict: 'undetermined' } }, 'bypass exclusion r0'],
    ['a pause lets through what would be inspected', policy(inspectAll), { suspended: 'paused' }, 'bypass paused r0'],
    ['a pause takes no block away', policy([{ do: 'block' }]), { suspended: 'paused' }, 'block rule r0'],
    ['a pause lets no unknown app through that policy blocks', policy(inspectAll, { onUnknownApp: 'block' }), { app: null, suspended: 'paused' }, 'block unknown-app r0'],
    ['a pause yields to must-inspect', policy(mustInspect), { suspended: 'paused' }, 'inspect must-inspect r0'],
    ['a pause uses no pass-through up', policy(inspectAll), { passThroughDue: true, suspended: 'paused' }, 'bypass paused r0'],
    ['a pause leaves an exclusion its reason', policy(inspectAll), { exclusion, suspended: 'paused' }, 'bypass exclusion r0'],
    ['before the notice is accepted nothing is inspected', policy(inspectAll), { suspended: 'notice-pending' }, 'bypass notice-pending r0'],
    ['not even what must be, which is blocked instead of passing', policy(mustInspect), { suspended: 'notice-pending' }, 'block notice-pending r0'],
    ['plain HTTP is relayed as ever while paused', policy(inspectAll), { transport: 'http', suspended: 'paused' }, 'inspect plain-http r0'],
    ['a pass-through that is due is given', policy(inspectAll), { passThroughDue: true }, 'bypass control-experiment r0'],
  ])('%s', (_, effective, changes, expected) => {
    const { disposition, reason, rule } = decide(effective, { ...facts, ...changes });
    expect(`${disposition} ${reason.code} ${rule ?? '-'}`).toBe(expected);
  });

  test('the detail of an exclusion names its kind, id and verdict', () => {
    expect(decide(policy(inspectAll), { ...facts, exclusion }).reason.detail).toBe('learned "e1", pinned');
    expect(decide(policy(inspectAll, {}, [listed]), facts).reason.detail).toBe('predefined "list-1"');
  });

  test('the embedded policy inspects port 443 of own programs and nothing else', () => {
    const embedded = mergePolicy([{ origin: 'embedded', file: null, layer: embeddedLayer('user') }], []);
    expect(decide(embedded, facts)).toMatchObject({ disposition: 'inspect', rule: 'own-programs-443' });
    expect(decide(embedded, { ...facts, target: { host: 'a.example', port: 8443 } }).disposition).toBe('bypass');
    expect(decide(embedded, { ...facts, uid: 0 }).disposition).toBe('bypass');
  });

  test('costs a few microseconds with 50 rules and the compiled patterns are kept', () => {
    const rules = Array.from({ length: 50 }, (_, i): RuleInput => ({ do: 'bypass', when: { host: [`*.h${i}.example`, `h${i}.example`], port: 443, app: { path: '/opt/*' } } }));
    const effective = policy([...rules, { do: 'inspect' }]);
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) decide(effective, facts);
    expect((performance.now() - started) / 20_000).toBeLessThan(0.05);
  });
});

describe('decide over anything', () => {
  const host = fc.oneof(fc.constantFrom('a.example', 'b.example', 'x.a.example', '192.0.2.7', '::1', '', '.'), fc.string());
  const pattern = fc.oneof(fc.constantFrom('*', 'a.example', '*.a.example', 'a*.example', '192.0.2.7', '('), fc.string());
  const disposition = fc.constantFrom('inspect', 'bypass', 'block');
  const one = { nil: undefined };
  const when = fc.record({
    app: fc.option(fc.record({ path: fc.option(fc.constantFrom('/usr/*', '*'), one), package: fc.option(fc.string(), one), signer: fc.option(fc.string(), one) }), one),
    host: fc.option(fc.oneof(pattern, fc.array(pattern)), one),
    port: fc.option(fc.oneof(fc.constantFrom(443, 80), fc.array(fc.nat(70_000))), one),
    os: fc.option(fc.constantFrom('linux', 'macos', 'windows'), one),
    user: fc.option(fc.constantFrom('self', 'ada', '1000', ''), one),
  });
  const ruleInput = fc.record({ id: fc.string(), when, do: disposition, mustInspect: fc.boolean(), reason: fc.option(fc.string()) })
    .map((rule) => ({ ...rule, mustInspect: rule.mustInspect && rule.do === 'inspect' }));
  const anyExclusion = fc.record({
    id: fc.string(), kind: fc.constantFrom('predefined', 'managed', 'user', 'learned'), host: pattern, appId: fc.option(fc.constantFrom('app-1', 'x')),
    appName: fc.constant(null), appHash: fc.constant(null), reason: fc.string(),
    verdict: fc.option(fc.constantFrom('pinned', 'private-trust-store', 'undetermined', 'client-certificate')), createdAt: fc.nat(), expiresAt: fc.option(fc.nat()),
  }).map((value): Exclusion => value);
  const anyFacts = fc.record({
    target: fc.record({ host, port: fc.oneof(fc.constantFrom(443, 80), fc.integer()) }),
    os: fc.constantFrom('linux', 'macos', 'windows'),
    transport: fc.constantFrom('tls', 'unreadable-tls', 'not-tls', 'http'),
    serverName: fc.option(host), cannotAnswer: fc.option(fc.string()),
    app: fc.option(fc.record({ script: fc.option(fc.string()), package: fc.option(fc.string()), signer: fc.option(fc.string()) }).map((some) => ({ ...app, ...some }))),
    uid: fc.option(fc.constantFrom(0, 1000)), user: fc.option(fc.constantFrom('ada', 'bob')), selfUid: fc.option(fc.constantFrom(0, 1000)),
    exclusion: fc.option(anyExclusion), passThroughDue: fc.boolean(), suspended: fc.constantFrom(null, 'paused', 'notice-pending'),
  }).map((value): ConnectionFacts => value);
  const anyPolicy = fc.record({
    rules: fc.array(ruleInput, { maxLength: 6 }), exclusions: fc.array(anyExclusion, { maxLength: 3 }),
    defaults: fc.record({
      noMatch: disposition, onInvalidUpstream: fc.constantFrom('splice', 'block'), onPinned: disposition,
      onPrivateTrustStore: fc.constantFrom('bypass', 'inspect'), onUnknownApp: disposition, failMode: fc.constantFrom('open', 'closed'),
    }),
  }).map((some): Policy => ({ ...mergePolicy([], []), ...some }));

  test('gives exactly one disposition with a reason and a sentence, the same again, and never throws', () => {
    fc.assert(fc.property(anyPolicy, anyFacts, (effective, given) => {
      const decision = decide(effective, given);
      expect(['inspect', 'bypass', 'block']).toContain(decision.disposition);
      expect(explainDecision(decision)).toMatch(/^(?:Inspected|Bypassed|Blocked): /u);
      expect(decide(effective, given)).toEqual(decision);
      expect(decision.rule === null || effective.rules.some(({ id }) => id === decision.rule)).toBe(true);
    }), { numRuns: 10_000 });
  });

  test('what a must-inspect rule for every host matches is never bypassed, whatever is learned', () => {
    fc.assert(fc.property(anyPolicy, anyFacts, (some, given) => {
      expect(decide(policy(mustInspect, some.defaults, some.exclusions), given).disposition).not.toBe('bypass');
    }), { numRuns: 5000 });
  });

  test('what cannot be read as TLS is never inspected, plain HTTP aside', () => {
    fc.assert(fc.property(anyPolicy, anyFacts, (effective, given) => {
      const blind = given.transport === 'not-tls' || given.transport === 'unreadable-tls' || (given.transport === 'tls' && given.cannotAnswer !== null);
      if (blind) expect(decide(effective, given).disposition).not.toBe('inspect');
    }), { numRuns: 5000 });
  });
});
