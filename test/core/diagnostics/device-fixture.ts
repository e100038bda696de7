// One invented device with every kind of finding on it, as the agent's own answers; hostile strings where outsiders choose them.
// Not a recording: what real apps do stands in the tests that drive them.
import type { PolicyAnswer, TrustStoreRow } from '../../../electron/contract/routes.ts';
import type { AppHost, AppSummary, ConnectionRow, Snapshot } from '../../../electron/contract/snapshot.ts';
import { visibleWarnings } from '../../../electron/core/health/warnings.ts';
import type { Exclusion, Fact, Verdict } from '../../../electron/core/model.ts';
import type { ReportAudit } from '../../../electron/core/diagnostics/report-input.ts';

/** 2026-11-20 10:30 UTC. */
export const now = Date.UTC(2026, 10, 20, 10, 30);
const hour = 3_600_000;

/** What a hostile server, app or certificate may be called. */
export const hostile = [
  '<script>document.title="owned"</script>',
  '"><img src=http://outside.example/x onerror=alert(1)>',
  "'; </style><style>body{background:url(http://outside.example/y)}",
  '\u202egnp.exe',
  '<a href="javascript:alert(2)">x</a>',
] as const;

const refused: Fact = { code: 'refused-here', speaks: 'for', values: { count: 5, how: 'alert 46, certificate_unknown', alert: 46 } };
const elsewhere: Fact = { code: 'established-elsewhere', speaks: 'for', values: { hosts: 3, example: 'www.example.com' } };
const worked: Fact = { code: 'pass-through-worked', speaks: 'for', values: { count: 1 } };

function exclusion(id: string, values: Partial<Exclusion>): Exclusion {
  return {
    id, kind: 'learned', host: 'sync.dropbox.example', appId: 'app-dropbox', appName: 'dropbox', appHash: 'aa'.repeat(32),
    reason: 'pins its certificate here', verdict: 'pinned', createdAt: now - 50 * hour, expiresAt: now + 118 * hour, ...values,
  };
}

const dropboxExclusion = exclusion('x1', {});
const hostileExclusion = exclusion('x2', { appId: null, appName: null, host: '*.bank.example', kind: 'user', reason: hostile[1], verdict: null, expiresAt: null });

/** What the next connection meets, in words that no table holds. */
function next(disposition: AppHost['next']['disposition'], text: string): AppHost['next'] {
  return { disposition, sentence: text, words: { key: text, values: {} } };
}

function host(name: string, verdict: Verdict, values: Partial<AppHost> = {}): AppHost {
  return {
    host: name, verdict, next: next('inspect', 'Policy rule "inspect-own" says so.'), exclusion: null, test: null,
    attempts: 7, firstSeen: now - 60 * hour, lastSeen: now - hour, ...values,
  };
}

function app(id: string, name: string, values: Partial<AppSummary>): AppSummary {
  return {
    id, name, path: `/usr/bin/${name}`, script: null, package: `${name} 1.2.3-1`, runtime: 'openssl', hash: 'bb'.repeat(32), known: true, user: 'ann',
    trust: null, verdict: null, inspected: 12, bypassed: 3, blocked: 0, lastSeen: now - hour, hosts: [], ...values,
  };
}

