// A small but complete state in the contract's words: one pinned app, one inspectable, one with hostile names.
// Not a recording: values are chosen so that each is easy to find in an output.
import type { BundleJob } from '../../electron/contract/jobs.ts';
import type { AppHost, AppSummary, ConnectionRow, Snapshot } from '../../electron/contract/snapshot.ts';
import { buildManifest } from '../../electron/core/diagnostics/manifest.ts';
import type { ExplainAnswer, NoticeAnswer, PolicyAnswer, TrustAnswer } from '../../electron/contract/routes.ts';
import type { AppTest, Exclusion } from '../../electron/core/model.ts';
import { embeddedLayer } from '../../electron/core/policy/embedded.ts';
import type { Pause } from '../../electron/core/policy/pause.ts';
import { sentence } from '../../electron/core/sentence.ts';

export const sampleTime = Date.UTC(2026, 10, 20, 10, 0, 0);

/** What the next connection meets, in words that no table holds. */
function next(disposition: AppHost['next']['disposition'], text: string): AppHost['next'] {
  return { disposition, sentence: text, words: { key: text, values: {} } };
}

export const sampleExclusion: Exclusion = {
  id: 'x-1', kind: 'user', host: 'api.vendor.example', appId: null, appName: null, appHash: null, reason: 'ticket 4711', verdict: null,
  createdAt: sampleTime, expiresAt: null,
};

export const samplePause: Pause = { since: sampleTime, until: sampleTime + 600_000, reason: 'a call' };

export const sampleNotice: NoticeAnswer = {
  version: 'abc123', mode: 'shown', paragraphs: [{ code: 'own', values: {}, text: 'Contoso inspects this device.' }], shownAt: sampleTime, acceptedAt: null,
};

/** Part of the policy: nobody can remove it. */
export const predefinedExclusion: Exclusion = { ...sampleExclusion, id: 'push', kind: 'predefined', host: '*.push.example', reason: 'documented by its maker' };

/** A finished connection with this id. */
export function sampleRow(id: number, changes: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    id, startedAt: sampleTime + id * 1000, durationMs: 120, appId: 'app-chat', appName: 'chat', appPath: '/opt/chat/chat', package: null, pid: 4242, user: 'ada',
    host: 'edge.chat.example', port: 443, ip: '192.0.2.7', serverName: 'edge.chat.example', decided: 'bypass', disposition: 'bypass',
    reason: { code: 'exclusion', detail: 'learned' }, rule: null, outcome: { kind: 'passed', data: true }, tlsVersion: null, cipher: null, alpn: null, ja4: null,
    bytesUp: 1200, bytesDown: 34_000, error: null, ...changes,
  };
}

const chat: AppSummary = {
  id: 'app-chat', name: 'chat', path: '/opt/chat/chat', script: null, package: 'chat 4.2', runtime: 'electron', hash: null, known: true, user: 'ada', trust: null, verdict: 'pinned',
  inspected: 3, bypassed: 9, blocked: 0, lastSeen: sampleTime,
  hosts: [{
    host: 'edge.chat.example', verdict: { kind: 'pinned', hosts: 'some', confidence: 'confirmed', because: [] },
    next: next('bypass', 'It will be let through.'), exclusion: null, test: null, attempts: 12, firstSeen: sampleTime, lastSeen: sampleTime,
  }],
};

/** A name that clears a terminal, retitles it and hides its own end, if it gets there as it is. */
export const hostileName = 'evil\u001b[2J\u001b]0;owned\u0007\u009b31m\u202Etxt';

const hostile: AppSummary = {
  ...chat, id: 'app-evil', name: hostileName, path: '/tmp/evil', package: null, verdict: 'inspectable',
  hosts: [{ ...chat.hosts[0]!, host: 'evil.example', verdict: { kind: 'inspectable', because: [] }, next: next('inspect', 'It will be inspected.') }],
};

