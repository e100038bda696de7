// When the shell starts an agent, by courses of events. Not for how it is started (agent-process).
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerWithinMs, mostAttempts, supervise } from '../../electron/main/agent-supervision.ts';
import type { Supervision, SupervisionEvent } from '../../electron/main/agent-supervision.ts';

const silent: SupervisionEvent = { kind: 'silent' };
const answers: SupervisionEvent = { kind: 'answers' };
const asked: SupervisionEvent = { kind: 'asked' };
const tick: SupervisionEvent = { kind: 'tick' };
const failed: SupervisionEvent = { kind: 'failed', why: 'node does not exist' };

type Step = readonly [seconds: number, event: SupervisionEvent];
const courses: readonly (readonly [name: string, steps: readonly Step[], starts: readonly number[], told: number, end: Supervision['kind']])[] = [
  ['an agent that runs is left alone', [[0, answers], [5, tick], [10, tick]], [], 0, 'running'],
  ['none there: it is started once', [[0, silent], [1, silent], [5, tick], [6, answers]], [0], 0, 'running'],
  ['one that never answers is started again, with growing waits, and then told', [
    [0, silent], ...Array.from({ length: 60 }, (_, index): Step => [5 + index * 5, tick]),
  ], [0, 20, 40, 60, 85], 1, 'gone'],
  ['a program that is missing is told at once and not tried again', [[0, silent], [0, failed], [5, tick], [100, tick]], [0], 1, 'gone'],
  ['an agent that ran and went is not started: a person may have stopped it, and a crash is the watchdog\'s', [[0, answers], [60, silent], [65, tick], [600, tick]], [], 0, 'gone'],
  ['it comes back by itself', [[0, answers], [60, silent], [62, answers]], [], 0, 'running'],
  ['a person may ask for it', [[0, answers], [60, silent], [70, asked], [71, answers]], [70], 0, 'running'],
  ['asking twice starts one', [[0, answers], [60, silent], [70, asked], [71, asked]], [70], 0, 'starting'],
  ['asking for what runs starts none', [[0, answers], [1, asked]], [], 0, 'running'],
  ['asking after it was given up begins anew', [[0, silent], [0, failed], [10, asked], [12, answers]], [0, 10], 1, 'running'],
];

test.each(courses)('%s', (_name, steps, starts, told, end) => {
  let state: Supervision = { kind: 'looking' };
  const seen: number[] = [];
  let heard = 0;
  for (const [at, event] of steps) {
    const step = supervise(state, event, at * 1_000);
    ({ state } = step);
    if (step.start) seen.push(at);
    if (step.tell !== null) heard += 1;
  }
  expect([seen, heard, state.kind]).toEqual([starts, told, end]);
});

test('a clock that is set back never makes it wait for hours', () => {
  let { state } = supervise({ kind: 'looking' }, silent, 10 * 3600_000);
  ({ state } = supervise(state, tick, 1_000));
  expect(supervise(state, tick, 1_000 + answerWithinMs).state.kind).toBe('waiting');
});

test('whatever happens, there are never more starts than attempts between two answers or requests', () => {
  const event = fc.oneof(...[silent, answers, asked, tick, failed].map((one) => fc.constant(one)));
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(30), event), { maxLength: 200 }), (steps) => {
    let state: Supervision = { kind: 'looking' };
    let now = 0;
    let starts = 0;
    for (const [wait, one] of steps) {
      now += wait * 1_000;
      const step = supervise(state, one, now);
      ({ state } = step);
      starts = one.kind === 'answers' || one.kind === 'asked' ? Number(step.start) : starts + Number(step.start);
      expect(starts).toBeLessThanOrEqual(mostAttempts);
    }
  }), { numRuns: 1_000 });
});
