// A real store read by the real reading thread: what is chosen is what reading every row would choose.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gatherConnections, type ConnectionSource } from '../../../electron/agent/diagnostics/gather-connections.ts';
import { openLogReader, type LogReader } from '../../../electron/agent/store/log-reader.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { hasFailed } from '../../../electron/core/diagnostics/connection-choice.ts';
import { fillStore } from '../../bench/log-store.ts';

const now = Date.UTC(2026, 10, 20, 10, 30);
const day = 24 * 3_600_000;
const rows = 40_000;
const folder = mkdtempSync(join(tmpdir(), 'pinlight-gather-'));
let reader: ReturnType<typeof openLogReader>;
let all: ConnectionRow[] = [];

beforeAll(async () => {
  fillStore(join(folder, 'pinlight.db'), rows, now);
  reader = openLogReader({ path: join(folder, 'pinlight.db'), now: () => now, flush: () => undefined });
  for (let before: number | null = null; all.length < rows;) {
    const page: readonly ConnectionRow[] = (await reader.page({ filter: '', limit: 500, before, after: null })).rows;
    if (page.length === 0) break;
    all = [...all, ...page];
    before = page.at(-1)?.id ?? null;
  }
}, 60_000);
afterAll(async () => {
  await reader.close();
  rmSync(folder, { recursive: true, force: true });
});

const sourceOf = (log: LogReader): ConnectionSource => ({
  page: async (filter, before, limit) => (await log.page({ filter, limit, before, after: null })).rows, count: () => log.count(),
});

async function gathered(log: LogReader, recording: { readonly from: number; readonly to: number } | null): Promise<{ readonly ids: number[]; readonly total: number | null }> {
  const found = await gatherConnections(sourceOf(log), { now, recording, limitMs: 30_000, signal: undefined });
  const ids: number[] = [];
  for await (const page of found.pages()) ids.push(...page.map(({ id }) => id));
  return { ids, total: found.choice.total };
}

it('takes what failed in a week, a recording of last week, and the newest 2,500 of the rest', { timeout: 60_000 }, async () => {
  const recording = { from: now - 9 * day, to: now - 9 * day + 3_600_000 };
  const { ids, total } = await gathered(reader, recording);
  let rest = 2_500;
  const wanted = all.filter((row) => {
    if (row.startedAt >= recording.from - 5_000 && row.startedAt <= recording.to + 5_000) return true;
    if (row.startedAt >= now - 7 * day && hasFailed(row)) return true;
    rest -= 1;
    return rest >= 0;
  });
  expect(ids).toEqual(wanted.map(({ id }) => id));
  expect(wanted.length).toBeGreaterThan(2_700);
  expect(total).toBe(rows);
});

it('takes and counts a user\'s own rows alone', { timeout: 60_000 }, async () => {
  const { ids, total } = await gathered(reader.ofUser(1001), null);
  const own = new Set(all.filter(({ user }) => user === 'grace').map(({ id }) => id));
  expect(ids.every((id) => own.has(id))).toBe(true);
  expect([ids.length > 0, total]).toEqual([true, own.size]);
});

it('ends at its time limit with what it has by then', async () => {
  const found = await gatherConnections(sourceOf(reader), { now, recording: null, limitMs: -1, signal: undefined });
  expect(found.choice).toMatchObject({ cut: true });
});
