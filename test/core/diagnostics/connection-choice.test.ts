// Which connections a bundle takes, and how it says so. Not for reading them (agent/diagnostics/gather-connections.test.ts).
import { describe, expect, it } from 'vitest';
import { choiceWords, createConnectionChooser, hasFailed, readChoice, type ConnectionChoice } from '../../../electron/core/diagnostics/connection-choice.ts';
import type { ReportConnection } from '../../../electron/core/diagnostics/report-input.ts';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';

const now = Date.UTC(2026, 10, 20, 10, 30);
const day = 24 * 3_600_000;
const fine: ReportConnection = {
  startedAt: now, appName: 'curl', host: 'a.example', port: 443, decided: 'inspect', disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own',
  outcome: { kind: 'established' }, error: null,
};

describe('failed', () => {
  it.each<[string, Partial<ReportConnection>, boolean]>([
    ['an inspected one has not', {}, false],
    ['an open one has not', { outcome: null }, false],
    ['one the app gave up has not', { outcome: { kind: 'abandoned' } }, false],
    ['a refused one', { outcome: { kind: 'refused', sign: 'alert', alert: 48 } }, true],
    ['an incompatible one', { outcome: { kind: 'incompatible', alert: 70 } }, true],
    ['our own fault', { outcome: { kind: 'agent-fault', code: 'leaf-failed' } }, true],
    ['a server that was not reached', { outcome: { kind: 'upstream', code: 'ENOTFOUND' } }, true],
    ['a server with a bad certificate that was let through', { disposition: 'bypass', reason: { code: 'upstream-invalid', detail: 'expired' } }, true],
    ['a blocked one', { disposition: 'block' }, true],
  ])('%s', (_name, change, failed) => {
    expect(hasFailed({ ...fine, ...change })).toBe(failed);
  });
});

describe('the filter for what is further down', () => {
  it.each<[string, { readonly from: number; readonly to: number } | null]>([['without a recording', null], ['with one', { from: now - day, to: now }], ['with one before 1970', { from: -5, to: 0 }]])('is in the language of the log, %s', (_name, recording) => {
    const filter = createConnectionChooser(now, recording).filter();
    expect(parseFilter(filter ?? '')).toMatchObject({ kind: 'filter' });
    expect(filter?.startsWith('time >= ')).toBe(true);
  });

  it('asks for nothing any more when both are full', () => {
    const chooser = createConnectionChooser(now, null);
    for (let i = 0; i < 20_000; i += 1) chooser.choose({ ...fine, disposition: 'block' });
    expect(chooser.filter()).toBeNull();
  });
});

describe('in words', () => {
  const choice: ConnectionChoice = { taken: { recorded: 0, failed: 9_900, rest: 2_500 }, total: 1_000_000, recording: false, cut: false };
  it.each<[string, Partial<ConnectionChoice>, string]>([
    ['some of many', {}, '12,400 of 1,000,000 connections: all 9,900 that failed in 7 days, the newest 2,500 of the rest'],
    ['all there are', { total: 12_400 }, 'all 12,400 connections'],
    ['a single one', { total: 1, taken: { recorded: 0, failed: 1, rest: 0 } }, 'all 1 connection'],
    ['none', { total: 0, taken: { recorded: 0, failed: 0, rest: 0 } }, 'all 0 connections'],
    ['a recording', { recording: true, taken: { recorded: 3, failed: 1, rest: 2_500 } }, '2,504 of 1,000,000 connections: all 3 of the recording, all 1 that failed in 7 days, the newest 2,500 of the rest'],
    ['a flood of failures', { taken: { recorded: 0, failed: 20_000, rest: 2_500 } }, '22,500 of 1,000,000 connections: the newest 20,000 that failed in 7 days, the newest 2,500 of the rest'],
    ['no count', { total: null }, '12,400 of an unknown number of connections: all 9,900 that failed in 7 days, the newest 2,500 of the rest'],
    ['a reading that was cut', { cut: true }, '12,400 of 1,000,000 connections: the newest 9,900 that failed in 7 days, the newest 2,500 of the rest; older ones did not fit, or could not be read in time'],
  ])('%s', (_name, change, words) => {
    expect(choiceWords({ ...choice, ...change })).toBe(words);
    const { taken, total, cut } = { ...choice, ...change };
    const told = readChoice(words);
    expect(told).toMatchObject({ sum: taken.recorded + taken.failed + taken.rest, total, cut });
    for (const { kind, number } of told?.parts ?? []) expect([kind, number]).toEqual([kind, taken[kind]]);
  });

  it.each(['', 'some connections', 'all of them', '5 of 7 rows: all'])('of another version are not ours: %j', (words) => {
    expect(readChoice(words)).toBeNull();
  });
});