/** The state at this sequence number. */
export function sampleSnapshot(sequence = 10): Snapshot {
  return {
    sequence,
    agent: {
      version: '0.1.0', pid: 77, startedAt: sampleTime - 3_600_000, device: 'LAPTOP-42', os: 'linux', proxy: ['127.0.0.1:18443', '[::1]:18443'],
      controlPath: '/run/x', stateFolder: '/state',
      root: { certificatePath: '/state/root.pem', fingerprint: 'AA:BB:CC', subject: 'Pinlight LAPTOP-42', notBefore: sampleTime, notAfter: sampleTime + 1e9, keyProtection: 'file mode only' },
      policy: { generation: 3, origin: 'user', rules: 2, files: ['/etc/pinlight/50-team.json'], managedBy: null },
      pause: { mode: 'allow', maxMinutes: 30, left: 10, active: null }, noticePending: false, stopping: false, logDetailUntil: null,
    },
    counts: { inspect: 5, bypass: 9, block: 1, open: 2 },
    apps: [chat, hostile],
    exclusions: [sampleExclusion],
    warnings: [{ code: 'root-expiring', key: 'root', values: {}, since: sampleTime, severity: 'warning', title: 'Root certificate ends soon', text: 'It ends on Friday.', advice: 'Renew it.' }],
    recent: [sampleRow(2), sampleRow(1)],
  };
}

export const sampleExplain: ExplainAnswer = {
  app: chat, host: 'edge.chat.example', sentence: 'chat pins its certificate at edge.chat.example.', verdict: chat.hosts[0]!.verdict,
  evidenceFor: ['It refused our certificate here 5 times.'], evidenceAgainst: ['It accepted it once.'], alsoKnown: [], next: 'It will be let through.', advice: 'Leave it bypassed.',
  attempts: [{ at: sampleTime, host: 'edge.chat.example', sentence: 'The app hung up without a word.' }],
  controls: [], observations: [],
  words: {
    sentence: sentence('verdict.pinned-everywhere', { app: 'chat' }), evidenceFor: [], evidenceAgainst: [], alsoKnown: [], next: sentence('next.once'), advice: sentence('todo.pinned'),
    controls: [], attempts: [sentence('outcome.refused-silent-late')],
  },
};

/** A test that has begun; it ends at once for whoever waits by the clock. */
export function sampleTest(changes: Partial<AppTest> = {}): AppTest {
  return { host: 'edge.chat.example', phase: 'inspecting', startedAt: sampleTime, endsAt: Date.now() + 600_000, steps: [], result: null, ...changes };
}

export const samplePolicy: PolicyAnswer = {
  generation: 3, problems: [], files: ['/etc/pinlight/50-team.json'],
  policy: {
    version: 1,
    defaults: { noMatch: 'bypass', onInvalidUpstream: 'splice', onPinned: 'bypass', onPrivateTrustStore: 'bypass', onUnknownApp: 'bypass', failMode: 'open' },
    rules: [{ id: 'team', when: { host: ['a.example', 'b.example'], port: 443 }, do: 'inspect', mustInspect: true, reason: 'audit' }],
    network: { port: 18443, privateTargets: 'allow', localTargets: {}, upstreamRoots: [], upstreamCrls: [], unknownRevocation: 'allow', upstreamProxy: 'system', upstreamBypass: [], upstreamCredentials: '', transparentPort: 0 },
    learning: { shortMinutes: 60, firstHours: 12, confirmedDays: 7, perAppPerHour: 5 },
    user: { exclusions: 'user-decides', testApp: 'user-decides', stop: 'user-decides' },
    pause: embeddedLayer('user').pause, notice: embeddedLayer('user').notice, diagnostics: embeddedLayer('user').diagnostics,
    managedBy: null,
    exclusions: [],
    origins: { 'defaults.onPinned': { origin: 'managed', file: '/etc/pinlight/50-team.json' }, 'rules.team': { origin: 'user', file: null } },
  },
};

export const sampleTrust: TrustAnswer = {
  root: { ...sampleSnapshot().agent.root, pem: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' },
  next: null,
  stores: [
    { store: 'system', kind: 'system', path: '/etc/ssl/certs', state: 'trusted', detail: 'found' },
    { store: 'node-bundled', kind: 'node', path: null, state: 'missing', detail: 'NODE_EXTRA_CA_CERTS is not set' },
  ],
};

/** A bundle that is ready. */
export const sampleBundleJob: BundleJob = {
  id: 'job-1', phase: 'ready', done: 3, total: 3, unit: 'files', fileName: 'pinlight-diag-LAPTOP-42-20261120T103005Z-PL-7K3M-Q2XA.zip', key: null, sealed: false, error: null,
  manifest: buildManifest({ id: 'PL-7K3M-Q2XA', createdAt: sampleTime, device: 'LAPTOP-42', version: '0.1.0', note: null, recording: null, names: { kind: 'shown' }, files: [], notCollected: [] }),
};
