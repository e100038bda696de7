// Exported rows with hostile text in every field: read back whole, and harmless for spreadsheets, terminals and pages.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportHead, exportRow } from '../../electron/contract/log-export.ts';
import { row } from '../agent/store/rows.ts';

const base = row(7, Date.UTC(2026, 10, 21)).row;
const csvOf = (appName: string): string => exportRow('csv', { ...base, appName });

/** The cells of one record of RFC 4180. */
function cells(line: string): string[] {
  const found = [...line.replace(/\r\n$/u, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gu)];
  return found.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

test('the head names every column that a row has', () => {
  expect(exportHead('csv')).toMatch(/^id,started,duration_ms,app,.*\r\n$/u);
  expect(cells(exportHead('csv'))).toHaveLength(cells(csvOf('curl')).length);
  expect(exportHead('ndjson')).toBe('');
});

test.each([
  ['a formula', '=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'],
  ['a formula behind a blank', ' =1+1', "' =1+1"],
  ['a formula by plus', '+1', "'+1"],
  ['a formula by minus', '-1', "'-1"],
  ['a macro', '@SUM(A1)', "'@SUM(A1)"],
  ['a full-width formula', '＝1', "'＝1"],
  ['an escape sequence', 'a\u001b[2Jb', 'a\\u{1b}[2Jb'],
  ['a formula behind an escape', '\u0009=1', '\\u{9}=1'],
  ['another reading direction', 'exe\u202egpj', 'exe\\u{202e}gpj'],
  ['a line break', 'a\r\nb', 'a\\u{d}\\u{a}b'],
  ['quotes and commas', 'say "hi", now', 'say "hi", now'],
  ['markup', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
])('CSV shows %s as text', (_, name, shown) => {
  expect(cells(csvOf(name))[3]).toBe(shown);
});

test('any text stays in its cell and on its line', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
    const line = csvOf(text);
    expect(line.endsWith('\r\n')).toBe(true);
    expect(line.slice(0, -2)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const found = cells(line);
    expect(found).toHaveLength(27);
    expect(found[3]).not.toMatch(/^\s*[=+\-@]/u);
  }), { numRuns: 3_000 });
});

test('newline JSON reads back as it was, with nothing in it that a terminal or a page would act on', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
    const line = exportRow('ndjson', { ...base, host: text });
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>&]/u);
    expect(JSON.parse(line)).toEqual({ ...base, host: text });
  }), { numRuns: 3_000 });
});
