// Snapshots for the tests of main's pure parts, each made of a plain base and what a test changes. Not for the agent's tests.
import type { AppHost, AppSummary, ConnectionRow, Snapshot } from '../../electron/contract/snapshot.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import type { WarningCode } from '../../electron/core/health/warnings.ts';
import type { Exclusion, Verdict } from '../../electron/core/model.ts';

export const noon = Date.UTC(2026, 10, 20, 12);

export function snapshotOf(change: Partial<Snapshot> = {}): Snapshot {
  return {
    sequence: 1,
    agent: {
      version: '0.1.0', pid: 100, startedAt: noon - 3_600_000, device: 'LAPTOP-42', os: 'linux', proxy: ['127.0.0.1:18443'],
      controlPath: '/run/user/1000/pinlight/control.sock', stateFolder: '/home/ada/.local/state/pinlight',
      root: { certificatePath: '/r.pem', fingerprint: 'AA:BB', subject: 'CN=Pinlight', notBefore: 0, notAfter: 1, keyProtection: 'file mode' },
      policy: { generation: 3, origin: 'embedded', rules: 1, files: [], managedBy: null },
      pause: { mode: 'allow', maxMinutes: 30, left: 10, active: null }, noticePending: false, stopping: false, logDetailUntil: null,
    },
    counts: { inspect: 12, bypass: 3, block: 0, open: 1 },
    apps: [], exclusions: [], warnings: [], recent: [],
    ...change,
  };
}

export function appOf(name: string, hosts: readonly AppHost[]): AppSummary {
  return {
    id: `id-${name}`, name, path: `/usr/bin/${name}`, script: null, package: null, runtime: null, hash: null, known: true, user: 'ada',
    trust: null, verdict: hosts[0]?.verdict.kind ?? null, inspected: 1, bypassed: 1, blocked: 0, lastSeen: noon, hosts,
  };
}

export function hostOf(host: string, disposition: AppHost['next']['disposition'], verdict: Verdict, exclusion: Exclusion | null = null): AppHost {
  return { host, verdict, next: { disposition, sentence: `the next one: ${disposition}`, words: { key: `the next one: ${disposition}`, values: {} } }, exclusion, test: null, attempts: 2, firstSeen: noon, lastSeen: noon };
}

export const pinned: Verdict = { kind: 'pinned', hosts: 'some', confidence: 'likely', because: [] };
export const undetermined: Verdict = { kind: 'undetermined', because: [] };
export const privateStore: Verdict = { kind: 'private-trust-store', because: [] };

export function exclusionOf(kind: Exclusion['kind'], verdict: Exclusion['verdict'] = null): Exclusion {
  return {
    id: `e-${kind}`, kind, host: 'a.example', appId: null, appName: null, appHash: null, reason: 'because', verdict,
    createdAt: noon, expiresAt: null,
  };
}

/** An app that pins one host. */
export function pinnedApp(name: string): AppSummary {
  return appOf(name, [hostOf(`${name}.example`, 'bypass', pinned, exclusionOf('learned', 'pinned'))]);
}

export function warningOf(code: WarningCode, key = 'k'): Snapshot['warnings'][number] {
  const values = { place: 'policy.json, line 7', file: 'policy.json', message: 'unknown key', dropped: 4, folder: '/var', date: '2026-12-01', app: 'sync', store: 'certifi' };
  const warning = visibleWarnings([{ code, key, values, since: noon }])[0];
  if (warning === undefined) throw new Error('the table lost a warning');
  return warning;
}

export function rowOf(change: Partial<ConnectionRow>): ConnectionRow {
  return {
    id: 9, startedAt: noon - 120_000, durationMs: 40, appId: 'id-teams', appName: 'teams', appPath: '/usr/bin/teams', package: null, pid: 4, user: 'ada',
    host: 'chat.example', port: 443, ip: '192.0.2.1', serverName: 'chat.example', decided: 'inspect', disposition: 'inspect',
    reason: { code: 'rule', detail: null }, rule: 'own', outcome: { kind: 'established' }, tlsVersion: 'TLSv1.3', cipher: null, alpn: null, ja4: null,
    bytesUp: 1, bytesDown: 2, error: null, ...change,
  };
}