export const apps: readonly AppSummary[] = [
  app('app-dropbox', 'dropbox', {
    path: '/home/ann/.dropbox-dist/dropbox', package: null, known: false,
    hosts: [
      host('sync.dropbox.example', { kind: 'pinned', hosts: 'some', confidence: 'confirmed', because: [refused, elsewhere, worked] }, {
        exclusion: dropboxExclusion, next: next('bypass', 'A learned exclusion lets it through until 25 November.'),
      }),
      host('www.example.com', { kind: 'inspectable', because: [] }),
    ],
  }),
  app('app-maven', 'java · mvn.jar', {
    path: '/usr/lib/jvm/java-17/bin/java', script: '/home/ann/tools/mvn.jar', runtime: 'java', package: 'openjdk-17-jre 17.0.13',
    hosts: [host('repo.maven.example', {
      kind: 'private-trust-store',
      because: [
        { code: 'alert-unknown-ca', speaks: 'for', values: {} },
        { code: 'store-lacks-root', speaks: 'for', values: { store: 'java:/usr/lib/jvm/java-17', because: 'no entry has its fingerprint' } },
      ],
    }, { next: next('bypass', 'Policy lets apps with a trust store of their own through (onPrivateTrustStore).') })],
  }),
  app('app-backup', 'backup-agent', {
    hosts: [host('vault.backup.example', { kind: 'undetermined', because: [refused, { code: 'form-speaks-against-store', speaks: 'against', values: { runtime: 'go' } }] }, {
      next: next('inspect', 'A must-inspect rule beats the exclusion.'),
    })],
  }),
  app('app-vpn', 'vpn-portal', {
    hosts: [host('portal.corp.example', { kind: 'client-certificate', because: [worked] }, { next: next('bypass', 'A managed exclusion names it.'), exclusion: exclusion('x3', { kind: 'managed', appName: 'vpn-portal', host: 'portal.corp.example', reason: 'wants a client certificate', expiresAt: null }) })],
  }),
  app('app-hostile', hostile[0], { path: `/opt/${hostile[3]}`, hosts: [host(hostile[1], { kind: 'pinned', hosts: 'all', confidence: 'likely', because: [refused] })] }),
  app('app-curl', 'curl', { hosts: [host('www.example.com', { kind: 'inspectable', because: [{ code: 'established-here', speaks: 'for', values: { count: 9, last: now } }] })] }),
];

export const exclusions: readonly Exclusion[] = [dropboxExclusion, hostileExclusion];

function row(id: number, values: Partial<ConnectionRow>): ConnectionRow {
  return {
    id, startedAt: now - id * 60_000, durationMs: 420, appId: 'app-curl', appName: 'curl', appPath: '/usr/bin/curl', package: 'curl 8.5.0', pid: 4711, user: 'ann',
    host: 'www.example.com', port: 443, ip: '192.0.2.7', serverName: 'www.example.com', decided: 'inspect', disposition: 'inspect',
    reason: { code: 'rule', detail: null }, rule: 'inspect-own', outcome: { kind: 'established' }, tlsVersion: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256',
    alpn: 'h2', ja4: 't13d1516h2_8daaf6152771_02713d6af862', bytesUp: 812, bytesDown: 20_480, error: null, ...values,
  };
}

export const connections: readonly ConnectionRow[] = [
  row(1, {}),
  row(2, { appName: 'dropbox', host: 'sync.dropbox.example', decided: 'bypass', disposition: 'bypass', reason: { code: 'exclusion', detail: 'learned' }, rule: null, outcome: { kind: 'passed', data: true } }),
  row(3, { host: 'expired.badssl.example', disposition: 'bypass', reason: { code: 'upstream-invalid', detail: 'certificate has expired' }, outcome: { kind: 'passed', data: false }, error: 'certificate has expired (CN=<b>evil</b>)' }),
  row(4, { host: hostile[2], serverName: hostile[2], outcome: { kind: 'upstream', code: 'ENOTFOUND' }, error: hostile[4] }),
  row(5, { outcome: { kind: 'agent-fault', code: 'leaf-failed' }, error: 'could not sign a leaf' }),
  row(6, { appName: null, appId: null, reason: { code: 'unknown-app', detail: 'gone' }, disposition: 'bypass', decided: 'bypass', outcome: { kind: 'passed', data: true } }),
  ...Array.from({ length: 30 }, (_, i) => row(7 + i, { host: `host-${i}.example.com` })),
];

export const audit: readonly ReportAudit[] = [
  { at: now - 30 * 60_000, kind: 'pass-through', detail: { app: 'app-dropbox', name: 'dropbox', path: '/home/ann/.dropbox-dist/dropbox', host: 'sync.dropbox.example' } },
  { at: now - 2 * 60_000, kind: 'exclusion-removed', detail: { id: 'x9', why: 'removed by a person', host: hostile[2], app: 'app-hostile' } },
];

