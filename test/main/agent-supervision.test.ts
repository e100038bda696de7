// When the shell starts an agent, by courses of events. Not for how it is started (agent-process).
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerWithinMs, mostAttempts, supervise } from '../../electron/main/agent-supervision.ts';
import type { Supervision, SupervisionEvent } from '../../electron/main/agent-supervision.ts';

const silent: SupervisionEvent = { kind: 'silent', stopped: false };
const ended: SupervisionEvent = { kind: 'silent', stopped: true };
const answers: SupervisionEvent = { kind: 'answers' };
const asked: SupervisionEvent = { kind: 'asked' };
const tick: SupervisionEvent = { kind: 'tick' };
const failed: SupervisionEvent = { kind: 'failed', why: { kind: 'missing', file: '/opt/node' } };

type Step = readonly [seconds: number, event: SupervisionEvent];
const ticks = (from: number, to: number): Step[] => Array.from({ length: Math.floor((to - from) / 5) + 1 }, (_, index) => [from + index * 5, tick]);
const courses: readonly (readonly [name: string, steps: readonly Step[], starts: readonly number[], told: number, end: Supervision['kind']])[] = [
  ['an agent that runs is left alone', [[0, answers], ...ticks(5, 600)], [], 0, 'running'],
  ['none there: it is started once', [[0, silent], [1, silent], [5, tick], [6, answers]], [0], 0, 'running'],
  ['one that never answers is started again, with growing waits, and then told', [[0, silent], ...ticks(5, 300)], [0, 20, 40, 60, 85], 1, 'gone'],
  ['a program that is missing is told at once and not tried again', [[0, silent], [0, failed], [5, tick], [100, tick]], [0], 1, 'gone'],
  ['an agent that somebody stopped stays away', [[0, answers], [60, ended], ...ticks(65, 600)], [], 0, 'gone'],
  ['one that is lost is started again without a click, after the watchdog had its time', [[0, answers], [600, silent], ...ticks(605, 620), [621, answers]], [610], 0, 'running'],
  ['it comes back by itself', [[0, answers], [60, silent], [62, answers], ...ticks(65, 600)], [], 0, 'running'],
  ['one that answers and is lost again and again is given up and told', [
    [0, silent], [1, answers], ...[60, 120, 180, 240].flatMap((at): Step[] => [[at, silent], [at + 30, tick], [at + 31, answers]]), [300, silent], ...ticks(305, 600),
  ], [0, 90, 150, 210, 270], 1, 'gone'],
  ['one that was steady for long begins with no attempts', [[0, silent], [1, answers], [1_000, silent], ...ticks(1_005, 1_010), [1_012, answers]], [0, 1_010], 0, 'running'],
  ['a person may ask for it', [[0, answers], [60, ended], [70, asked], [71, answers]], [70], 0, 'running'],
  ['a person need not wait', [[0, answers], [600, silent], [601, asked], [602, answers]], [601], 0, 'running'],
  ['asking twice starts one', [[0, answers], [60, silent], [70, asked], [71, asked]], [70], 0, 'starting'],
  ['asking for what runs starts none', [[0, answers], [1, asked]], [], 0, 'running'],
  ['asking after it was given up begins anew', [[0, silent], [0, failed], [10, asked], [12, answers]], [0, 10], 1, 'running'],
];

/** When it is started, how often something is told, and how it ends. `service`: from when to when there is one. */
function courseOf(steps: readonly Step[], service: (at: number) => boolean): readonly [readonly number[], number, Supervision['kind']] {
  let state: Supervision = { kind: 'looking' };
  const seen: number[] = [];
  let heard = 0;
  for (const [at, event] of steps) {
    const step = supervise(state, event, at * 1_000, service(at));
    ({ state } = step);
    if (step.start) seen.push(at);
    if (step.tell !== null) heard += 1;
  }
  return [seen, heard, state.kind];
}

test.each(courses)('%s', (_name, steps, starts, told, end) => {
  expect(courseOf(steps, () => false)).toEqual([starts, told, end]);
});

describe('where the system has Pinlight as a service', () => {
  test.each<readonly [string, readonly Step[], Supervision['kind']]>([
    ['one that is not there yet is waited for', [[0, silent], ...ticks(5, 600)], 'service'],
    ['one that is lost is waited for', [[0, answers], [60, silent], ...ticks(65, 600)], 'service'],
    ['one that comes is used', [[0, silent], [30, answers], [35, tick]], 'running'],
    ['a person\'s wish starts none beside it', [[0, silent], [10, asked], [20, tick]], 'service'],
  ])('%s', (_name, steps, end) => expect(courseOf(steps, () => true)).toEqual([[], 0, end]));
  test('installed while one is on its way, nothing more is started', () => expect(courseOf([[0, silent], ...ticks(5, 600)], (at) => at >= 5)).toEqual([[0], 0, 'service']));
  test('removed, the shell starts its own', () => expect(courseOf([[0, silent], ...ticks(5, 20), [22, answers]], (at) => at < 15)).toEqual([[15], 0, 'running']));
});

test('a clock that is set back never makes it wait for hours', () => {
  let { state } = supervise({ kind: 'looking' }, silent, 10 * 3600_000, false);
  ({ state } = supervise(state, tick, 1_000, false));
  expect(supervise(state, tick, 1_000 + answerWithinMs, false).state.kind).toBe('waiting');
  ({ state } = supervise({ kind: 'waiting', attempt: 0, until: 10 * 3600_000 }, tick, 1_000, false));
  expect(supervise(state, tick, 60_000, false).start).toBe(true);
});

test('whatever happens, there are never more starts than attempts between two answers or requests', () => {
  const event = fc.oneof(...[silent, ended, answers, asked, tick, failed].map((one) => fc.constant(one)));
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(30), event), { maxLength: 200 }), (steps) => {
    let state: Supervision = { kind: 'looking' };
    let now = 0;
    let starts = 0;
    for (const [wait, one] of steps) {
      now += wait * 1_000;
      const step = supervise(state, one, now, false);
      ({ state } = step);
      starts = one.kind === 'answers' || one.kind === 'asked' ? Number(step.start) : starts + Number(step.start);
      expect(starts).toBeLessThanOrEqual(mostAttempts);
    }
  }), { numRuns: 1_000 });
});
