// The class of one handshake: evidence in, outcome out. Figures: test/core/tls/clients.matrix.json.
// Not for verdicts: one refusal proves nothing about pinning (core/pinning/verdict).
import type { HandshakeEvidence, HandshakeOutcome, Runtime } from '../model.ts';

/**
 * A client that refuses closes within 117 ms of our flight (371 measured rows); one that is still there after a second has
 * not refused.
 */
export const lateLimitMs = 1_000;

/** 0 close_notify and 90 user_canceled: Java sends 90 after success as well as after a refusal. */
const noRefusal = new Set([0, 90]);
/** Version, cipher, group, extension or ALPN; 51 decrypt_error and 121 ech_required too. */
const incompatible = new Set([10, 20, 22, 40, 47, 50, 51, 60, 70, 71, 86, 100, 109, 110, 112, 115, 120, 121]);
/** 43 unsupported, 44 revoked, 45 expired: our own leaf or clock first. */
const leafFirst = new Set([43, 44, 45]);

/** Every measured refusal of these carries an alert; what they close without one are preconnects, spare sockets and pages that were left. */
const neverSilent: ReadonlySet<Runtime | null> = new Set<Runtime>(['chromium', 'firefox']);

/** Total: every combination of evidence has an outcome. `runtime`: what the app runs on, where that is known. */
export function classifyHandshake(evidence: HandshakeEvidence, runtime: Runtime | null): HandshakeOutcome {
  if (evidence.appBytes > 0) return { kind: 'established' };
  if (evidence.fault !== null) return { kind: 'agent-fault', code: evidence.fault };
  const alert = evidence.alert !== null && noRefusal.has(evidence.alert) ? null : evidence.alert;
  if (alert !== null && evidence.alertBy === 'agent') {
    return incompatible.has(alert) ? { kind: 'incompatible', alert } : { kind: 'agent-fault', code: `alert-${alert}` };
  }
  // Java and OkHttp answer a FIN of ours with alert 40: what follows our own close says nothing.
  if (evidence.closedBy !== 'client') return evidence.clientFinished ? { kind: 'unused' } : { kind: 'abandoned' };
  if (alert !== null && incompatible.has(alert)) return { kind: 'incompatible', alert };
  if (!evidence.leafSent) return { kind: 'abandoned' };
  if (alert !== null) {
    if (leafFirst.has(alert) && !evidence.leafValid) return { kind: 'agent-fault', code: 'leaf-not-valid' };
    return evidence.resumed ? { kind: 'unused' } : { kind: 'refused', sign: 'alert', alert };
  }
  if (evidence.resumed) return evidence.clientFinished ? { kind: 'unused' } : { kind: 'abandoned' };
  if (!evidence.leafValid) return { kind: 'agent-fault', code: 'leaf-not-valid' };
  if (evidence.msSinceLeaf >= lateLimitMs || neverSilent.has(runtime)) return evidence.clientFinished ? { kind: 'unused' } : { kind: 'abandoned' };
  return { kind: 'refused', sign: evidence.clientFinished ? 'silent-late' : 'silent-early', alert: null };
}
