// Rows for the store's tests, with every field set. Not a product part.
import type { AppIdentity, Circumstances, Exclusion, Observation } from '../../../electron/core/model.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import type { PendingConnection } from '../../../electron/agent/store/connection-table.ts';

export const app: AppIdentity = {
  id: 'a1', name: 'fetch', path: '/usr/bin/fetch', script: null, package: 'fetch 1', signer: null, hash: 'aa', runtime: 'go', perCallTrust: false, known: true,
};

export function row(id: number, startedAt: number, change: Partial<ConnectionRow> = {}): PendingConnection {
  return { row: {
    id, startedAt, durationMs: 5, appId: app.id, appName: app.name, appPath: app.path, package: app.package, pid: 7, user: 'root', host: `h${id}.pinlight.test`,
    port: 443, ip: '192.0.2.1', serverName: `h${id}.pinlight.test`, decided: 'inspect', disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'r',
    outcome: { kind: 'refused', sign: 'alert', alert: 48 }, tlsVersion: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'h2', ja4: 't13d', bytesUp: 1, bytesDown: 2,
    error: null, ...change,
  }, uid: 0, signer: null, verdict: null };
}

export const calm: Circumstances = {
  rootAgeMs: 30 * 24 * 3600_000, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified',
};

export function observation(at: number, change: Partial<Observation> = {}): Observation {
  return {
    at, host: 'h.test', disposition: 'inspect', outcome: { kind: 'refused', sign: 'alert', alert: 42 }, appHash: 'aa', runtime: 'go', perCallTrust: false, trust: null,
    ja4: null, evidence: null, circumstances: calm, ...change,
  };
}

export function exclusion(id: string, change: Partial<Exclusion> = {}): Exclusion {
  return {
    id, kind: 'user', host: 'h.test', appId: null, appName: null, appHash: null, reason: 'because', verdict: null, createdAt: 1, expiresAt: null, ...change,
  };
}
