// Pauses with a clock of the test's own: how they begin, end and count, and what codes are worth. The policy part by table is core's.
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPauses } from '../../../electron/agent/control/pauses.ts';
import type { Pauses, PauseSources } from '../../../electron/agent/control/pauses.ts';
import { PinlightError } from '../../../electron/contract/errors.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import { deviceKey, keyText, passcodeOf, ticketAnswer } from '../../../electron/core/policy/pause-code.ts';
import type { Pause } from '../../../electron/core/policy/pause.ts';
import type { PolicyPause } from '../../../electron/core/policy/policy.ts';

const minute = 60_000;
const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array => createHmac('sha256', key).update(message).digest();
const key = deviceKey(hmac, new Uint8Array(32), 'LAPTOP-42');

let wall = 0;
let awake = 0;
let rules: PolicyPause;
let audit: { at: number; kind: string; detail: Readonly<Record<string, unknown>> }[];
let changes: (Pause | null)[];
let pauses: Pauses;

beforeEach(() => {
  vi.useFakeTimers();
  wall = Date.UTC(2026, 10, 21, 12);
  awake = 0;
  rules = { mode: 'allow', maxMinutes: 30, maxPerDay: 3, keyFile: '/key' };
  audit = [];
  changes = [];
  pauses = begin();
});
afterEach(() => {
  pauses.close();
  vi.useRealTimers();
});

function begin(change: Partial<PauseSources> = {}): Pauses {
  return createPauses({
    policy: () => ({ ...mergePolicy([], []), pause: rules }), device: 'LAPTOP-42', readKeyFile: (path) => (path === '/key' ? keyText(key) : null),
    history: (kind, since) => audit.filter((row) => row.kind === kind && row.at >= since), audit: (kind, detail) => audit.push({ at: wall, kind, detail }),
    onChange: (pause) => changes.push(pause), now: () => wall, uptime: () => awake, ...change,
  });
}

function pass(ms: number): void {
  wall += ms;
  awake += ms;
  vi.advanceTimersByTime(ms);
}

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'done';
  } catch (thrown) {
    return thrown instanceof PinlightError ? thrown.code : `not ours: ${String(thrown)}`;
  }
}

describe('somebody else\'s pause', () => {
  test('is not ended by another user, nor by a shorter one of theirs; by its owner and an administrator it is', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    expect(codeOf(() => pauses.resume('ben'))).toBe('not-permitted');
    expect(codeOf(() => pauses.begin({ minutes: 1 }, 'ben'))).toBe('pause-refused');
    expect(pauses.isPaused()).toBe(true);
    expect(pauses.resume('ann')).not.toBeNull();
    pauses.begin({ minutes: 5 }, 'ann');
    expect(codeOf(() => pauses.begin({ minutes: 10 }, 'ben'))).toBe('done');
    expect(pauses.resume(null)?.until).toBe(wall + 10 * minute);
  });
  test('runs on when another user, who began a longer one, ends that', () => {
    const anns = pauses.begin({ minutes: 10 }, 'ann');
    pass(minute);
    const bens = pauses.begin({ minutes: 20 }, 'ben');
    expect(pauses.view().active).toEqual(bens);
    expect(pauses.resume('ben')).toEqual(bens);
    expect([pauses.isPaused(), pauses.view().active, changes]).toEqual([true, anns, [anns, bens, anns]]);
    pass(9 * minute);
    expect([pauses.isPaused(), changes.at(-1)]).toEqual([false, null]);
    expect(audit.map(({ kind, detail }) => [kind, detail['why']])).toEqual([['paused', undefined], ['paused', undefined], ['pause-ended', 'resumed'], ['pause-ended', 'time']]);
  });
  test('bounds a shorter one of a user who had a longer one before', () => {
    pauses.begin({ minutes: 5 }, 'ann');
    pauses.begin({ minutes: 10 }, 'ben');
    expect(codeOf(() => pauses.begin({ minutes: 2 }, 'ben'))).toBe('pause-refused');
    expect(pauses.view().active?.until).toBe(wall + 10 * minute);
  });
  test('is not locked by another user\'s wrong codes', () => {
    rules = { ...rules, mode: 'passcode' };
    for (let count = 0; count < 6; count += 1) codeOf(() => pauses.begin({ minutes: 10, code: 'AAAAAAAA' }, 'ben'));
    const code = passcodeOf(hmac, key, { device: 'LAPTOP-42', hour: Math.floor(wall / 3600_000), minutes: 10 });
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ben'))).toBe('pause-refused');
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ann'))).toBe('done');
  });
});

describe('a pause ends', () => {
  test('by time, and says so without being asked', () => {
    expect(pauses.begin({ minutes: 10, reason: 'a call' }, 'ann')).toEqual({ since: wall, until: wall + 10 * minute, reason: 'a call' });
    pass(10 * minute - 1_000);
    expect(pauses.isPaused()).toBe(true);
    pass(1_000);
    expect(changes.at(-1)).toBeNull();
    expect([pauses.isPaused(), audit.at(-1)]).toMatchObject([false, { kind: 'pause-ended', detail: { why: 'time' } }]);
  });

  test('by hand', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    expect(pauses.resume('ann')?.until).toBe(wall + 10 * minute);
    expect([pauses.isPaused(), pauses.resume('ann')]).toEqual([false, null]);
  });

  test('while the device sleeps: the clock on the wall goes on', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    wall += 11 * minute;
    expect(pauses.isPaused()).toBe(false);
  });

  test('however far back somebody sets the clock', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    wall -= 10 * 3600_000;
    awake += 10 * minute;
    expect(pauses.isPaused()).toBe(false);
  });

  test('with the policy that allowed it', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    rules = { ...rules, mode: 'disallow' };
    pauses.policyChanged();
    expect([pauses.isPaused(), audit.at(-1)?.detail['why']]).toEqual([false, 'policy']);
  });

  test('with the agent, and does not come back with the next one', () => {
    pauses.begin({ minutes: 10 }, 'ann');
    pauses.close();
    expect(audit.at(-1)).toMatchObject({ kind: 'pause-ended', detail: { why: 'agent-ended' } });
    expect(begin().isPaused()).toBe(false);
  });
});

