// A device's day as the window sees it: apps of every verdict, names that mean harm, twenty thousand connections.
// Not a real agent: its own suites prove that; here only the screens are under test.
import { recentLimit } from '../../electron/contract/snapshot.ts';
import type { AppHost, AppSummary, ConnectionRow, Snapshot } from '../../electron/contract/snapshot.ts';
import { fileModeOnly } from '../../electron/core/ca/secret-store.ts';
import { decisionSentence } from '../../electron/core/explain.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import type { ConnectionOutcome, Disposition, Exclusion, Fact, Reason, Runtime, Verdict } from '../../electron/core/model.ts';
import { say } from '../../electron/core/sentence.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Names that a stranger could choose: markup, a turned reading direction, a control character, the catalogue's own syntax. */
export const hostile = {
  markup: '<img src=x onerror=alert(1)>.example',
  turned: 'update\u202Egpj.exe',
  nesting: '$t(app.name){{count}}',
  long: `${'a'.repeat(180)}.example`,
} as const;

const refused: Fact = { code: 'refused-here', speaks: 'for', values: { count: 4, sign: 'alert', alert: 46, how: 'alert 46 (certificate_unknown)' } };
const elsewhere: Fact = { code: 'established-elsewhere', speaks: 'for', values: { hosts: 3, example: 'cdn.slack-edge.example' } };

const verdicts = {
  inspectable: { kind: 'inspectable', because: [{ code: 'established-here', speaks: 'for', values: { count: 12, last: 0 } }] },
  pinned: { kind: 'pinned', hosts: 'some', confidence: 'confirmed', because: [refused, elsewhere, { code: 'pass-through-worked', speaks: 'for', values: { count: 1 } }] },
  store: { kind: 'private-trust-store', because: [{ code: 'alert-unknown-ca', speaks: 'for', values: {} }, refused] },
  clientCertificate: { kind: 'client-certificate', because: [refused] },
  incompatible: { kind: 'incompatible', because: [{ code: 'incompatible-here', speaks: 'for', values: { alert: 70 } }] },
  undetermined: { kind: 'undetermined', because: [refused] },
  nothing: { kind: 'undetermined', because: [{ code: 'no-evidence', speaks: 'neither', values: {} }] },
} as const satisfies Record<string, Verdict>;

function exclusion(id: string, host: string, app: { id: string; name: string }, now: number, kind: Exclusion['kind']): Exclusion {
  return {
    id, kind, host, appId: app.id, appName: app.name, appHash: null, verdict: 'pinned',
    reason: kind === 'learned' ? 'pinned: refuses inspection here and works when let through' : 'Update service of the vendor',
    createdAt: now - hour, expiresAt: kind === 'learned' ? now + 2 * hour + 5 * minute : null,
  };
}

function hostOf(host: string, verdict: Verdict, disposition: Disposition, now: number, excluded: Exclusion | null = null): AppHost {
  const words = decisionSentence({ disposition, reason: { code: disposition === 'bypass' ? 'exclusion' : 'rule', detail: null }, rule: 'own-programs-443' });
  return { host, verdict, next: { disposition, sentence: say(words), words }, exclusion: excluded, test: null, attempts: 7, firstSeen: now - 3 * hour, lastSeen: now - minute };
}

type AppPlan = { name: string; path: string; script?: string; package?: string; runtime: Runtime | null; seen: number };

function appOf(plan: AppPlan, now: number, hosts: (app: { id: string; name: string }) => readonly AppHost[]): AppSummary {
  const id = `app-${plan.name.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()}`;
  const made = hosts({ id, name: plan.name });
  return {
    id, name: plan.name, path: plan.path, script: plan.script ?? null, package: plan.package ?? null, runtime: plan.runtime,
    hash: 'c0ffee'.repeat(10), known: plan.package !== undefined, user: 'maria',
    trust: plan.runtime === 'java' ? { store: 'java:/usr/lib/jvm/21', holdsRoot: false, because: 'javax.net.ssl.trustStore is not set', stale: false } : null,
    verdict: made[0]?.verdict.kind ?? null, inspected: 41, bypassed: made.some((host) => host.next.disposition === 'bypass') ? 9 : 0, blocked: 0, lastSeen: now - plan.seen * minute, hosts: made,
  };
}

