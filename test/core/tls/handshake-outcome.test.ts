// Every measured row of real clients, and the corners of the rules, through classifyHandshake.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HandshakeEvidence, HandshakeOutcome, Runtime } from '../../../electron/core/model.ts';
import { classifyHandshake, lateLimitMs } from '../../../electron/core/tls/handshake-outcome.ts';
import rows from './clients.matrix.json' with { type: 'json' };

type Row = (typeof rows)[number];

/** A cancel or timeout in the middle of our flight has the shape of a silent refusal; only "flight complete" tells. */
const flightCutShort = (row: Row): boolean => row.form === 'F2' && row.situation.endsWith('mid-flight');
const weClosed = (row: Row): boolean => row.situation.startsWith('we-close-');

const closeKinds = ['fin', 'rst', 'close-notify', 'none'] as const;

function evidenceOf(row: Row): HandshakeEvidence {
  const ours = row.form === 'F6';
  return {
    leafSent: ['F1', 'F2', 'F3', 'F4', 'F5'].includes(row.form) && !flightCutShort(row),
    clientFinished: row.handshakeCompleted, alert: row.alert, alertBy: row.alert === null ? null : ours ? 'agent' : 'client',
    leafValid: true, resumed: false, fault: null, appBytes: row.appBytes, closedBy: ours || weClosed(row) ? 'agent' : 'client',
    closeKind: closeKinds.find((kind) => kind === row.closeKind) ?? 'none', msSinceLeaf: row.msMedian ?? 0, handshakeMs: 5,
    tls: row.tls === '1.2' ? 'TLSv1.2' : 'TLSv1.3', bytesAfterLeaf: 0,
  };
}

/** By the form: alert before (F1) or after Finished (F3), silence before (F2) or after it (F4), data (F5), our alert (F6), no flight of ours (F7). */
function expectedOf(row: Row): HandshakeOutcome {
  switch (row.form) {
    case 'F1': case 'F3': return { kind: 'refused', sign: 'alert', alert: row.alert };
    case 'F2': return flightCutShort(row) ? { kind: 'abandoned' } : { kind: 'refused', sign: 'silent-early', alert: null };
    case 'F4': return (row.msMedian ?? 0) >= 1_000 ? { kind: 'unused' } : { kind: 'refused', sign: 'silent-late', alert: null };
    case 'F5': return { kind: 'established' };
    case 'F6': return { kind: 'incompatible', alert: row.alert ?? -1 };
    default: return { kind: 'abandoned' };
  }
}

