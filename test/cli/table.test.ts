// Tables: widths, cutting, colour, hostile cells.
import { describe, expect, test } from 'vitest';
import { formatTable } from '../../electron/cli/table.ts';
import type { Cell, TableStyle } from '../../electron/cli/table.ts';
import { cutText, safeJson, safeText, textWidth } from '../../electron/cli/safe-text.ts';

const plain: TableStyle = { width: null, paint: (text) => text };
const columns = [{ title: 'App' }, { title: 'Count', align: 'right' }, { title: 'Why' }] as const;

const tables: readonly { name: string; rows: readonly (readonly Cell[])[]; style: TableStyle; lines: readonly string[] }[] = [
  { name: 'columns are as wide as their widest cell', rows: [['chat', '7', 'pinned'], ['a-long-name', '12345678', '']], style: plain, lines: ['APP             COUNT  WHY', 'chat                7  pinned', 'a-long-name  12345678'] },
  { name: 'the widest columns are cut to the terminal', rows: [['a-very-long-application-name', '7', 'because of something long']], style: { ...plain, width: 40 }, lines: ['APP              COUNT  WHY', 'a-very-long-ap…      7  because of some…'] },
  { name: 'colour goes around the text, not around the padding', rows: [[{ text: 'ab', tone: 'good' }, '1', 'x']], style: { width: null, paint: (text, tone) => (tone === 'good' ? `<${text}>` : text) }, lines: ['APP  COUNT  WHY', '<ab>       1  x'] },
  { name: 'wide characters take two columns', rows: [['日本', '1', 'x'], ['abcd', '2', 'y']], style: plain, lines: ['APP   COUNT  WHY', '日本      1  x', 'abcd      2  y'] },
  { name: 'a cell with a line break stays on its line', rows: [['a\nb', '1', 'x']], style: plain, lines: ['APP      COUNT  WHY', 'a\\u{a}b      1  x'] },
];

describe('tables', () => {
  test.each(tables)('$name', ({ rows, style, lines }) => {
    expect(formatTable(columns, rows, style)).toEqual(lines);
  });
});

describe('hostile text', () => {
  test.each([
    { name: 'escape', text: 'a\u001b[2Jb', safe: 'a\\u{1b}[2Jb' },
    { name: 'C1 control', text: '\u009b31m', safe: '\\u{9b}31m' },
    { name: 'right-to-left override', text: 'exe\u202etxt', safe: 'exe\\u{202e}txt' },
    { name: 'zero-width space', text: 'pay\u200bpal', safe: 'pay\\u{200b}pal' },
    { name: 'tag character beyond the BMP', text: '\u{e0041}', safe: '\\u{e0041}' },
    { name: 'lone surrogate', text: '\ud800', safe: '\\u{d800}' },
    { name: 'ordinary letters of any script', text: 'Grüße 日本 العربية', safe: 'Grüße 日本 العربية' },
  ])('$name', ({ text, safe }) => {
    expect(safeText(text)).toBe(safe);
    expect(safeJson(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(safeJson(text))).toBe(text);
  });

  test('cutting counts columns, not units', () => {
    expect(cutText('日本語', 4)).toBe('日…');
    expect(textWidth(cutText('日本語', 4))).toBeLessThanOrEqual(4);
    expect(textWidth('e\u0301')).toBe(1);
  });
});
