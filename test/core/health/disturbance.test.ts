// What takes the weight off a refusal, by tables: two readings of a device, failures in a row, the age of a process.
import { describe, expect, test } from 'vitest';
import { isOlderThanRoot, portalSuspected, readDisturbance, readingEveryMs, type DeviceReading } from '../../../electron/core/health/disturbance.ts';
import type { DisturbanceKind, Owner, TrustView } from '../../../electron/core/model.ts';

const start: DeviceReading = { wallMs: 1_800_000_000_000, monotonicMs: 50_000, bootMs: 90_000, network: 'eth0 192.0.2.4' };
const oneClock: DeviceReading = { ...start, bootMs: null };
/** A reading later by so many ms of each clock; `boot` as monotonic where it is not given. */
const after = (from: DeviceReading, monotonic: number, wall = monotonic, boot = monotonic, network = from.network): DeviceReading => ({
  wallMs: from.wallMs + wall, monotonicMs: from.monotonicMs + monotonic, bootMs: from.bootMs === null ? null : from.bootMs + boot, network,
});
const hour = 3600_000;

describe('readDisturbance', () => {
  test.each<[string, DeviceReading, DeviceReading, DisturbanceKind | null]>([
    ['nothing happened', start, after(start, 2_000), null],
    ['the same reading twice', start, start, null],
    ['a night of sleep', start, after(start, 2_000, 8 * hour, 8 * hour), 'resume'],
    ['a short sleep', start, after(start, 2_000, 4_100, 4_100), 'resume'],
    ['a sleep as short as the clocks are apart', start, after(start, 2_000, 3_900, 3_900), null],
    ['a sleep during which the network changed', start, after(start, 2_000, hour, hour, 'wlan0 198.51.100.9'), 'resume'],
    ['a sleep after which the clock was wrong', start, after(start, 2_000, -hour, hour), 'resume'],
    ['the clock was put forward by an hour', start, after(start, 2_000, hour, 2_000), 'clock'],
    ['the clock was put back by an hour', start, after(start, 2_000, -hour, 2_000), 'clock'],
    ['the clock was put back to 1970', start, after(start, 2_000, -start.wallMs, 2_000), 'clock'],
    ['the clock was slewed by half a second', start, after(start, 2_000, 2_500, 2_000), null],
    ['the clock was set and the network changed', start, after(start, 2_000, hour, 2_000, ''), 'clock'],
    ['another address', start, after(start, 2_000, 2_000, 2_000, 'eth0 192.0.2.5'), 'network'],
    ['the network is gone', start, after(start, 2_000, 2_000, 2_000, ''), 'network'],
    ['the agent itself was stopped for a minute', start, after(start, 60_000), null],
    ['a boot clock that stands still', start, after(start, 60_000, 60_000, 0), null],
    ['a boot clock that stands still while the clock is set', start, after(start, 2_000, hour, 0), 'clock'],
    ['a boot clock that went back', start, after(start, 2_000, 2_000, -80_000), null],
    ['a boot clock that could not be read this time', start, { ...after(start, 2_000), bootMs: null }, null],
    ['one clock: nothing happened', oneClock, after(oneClock, 2_000), null],
    ['one clock: a reading somewhat late', oneClock, after(oneClock, readingEveryMs + 4_900), null],
    ['one clock: a reading a night late', oneClock, after(oneClock, 8 * hour), 'resume'],
    ['one clock: put forward', oneClock, after(oneClock, 2_000, hour), 'clock'],
    ['one clock: put back', oneClock, after(oneClock, 2_000, -hour), 'clock'],
    ['one clock: another network', oneClock, after(oneClock, 2_000, 2_000, 0, ''), 'network'],
  ])('%s', (_name, before, later, expected) => {
    expect(readDisturbance(before, later)).toBe(expected);
  });
});

describe('portalSuspected', () => {
  const at = (ms: number, host: string): { at: number; host: string } => ({ at: ms, host });
  test.each<[string, { at: number; host: string }[], number, boolean]>([
    ['no failure', [], 0, false],
    ['three hosts in a second', [at(0, 'a.test'), at(500, 'b.test'), at(1_000, 'c.test')], 1_000, true],
    ['two hosts', [at(0, 'a.test'), at(500, 'b.test')], 1_000, false],
    ['one host three times', [at(0, 'a.test'), at(1, 'a.test'), at(2, 'a.test')], 1_000, false],
    ['three hosts within just 30 s', [at(0, 'a.test'), at(500, 'b.test'), at(30_000, 'c.test')], 30_000, true],
    ['three hosts over more than 30 s', [at(0, 'a.test'), at(500, 'b.test'), at(30_001, 'c.test')], 30_001, false],
    ['failures of the future, by a clock that went back', [at(9_000, 'a.test'), at(9_000, 'b.test'), at(9_000, 'c.test')], 1_000, false],
    ['hostile names', [at(0, ''), at(0, '\u0000'.repeat(300)), at(0, '__proto__')], 0, true],
  ])('%s', (_name, failures, now, expected) => {
    expect(portalSuspected(failures, now)).toBe(expected);
  });
});

describe('isOlderThanRoot', () => {
  const made = 1_000_000;
  const process = (startedAt: number): Owner => ({ kind: 'process', pid: 7, uid: 1000, user: null, startedAt, path: '/usr/bin/app', commandLine: ['app'], parents: [], sandbox: null });
  const gone: Owner = { kind: 'unknown', why: 'gone', uid: null, sandbox: null };
  const trust = (holdsRoot: boolean | null, stale = false): TrustView => ({ store: 'system', holdsRoot, because: 'b', stale });
  test.each<[string, Owner, TrustView | null, boolean]>([
    ['older than the root, its store unknown', process(made - 1), null, true],
    ['younger than the root, its store unknown', process(made), null, false],
    ['older than the root, its store cannot be told', process(made - 1), trust(null), true],
    ['younger than the root, but the root came into its store later', process(made + 1), trust(null, true), true],
    ['a process that is gone, with a stale store', gone, trust(null, true), true],
    ['a process that is gone', gone, null, false],
    ['older than the root, and its store lacks it still', process(made - 1), trust(false), false],
    ['older than the root, and it reads the store that holds it anew', process(made - 1), trust(true), false],
  ])('%s', (_name, owner, view, expected) => {
    expect(isOlderThanRoot(owner, view, made)).toBe(expected);
  });
});