describe('a day has so many', () => {
  test('and not one more, also over a restart of the agent', () => {
    for (let count = 0; count < 3; count += 1) pauses.begin({ minutes: 1 }, 'ann');
    expect(codeOf(() => pauses.begin({ minutes: 1 }, 'ann'))).toBe('not-permitted-by-policy');
    pauses.close();
    pauses = begin();
    expect([pauses.view().left, codeOf(() => pauses.begin({ minutes: 1 }, 'ann'))]).toEqual([0, 'not-permitted-by-policy']);
    wall += 24 * 3600_000;
    expect(codeOf(() => pauses.begin({ minutes: 1 }, 'ann'))).toBe('done');
  });

  test('each is on record with its reason', () => {
    pauses.begin({ minutes: 5, reason: 'a call' }, 'ann');
    expect(audit).toEqual([{ at: wall, kind: 'paused', detail: { minutes: 5, reason: 'a call', mode: 'allow' } }]);
  });
});

describe('a ticket', () => {
  beforeEach(() => {
    rules = { ...rules, mode: 'ticket', maxPerDay: 50 };
  });
  const answerTo = (request: string, minutes: number): string => ticketAnswer(hmac, key, { device: 'LAPTOP-42', request, minutes });

  test('is answered once', () => {
    const { request, device } = pauses.ticket();
    expect([pauses.ticket().request, device]).toEqual([request, 'LAPTOP-42']);
    const code = answerTo(request, 10);
    expect(codeOf(() => pauses.begin({ minutes: 10, code: ` ${code.toLowerCase()} ` }, 'ann'))).toBe('done');
    pauses.resume('ann');
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ann'))).toBe('pause-refused');
    expect(pauses.ticket().request).not.toBe(request);
  });

  test.each<[string, (request: string) => unknown, number]>([
    ['without an answer', () => undefined, 10], ['with the answer for fewer minutes', (request) => answerTo(request, 5), 10],
    ['with an answer to another request', () => answerTo('AAAAAAAA', 10), 10], ['with no text', () => 5, 10],
    ['with a megabyte', () => 'A'.repeat(1_000_000), 10],
  ])('does not open %s', (_name, code, minutes) => {
    const { request } = pauses.ticket();
    expect(codeOf(() => pauses.begin({ minutes, code: code(request) }, 'ann'))).toBe('pause-refused');
  });

  test('without a request of ours nothing opens it', () => {
    expect(codeOf(() => pauses.begin({ minutes: 10, code: answerTo('ABCDEFGH', 10) }, 'ann'))).toBe('pause-refused');
  });

  test('five wrong ones close it for an hour, also over a restart of the agent', () => {
    const { request } = pauses.ticket();
    for (let count = 0; count < 5; count += 1) codeOf(() => pauses.begin({ minutes: 10, code: 'AAAAAAAAAA' }, 'ann'));
    expect(codeOf(() => pauses.begin({ minutes: 10, code: answerTo(request, 10) }, 'ann'))).toBe('pause-refused');
    pauses.close();
    pauses = begin();
    const again = pauses.ticket().request;
    expect(codeOf(() => pauses.begin({ minutes: 10, code: answerTo(again, 10) }, 'ann'))).toBe('pause-refused');
    wall += 3600_000;
    expect(codeOf(() => pauses.begin({ minutes: 10, code: answerTo(again, 10) }, 'ann'))).toBe('done');
  });

  test('needs the device\'s key', () => {
    rules = { ...rules, keyFile: '/missing' };
    expect(codeOf(() => pauses.ticket())).toBe('pause-refused');
  });
});

describe('a passcode', () => {
  beforeEach(() => {
    rules = { ...rules, mode: 'passcode' };
  });
  const codeAt = (time: number, minutes = 10): string => passcodeOf(hmac, key, { device: 'LAPTOP-42', hour: Math.floor(time / 3600_000), minutes });

  test('opens once, in its hour or the next', () => {
    const code = codeAt(wall);
    wall += 3600_000;
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ann'))).toBe('done');
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ann'))).toBe('pause-refused');
  });

  test('stays used when the agent is started anew', () => {
    const code = codeAt(wall);
    pauses.begin({ minutes: 10, code }, 'ann');
    pauses.close();
    pauses = begin();
    expect(codeOf(() => pauses.begin({ minutes: 10, code }, 'ann'))).toBe('pause-refused');
  });

  test.each<[string, () => string]>([
    ['of two hours ago', () => codeAt(wall - 2 * 3600_000)], ['of the next hour', () => codeAt(wall + 3600_000)], ['for other minutes', () => codeAt(wall, 30)],
  ])('%s does not', (_name, code) => expect(codeOf(() => pauses.begin({ minutes: 10, code: code() }, 'ann'))).toBe('pause-refused'));
});
