// What the screens say, without a browser: the status sentence, an app's verdict, searching, foreign text, the ticket.
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import { parsePolicyFile } from '../../electron/core/policy/parse.ts';
import { findApps, hostsByWeight } from '../../renderer/apps/summary.ts';
import { exclusionRule, requestText } from '../../renderer/apps/request.ts';
import { ticketText } from '../../renderer/apps/ticket.ts';
import { bytes, lasting, visible } from '../../renderer/format.ts';
import { overviewStatus, recentProblem } from '../../renderer/overview/status.ts';
import { fixtureApps, fixtureSnapshot, hostile } from './fixture-data.ts';

const snapshot = fixtureSnapshot(50, 1_000_000_000_000);
const onlyApps = (...names: string[]): Snapshot => ({ ...snapshot, warnings: [], apps: snapshot.apps.filter((app) => names.includes(app.name)) });
const policyProblem = visibleWarnings([{ code: 'policy-invalid', key: '', values: { place: 'a.json, line 3', message: 'no comma' }, since: 0 }]);

const now = 1_000_000_000_000;
const none = { inspect: 0, bypass: 0, block: 0, open: 0 };
const agentWith = (change: Partial<Snapshot['agent']>): Snapshot => ({ ...snapshot, warnings: [], agent: { ...snapshot.agent, ...change } });
const notice = (code: 'offline' | 'root-not-trusted'): Snapshot['warnings'] => visibleWarnings([{ code, key: '', values: { checked: 3 }, since: 0 }]);

describe('the status sentence', () => {
  test.each([
    { name: 'no snapshot at all: the agent is not running', given: null, why: null, tone: 'bad', sentence: { key: 'status.lost' }, next: { key: 'status.lostNext' } },
    { name: 'a lost agent says why, whatever the last snapshot said', given: snapshot, why: 'gone', tone: 'bad', sentence: { key: 'status.lost' }, reason: { plain: 'gone' } },
    { name: 'of an installed Pinlight nobody is told to type npm', given: null, why: '', fromSource: false, tone: 'bad', sentence: { key: 'status.lost' }, next: { key: 'status.lostNextPackaged' } },
    { name: 'an error among the warnings is the sentence itself', given: { ...snapshot, warnings: policyProblem }, why: null, tone: 'bad', sentence: { warning: { code: 'policy-invalid' }, part: 'title' } },
    { name: 'apps that are let through are counted', given: snapshot, why: null, tone: 'good', sentence: { key: 'status.inspectingThrough', values: { count: 3 } }, next: { key: 'status.nextStore' } },
    { name: 'nothing let through: the short sentence and nothing to do', given: onlyApps('curl'), why: null, tone: 'good', sentence: { key: 'status.inspecting' }, next: { key: 'status.nextNone' } },
    { name: 'only pinned apps let through: nothing to do, Apps says why', given: onlyApps('curl', 'Dropbox'), why: null, tone: 'good', next: { key: 'status.nextThrough' } },
    { name: 'no connection ever is no tick: the next step is steering', given: { ...onlyApps(), counts: none, recent: [] }, why: null, tone: 'attention', sentence: { key: 'status.unused' }, next: { key: 'status.unusedNext' } },
    { name: 'none since the agent started a while ago is no tick either', given: { ...onlyApps('curl'), counts: none, recent: [] }, why: null, tone: 'idle', sentence: { key: 'status.ready' }, next: { key: 'status.nextNone' } },
    { name: 'none for a day', given: { ...onlyApps('curl'), counts: { ...none, inspect: 5 } }, why: null, later: 26 * 3600_000, tone: 'attention', sentence: { key: 'status.quiet' }, next: { key: 'status.quietNext' } },
    { name: 'of others alone, for a user of the service: what they did counts, nothing is said of long ago', given: { ...onlyApps(), recent: [] }, why: null, later: 26 * 3600_000, tone: 'good', sentence: { key: 'status.inspecting' } },
    { name: 'only bypasses are no inspection', given: { ...onlyApps('Dropbox'), counts: { ...none, bypass: 5, block: 2 } }, why: null, tone: 'idle', sentence: { key: 'status.nothing' }, reason: { values: { bypassed: 5, blocked: 2 } } },
    { name: 'an unaccepted notice comes before a pause', given: agentWith({ noticePending: true, pause: { ...snapshot.agent.pause, active: { since: now, until: now + 60_000, reason: null } } }), why: null, tone: 'attention', sentence: { key: 'status.notice' } },
    { name: 'a pause', given: agentWith({ pause: { ...snapshot.agent.pause, active: { since: now, until: now + 60_000, reason: null } } }), why: null, tone: 'attention', sentence: { key: 'status.paused' } },
    { name: 'no network', given: { ...snapshot, warnings: notice('offline') }, why: null, tone: 'idle', sentence: { warning: { code: 'offline' }, part: 'title' } },
    { name: 'a root that no store holds, while nothing was inspected', given: { ...snapshot, counts: { ...none, bypass: 2 }, warnings: notice('root-not-trusted') }, why: null, tone: 'attention', sentence: { warning: { code: 'root-not-trusted' } } },
    { name: 'the same root in programs that were told of it by hand', given: { ...snapshot, warnings: notice('root-not-trusted') }, why: null, tone: 'good', sentence: { key: 'status.inspectingThrough' } },
    { name: 'a policy without rules inspects nothing', given: agentWith({ policy: { ...snapshot.agent.policy, rules: 0 } }), why: null, tone: 'idle', sentence: { key: 'status.noRules' } },
  ])('$name', ({ given, why, tone, fromSource = true, later = 0, sentence = {}, reason = {}, next = {} }) => {
    const status = overviewStatus(given, { why, now: now + later, fromSource });
    expect(status.tone).toBe(tone);
    expect(status.sentence).toMatchObject(sentence);
    expect(status.reason).toMatchObject(reason);
    expect(status.next).toMatchObject(next);
  });
});

