// One example at least of every reason, outcome, fact and verdict: tables for whoever must have words for all of them.
import type { ConnectionOutcome, Fact, FactCode, ReasonCode, Verdict, VerdictKind } from '../../electron/core/model.ts';

// Objects keyed by the unions: a new code without an entry here does not compile.
export const reasonCodes: Record<ReasonCode, true> = {
  rule: true, 'no-match': true, 'must-inspect': true, exclusion: true, 'control-experiment': true, 'unknown-app': true, 'not-tls': true, 'unreadable-hello': true,
  incompatible: true, 'upstream-invalid': true, 'upstream-failed': true, 'client-certificate': true, 'refused-target': true, 'other-user': true, 'bad-request': true, 'plain-http': true, paused: true, 'notice-pending': true,
};
export const outcomes: Record<ConnectionOutcome['kind'], readonly ConnectionOutcome[]> = {
  established: [{ kind: 'established' }],
  refused: [
    { kind: 'refused', sign: 'alert', alert: 48 }, { kind: 'refused', sign: 'alert', alert: 200 },
    { kind: 'refused', sign: 'silent-early', alert: null }, { kind: 'refused', sign: 'silent-late', alert: null },
  ],
  incompatible: [{ kind: 'incompatible', alert: 70 }],
  unused: [{ kind: 'unused' }],
  abandoned: [{ kind: 'abandoned' }],
  'agent-fault': [{ kind: 'agent-fault', code: 'ERR_SSL_X' }],
  passed: [{ kind: 'passed', data: true }, { kind: 'passed', data: false }],
  relayed: [{ kind: 'relayed' }],
  blocked: [{ kind: 'blocked' }],
  upstream: [{ kind: 'upstream', code: 'ECONNREFUSED' }],
};
export const facts: Record<FactCode, Fact['values']> = {
  'refused-here': { count: 2, sign: 'alert', alert: 46, how: 'alert 46 certificate_unknown' }, 'established-here': { count: 1 },
  'established-elsewhere': { hosts: 2, example: 'b.example' }, 'refuses-everywhere': { hosts: 1 }, 'alert-unknown-ca': {},
  'store-lacks-root': { store: 'node-bundled', because: 'NODE_EXTRA_CA_CERTS is not set' }, 'store-holds-root': { store: 'system', because: 'it is in /etc/ssl/certs' },
  'form-fits-store': { runtime: 'node' }, 'form-speaks-against-store': { runtime: 'python' }, 'pass-through-worked': { count: 1 }, 'pass-through-failed': { count: 3 },
  'incompatible-here': { alert: 70 }, 'only-unused': {}, 'no-evidence': {}, 'per-call-trust': {},
  'client-certificate-asked': { count: 2 }, 'hello-unanswerable': { why: 'no elliptic curve in common' }, 'older-than-root': {}, disturbed: { kind: 'portal' }, 'others-refuse': { count: 1 }, 'others-accept': {}, listed: { list: 'messengers' },
};
const fact = (code: FactCode): Fact => ({ code, speaks: 'for', values: facts[code] });
const refusedHere = fact('refused-here');
export const verdicts: Record<VerdictKind, readonly Verdict[]> = {
  inspectable: [{ kind: 'inspectable', because: [] }],
  pinned: (['some', 'all'] as const).flatMap((hosts) => (['likely', 'confirmed'] as const).map((confidence): Verdict => ({ kind: 'pinned', hosts, confidence, because: [] }))),
  'private-trust-store': [{ kind: 'private-trust-store', because: [] }],
  'client-certificate': [{ kind: 'client-certificate', because: [] }],
  incompatible: [{ kind: 'incompatible', because: [] }],
  undetermined: [[], [refusedHere], ...(['disturbed', 'older-than-root', 'others-refuse', 'pass-through-failed'] as const).map((code) => [refusedHere, fact(code)])]
    .map((because): Verdict => ({ kind: 'undetermined', because })),
};