/** Every verdict once, and two apps with names that mean harm. */
export function fixtureApps(now: number): AppSummary[] {
  return [
    appOf({ name: 'Slack', path: '/usr/lib/slack/slack', package: 'slack-desktop 4.41.105', runtime: 'electron', seen: 1 }, now, (app) => [
      hostOf('edgeapi.slack.example', verdicts.pinned, 'bypass', now, exclusion('ex-slack', 'edgeapi.slack.example', app, now, 'learned')),
      hostOf('cdn.slack-edge.example', verdicts.inspectable, 'inspect', now),
      hostOf('files.slack.example', verdicts.inspectable, 'inspect', now),
      hostOf('telemetry.slack.example', verdicts.nothing, 'inspect', now),
    ]),
    appOf({ name: 'curl', path: '/usr/bin/curl', package: 'curl 8.14.1', runtime: 'openssl', seen: 2 }, now, () => [
      hostOf('api.github.example', verdicts.inspectable, 'inspect', now), hostOf('packages.debian.example', verdicts.inspectable, 'inspect', now),
    ]),
    appOf({ name: 'java · sync.jar', path: '/usr/lib/jvm/21/bin/java', script: '/opt/sync/sync.jar', runtime: 'java', seen: 4 }, now, () => [
      hostOf('repo.maven.example', verdicts.store, 'bypass', now), hostOf('sync.contoso.example', verdicts.store, 'bypass', now),
    ]),
    appOf({ name: 'Dropbox', path: '/opt/dropbox/dropbox', package: 'dropbox 2026.05', runtime: 'python', seen: 9 }, now, (app) => [
      hostOf('client.dropbox.example', verdicts.pinned, 'bypass', now, exclusion('ex-dropbox', '*.dropbox.example', app, now, 'predefined')),
    ]),
    appOf({ name: 'vpn-connect', path: '/opt/vpn/connect', runtime: 'go', seen: 15 }, now, () => [hostOf('gate.contoso.example', verdicts.clientCertificate, 'inspect', now)]),
    appOf({ name: 'legacy-sync', path: '/opt/legacy/bin/sync', runtime: 'openssl', seen: 22 }, now, () => [hostOf('old.contoso.example', verdicts.incompatible, 'inspect', now)]),
    appOf({ name: 'node · report.mjs', path: '/usr/bin/node', script: '/home/maria/report.mjs', package: 'nodejs 24.21.0', runtime: 'node', seen: 31 }, now, () => [
      hostOf('api.reports.example', verdicts.undetermined, 'inspect', now),
    ]),
    appOf({ name: 'backup-tool', path: '/opt/backup/run', runtime: null, seen: 55 }, now, () => [hostOf('store.backup.example', verdicts.nothing, 'block', now)]),
    appOf({ name: hostile.turned, path: `/tmp/${hostile.turned}`, runtime: null, seen: 70 }, now, () => [hostOf(hostile.markup, verdicts.undetermined, 'inspect', now)]),
    appOf({ name: hostile.nesting, path: '/tmp/\u0007beep', runtime: null, seen: 80 }, now, () => [hostOf(hostile.long, verdicts.nothing, 'inspect', now)]),
  ];
}

type RowPlan = { app: number; disposition: Disposition; reason: Reason; rule: string | null; outcome: ConnectionOutcome | null };

/** What happens, over and over, in this order. */
const plans: readonly RowPlan[] = [
  { app: 1, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'established' } },
  { app: 0, disposition: 'bypass', reason: { code: 'exclusion', detail: 'learned' }, rule: null, outcome: { kind: 'passed', data: true } },
  { app: 0, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'established' } },
  { app: 2, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'refused', sign: 'alert', alert: 48 } },
  { app: 1, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'established' } },
  { app: 6, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'refused', sign: 'silent-late', alert: null } },
  { app: 3, disposition: 'bypass', reason: { code: 'exclusion', detail: 'dropbox' }, rule: null, outcome: { kind: 'passed', data: true } },
  { app: 1, disposition: 'inspect', reason: { code: 'must-inspect', detail: null }, rule: 'finance', outcome: { kind: 'established' } },
  { app: 7, disposition: 'block', reason: { code: 'rule', detail: 'backups go to the company only' }, rule: 'no-private-backup', outcome: { kind: 'blocked' } },
  { app: 5, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'incompatible', alert: 70 } },
  { app: 1, disposition: 'bypass', reason: { code: 'upstream-invalid', detail: 'CERT_HAS_EXPIRED' }, rule: 'own-programs', outcome: { kind: 'upstream', code: 'CERT_HAS_EXPIRED' } },
  { app: 8, disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs', outcome: { kind: 'unused' } },
];

