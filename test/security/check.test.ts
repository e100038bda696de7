// Two rows of `npm run check:security` in full: real servers, Chromium, an agent. The whole table is the command's business.
import { describe, expect, test } from 'vitest';
import { findCommand } from '../support/find-command.ts';
import { asTable, loadRows, runRows } from './registry.ts';
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
