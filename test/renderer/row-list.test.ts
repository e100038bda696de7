// How pages of the log join, as tables of ids.
import { describe, expect, test } from 'vitest';
import { addPage, countNewer, findRow, joinHead, renewRows } from '../../renderer/connections/row-list.ts';
import type { RowList } from '../../renderer/connections/row-list.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { fixtureApps, fixtureRow } from './fixture-data.ts';

const apps = fixtureApps(0);
const row = (id: number): ConnectionRow => fixtureRow(id, 1000, 0, apps);
const list = (ids: readonly number[], next: string | null = null): RowList => ({ rows: ids.map(row), next });
const ids = (from: RowList | null): readonly number[] | null => from?.rows.map((one) => one.id) ?? null;

describe('joinHead', () => {
  test.each([
    { name: 'new rows stand before the old ones', old: [3, 2, 1], head: [5, 4, 3], joined: [5, 4, 3, 2, 1] },
    { name: 'a head that brings nothing new changes no order', old: [3, 2, 1], head: [3, 2], joined: [3, 2, 1] },
    { name: 'a row that the head lacks inside its range no longer fits and goes', old: [5, 4, 3, 2], head: [6, 5, 3], joined: [6, 5, 3, 2] },
    { name: 'an empty head changes nothing', old: [2, 1], head: [], joined: [2, 1] },
    { name: 'a head that does not reach the list is no head of it', old: [3, 2, 1], head: [9, 8], joined: null },
    { name: 'an empty list has no rows to meet', old: [], head: [2, 1], joined: null },
  ])('$name', ({ old, head, joined }) => {
    expect(ids(joinHead(list(old), head.map(row)))).toEqual(joined);
  });
});

test('an older page is added once, without rows that are already there, and brings the next cursor', () => {
  const joined = addPage(list([9, 8, 7], '7'), list([7, 6, 5], '5'));
  expect(ids(joined)).toEqual([9, 8, 7, 6, 5]);
  expect(joined.next).toBe('5');
});

test('rows are renewed in place, and a list without changes stays the same object', () => {
  const old = list([3, 2, 1]);
  const renewed = renewRows(old, [{ ...row(2), durationMs: 1 }, row(99)]);
  expect(renewed.rows[1]?.durationMs).toBe(1);
  expect(ids(renewed)).toEqual([3, 2, 1]);
  expect(renewRows(old, [...old.rows])).toBe(old);
});

test('rows are found by id among a hundred thousand, absent ones are not', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => ({ ...row(1), id: 300_000 - index * 2 }));
  expect(findRow(many, 300_000)).toBe(0);
  expect(findRow(many, 100_002)).toBe(99_999);
  expect(findRow(many, 200_000)).toBe(50_000);
  expect(findRow(many, 200_001)).toBe(-1);
  expect(findRow([], 1)).toBe(-1);
});

test('newer rows are counted against the head of the list', () => {
  expect(countNewer(list([3, 2]), [5, 4, 3].map(row))).toBe(2);
  expect(countNewer(list([]), [1].map(row))).toBe(1);
});