export const stores: readonly TrustStoreRow[] = [
  { store: 'system', kind: 'system', path: '/etc/ssl/certs/ca-certificates.crt', state: 'trusted', detail: '141 certificates, the root of this device among them' },
  { store: 'java:/usr/lib/jvm/java-17', kind: 'java', path: '/usr/lib/jvm/java-17/lib/security/cacerts', state: 'missing', detail: 'no entry has its fingerprint' },
  { store: 'python-certifi', kind: 'python', path: null, state: 'not-checked', detail: 'python3 is not installed' },
];

export const policy: PolicyAnswer = {
  generation: 18,
  files: ['/etc/pinlight/policy.d/10-contoso.json'],
  problems: [{ file: '/etc/pinlight/policy.d/20-local.json', line: 7, column: 14, path: 'rules[2].when.host', message: `expected a host pattern, got ${hostile[0]}` }],
  policy: {
    version: 1,
    defaults: { noMatch: 'bypass', onInvalidUpstream: 'block', onPinned: 'bypass', onPrivateTrustStore: 'bypass', onUnknownApp: 'bypass', failMode: 'open' },
    rules: [
      { id: 'must-inspect-vault', when: { host: ['*.backup.example'] }, do: 'inspect', mustInspect: true, reason: 'data protection office' },
      { id: 'inspect-own', when: { port: 443, user: 'self' }, do: 'inspect', mustInspect: false, reason: null },
    ],
    network: { port: 18_443, privateTargets: 'allow', localTargets: {}, upstreamRoots: ['/etc/pinlight/corp-root.pem'], upstreamCrls: [], unknownRevocation: 'allow', upstreamProxy: 'system', upstreamBypass: [], upstreamCredentials: '', transparentPort: 0 },
    learning: { shortMinutes: 60, firstHours: 12, confirmedDays: 7, perAppPerHour: 5 },
    user: { exclusions: 'user-decides', testApp: 'user-decides', stop: 'user-decides' },
    pause: { mode: 'allow', maxMinutes: 30, maxPerDay: 10, keyFile: null }, notice: { mode: 'shown', text: null },
    diagnostics: { names: 'shown', captureHandshakes: 0, sealTo: null },
    managedBy: null,
    exclusions: [exclusion('predefined-1', { kind: 'predefined', appId: null, appName: null, host: '*.push.apple.example', reason: 'documented by its maker', expiresAt: null })],
    origins: {
      'defaults.onInvalidUpstream': { origin: 'managed', file: '/etc/pinlight/policy.d/10-contoso.json' },
      'defaults.onPinned': { origin: 'embedded', file: null },
      'rules.must-inspect-vault': { origin: 'managed', file: '/etc/pinlight/policy.d/10-contoso.json' },
      'rules.inspect-own': { origin: 'embedded', file: null },
    },
  },
};

export const snapshot: Snapshot = {
  sequence: 81,
  agent: {
    version: '0.1.0', pid: 999, startedAt: now - 26 * hour, device: 'LAPTOP-42', os: 'linux', proxy: ['127.0.0.1:18443', '[::1]:18443'],
    controlPath: '/run/user/1000/pinlight/control.sock', stateFolder: '/home/ann/.local/state/pinlight',
    root: {
      certificatePath: '/home/ann/.local/state/pinlight/root.pem', fingerprint: Array.from({ length: 32 }, () => 'AB').join(':'),
      subject: 'CN=Pinlight root LAPTOP-42', notBefore: now - 100 * hour, notAfter: now + 9_000 * hour, keyProtection: 'file mode 0600 only',
    },
    policy: { generation: 18, origin: 'managed', rules: 2, files: ['/etc/pinlight/policy.d/10-contoso.json'], managedBy: null },
    pause: { mode: 'allow', maxMinutes: 30, left: 10, active: null }, noticePending: false, stopping: false, logDetailUntil: null,
  },
  counts: { inspect: 412, bypass: 37, block: 2, open: 4 },
  apps,
  exclusions,
  warnings: visibleWarnings([
    { code: 'root-expiring', key: '', values: { date: '2026-12-04' }, since: now - hour },
    { code: 'private-trust-store', key: 'java', values: { app: 'java', store: 'cacerts' }, since: now - hour },
  ]),
  recent: connections,
};
