// The agent's small settings and the time-boxed detailed log, over restarts, hostile files and clocks.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogDetail, detailMs } from '../../electron/agent/log-detail.ts';
import { openSettingsFile } from '../../electron/agent/settings-file.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-settings-'));
  path = join(folder, 'settings.json');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('settings', () => {
  test('are there again after a restart, for their owner only, and nothing lies beside them', () => {
    expect(openSettingsFile(path).change({ logDetailUntil: 5, notices: { 1000: { version: 'v', shownAt: 1, acceptedAt: null } } })).toBe(true);
    expect(openSettingsFile(path).current()).toEqual({ logDetailUntil: 5, notices: { 1000: { version: 'v', shownAt: 1, acceptedAt: null } } });
    expect([readdirSync(folder), statSync(path).mode & 0o777]).toEqual([['settings.json'], 0o600]);
  });

  test.each([
    ['that is cut off', '{"notices":{"1000":{"ver'], ['that is empty', ''], ['that is a list', '[]'], ['of another shape', '{"notices":5,"logDetailUntil":"now"}'],
    ['with a record of another shape', '{"notices":{"1000":{"version":1,"shownAt":null,"acceptedAt":7}}}'],
  ])('a file %s counts as empty: then people are asked again', (_name, text) => {
    writeFileSync(path, text);
    expect(openSettingsFile(path).current()).toEqual({ logDetailUntil: null, notices: {} });
  });

  test('hold until the next start where the disk refuses', () => {
    const settings = openSettingsFile(join(folder, 'missing', 'settings.json'));
    expect([settings.change({ logDetailUntil: 5 }), settings.current().logDetailUntil]).toEqual([false, 5]);
  });
});

describe('a detailed log', () => {
  const begin = (time: { now: number }) => {
    const log = pino({ level: 'info' }, { write: () => undefined });
    const told: (number | null)[] = [];
    return { log, told, detail: createLogDetail({ log, settings: openSettingsFile(path), now: () => time.now, onChange: (until) => told.push(until) }) };
  };

  test('ends by itself after half an hour', () => {
    vi.useFakeTimers();
    const time = { now: 1_000_000 };
    const { log, told, detail } = begin(time);
    detail.set(true);
    expect([log.level, detail.until()]).toEqual(['debug', 1_000_000 + detailMs]);
    time.now += detailMs;
    vi.advanceTimersByTime(1_000);
    expect([log.level, detail.until(), told]).toEqual(['info', null, [1_000_000 + detailMs, null]]);
    expect(openSettingsFile(path).current().logDetailUntil).toBeNull();
  });

  test.each<[string, number, string]>([
    ['goes on after a restart', 60_000, 'debug'], ['does not come back when its time is over', detailMs, 'info'], ['is not stretched by a clock that was set back', -60_000, 'info'],
  ])('%s', (_name, passed, level) => {
    const time = { now: 10_000_000 };
    const first = begin(time);
    first.detail.set(true);
    first.detail.close();
    time.now += passed;
    const second = begin(time);
    second.detail.resume();
    expect(second.log.level).toBe(level);
    second.detail.close();
  });

  test('ends when it is told to, once', () => {
    const { log, told, detail } = begin({ now: 1 });
    detail.set(true);
    detail.set(false);
    detail.set(false);
    expect([log.level, told.length]).toEqual(['info', 2]);
  });
});
