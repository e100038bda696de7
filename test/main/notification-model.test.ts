// Which notices follow from a course of states. Not for how they are shown.
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { emptyNoticeMemory, noticesFor } from '../../electron/main/notification-model.ts';
import type { Notice } from '../../electron/main/notification-model.ts';
import { appOf, exclusionOf, hostOf, noon, pinned, pinnedApp, rowOf, snapshotOf, undetermined, warningOf } from './snapshots.ts';

const second = 1000;
const minute = 60 * second;

type Step = readonly [at: number, snapshot: Snapshot | null];
const quiet = snapshotOf();
const withApps = (...names: readonly string[]): Snapshot => snapshotOf({ apps: names.map(pinnedApp) });

const courses: readonly (readonly [name: string, steps: readonly Step[], kinds: readonly Notice['kind'][]])[] = [
  ['the first snapshot is no news', [[0, withApps('slack', 'zoom')]], []],
  ['an app that gets bypassed is told once', [[0, quiet], [second, withApps('slack')], [minute, withApps('slack')]], ['app-bypassed']],
  ['an app that was told stays told after it was inspected again', [[0, quiet], [second, withApps('slack')], [minute, quiet], [2 * minute, withApps('slack')]], ['app-bypassed']],
  ['connections alone tell nothing', [[0, quiet], [second, snapshotOf({ recent: [rowOf({ outcome: { kind: 'refused', sign: 'alert', alert: 46 } })] })]], []],
  ['what policy orders is no news', [
    [0, quiet], [second, snapshotOf({ apps: [appOf('bank', [hostOf('b.example', 'bypass', undetermined)])] })],
    [minute, snapshotOf({ apps: [appOf('vpn', [hostOf('v.example', 'bypass', pinned, exclusionOf('managed'))])] })],
  ], []],
  ['what the person excluded is no news', [[0, quiet], [second, snapshotOf({ apps: [appOf('zed', [hostOf('z.example', 'bypass', undetermined, exclusionOf('user'))])] })]], []],
  ['three apps in ten minutes are told one by one', [[0, quiet], [second, withApps('a', 'b', 'c')]], ['app-bypassed', 'app-bypassed', 'app-bypassed']],
  ['the fourth and later wait, then come as one digest', [
    [0, quiet], [second, withApps('a', 'b', 'c', 'd')], [minute, withApps('a', 'b', 'c', 'd', 'e')], [11 * minute, withApps('a', 'b', 'c', 'd', 'e')],
    [12 * minute, withApps('a', 'b', 'c', 'd', 'e')],
  ], ['app-bypassed', 'app-bypassed', 'app-bypassed', 'apps-bypassed']],
  ['a hundred apps at once make three notices and a digest', [
    [0, quiet], [second, withApps(...Array.from({ length: 100 }, (_, index) => `app${index}`))],
    [20 * minute, withApps(...Array.from({ length: 100 }, (_, index) => `app${index}`))],
  ], ['app-bypassed', 'app-bypassed', 'app-bypassed', 'apps-bypassed']],
  ['an invalid policy is told at once, even on the first snapshot', [[0, snapshotOf({ warnings: [warningOf('policy-invalid')] })]], ['policy-invalid']],
  ['an invalid policy is told once while it stands', [
    [0, quiet], [second, snapshotOf({ warnings: [warningOf('policy-invalid')] })], [minute, snapshotOf({ warnings: [warningOf('policy-invalid')] })],
  ], ['policy-invalid']],
  ['a policy that breaks again is told again', [
    [0, snapshotOf({ warnings: [warningOf('policy-invalid')] })], [second, quiet], [minute, snapshotOf({ warnings: [warningOf('policy-invalid')] })],
  ], ['policy-invalid', 'policy-invalid']],
  ['other warnings are for the tray alone', [[0, quiet], [second, snapshotOf({ warnings: [warningOf('private-trust-store')] })]], []],
  ['an agent that never answered is not gone', [[0, null], [minute, null]], []],
  ['a restart of the agent is no news', [[0, quiet], [second, null], [4 * second, quiet]], []],
  ['an agent that stays away is told once, and its return too', [
    [0, quiet], [second, null], [12 * second, null], [20 * second, null], [minute, quiet], [2 * minute, quiet],
  ], ['agent-gone', 'agent-returned']],
  ['apps known before the agent went are no news after', [[0, quiet], [second, withApps('slack')], [2 * second, null], [4 * second, withApps('slack')]], ['app-bypassed']],
];

describe('notices', () => {
  test.each(courses)('%s', (_name, steps, kinds) => expect(run(steps).map((notice) => notice.kind)).toEqual(kinds));

  test('a notice about an app names it and says why', () => {
    expect(run([[0, quiet], [second, withApps('slack')]])).toEqual([
      { kind: 'app-bypassed', title: 'slack is let through uninspected', body: 'pinned: the next one: bypass' },
    ]);
  });

  test('the digest counts and names', () => {
    const digest = run([[0, quiet], [second, withApps('a', 'b', 'c', 'd', 'e')], [11 * minute, withApps('a', 'b', 'c', 'd', 'e')]]).at(-1);
    expect(digest).toEqual({ kind: 'apps-bypassed', title: '2 more apps are let through uninspected', body: 'd, e. The tray menu says why.' });
  });

  test('no course gives more than three notices about apps in any ten minutes', () => {
    const names: string[] = [];
    const times: number[] = [];
    let memory = noticesFor(emptyNoticeMemory, quiet, noon).memory;
    for (let step = 1; step <= 120; step += 1) {
      names.push(`app${step}`);
      const at = noon + step * 30 * second;
      const told = noticesFor(memory, withApps(...names), at);
      memory = told.memory;
      times.push(...told.notices.map(() => at));
    }
    for (const start of times) expect(times.filter((at) => at >= start && at < start + 10 * minute).length).toBeLessThanOrEqual(3);
  });
});

function run(steps: readonly Step[]): readonly Notice[] {
  let memory = emptyNoticeMemory;
  const all: Notice[] = [];
  for (const [at, snapshot] of steps) {
    const told = noticesFor(memory, snapshot, noon + at);
    memory = told.memory;
    all.push(...told.notices);
  }
  return all;
}
