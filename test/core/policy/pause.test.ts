// May inspection be paused, by table. Not for carrying it out (test/agent/control/pauses).
import { describe, expect, test } from 'vitest';
import { judgePause } from '../../../electron/core/policy/pause.ts';
import type { PauseWish } from '../../../electron/core/policy/pause.ts';
import type { PolicyPause } from '../../../electron/core/policy/policy.ts';

const pause: PolicyPause = { mode: 'allow', maxMinutes: 30, maxPerDay: 3, keyFile: null };
const judge = (change: Partial<PolicyPause>, wish: Partial<PauseWish>, managedBy = null as null | { name: string; caption: null; url: null }) =>
  judgePause({ pause: { ...pause, ...change }, managedBy }, { minutes: undefined, reason: undefined, used: 0, ...wish });

describe('allowed', () => {
  test.each<[string, Partial<PolicyPause>, Partial<PauseWish>, { minutes: number; reason: string | null; needsCode: string | null }]>([
    ['without a number of minutes it is 15', {}, {}, { minutes: 15, reason: null, needsCode: null }],
    ['or the most that policy allows, where that is less', { maxMinutes: 5 }, {}, { minutes: 5, reason: null, needsCode: null }],
    ['the whole of what policy allows', {}, { minutes: 30 }, { minutes: 30, reason: null, needsCode: null }],
    ['a reason is kept without the space around it', {}, { reason: '  a call ' }, { minutes: 15, reason: 'a call', needsCode: null }],
    ['an empty reason is none', {}, { reason: ' ' }, { minutes: 15, reason: null, needsCode: null }],
    ['a reason where policy asks for one', { mode: 'comment' }, { reason: 'a call' }, { minutes: 15, reason: 'a call', needsCode: null }],
    ['a code is asked for by passcode', { mode: 'passcode' }, {}, { minutes: 15, reason: null, needsCode: 'passcode' }],
    ['and by ticket', { mode: 'ticket' }, {}, { minutes: 15, reason: null, needsCode: 'ticket' }],
    ['the last of the day', {}, { used: 2 }, { minutes: 15, reason: null, needsCode: null }],
  ])('%s', (_name, policy, wish, expected) => expect(judge(policy, wish)).toEqual({ kind: 'allowed', ...expected }));
});

describe('not allowed', () => {
  test.each<[string, Partial<PolicyPause>, Partial<PauseWish>, 'forbidden' | 'refused', string]>([
    ['where policy forbids it, whatever is given', { mode: 'disallow' }, { minutes: 1, reason: 'x' }, 'forbidden', 'pause.mode'],
    ['more than the day has', {}, { used: 3 }, 'forbidden', '3 pauses within 24 hours'],
    ['a day of none is none, not unlimited', { maxPerDay: 0 }, {}, 'forbidden', '0 pauses'],
    ['a minute more than policy allows', {}, { minutes: 31 }, 'refused', 'from 1 to 30'],
    ['zero minutes, which elsewhere mean "without end"', {}, { minutes: 0 }, 'refused', 'from 1 to 30'],
    ['half a minute', {}, { minutes: 1.5 }, 'refused', 'whole number'],
    ['minutes that are no number', {}, { minutes: Number.NaN }, 'refused', 'whole number'],
    ['minutes as text', {}, { minutes: '5' }, 'refused', 'whole number'],
    ['a reason that is no text', {}, { reason: { toString: () => 'x' } }, 'refused', 'text of at most 300'],
    ['a reason of a book', {}, { reason: 'x'.repeat(301) }, 'refused', 'text of at most 300'],
    ['no reason where policy asks for one', { mode: 'comment' }, {}, 'refused', 'asks for a reason'],
    ['white space as a reason', { mode: 'comment' }, { reason: ' \n ' }, 'refused', 'asks for a reason'],
  ])('%s', (_name, policy, wish, kind, words) => {
    const judged = judge(policy, wish);
    expect(judged).toMatchObject({ kind, why: expect.stringContaining(words) });
  });

  test('who forbids it is named', () => {
    expect(judge({ mode: 'disallow' }, {}, { name: 'Contoso IT', caption: null, url: null })).toMatchObject({ why: expect.stringContaining('Contoso IT') });
  });
});
