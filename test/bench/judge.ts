// What one refused connection costs in core: its outcome and its app's verdict, over the longest history the agent keeps.
// Not for the route around it (the other rows).
import { judgePinning } from '../../electron/core/pinning/verdict.ts';
import { classifyHandshake } from '../../electron/core/tls/handshake-outcome.ts';
import type { ConnectionOutcome, HandshakeEvidence, History, Observation } from '../../electron/core/model.ts';
import type { MeasuredRow } from './measure.ts';
import { median, spread } from './stats.ts';

const now = 1_800_000_000_000;
const evidence: HandshakeEvidence = {
  leafSent: true, clientFinished: true, alert: null, alertBy: null, leafValid: true, resumed: false, fault: null, appBytes: 0, closedBy: 'client',
  closeKind: 'fin', msSinceLeaf: 3, handshakeMs: 5, tls: 'TLSv1.3', bytesAfterLeaf: 58,
};

/** Medians over rounds of 20,000 judgements, microseconds each. */
export function measureJudgement(): MeasuredRow {
  const history = longestHistory();
  const rounds: number[] = [];
  for (let round = 0; round <= 5; round += 1) {
    const before = performance.now();
    for (let i = 0; i < 20_000; i += 1) {
      classifyHandshake(evidence, 'node');
      judgePinning(history, now);
    }
    // The first round warms up.
    if (round > 0) rounds.push((performance.now() - before) / 20);
  }
  return { row: 'outcome and verdict of one connection, longest history', unit: 'µs', figures: { pinlight: { value: median(rounds), spread: spread(rounds) } } };
}

/** 16 refusals here, three successes at each of 100 other hosts. */
function longestHistory(): History {
  const seen = (index: number, host: string, outcome: ConnectionOutcome): Observation => ({
    at: now - 1_000_000 + index * 3_000, host, disposition: 'inspect', outcome, appHash: 'aa', runtime: 'node', perCallTrust: false,
    trust: { store: 'system', holdsRoot: true, because: '', stale: false }, ja4: 't13d521100_b262b3658495_8e6e362c5eac', evidence,
    circumstances: { rootAgeMs: 1e9, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified' },
  });
  return {
    host: 'h', others: { refusing: 0, accepted: false }, listed: null,
    here: Array.from({ length: 16 }, (_, index) => seen(index, 'h', { kind: 'refused', sign: 'silent-late', alert: null })),
    elsewhere: Array.from({ length: 300 }, (_, index) => seen(index, `e${index % 100}`, { kind: 'established' })),
  };
}
