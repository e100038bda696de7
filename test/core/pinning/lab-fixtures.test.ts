// What the lab has recorded of real programs, as a table: the same evidence gives the same outcome, the same history the truth.
// A new client is a new row: `npm run lab -- --repeat 1 --record test/core/pinning/lab-fixtures.json`.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { explainFact } from '../../../electron/core/explain.ts';
import { judgePinning } from '../../../electron/core/pinning/verdict.ts';
import { classifyHandshake } from '../../../electron/core/tls/handshake-outcome.ts';
import type { FixtureRow } from '../../lab/record.ts';

const rows = JSON.parse(readFileSync(new URL('lab-fixtures.json', import.meta.url), 'utf8')) as readonly FixtureRow[];

describe('recorded by the lab', () => {
  test.each(rows.map((row) => [`${row.client} (${row.situation}), TLS ${row.tls}: ${row.truth}`, row] as const))('%s', (_, row) => {
    for (const { seen, runtime, outcome } of row.evidence) expect(classifyHandshake(seen, runtime).kind).toBe(outcome);
    const verdict = judgePinning(row.history, row.now);
    expect(verdict.kind).toBe(row.truth);
    for (const fact of verdict.because) expect(explainFact(fact)).not.toMatch(/undefined|null|\?|NaN/);
  });

  test('covers both TLS versions and the classes that matter', () => {
    expect(new Set(rows.map((row) => row.tls))).toEqual(new Set(['1.2', '1.3']));
    expect(new Set(rows.map((row) => row.truth))).toEqual(new Set(['inspectable', 'pinned', 'private-trust-store', 'client-certificate', 'incompatible', 'undetermined']));
  });
});
