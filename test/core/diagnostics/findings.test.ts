// What the helpdesk is told, in which order, and the one sentence above it.
import { describe, expect, it, test } from 'vitest';
import { failingHosts, rankFindings, verdictSentence } from '../../../electron/core/diagnostics/findings.ts';
import type { FindingsInput } from '../../../electron/core/diagnostics/findings.ts';
import { apps, connections, policy, snapshot, stores } from './device-fixture.ts';

const selfTest: FindingsInput['selfTest'] = [
  { version: 'TLSv1.2', under: 'the root', outcome: 'established', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', code: null, ms: 3 },
  { version: 'TLSv1.2', under: 'a stranger', outcome: 'refused', cipher: null, code: 'CERT_SIGNATURE_FAILURE', ms: 3 },
  { version: 'TLSv1.3', under: 'the root', outcome: 'refused', cipher: null, code: 'CERT_NOT_YET_VALID', ms: 3 },
  { version: 'TLSv1.3', under: 'a stranger', outcome: 'established', cipher: 'TLS_AES_256_GCM_SHA384', code: null, ms: 3 },
];
const everything: FindingsInput = { warnings: snapshot.warnings, policyProblems: policy.problems, apps, connections, stores, selfTest };
const nothing: FindingsInput = { warnings: null, policyProblems: null, apps: null, connections: null, stores: null, selfTest: null };

describe('a device with every kind of finding', () => {
  const findings = rankFindings(everything);

  it('has the problems first and the notes last', () => {
    const levels = findings.map((finding) => finding.level);
    expect(levels).toEqual([...levels].sort((a, b) => ['problem', 'attention', 'note'].indexOf(a) - ['problem', 'attention', 'note'].indexOf(b)));
    expect(findings[0]?.problem).toBe('The policy has 1 error.');
  });

  test.each([
    ['a broken policy names file, line and place', /20-local\.json, line 7, column 14: rules\[2\]/, 'administrator'],
    ['a fault of our own is called that', /Pinlight itself failed at 1 connection \(leaf-failed\)/, 'administrator'],
    ['handshakes with itself that fail are a problem, each one named', /own handshakes .*\nTLSv1\.3, a certificate under the root: refused \(CERT_NOT_YET_VALID\)\nTLSv1\.3, a certificate under a stranger: established$/s, 'administrator'],
    ['a pinned app that is let through needs nobody', /dropbox is not inspected at sync\.dropbox\.example\./, 'nobody'],
    ['an app with an exclusion without an end needs nobody either', /vpn-portal is not inspected at portal\.corp\.example/, 'nobody'],
    ['a private trust store is for the helpdesk', /java · mvn\.jar is not inspected at repo\.maven\.example/, 'helpdesk'],
    ['an app that keeps failing says so', /backup-agent does not work at vault\.backup\.example/, 'administrator'],
    ['an expired server is the server owner\'s', /certificate of expired\.badssl\.example does not verify/, 'owner of the server'],
  ])('%s', (_name, pattern, who) => {
    const found = findings.filter((finding) => pattern.test([finding.problem, ...finding.evidence].join('\n')));
    expect(found.map((finding) => finding.who)).toEqual([who]);
    expect(found[0]?.tell).not.toBe('');
    expect(found[0]?.fix).not.toBe('');
  });

  it('says nothing twice: a warning that a fuller finding covers is left out', () => {
    expect(findings.filter((finding) => finding.problem.startsWith('An app keeps its own list'))).toEqual([]);
    expect(findings.filter((finding) => finding.problem.startsWith('Root certificate ends soon'))).toHaveLength(1);
  });
});

test.each([
  ['no finding', [], 'Everything works as policy says; no app is bypassed.'],
  ['one app that is let through', apps.slice(0, 1), 'Everything works as policy says; 1 app is bypassed at some of its hosts.'],
  ['an app with a store of its own', apps.slice(1, 2), 'Everything works; 1 thing could be better, and 1 app is bypassed at some of its hosts.'],
  ['an app that fails', apps.slice(2, 3), '1 problem to solve, shown first below; no app is bypassed.'],
])('the sentence for %s', (_name, some, sentence) => {
  expect(verdictSentence(rankFindings({ ...nothing, apps: some }), some)).toBe(sentence);
});

it('does not judge a device whose apps could not be collected', () => {
  expect(rankFindings(nothing)).toEqual([]);
  expect(verdictSentence([], null)).toContain('could not be collected');
});

it('counts failing hosts, most failures first', () => {
  const rows = connections.filter((row) => row.id === 3 || row.id === 4);
  const again = rows.map((row) => ({ ...row, id: row.id + 100, host: 'expired.badssl.example', startedAt: row.startedAt - 1 }));
  expect(failingHosts([...rows, ...again]).map((host) => [host.host.slice(0, 7), host.count])).toEqual([['expired', 3], ["'; </st", 1]]);
});

it('one cause is one finding: apps that refuse because the system store lacks the root stand with that store', () => {
  const lacking = ['system', 'system-p11'].map((store) => ({ store, kind: 'system', path: null, state: 'missing' as const, detail: 'not in it' }));
  const reader = apps.slice(1, 2).map((app) => ({
    ...app, hosts: app.hosts.map((host) => ({ ...host, verdict: { kind: 'private-trust-store' as const, because: [{ code: 'store-lacks-root' as const, speaks: 'for' as const, values: { store: 'system', because: 'x' } }] } })),
  }));
  const findings = rankFindings({ ...nothing, stores: lacking, apps: [...reader, ...apps.slice(0, 1)] });
  expect(findings.map((finding) => finding.problem)).toEqual(['The root certificate of this device is not in the system\'s trust store.', 'dropbox is not inspected at sync.dropbox.example.']);
  expect(findings[0]?.evidence).toEqual(['system: not in it', 'system-p11: not in it', 'Apps that read it and refuse inspection: java · mvn.jar.']);
});

it('what speaks against a cause stands apart from its evidence', () => {
  const finding = rankFindings({ ...nothing, apps: apps.slice(2, 3) })[0];
  expect(finding?.against).toEqual([expect.stringContaining('go')]);
  expect(finding?.evidence.join()).not.toContain(String(finding?.against[0]));
});

it('a system store without the root is a problem for the administrator', () => {
  const lacking = stores.map((store) => ({ ...store, state: 'missing' as const }));
  expect(rankFindings({ ...nothing, stores: lacking }).map((finding) => [finding.level, finding.who])).toEqual([['problem', 'administrator']]);
});
