// The watcher of disturbances with a device and a time of its own: when it looks, what it tells, how the portal rule counts.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDisturbances, type Disturbances } from '../../../electron/agent/health/disturbances.ts';
import { readingEveryMs, type DeviceReading } from '../../../electron/core/health/disturbance.ts';
import type { Disturbance } from '../../../electron/core/model.ts';

const began = 1_800_000_000_000;
const hour = 3600_000;

let asleep: number;
let stepped: number;
let network: string;
let looks: number;
let told: (Disturbance | null)[];
let portals: boolean[];
let disturbances: Disturbances;

const wall = (): number => began + performance.now() + asleep + stepped;
const read = (): DeviceReading => {
  looks += 1;
  return { wallMs: wall(), monotonicMs: performance.now(), bootMs: performance.now() + asleep, network };
};
const pass = (ms: number): void => { vi.advanceTimersByTime(ms); };
const lookNow = (): Disturbance | null => {
  pass(300);
  return disturbances.last();
};
const kinds = (): (string | null)[] => told.map((one) => one?.kind ?? null);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] });
  [asleep, stepped, network, looks, told, portals] = [0, 0, 'eth0 192.0.2.4', 0, [], []];
  disturbances = createDisturbances({ read, now: wall, everyMs: readingEveryMs, onChange: (disturbance) => told.push(disturbance), onPortal: (there) => portals.push(there) });
});
afterEach(() => {
  disturbances.close();
  vi.useRealTimers();
});

test('nothing happens: nothing is told, one look every two seconds', () => {
  pass(60_000);
  expect([disturbances.last(), told, looks]).toEqual([null, [], 31]);
});

test.each<[string, () => void, Disturbance['kind']]>([
  ['a night of sleep', () => { asleep += 8 * hour; }, 'resume'],
  ['another network', () => { network = 'wlan0 198.51.100.9'; }, 'network'],
  ['the clock goes back by a year', () => { stepped -= 365 * 24 * hour; }, 'clock'],
  ['the clock goes ahead by a year', () => { stepped += 365 * 24 * hour; }, 'clock'],
])('%s is told at the next look, once, and is over 60 s later whatever the clock says', (_name, disturb, kind) => {
  pass(10_000);
  disturb();
  pass(readingEveryMs);
  const at = wall();
  expect(disturbances.last()).toEqual({ kind, at });
  expect(told).toEqual([{ kind, at }]);
  pass(59_999);
  expect(told).toHaveLength(1);
  pass(1);
  expect(kinds()).toEqual([kind, null]);
  // What was last stays known: the judge compares times.
  expect(disturbances.last()).toEqual({ kind, at });
});

test('whoever asks gets a look that is 250 ms old at most, and many questions cost no more', () => {
  pass(1_000);
  asleep += hour;
  expect(disturbances.last()?.kind).toBe('resume');
  const before = looks;
  for (let n = 0; n < 10_000; n += 1) disturbances.last();
  expect(looks).toBe(before);
});

test('a resume, then its network a moment later: the last one counts, and the pause is longer', () => {
  asleep += hour;
  expect(lookNow()?.kind).toBe('resume');
  pass(5_000);
  network = '';
  expect(lookNow()?.kind).toBe('network');
  pass(55_000);
  expect(kinds()).toEqual(['resume', 'network']);
  pass(5_000);
  expect(kinds()).toEqual(['resume', 'network', null]);
});

test('a network that flaps back and a clock that is set again are disturbances too', () => {
  stepped = -hour;
  expect(lookNow()?.kind).toBe('clock');
  stepped = 0;
  expect(lookNow()?.kind).toBe('clock');
  network = '';
  lookNow();
  network = 'eth0 192.0.2.4';
  expect(lookNow()?.kind).toBe('network');
  expect(kinds()).toEqual(['clock', 'clock', 'network', 'network']);
});

test('a new root is noted by who knows of it', () => {
  disturbances.note('root');
  expect(disturbances.last()).toEqual({ kind: 'root', at: wall() });
});

test('certificates of three domains that had verified turn invalid: a portal, also by a clock that goes back meanwhile', () => {
  for (const host of ['www.one.test', 'two.test', 'three.test', 'api.one.test']) disturbances.upstreamVerified(host);
  disturbances.upstreamInvalid('www.one.test');
  disturbances.upstreamInvalid('api.one.test');
  disturbances.upstreamInvalid('two.test');
  disturbances.upstreamInvalid('two.test');
  disturbances.upstreamInvalid('never-verified.test');
  expect(told).toEqual([]);
  stepped = -500;
  disturbances.upstreamInvalid('three.test');
  expect(disturbances.last()).toEqual({ kind: 'portal', at: wall() });
  expect(portals).toEqual([true]);
  disturbances.upstreamVerified('two.test');
  disturbances.upstreamVerified('three.test');
  expect(portals).toEqual([true, false]);
});

test('three domains over more than 30 s are no portal; a domain counts again when it has verified again', () => {
  for (const host of ['one.test', 'two.test', 'three.test']) disturbances.upstreamVerified(host);
  disturbances.upstreamInvalid('one.test');
  disturbances.upstreamInvalid('two.test');
  pass(30_001);
  disturbances.upstreamInvalid('three.test');
  expect(told).toEqual([]);
  for (const host of ['one.test', 'two.test']) disturbances.upstreamVerified(host);
  for (const host of ['one.test', 'two.test']) disturbances.upstreamInvalid(host);
  expect(kinds()).toEqual(['portal']);
});

test('addresses and hostile names are hosts like others', () => {
  const names = ['192.0.2.9', '2001:db8::1', '\u0000'.repeat(300)];
  for (const name of names) disturbances.upstreamVerified(name);
  for (const name of names) disturbances.upstreamInvalid(name);
  expect(kinds()).toEqual(['portal']);
});

test('a thousand hosts are remembered, not more', () => {
  for (let n = 0; n < 1_003; n += 1) disturbances.upstreamVerified(`h${n}.test`);
  for (const n of [0, 1, 2]) disturbances.upstreamInvalid(`h${n}.test`);
  expect(told).toEqual([]);
  for (const n of [3, 500, 1_002]) disturbances.upstreamInvalid(`h${n}.test`);
  expect(kinds()).toEqual(['portal']);
});

test('after the end nothing is looked at or told', () => {
  disturbances.note('root');
  disturbances.close();
  const before = looks;
  asleep += hour;
  pass(hour);
  expect([looks, kinds()]).toEqual([before, ['root']]);
});
