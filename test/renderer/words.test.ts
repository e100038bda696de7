// What the screens say, without a browser: the status sentence, an app's verdict, searching, foreign text, the ticket.
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import { findApps, hostsByWeight } from '../../renderer/apps/summary.ts';
import { ticketText } from '../../renderer/apps/ticket.ts';
import { bytes, lasting, visible } from '../../renderer/format.ts';
import { overviewStatus, recentProblem } from '../../renderer/overview/status.ts';
import { fixtureApps, fixtureSnapshot, hostile } from './fixture-data.ts';

const snapshot = fixtureSnapshot(50, 1_000_000_000_000);
const onlyApps = (...names: string[]): Snapshot => ({ ...snapshot, warnings: [], apps: snapshot.apps.filter((app) => names.includes(app.name)) });
const policyProblem = visibleWarnings([{ code: 'policy-invalid', key: '', values: { place: 'a.json, line 3', message: 'no comma' }, since: 0 }]);

describe('the status sentence', () => {
  test.each([
    { name: 'no snapshot at all: the agent is not running', given: null, why: null, tone: 'bad', sentence: { key: 'status.lost' }, next: { key: 'status.lostNext' } },
    { name: 'a lost agent says why, whatever the last snapshot said', given: snapshot, why: 'gone', tone: 'bad', sentence: { key: 'status.lost' }, reason: { plain: 'gone' } },
    { name: 'an error among the warnings is the sentence itself', given: { ...snapshot, warnings: policyProblem }, why: null, tone: 'bad', sentence: { warning: { code: 'policy-invalid' }, part: 'title' } },
    { name: 'apps that are let through are counted', given: snapshot, why: null, tone: 'good', sentence: { key: 'status.inspectingThrough', values: { count: 3 } }, next: { key: 'status.nextStore' } },
    { name: 'nothing let through: the short sentence and nothing to do', given: onlyApps('curl'), why: null, tone: 'good', sentence: { key: 'status.inspecting' }, next: { key: 'status.nextNone' } },
    { name: 'only pinned apps let through: nothing to do, Apps says why', given: onlyApps('curl', 'Dropbox'), why: null, tone: 'good', next: { key: 'status.nextThrough' } },
    { name: 'no app yet: the next step is a first connection', given: onlyApps(), why: null, tone: 'good', next: { key: 'status.nextFirst' } },
    {
      name: 'a policy without rules inspects nothing', why: null, tone: 'idle', sentence: { key: 'status.nothing' },
      given: { ...snapshot, warnings: [], agent: { ...snapshot.agent, policy: { ...snapshot.agent.policy, rules: 0 } } },
    },
  ])('$name', ({ given, why, tone, sentence = {}, reason = {}, next = {} }) => {
    const status = overviewStatus(given, why);
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

function raise(): never {
  throw new Error('the fixture has no such app');
}
