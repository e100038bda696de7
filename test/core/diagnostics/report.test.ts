// The page as text: escaping, its own security policy, and what it says when little was collected. How it looks: report-page.test.ts.
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { esc, reportStyle, utc } from '../../../electron/core/diagnostics/report-html.ts';
import { judgeDevice } from '../../../electron/core/diagnostics/findings.ts';
import { renderReport, reportedConnections } from '../../../electron/core/diagnostics/report.ts';
import type { ReportInput } from '../../../electron/core/diagnostics/report-input.ts';
import { apps, audit, connections, exclusions, now, policy, snapshot, stores } from './device-fixture.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
const nothing: ReportInput = {
  id: 'PL-0000-0000', createdAt: now, device: 'LAPTOP-42', version: '0.1.0', note: null, recording: null, names: 'shown', audit: null, agent: null, counts: null, warnings: null, policy: null, apps: null,
  exclusions: null, connections: null, connectionsHeld: null, stores: null, versions: null, system: null, files: [], notCollected: [], redactionCounts: {}, doctor: null,
};
const everything: ReportInput = {
  ...nothing, agent: snapshot.agent, counts: snapshot.counts, warnings: snapshot.warnings, policy, apps, exclusions, connections, connectionsHeld: '36 of 4,000 connections', stores, audit,
  versions: { pinlight: '0.1.0' }, system: { memoryFreeMb: 17 }, redactionCounts: { home: 3 },
  doctor: { ok: false, checks: [
    { name: 'agent', state: 'ok', text: 'It answers.', fix: null, ms: 1 }, { name: 'key', state: 'unknown', text: 'There is no <key>.', fix: null, ms: 1 },
    { name: 'stores', state: 'wrong', text: 'The root is missing.', fix: 'Run `pinlight trust install`.', ms: 1 },
  ] },
  files: [{ name: 'apps.json', bytes: 12, sha256: 'ab'.repeat(32), redactions: {} }],
};

const pageOf = (input: ReportInput): string => renderReport(input, judgeDevice({ ...input, policyProblems: input.policy?.problems ?? null, selfTest: null }), sha256);

it('allows its own style sheet by hash and nothing else', () => {
  const page = pageOf(everything);
  expect(page).toContain(`content="default-src 'none'; style-src 'sha256-${sha256(reportStyle)}'; base-uri 'none'; form-action 'none'"`);
  expect(page).toContain(`<style>${reportStyle}</style>`);
  expect(page).not.toMatch(/<(?:script|img|a|b|iframe|link|object)[\s>]/);
});

test.each([
  ['the report id and the device', 'Pinlight report PL-0000-0000, LAPTOP-42'],
  ['since when and until when an app is bypassed', 'in 4 d 22 h, 2026-11-25 08:30'],
  ['what still applies to it', 'Inspection, at www.example.com; policy, at every other host.'],
  ['what differs from the default policy and who set it', 'Different from the default: defaults.onInvalidUpstream, rules.must-inspect-vault.'],
  ['what speaks against a cause apart from its evidence', '<dt>Against it</dt><dd><ul><li>'],
  ['commands as code, never between back quotes', '<code>pinlight policy check FILE</code>'],
  ['an exclusion for every app', 'every app at *.bank.example'],
  ['what was meant where something else was done', 'bypassed (meant: inspected)'],
  ['how many connections the file has', 'connections.ndjson has 36 of 4,000 connections.'],
  ['what happened in the last hour, with the second', '<span class="nowrap">2026-11-20 10:00:00</span></td><td>Pass through: dropbox, sync.dropbox.example.</td>'],
  ['what was removed', 'Removed from what was collected: 3 × home.'],
  ['what is never collected', 'private keys, the root key of this device included'],
  ['each file with its hash', `<td>apps.json</td><td>12</td><td><code>${'ab'.repeat(32)}</code></td>`],
  ['what the doctor found, with what mends it below', '<code class="nowrap">[!!]</code> <strong>stores</strong>: The root is missing.<br>Fix: Run <code>pinlight trust install</code>.</li>'],
  ['what the doctor could not find out, before what is right', 'There is no &lt;key&gt;.</li>\n<li class="ok">\n<code class="nowrap">[ok]</code> <strong>agent</strong>'],
  ['facts about the system in words', '<dt>memory free, MB</dt><dd>17</dd>'],
])('says %s', (_name, words) => {
  expect(pageOf(everything)).toContain(words);
});

it('shows the newest connections, and no more than find room', () => {
  const [, recent = ''] = /<caption>Recent connections<\/caption>([\s\S]*?)<\/table>/.exec(pageOf(everything)) ?? [];
  expect(connections.length).toBeGreaterThan(reportedConnections);
  expect(recent.match(/<tr><td/g)).toHaveLength(reportedConnections);
});

it('names what no host failed among', () => {
  const fine = connections.filter(({ outcome }) => outcome?.kind === 'established');
  expect(pageOf({ ...everything, connections: fine })).toContain('<p>None among 36 of 4,000 connections.</p>');
});

it('is still a page when nothing was collected', () => {
  const page = pageOf({ ...nothing, notCollected: [{ name: 'apps.json', because: 'it took longer than 10 s' }] });
  expect(page.match(/Not collected; the reason stands/g)).toHaveLength(7);
  expect(page).toContain('apps.json was not collected, because it took longer than 10 s.');
  expect(page).toContain('The doctor was not run;');
});

it('shows what the user reported, and between the marks of a recording every connection', () => {
  const page = pageOf({ ...everything, note: 'Teams <b>fails</b>', recording: { from: now - 3 * 60_000, to: now } });
  expect(page).toContain('<p>Teams &lt;b&gt;fails&lt;/b&gt;</p>');
  expect(page).toContain('Timeline of the recording');
  expect(page).toMatch(/Recording began: Teams &lt;b&gt;fails&lt;\/b&gt;<\/strong>[\s\S]*Exclusion removed:[\s\S]*curl at www\.example\.com:443: inspected[\s\S]*Recording ended\./);
});

describe('esc', () => {
  it('lets no sign of HTML, no control and no direction sign through, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(esc(text).html).not.toMatch(/[<>"']|\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/u);
    }));
  });
});

test.each([
  ['a time', now, '2026-11-20 10:30'],
  ['no time', null, 'never'],
  ['something that is no time', Number.NaN, 'unknown'],
])('utc writes %s', (_name, at, words) => {
  expect(utc(at)).toBe(words);
});
