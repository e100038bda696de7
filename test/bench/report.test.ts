// The bench's report: what was not measured stays null or n/a, and targets are compared with the right neighbour.
import { describe, expect, it } from 'vitest';
import type { MeasuredRow } from './measure.ts';
import { benchDocument, benchTable } from './report.ts';
import type { WayName } from './workspace.ts';

function row(unit: string, values: Partial<Record<WayName, number | null>>): MeasuredRow {
  const figures = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, spread: value === null ? null : 0.05 }]));
  return { row: `row in ${unit}`, unit, figures };
}

describe('benchDocument', () => {
  it('has every column in every row, null for what is missing or failed', () => {
    const document = benchDocument([row('conn/s', { pinlight: 512.4, squid: null, direct: 2000 })], 123.4, ['sslsplit is missing']);
    expect(document).toEqual({
      rows: [{ row: 'row in conn/s', pinlight: 512, sslsplit: null, squid: null, direct: 2000, unit: 'conn/s' }],
      memoryMB: 123,
      notes: ['sslsplit is missing'],
    });
  });
});

describe('benchTable', () => {
  const all = { pinlight: 90, sslsplit: 100, squid: 50, direct: 60 };
  const rows: readonly [string, MeasuredRow, string][] = [
    ['new connections just below sslsplit miss the target', row('conn/s', all), '>= 1.0x sslsplit  0.90x, not met'],
    ['requests at nine tenths of sslsplit meet it', row('req/s', all), '>= 0.9x sslsplit  0.90x, met'],
    ['bulk above eight tenths of sslsplit meets it', row('MB/s', all), '>= 0.8x sslsplit  0.90x, met'],
    ['latency is held against direct', row('ms', all), '<= 2.0x direct  1.50x, met'],
    ['a judgement is held against its limit', row('µs', { pinlight: 50 }), '<= 50 µs  met'],
    ['a judgement above its limit', row('µs', { pinlight: 51 }), '<= 50 µs  not met'],
    ['a missing peer gives no ratio', row('conn/s', { pinlight: 90, direct: 60 }), '>= 1.0x sslsplit  n/a'],
    ['a missing Pinlight gives no ratio', row('conn/s', { sslsplit: 90 }), '>= 1.0x sslsplit  n/a'],
  ];
  it.each(rows)('%s', (_name, measured, expected) => {
    expect(benchTable([measured], null, []).replaceAll(/ {2,}/gu, '  ')).toContain(expected);
  });

  const memory: readonly [string, number | null, string][] = [
    ['memory at the limit meets it', 180, '<= 180 MB  met'],
    ['memory above the limit does not', 181, '<= 180 MB  not met'],
    ['unknown memory is not judged', null, '<= 180 MB  n/a'],
  ];
  it.each(memory)('%s', (_name, value, expected) => {
    expect(benchTable([], value, []).replaceAll(/ {2,}/gu, '  ')).toContain(expected);
  });
});
