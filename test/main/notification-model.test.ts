// Which notices follow from a course of states. Not for how they are shown.
import type { WindowPlace } from '../../electron/contract/window-place.ts';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { emptyNoticeMemory, noticesFor as noticesOf } from '../../electron/main/notification-model.ts';
import type { Notice, NoticeFacts, NoticeMemory } from '../../electron/main/notification-model.ts';
import { shellWords } from '../../electron/main/words.ts';
import { appOf, exclusionOf, hostOf, noon, pinned, pinnedApp, rowOf, snapshotOf, undetermined, warningOf } from './snapshots.ts';

const second = 1000;
const minute = 60 * second;

const words = shellWords('en');
const noticesFor = (memory: NoticeMemory, snapshot: Snapshot | null, now: number, change: Partial<NoticeFacts> = {}) => noticesOf(memory, { snapshot, now, trust: null, silenced: [], silencedKinds: [], words, ...change });
const pausedUntil = (until: number): Snapshot => {
  const snapshot = snapshotOf();
  return { ...snapshot, agent: { ...snapshot.agent, pause: { ...snapshot.agent.pause, active: { since: noon, until, reason: null } } } };
};

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
  ['a pause and its end are told', [[0, quiet], [second, pausedUntil(noon + minute)], [2 * minute, quiet]], ['paused', 'resumed']],
  ['a pause that ran before the icon came up is no news, its end is', [[0, pausedUntil(noon + minute)], [2 * minute, quiet]], ['resumed']],
  ['apps known before the agent went are no news after', [[0, quiet], [second, withApps('slack')], [2 * second, null], [4 * second, withApps('slack')]], ['app-bypassed']],
];

describe('notices', () => {
  test.each(courses)('%s', (_name, steps, kinds) => expect(run(steps).map((notice) => notice.kind)).toEqual(kinds));

  test('a notice about an app names it and says why', () => {
    expect(run([[0, quiet], [second, withApps('slack')]])).toEqual([
      { kind: 'app-bypassed', title: 'slack is let through uninspected', body: 'pinned: the next one: bypass', place: { screen: 'apps', app: 'id-slack' } },
    ]);
  });

  test.each<[string, Parameters<typeof run>[0], WindowPlace]>([
    ['several apps lead to the list', [[0, quiet], [second, withApps('a', 'b', 'c', 'd')], [11 * minute, withApps('a', 'b', 'c', 'd')]], { screen: 'apps' }],
    ['a policy problem leads to the policy', [[0, snapshotOf({ warnings: [warningOf('policy-invalid')] })]], { screen: 'policy' }],
    ['a pause leads to the status', [[0, quiet], [second, pausedUntil(noon + 5 * minute)]], { screen: 'overview' }],
  ])('%s', (_name, steps, place) => expect(run(steps).at(-1)?.place).toEqual(place));

  test('a pause is told with its end', () => {
    expect(run([[0, quiet], [second, pausedUntil(noon + 5 * minute)]])[0]?.body).toBe(`Until ${new Date(noon + 5 * minute).toTimeString().slice(0, 5)} nothing is inspected that policy does not demand.`);
  });

  const nowhere = { trusted: 0, checked: 4, fingerprint: 'AA' };
  test.each<[string, readonly (NoticeFacts['trust'])[], readonly string[]]>([
    ['a root that no store holds is told once', [nowhere, nowhere], ['root-untrusted']],
    ['one store is enough', [{ ...nowhere, trusted: 1 }], []],
    ['nothing is said before somebody has looked', [null, { ...nowhere, checked: 0 }], []],
    ['a root that was installed and removed is told again', [nowhere, { ...nowhere, trusted: 2 }, nowhere], ['root-untrusted', 'root-untrusted']],
    ['a new root is told anew', [nowhere, { ...nowhere, fingerprint: 'BB' }], ['root-untrusted', 'root-untrusted']],
    ['a root that cannot be used has a warning of its own', [{ ...nowhere, fingerprint: '' }], []],
  ])('%s', (_name, looks, kinds) => {
    let memory = emptyNoticeMemory;
    const told = looks.flatMap((trust, index) => {
      const step = noticesFor(memory, quiet, noon + index * minute, { trust });
      ({ memory } = step);
      return step.notices.map(({ kind }) => kind);
    });
    expect(told).toEqual(kinds);
  });

  test('a silenced kind is told to nobody, stays no news once it is heard of again, and others are told', () => {
    const begun = noticesFor(emptyNoticeMemory, quiet, noon).memory;
    const paused = pausedUntil(noon + minute);
    const change = { ...paused, apps: [pinnedApp('slack')] };
    const { notices, memory } = noticesFor(begun, change, noon + second, { silencedKinds: ['apps'] });
    expect(notices.map(({ kind }) => kind)).toEqual(['paused']);
    expect(noticesFor(memory, change, noon + 2 * second).notices).toEqual([]);
    expect(noticesFor(begun, change, noon + second, { silencedKinds: ['apps', 'pause'] }).notices).toEqual([]);
  });

  test('a silenced app is told neither alone nor in a digest, and others are', () => {
    const begun = noticesFor(emptyNoticeMemory, quiet, noon).memory;
    const { notices, memory } = noticesFor(begun, withApps('slack', 'zoom'), noon + second, { silenced: ['id-slack'] });
    expect(notices.map(({ title }) => title)).toEqual(['zoom is let through uninspected']);
    expect(noticesFor(memory, withApps('slack', 'zoom'), noon + minute).notices).toEqual([]);
    const many = noticesFor(begun, withApps('a', 'b', 'c', 'd', 'e'), noon + second).memory;
    expect(noticesFor(many, withApps('a', 'b', 'c', 'd', 'e'), noon + 11 * minute, { silenced: ['id-d'] }).notices.map(({ body }) => body)).toEqual(['e. The tray menu says why.']);
  });

  test('the digest counts and names', () => {
    const digest = run([[0, quiet], [second, withApps('a', 'b', 'c', 'd', 'e')], [11 * minute, withApps('a', 'b', 'c', 'd', 'e')]]).at(-1);
    expect(digest).toEqual({ kind: 'apps-bypassed', title: '2 more apps are let through uninspected', body: 'd, e. The tray menu says why.', place: { screen: 'apps' } });
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
