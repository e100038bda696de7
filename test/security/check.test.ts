// Two rows of `npm run check:security` in full: real servers, Chromium, an agent. The whole table is the command's business.
import { describe, expect, test } from 'vitest';
import { findCommand } from '../support/find-command.ts';
import { allHeld, asTable, chooseRows, loadRows, runRows, skip, type RowResult } from './registry.ts';
import { situations } from './situations.ts';

describe('the situations', () => {
  test('are at least 60 bad ones and 10 good ones, each under a host and title of its own', () => {
    expect(situations.filter(({ kind }) => kind === 'bad').length).toBeGreaterThanOrEqual(60);
    expect(situations.filter(({ kind }) => kind === 'good').length).toBeGreaterThanOrEqual(10);
    expect(new Set(situations.map(({ host }) => host)).size).toBe(situations.length);
    expect(new Set(situations.map(({ title }) => title)).size).toBe(situations.length);
  });
  test('belong to rows that exist', async () => {
    const ids = new Set((await loadRows()).map(({ id }) => id));
    expect(situations.filter(({ row }) => !ids.has(row))).toEqual([]);
  });
});

test('no leaf comes into being for broken keys and wrong purposes, sound ones are inspected, and Chromium agrees', { timeout: 120_000 }, async (context) => {
  if (findCommand('chromium') === null || findCommand('certutil') === null) {
    console.log('skipped: needs chromium and certutil (Debian: chromium libnss3-tools)');
    return context.skip();
  }
  const rows = (await loadRows()).filter(({ id }) => id === 'A4' || id === 'A7');
  const report = await runRows(rows, () => undefined);
  expect(report.rows.filter(({ pass }) => !pass)).toEqual([]);
  expect(report.rows.map(({ id, tried }) => [id, tried >= 3])).toEqual([['A4', true], ['A7', true]]);
  expect(report.laundered).toBe(0);
  expect(asTable(report)).toContain('laundered certificates: 0');
});

test('a row that throws has failed and says why', async () => {
  const report = await runRows([{ id: 'Z1', title: 'breaks', source: '', run: () => Promise.reject(new Error('no such thing')) }], () => undefined);
  expect(report.rows[0]).toMatchObject({ id: 'Z1', pass: false, detail: 'not run: no such thing' });
});

describe('what is asked for', () => {
  test('every criterion of the table has its row, once, and there are at least 50', async () => {
    const ids = (await loadRows()).map(({ id }) => id);
    const wanted = Object.entries({ A: 14, B: 13, C: 11, D: 9, E: 8, F: 8, G: 8 }).flatMap(([letter, count]) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`));
    expect([...ids].sort()).toEqual([...wanted, 'LNA1'].sort());
    expect(ids.length).toBeGreaterThanOrEqual(50);
  });
  test('a row, a group by its letter, both, and what is neither', async () => {
    const all = await loadRows();
    const idsOf = (...wishes: string[]): string[] => chooseRows(all, wishes).rows.map(({ id }) => id);
    expect(idsOf('E2', 'E4')).toEqual(['E2', 'E4']);
    expect(idsOf('D')).toEqual(['D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7', 'D8', 'D9']);
    expect(idsOf('LNA', 'A14')).toEqual(['A14', 'LNA1']);
    expect(idsOf()).toHaveLength(all.length);
    expect(chooseRows(all, ['Z9', 'E']).unknown).toEqual(['Z9']);
  });
  test('a row of which a half was skipped has not passed, and one of which the other half failed has failed', async () => {
    const [half, failed] = [1, 2].map((tried) => ({ id: `H${tried}`, title: 'half', source: 'own', run: async () => ({ tried, failed: tried - 1, detail: '', skipped: 'there is no other half' }) }));
    const report = await runRows([half, failed].filter((row) => row !== undefined), () => undefined);
    expect(report.rows.map(({ pass }) => pass)).toEqual([false, false]);
    expect(asTable(report).split('\n').slice(0, 2).map((line) => line.slice(-4))).toEqual(['SKIP', 'FAIL']);
    expect(allHeld(report)).toBe(false);
  });

  test('a skipped row has neither passed nor failed, and says why', async () => {
    const report = await runRows([{ id: 'Z1', title: 'needs a thing', source: '', run: () => Promise.resolve(skip('there is no thing')) }], () => undefined);
    expect(report.rows[0]).toMatchObject({ tried: 0, failed: 0, pass: false, skipped: 'there is no thing' });
    expect(asTable(report)).toMatch(/Z1 .*SKIP/);
  });
});

describe('a run as a whole', () => {
  const resultOf = (...results: readonly RowResult[]): ReturnType<typeof runRows> => runRows(results.map((result, n) => ({ id: `Z${n}`, title: 'a row', source: '', run: () => Promise.resolve(result) })), () => undefined);
  const passed = { tried: 1, failed: 0, detail: '' };
  const failed = { tried: 1, failed: 1, detail: '' };

  test.each<[string, readonly RowResult[], boolean]>([
    ['has held when its rows passed', [passed, passed], true],
    ['has held when a row could not be tried here', [passed, skip('no such program')], true],
    ['has not held when a row failed', [passed, failed], false],
    ['has not held when no row could be tried', [skip('no such program'), skip('no root')], false],
    ['has not held when a row tried nothing', [passed, { ...passed, tried: 0 }], false],
    ['has not held without a row', [], false],
  ])('%s', async (_name, results, held) => {
    expect(allHeld(await resultOf(...results))).toBe(held);
  });

  test.each<[string, readonly RowResult[], number | null, string]>([
    ['says that none was laundered when that was counted', [{ ...passed, laundered: 0 }, passed], 0, 'laundered certificates: 0'],
    ['adds up what its rows counted', [{ ...failed, laundered: 1 }, { ...failed, laundered: 2 }], 3, 'laundered certificates: 3'],
    ['does not say 0 when nobody counted', [passed, skip('no Chromium')], null, 'laundered certificates: not measured'],
  ])('%s', async (_name, results, laundered, words) => {
    const report = await resultOf(...results);
    expect(report.laundered).toBe(laundered);
    expect(asTable(report)).toContain(words);
  });
});