test('the recent problem is the newest failed connection; connections that went well are none', () => {
  expect(recentProblem(snapshot.recent)?.outcome?.kind).toMatch(/^(refused|incompatible|agent-fault|upstream)$/);
  expect(recentProblem(snapshot.recent.filter((row) => row.outcome?.kind === 'established'))).toBeNull();
});

test('an app\'s weightiest host comes first', () => {
  const slack = fixtureApps(0).find((app) => app.name === 'Slack');
  expect(hostsByWeight(slack ?? raise())[0]?.host).toBe('edgeapi.slack.example');
});

test.each([
  { name: 'words are found in hosts', text: 'maven', only: false, found: ['java · sync.jar'] },
  { name: 'every word has to be found, in any case', text: 'SLACK desktop', only: false, found: ['Slack'] },
  { name: 'bypassed alone leaves the others out, latest first', text: '', only: true, found: ['Slack', 'java · sync.jar', 'Dropbox'] },
  { name: 'what fits nothing finds nothing', text: 'zzz', only: false, found: [] },
])('searching apps: $name', ({ text, only, found }) => {
  expect(findApps(snapshot.apps, text, only).map((app) => app.name)).toEqual(found);
});

test.each([
  { name: 'a turned reading direction is spelled out', text: hostile.turned, shown: 'update⟨U+202E⟩gpj.exe' },
  { name: 'a line break and a bell are spelled out', text: 'a\nb\u0007', shown: 'a⟨U+000A⟩b⟨U+0007⟩' },
  { name: 'a space without width is spelled out', text: 'pay\u200Bpal', shown: 'pay⟨U+200B⟩pal' },
  { name: 'letters of any script stay', text: 'müller.example بريد 例え', shown: 'müller.example بريد 例え' },
])('foreign text: $name', ({ text, shown }) => expect(visible(text)).toBe(shown));