describe('measured clients', () => {
  test('the matrix is the whole one', () => {
    expect(rows.length).toBe(398);
    expect(rows.filter(flightCutShort).length).toBe(10);
    expect(new Set(rows.map((row) => row.form))).toEqual(new Set(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7']));
  });

  test.each(rows.map((row) => [`${row.client}, TLS ${row.tls}, ${row.situation} (${row.form})`, row] as const))('%s', (_, row) => {
    expect(classifyHandshake(evidenceOf(row), null)).toEqual(expectedOf(row));
  });
});

const refusing: HandshakeEvidence = {
  leafSent: true, clientFinished: false, alert: null, alertBy: null, leafValid: true, resumed: false, fault: null, appBytes: 0,
  closedBy: 'client', closeKind: 'fin', msSinceLeaf: 2, handshakeMs: 3, tls: 'TLSv1.3', bytesAfterLeaf: 0,
};
const byClient = (alert: number): Partial<HandshakeEvidence> => ({ alert, alertBy: 'client' });
const finished: Partial<HandshakeEvidence> = { clientFinished: true };

describe('the corners', () => {
  test.each<[string, Partial<HandshakeEvidence>, HandshakeOutcome]>([
    ['close_notify before Finished is a silent refusal, not an alert', byClient(0), { kind: 'refused', sign: 'silent-early', alert: null }],
    ['user_canceled before Finished is a silent refusal, not an alert', byClient(90), { kind: 'refused', sign: 'silent-early', alert: null }],
    ['user_canceled after Finished is Java closing', { ...byClient(90), ...finished }, { kind: 'refused', sign: 'silent-late', alert: null }],
    ['user_canceled after data is a success', { ...byClient(90), ...finished, appBytes: 1 }, { kind: 'established' }],
    ['user_canceled long after Finished is an unused connection', { ...byClient(90), ...finished, msSinceLeaf: 5_000 }, { kind: 'unused' }],
    ['decrypt_error says nothing about trust', byClient(51), { kind: 'incompatible', alert: 51 }],
    ['ech_required says nothing about trust', byClient(121), { kind: 'incompatible', alert: 121 }],
    ['handshake_failure says nothing about trust', { ...byClient(40), leafSent: false }, { kind: 'incompatible', alert: 40 }],
    ['internal_error is an answer to the certificate', byClient(80), { kind: 'refused', sign: 'alert', alert: 80 }],
    ['access_denied is an answer to the certificate', byClient(49), { kind: 'refused', sign: 'alert', alert: 49 }],
    ['certificate_expired with a good leaf is a refusal', byClient(45), { kind: 'refused', sign: 'alert', alert: 45 }],
    ['certificate_expired with a leaf out of its dates is our fault', { ...byClient(45), leafValid: false }, { kind: 'agent-fault', code: 'leaf-not-valid' }],
    ['certificate_revoked with a leaf out of its dates is our fault', { ...byClient(44), leafValid: false }, { kind: 'agent-fault', code: 'leaf-not-valid' }],
    ['unsupported_certificate with a leaf out of its dates is our fault', { ...byClient(43), leafValid: false }, { kind: 'agent-fault', code: 'leaf-not-valid' }],
    ['unsupported_certificate with a good leaf is a refusal', byClient(43), { kind: 'refused', sign: 'alert', alert: 43 }],
    ['unknown_ca stays a refusal whatever our dates', { ...byClient(48), leafValid: false }, { kind: 'refused', sign: 'alert', alert: 48 }],
    ['a silent close at a leaf out of its dates is our fault', { leafValid: false }, { kind: 'agent-fault', code: 'leaf-not-valid' }],
    ['an alert before our certificate was out is none of its business', { ...byClient(42), leafSent: false }, { kind: 'abandoned' }],
    ['an alert after Finished is a refusal', { ...byClient(42), ...finished }, { kind: 'refused', sign: 'alert', alert: 42 }],
    ['our own protocol_version is incompatible', { leafSent: false, alert: 70, alertBy: 'agent', closedBy: 'agent' }, { kind: 'incompatible', alert: 70 }],
    ['our own no_application_protocol is incompatible', { leafSent: false, alert: 120, alertBy: 'agent', closedBy: 'agent' }, { kind: 'incompatible', alert: 120 }],
    ['our own internal_error is our fault', { leafSent: false, alert: 80, alertBy: 'agent', closedBy: 'agent' }, { kind: 'agent-fault', code: 'alert-80' }],
    ['a fault of ours is ours', { fault: 'ERR_SSL_X' }, { kind: 'agent-fault', code: 'ERR_SSL_X' }],
    ['a fault of ours after data changes nothing', { fault: 'ERR_SSL_X', ...finished, appBytes: 3 }, { kind: 'established' }],
    ['Java answers our own close with alert 40: nothing learned', { leafSent: false, ...byClient(40), closedBy: 'agent' }, { kind: 'abandoned' }],
    ['an alert after our own close is no refusal', { ...byClient(42), closedBy: 'agent' }, { kind: 'abandoned' }],
    ['an alert after our own close, handshake done, is no refusal', { ...byClient(42), ...finished, closedBy: 'agent' }, { kind: 'unused' }],
    ['an alert at our deadline is no refusal', { ...byClient(48), closedBy: 'deadline' }, { kind: 'abandoned' }],
    ['our deadline in the handshake', { closedBy: 'deadline', closeKind: 'none' }, { kind: 'abandoned' }],
    ['our deadline after the handshake', { closedBy: 'deadline', ...finished }, { kind: 'unused' }],
    ['closed by us after the handshake', { closedBy: 'agent', ...finished }, { kind: 'unused' }],
    ['a resumed handshake that ends in silence says nothing', { resumed: true, ...finished }, { kind: 'unused' }],
    ['a resumed handshake that ends in an alert says nothing', { resumed: true, ...byClient(46) }, { kind: 'unused' }],
    ['one ms before the limit', { ...finished, msSinceLeaf: lateLimitMs - 1 }, { kind: 'refused', sign: 'silent-late', alert: null }],
    ['at the limit', { ...finished, msSinceLeaf: lateLimitMs }, { kind: 'unused' }],
    ['in mid handshake after the limit', { msSinceLeaf: lateLimitMs }, { kind: 'abandoned' }],
    ['a reset is the same as a FIN', { closeKind: 'rst' }, { kind: 'refused', sign: 'silent-early', alert: null }],
    ['a close_notify is the same as a FIN', { ...finished, closeKind: 'close-notify' }, { kind: 'refused', sign: 'silent-late', alert: null }],
    ['left before our certificate', { leafSent: false }, { kind: 'abandoned' }],
  ])('%s', (_, change, expected) => {
    expect(classifyHandshake({ ...refusing, ...change }, null)).toEqual(expected);
  });

  const anyEvidence: fc.Arbitrary<HandshakeEvidence> = fc.record({
    leafSent: fc.boolean(), clientFinished: fc.boolean(), alert: fc.option(fc.nat(255), { nil: null }),
    alertBy: fc.constantFrom('client' as const, 'agent' as const, null), leafValid: fc.boolean(), resumed: fc.boolean(),
    fault: fc.option(fc.constant('ERR_X'), { nil: null }), appBytes: fc.oneof(fc.constant(0), fc.nat(1_000)),
    closedBy: fc.constantFrom('client' as const, 'agent' as const, 'deadline' as const),
    closeKind: fc.constantFrom('fin' as const, 'rst' as const, 'close-notify' as const, 'none' as const),
    msSinceLeaf: fc.oneof(fc.nat(2_000), fc.double()), handshakeMs: fc.nat(5_000),
    tls: fc.constantFrom('TLSv1.2' as const, 'TLSv1.3' as const), bytesAfterLeaf: fc.nat(1_000),
  });

  test('every combination has an outcome, and a refusal has all its conditions', () => {
    fc.assert(fc.property(anyEvidence, (evidence) => {
      const outcome = classifyHandshake(evidence, null);
      expect(['established', 'refused', 'incompatible', 'unused', 'abandoned', 'agent-fault']).toContain(outcome.kind);
      expect(outcome.kind === 'established').toBe(evidence.appBytes > 0);
      if (outcome.kind !== 'refused') return;
      expect(evidence).toMatchObject({ leafSent: true, closedBy: 'client', resumed: false, fault: null, appBytes: 0 });
      expect(evidence.alert !== null && evidence.alertBy === 'agent' && ![0, 90].includes(evidence.alert)).toBe(false);
      if (outcome.sign === 'alert') expect(outcome.alert).toBe(evidence.alert);
      else expect(outcome.alert).toBeNull();
    }), { numRuns: 5_000 });
  });

  test('FIN, RST and close_notify never change the outcome', () => {
    fc.assert(fc.property(anyEvidence, fc.constantFrom('fin' as const, 'rst' as const, 'close-notify' as const, 'none' as const), (evidence, closeKind) => {
      expect(classifyHandshake({ ...evidence, closeKind }, null)).toEqual(classifyHandshake(evidence, null));
    }), { numRuns: 2_000 });
  });
});

describe('a browser', () => {
  const silent = { ...refusing, alert: null, alertBy: null } as const;
  test.each<[string, Partial<HandshakeEvidence>, Runtime, string]>([
    ['that closes a finished handshake without a word has not used it', { clientFinished: true }, 'chromium', 'unused'],
    ['that closes in the middle has been left', { clientFinished: false }, 'firefox', 'abandoned'],
    ['that refuses says so', { clientFinished: false, alert: 46, alertBy: 'client' }, 'chromium', 'refused'],
  ])('%s', (_, change, runtime, expected) => expect(classifyHandshake({ ...silent, ...change }, runtime).kind).toBe(expected));
  test('silence of anything else may be a refusal', () => expect(classifyHandshake({ ...silent, clientFinished: true }, 'node').kind).toBe('refused'));
});
