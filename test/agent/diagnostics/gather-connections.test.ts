// A real store read as a bundle reads it: what is chosen is what reading every row would choose.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConnections } from '../../../electron/agent/diagnostics/gather-connections.ts';
import { logSource } from '../../../electron/agent/diagnostics/log-source.ts';
import { openForReading } from '../../../electron/agent/store/open-for-reading.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { hasFailed } from '../../../electron/core/diagnostics/connection-choice.ts';
import type { Recording } from '../../../electron/core/diagnostics/manifest.ts';
import { fillStore } from '../../bench/log-store.ts';

const now = Date.UTC(2026, 10, 20, 10, 30);
const day = 24 * 3_600_000;
const rows = 40_000;
const folder = mkdtempSync(join(tmpdir(), 'pinlight-gather-'));
const path = join(folder, 'pinlight.db');
const opened: Database.Database[] = [];
let all: readonly ConnectionRow[] = [];

const sourceFor = (uid: number | null): ReturnType<typeof logSource> => logSource(() => {
  const database = openForReading(path);
  opened.push(database);
  return database;
}, uid, now);

beforeAll(() => {
  fillStore(path, rows, now);
  all = sourceFor(null).page('', null, rows);
}, 60_000);
afterAll(() => {
  for (const database of opened) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function chosen(uid: number | null, recording: Recording | null, limitMs = 30_000) {
  const reading = readConnections(sourceFor(uid), { now, recording, limitMs, isFull: () => false });
  const ids = [...reading.pages()].flatMap((page) => page.map(({ id }) => id));
  return { ids, choice: reading.choice() };
}

it('takes what failed in a week, a recording of last week, and the newest 2,500 of the rest', { timeout: 60_000 }, () => {
  const recording = { from: now - 9 * day, to: now - 9 * day + 3_600_000 };
  const { ids, choice } = chosen(null, recording);
  let rest = 2_500;
  const wanted = all.filter((row) => {
    if (row.startedAt >= recording.from - 5_000 && row.startedAt <= recording.to + 5_000) return true;
    if (row.startedAt >= now - 7 * day && hasFailed(row)) return true;
    rest -= 1;
    return rest >= 0;
  });
  expect(ids).toEqual(wanted.map(({ id }) => id));
  expect(wanted.length).toBeGreaterThan(2_700);
  expect(choice).toMatchObject({ total: rows, cut: false });
});

it('takes and counts a user\'s own rows alone', { timeout: 60_000 }, () => {
  const { ids, choice } = chosen(1001, null);
  const own = new Set(all.filter(({ user }) => user === 'grace').map(({ id }) => id));
  expect(ids.every((id) => own.has(id))).toBe(true);
  expect([ids.length > 0, choice.total]).toEqual([true, own.size]);
});

it('ends at its time limit with what it has by then', () => {
  expect(chosen(null, null, 0)).toMatchObject({ ids: { length: 100 }, choice: { cut: true } });
});

it('reads the same a second time, whatever was written meanwhile', () => {
  const source = sourceFor(null);
  const first = source.page('', null, 5).map(({ id }) => id);
  const writer = new Database(path);
  writer.exec('DELETE FROM connections WHERE id > 39990');
  writer.close();
  expect(source.page('', null, 5).map(({ id }) => id)).toEqual(first);
  expect(sourceFor(null).page('', null, 1)[0]?.id).toBe(39_990);
});