/** One connection by its number; the same number gives the same row. */
export function fixtureRow(id: number, newest: number, now: number, apps: readonly AppSummary[]): ConnectionRow {
  const plan = plans[id % plans.length] ?? plans[0];
  const app = plan === undefined ? undefined : apps[plan.app];
  if (plan === undefined || app === undefined) throw new Error('the plan names an app that is not there');
  const passed = plan.disposition !== 'inspect';
  return {
    id, startedAt: now - (newest - id) * 700, durationMs: 80 + (id % 900), appId: app.id, appName: app.name, appPath: app.path, package: app.package,
    pid: 4000 + (id % 300), user: 'maria', host: app.hosts[id % app.hosts.length]?.host ?? 'host.example', port: id % 37 === 0 ? 8443 : 443, ip: '192.0.2.17',
    serverName: app.hosts[0]?.host ?? null, decided: plan.reason.code === 'upstream-invalid' ? 'inspect' : plan.disposition, disposition: plan.disposition,
    reason: plan.reason, rule: plan.rule, outcome: plan.outcome, tlsVersion: passed ? null : 'TLSv1.3', cipher: passed ? null : 'TLS_AES_128_GCM_SHA256',
    alpn: passed ? null : 'http/1.1', ja4: 't13d1516h2_8daaf6152771_02713d6af862', bytesUp: 900 + id, bytesDown: 14_000 + id * 3,
    error: plan.outcome?.kind === 'upstream' ? 'The certificate of the server has expired.' : null,
  };
}

/** All of it, with the newest of `rows` connections as the recent ones. */
export function fixtureSnapshot(rows: number, now: number): Snapshot {
  const apps = fixtureApps(now);
  return {
    sequence: 100,
    agent: {
      version: '0.1.0', pid: 2211, startedAt: now - 4 * hour, device: 'LAPTOP-42', os: 'linux', proxy: ['127.0.0.1:18443', '[::1]:18443'],
      controlPath: '/home/maria/.local/state/pinlight/control.sock', stateFolder: '/home/maria/.local/state/pinlight',
      root: {
        certificatePath: '/home/maria/.local/state/pinlight/root.pem',
        fingerprint: '9C:1F:5E:0A:77:B2:4D:E8:33:61:C9:0B:AF:12:8E:54:D0:6B:F7:29:18:A3:CC:45:7E:90:02:DB:6A:F1:38:BD',
        subject: 'CN=Pinlight root of LAPTOP-42', notBefore: now - 30 * 24 * hour, notAfter: now + 700 * 24 * hour, keyProtection: fileModeOnly.words,
      },
      policy: { generation: 18, origin: 'user', rules: 4, files: ['/home/maria/.config/pinlight/policy.d/10-contoso.json'], managedBy: { name: 'Contoso IT', caption: 'Questions? Call 4711', url: null } },
      pause: { mode: 'comment', maxMinutes: 30, left: 3, active: null }, noticePending: false, stopping: false, logDetailUntil: null,
    },
    counts: { inspect: 12_904, bypass: 4_120, block: 371, open: 6 },
    apps,
    exclusions: apps.flatMap((app) => app.hosts.flatMap((host) => (host.exclusion === null ? [] : [host.exclusion]))),
    warnings: visibleWarnings([
      { code: 'private-trust-store', key: 'java', values: { app: 'java · sync.jar', store: 'java:/usr/lib/jvm/21' }, since: now - hour },
    ]),
    recent: Array.from({ length: Math.min(rows, recentLimit) }, (_, index) => fixtureRow(rows - index, rows, now, apps)),
  };
}