test('sizes and times read short', () => {
  expect([0, 999, 4_100, 12_000_000].map(bytes)).toEqual(['0 B', '999 B', '4.1 kB', '12 MB']);
  expect([340, 2_400, 200_000].map(lasting)).toEqual(['340 ms', '2.4 s', '3 min 20 s']);
});

/** The ticket is English: it takes the sentences, not these. */
const nothing = { key: 'todo.nothing', values: {} };

test('the ticket names app, host, verdict, exclusion and evidence, one fact a line, and foreign line breaks stay inside theirs', () => {
  const app = { ...(snapshot.apps[0] ?? raise()), name: 'Sl\nack' };
  const host = app.hosts[0] ?? raise();
  const text = ticketText({
    host: host.host, exclusion: host.exclusion, agent: snapshot.agent, now: 1_000_000_000_000,
    answer: {
      app, host: host.host, verdict: host.verdict, sentence: 'It pins.', evidenceFor: ['It refused.'], evidenceAgainst: [], alsoKnown: [], next: 'Let through.', advice: 'Nothing.',
      attempts: [{ at: 0, host: host.host, sentence: 'Refused.' }], controls: [], observations: [],
      words: { sentence: nothing, evidenceFor: [], evidenceAgainst: [], alsoKnown: [], next: nothing, advice: nothing, controls: [], attempts: [nothing] },
    },
  });
  expect(text.split('\n')).toEqual(expect.arrayContaining([
    'App: Sl⟨U+000A⟩ack (slack-desktop 4.41.105)', 'Host: edgeapi.slack.example', 'Verdict: pinned: It pins.', '- It refused.',
    `- 1970-01-01T00:00:00.000Z ${host.host}: Refused.`,
  ]));
  expect(text).toContain('ends in 2 h 5 min');
  expect(text).not.toContain('Evidence against');
});

test.each([
  ['a program of a package is named by its package, which survives an update', 'Slack', { package: 'slack-desktop' }],
  ['a script is named by itself, not by its interpreter', 'node · report.mjs', { path: '/home/maria/report.mjs' }],
  ['a program nobody owns is named by its path', 'vpn-connect', { path: '/opt/vpn/connect' }],
])('the rule of a request is one that the policy takes: %s', (_name, name, named) => {
  const app = snapshot.apps.find((one) => one.name === name) ?? raise();
  const host = app.hosts[0] ?? raise();
  const rule = exclusionRule({ app, verdict: host.verdict }, host.host);
  expect(rule).toMatchObject({ when: { app: named, host: host.host }, do: 'bypass' });
  expect(parsePolicyFile(JSON.stringify({ version: 1, rules: [rule] }), 'request.json')).toMatchObject({ kind: 'policy' });
});

test('a request has all an administrator needs to decide: app, hash, host, evidence, controls and rule', () => {
  const app = snapshot.apps.find((one) => one.name === 'Slack') ?? raise();
  const host = app.hosts[0] ?? raise();
  const text = requestText({
    host: host.host, agent: snapshot.agent, now,
    answer: {
      app: { ...app, name: 'Sl\u202Eack' }, host: host.host, verdict: host.verdict, sentence: 'It pins.', evidenceFor: ['It refused.'], evidenceAgainst: ['It worked.'], alsoKnown: [], next: '', advice: '',
      attempts: [], controls: ['Rules hold.'], observations: [], words: { sentence: nothing, evidenceFor: [], evidenceAgainst: [], alsoKnown: [], next: nothing, advice: nothing, controls: [], attempts: [] },
    },
  });
  expect(text.split('\n')).toEqual(expect.arrayContaining([
    'App: Sl⟨U+202E⟩ack', 'Package: slack-desktop 4.41.105', `SHA-256: ${app.hash}`, 'Host: edgeapi.slack.example', 'Verdict: pinned: It pins.', 'For: It refused.', 'Against: It worked.', 'Still applies: Rules hold.',
  ]));
  expect(JSON.parse(text.slice(text.indexOf('{\n')))).toMatchObject({ do: 'bypass' });
});

function raise(): never {
  throw new Error('the fixture has no such app');
}
