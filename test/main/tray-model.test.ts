// What the tray says in every state. Not for how Electron draws it.
import { describe, expect, test } from 'vitest';
import { plainText } from '../../electron/main/tray-items.ts';
import type { TrayItem, TrayModel } from '../../electron/main/tray-items.ts';
import { trayModel as modelOf } from '../../electron/main/tray-model.ts';
import type { TrayFacts } from '../../electron/main/tray-model.ts';
import { shellWords } from '../../electron/main/words.ts';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { sentence } from '../../electron/core/sentence.ts';
import type { BundleState } from '../../electron/main/bundle-work.ts';
import {
  appOf, exclusionOf, hostOf, noon, pinned, pinnedApp, privateStore, rowOf, snapshotOf, undetermined, warningOf,
} from './snapshots.ts';

const words = shellWords('en');
const plain: TrayFacts = { snapshot: null, now: noon, away: 'gone', service: false, version: '0.1.0', trust: null, silenced: [], silencedKinds: [], openAtLogin: null, bundle: { kind: 'none' }, words };
/** The tray of the English shell that knows nothing besides the snapshot. */
const trayModel = (snapshot: Snapshot | null, now: number, change: Partial<TrayFacts> = {}): TrayModel => modelOf({ ...plain, snapshot, now, ...change });
const pausing = (change: Partial<Snapshot['agent']['pause']>): Snapshot => {
  const snapshot = snapshotOf();
  return { ...snapshot, agent: { ...snapshot.agent, pause: { ...snapshot.agent.pause, ...change } } };
};
const paused = pausing({ active: { since: noon, until: noon + 12.7 * 60_000, reason: null } });
const managed = (url: string | null): Snapshot => {
  const snapshot = snapshotOf();
  return { ...snapshot, agent: { ...snapshot.agent, policy: { ...snapshot.agent.policy, managedBy: { name: 'Contoso IT', caption: null, url } } } };
};

const states: readonly (readonly [name: string, snapshot: Snapshot | null, shape: TrayModel['shape'], status: string, tooltip: string])[] = [
  ['no agent is an outline that says nothing is inspected', null, 'outline', 'The agent is not running: nothing is inspected', 'Pinlight - agent not running'],
  ['inspected connections make it solid', snapshotOf(), 'solid', 'Inspecting: 12 connections since the agent started', 'Pinlight - inspecting'],
  ['one connection is not called connections', snapshotOf({ counts: { inspect: 1, bypass: 0, block: 0, open: 0 } }), 'solid',
    'Inspecting: 1 connection since the agent started', 'Pinlight - inspecting'],
  ['without any connection it claims no protection', snapshotOf({ counts: { inspect: 0, bypass: 0, block: 0, open: 0 } }), 'half',
    'No program sends its connections here yet (pinlight steer on)', 'Pinlight - no program connects yet'],
  ['with everything let through it claims no inspection', snapshotOf({ counts: { inspect: 0, bypass: 5, block: 0, open: 0 } }), 'half',
    'Nothing inspected so far (let through: 5, blocked: 0)', 'Pinlight - nothing inspected so far'],
  ['with apps known from before it is ready', snapshotOf({ counts: { inspect: 0, bypass: 0, block: 0, open: 0 }, apps: [appOf('curl', [])] }), 'half',
    'Ready: no connection since the agent started', 'Pinlight - ready'],
  ['without a network it says so', snapshotOf({ warnings: [warningOf('offline')] }), 'half', 'The device has no network', 'Pinlight - The device has no network'],
  ['with a root that nobody trusts and nothing inspected it claims no protection', snapshotOf({ counts: { inspect: 0, bypass: 5, block: 0, open: 0 }, warnings: [warningOf('root-not-trusted')] }), 'half',
    'No store trusts the root of this device', 'Pinlight - No store trusts the root of this device'],
  ['before the notice is accepted nothing is inspected', { ...snapshotOf(), agent: { ...snapshotOf().agent, noticePending: true } }, 'half',
    'Nothing of yours is inspected until you accept the notice', 'Pinlight - notice not accepted'],
  ['without rules nothing is inspected', { ...snapshotOf(), agent: { ...snapshotOf().agent, policy: { ...snapshotOf().agent.policy, rules: 0 } } }, 'half',
    'Nothing is inspected: the policy has no rules', 'Pinlight - policy without rules'],
  ['an error is a bar and its title', snapshotOf({ warnings: [warningOf('policy-invalid')] }), 'bar', 'Policy problem', 'Pinlight - Policy problem'],
  ['an unusable root is a bar, although traffic passes', snapshotOf({ warnings: [warningOf('root-unusable')] }), 'bar',
    'Root key cannot be used', 'Pinlight - Root key cannot be used'],
  ['a warning is a half', snapshotOf({ warnings: [warningOf('root-expiring')] }), 'half',
    'Running, with a warning: Root certificate ends soon', 'Pinlight - running: Root certificate ends soon'],
  ['a notice changes no shape', snapshotOf({ warnings: [warningOf('private-trust-store')] }), 'solid',
    'Inspecting: 12 connections since the agent started', 'Pinlight - inspecting'],
  ['a pause is a half that says how long it lasts', paused, 'half', 'Paused: 13 min left', 'Pinlight - paused, 13 min left'],
  ['an error counts more than a pause', { ...paused, warnings: [warningOf('policy-invalid')] }, 'bar', 'Policy problem', 'Pinlight - Policy problem'],
  ['an agent of another version is a half', { ...snapshotOf(), agent: { ...snapshotOf().agent, version: '0.0.9' } }, 'half',
    'Inspecting: 12 connections since the agent started', 'Pinlight - inspecting'],
  ['bypassed apps are counted in the tooltip', snapshotOf({ apps: [pinnedApp('slack'), pinnedApp('dropbox')] }), 'solid',
    'Inspecting: 12 connections since the agent started', 'Pinlight - inspecting, 2 apps bypassed'],
];

describe('the tray in every state', () => {
  test.each(states)('%s', (_name, snapshot, shape, status, tooltip) => {
    const model = trayModel(snapshot, noon);
    expect([model.shape, find(model, 'status')?.label, model.tooltip]).toEqual([shape, status, tooltip]);
  });

  test.each(states)('item ids are unique and every item with text has some: %s', (_name, snapshot) => {
    const items = flat(trayModel(snapshot, noon).items);
    expect(new Set(items.map((item) => item.id)).size).toBe(items.length);
    for (const item of items) if (item.kind !== 'separator') expect(item.label.trim()).not.toBe('');
  });
});

describe('the menu', () => {
  test('offers exactly what works while an agent answers', () => {
    expect(trayModel(snapshotOf(), noon).items.map((item) => item.id)).toEqual([
      'status', 'device', 'after-status', 'bypassed', 'after-apps', 'pause', 'reload-policy', 'check-trust', 'after-policy', 'save-bundle', 'log',
      'notifications', 'open-window', 'about', 'before-close', 'close-icon',
    ]);
  });

  test('offers to start the agent, and no bundle, while none answers', () => {
    expect(trayModel(null, noon).items.map((item) => item.id)).toEqual([
      'status', 'start-agent', 'after-status', 'notifications', 'open-window', 'about', 'before-close', 'close-icon',
    ]);
  });

  test('promises that protection stays on only while there is some', () => {
    expect(find(trayModel(snapshotOf(), noon), 'close-icon')?.label).toBe('Close icon (protection stays on)');
    expect(find(trayModel(null, noon), 'close-icon')?.label).toBe('Close icon');
  });

  test('the device line copies what it shows', () => {
    const text = 'LAPTOP-42 · policy 3 (embedded) · agent 0.1.0';
    expect(find(trayModel(snapshotOf(), noon), 'device')).toEqual({ kind: 'item', id: 'device', label: text, action: { kind: 'copy', text } });
  });

  const reasons = [
    ['a learned pin says pinned', hostOf('a.example', 'bypass', pinned, exclusionOf('learned', 'pinned')), 'zed - pinned'],
    ['a policy that bypasses pinned apps says pinned', hostOf('a.example', 'bypass', pinned), 'zed - pinned'],
    ['a private trust store is not called pinned', hostOf('a.example', 'bypass', privateStore), 'zed - own list of authorities'],
    ['an open cause stays open', hostOf('a.example', 'bypass', undetermined, exclusionOf('learned', 'undetermined')), 'zed - refuses, cause open'],
    ['a rule of policy says policy', hostOf('a.example', 'bypass', undetermined), 'zed - policy'],
    ['a person\'s exclusion says so', hostOf('a.example', 'bypass', undetermined, exclusionOf('user')), 'zed - excluded by you'],
    ['a managed exclusion says policy', hostOf('a.example', 'bypass', pinned, exclusionOf('managed')), 'zed - excluded by policy'],
    ['a predefined exclusion says known', hostOf('a.example', 'bypass', undetermined, exclusionOf('predefined')), 'zed - known exclusion'],
  ] as const;
  test.each(reasons)('%s', (_name, host, label) => {
    const model = trayModel(snapshotOf({ apps: [appOf('zed', [host])] }), noon);
    expect(find(model, 'bypassed')?.label).toBe('Bypassed apps (1)');
    expect(find(model, 'bypassed:id-zed')?.label).toBe(label);
    expect(find(model, 'bypassed:id-zed:a.example')?.label).toBe('a.example: the next one: bypass');
  });

  test('an inspected app is not listed as bypassed, whatever it refused before', () => {
    const model = trayModel(snapshotOf({ apps: [appOf('zed', [hostOf('a.example', 'inspect', pinned)])] }), noon);
    expect(find(model, 'bypassed')).toEqual({ kind: 'item', id: 'bypassed', label: 'No app is bypassed', action: null });
  });

  test('forty bypassed apps still fit, and the window has them all', () => {
    const model = trayModel(snapshotOf({ apps: Array.from({ length: 40 }, (_, index) => pinnedApp(`app${index}`)) }), noon);
    const menu = find(model, 'bypassed');
    expect(menu?.kind === 'submenu' && menu.items.length).toBe(17);
    expect(menu?.label).toBe('Bypassed apps (40)');
    expect(find(model, 'bypassed:all')).toMatchObject({ action: { kind: 'open-window', place: { screen: 'apps' } } });
  });

  const problems = [
    ['a refusal is a recent problem', rowOf({ outcome: { kind: 'refused', sign: 'alert', alert: 46 } }), 'Recent problem: teams at chat.example'],
    ['a server that failed is one', rowOf({ outcome: { kind: 'upstream', code: 'ECONNREFUSED' }, appName: null }), 'Recent problem: An unknown program at chat.example'],
    ['a block is one', rowOf({ outcome: { kind: 'blocked' }, disposition: 'block' }), 'Recent problem: teams at chat.example'],
    ['a connection that works is none', rowOf({}), undefined],
    ['an open connection is none', rowOf({ outcome: null, durationMs: null }), undefined],
    ['an unused connection is none', rowOf({ outcome: { kind: 'unused' } }), undefined],
    ['a refusal of this morning is none', rowOf({ outcome: { kind: 'refused', sign: 'alert', alert: 46 }, startedAt: noon - 7_200_000 }), undefined],
  ] as const;
  test.each(problems)('%s', (_name, row, label) => {
    expect(find(trayModel(snapshotOf({ recent: [rowOf({ id: 10 }), row] }), noon), 'recent-problem')?.label).toBe(label);
  });

  test('a recent problem says why and copies a line for the ticket', () => {
    const row = rowOf({ disposition: 'block', outcome: { kind: 'blocked' }, reason: { code: 'rule', detail: null }, rule: 'no-chat' });
    const model = trayModel(snapshotOf({ recent: [row] }), noon);
    expect(find(model, 'recent-problem:what')?.label).toBe('Blocked: policy rule "no-chat" says so.');
    expect(find(model, 'recent-problem:when')?.label).toBe('2 min ago');
    expect(find(model, 'recent-problem:copy')).toMatchObject({
      action: { kind: 'copy', text: 'teams at chat.example:443 - Blocked: policy rule "no-chat" says so. Connection 9' },
    });
  });

  test('a recent problem leads on: why, a request to be excluded, a report', () => {
    const row = rowOf({ outcome: { kind: 'refused', sign: 'alert', alert: 46 } });
    const model = trayModel(snapshotOf({ recent: [row] }), noon);
    expect(find(model, 'recent-problem:why')).toMatchObject({ label: 'Why?', action: { kind: 'open-window', place: { screen: 'apps', app: 'id-teams' } } });
    expect(find(model, 'recent-problem:ask')).toMatchObject({ action: { kind: 'copy', text: expect.stringMatching(/^Please exclude teams at chat\.example:443 from inspection\. The app refused.*connection 9 on LAPTOP-42\.$/u) } });
    expect(find(model, 'recent-problem:report')).toMatchObject({ action: { kind: 'open-window', place: { screen: 'diagnostics' } } });
  });

  test('a warning brings its text and its advice', () => {
    const model = trayModel(snapshotOf({ warnings: [warningOf('policy-invalid', 'p')] }), noon);
    expect(find(model, 'warning:policy-invalid:p:text')?.label).toBe('policy.json, line 7: unknown key. A good earlier version holds, else nothing is inspected.');
    expect(find(model, 'warning:policy-invalid:p:advice')?.label).toContain('Correct the file');
  });
});

describe('what policy decides', () => {
  const labels = (snapshot: Snapshot): readonly string[] => flat(trayModel(snapshot, noon).items).flatMap((item) => (item.kind !== 'separator' && item.id.startsWith('pause') ? [item.label] : []));

  test.each<[string, Snapshot, readonly string[]]>([
    ['where nobody may pause, nothing is offered', pausing({ mode: 'disallow' }), []],
    ['half an hour in steps, and a reason for those who want one', pausing({ mode: 'allow', maxMinutes: 30 }), ['Pause protection', 'For 5 minutes', 'For 15 minutes', 'For 30 minutes', 'With a reason…']],
    ['a day of work in the largest steps', pausing({ mode: 'allow', maxMinutes: 480 }), ['Pause protection', 'For 60 minutes', 'For 120 minutes', 'For 240 minutes', 'For 480 minutes', 'With a reason…']],
    ['one minute', pausing({ mode: 'allow', maxMinutes: 1 }), ['Pause protection', 'For 1 minute', 'With a reason…']],
    ['what asks for words opens the window', pausing({ mode: 'ticket' }), ['Pause protection…']],
    ['a used-up day says so', pausing({ left: 0 }), ['No pause is left for today']],
    ['while paused there is nothing to pause', paused, []],
  ])('%s', (_name, snapshot, shown) => expect(labels(snapshot)).toEqual(shown));

  test('a step pauses for what it says, and a pause can be ended', () => {
    expect(find(trayModel(pausing({}), noon), 'pause:15')).toMatchObject({ action: { kind: 'pause', minutes: 15 } });
    expect(find(trayModel(pausing({ mode: 'comment' }), noon), 'pause')).toMatchObject({ action: { kind: 'open-window', place: { screen: 'overview', pause: true } } });
    expect(find(trayModel(paused, noon), 'resume')).toMatchObject({ label: 'Resume now', action: { kind: 'resume' } });
  });

  test('who manages the device is named, and their page is the only link', () => {
    const model = trayModel(managed('https://it.contoso.example/pinlight'), noon);
    expect(find(model, 'managed-by')).toMatchObject({ label: 'Managed by Contoso IT', action: { kind: 'open-link', url: 'https://it.contoso.example/pinlight' } });
    expect(find(model, 'help')).toMatchObject({ action: { kind: 'open-link', url: 'https://it.contoso.example/pinlight' } });
    expect(find(trayModel(managed(null), noon), 'managed-by')).toMatchObject({ action: null });
    expect(find(trayModel(managed(null), noon), 'help')).toBeUndefined();
  });
});

describe('what else the shell knows', () => {
  test.each([
    ['away for a moment, it is started again by itself, or now by a click', { away: 'waiting' }, 'The agent is away: it is started again in a moment', true],
    ['a service\'s agent is the system\'s to start', { away: 'service', service: true }, 'The agent is away: this system starts it again, nothing is inspected meanwhile', false],
  ] as const)('%s', (_name, change, label, startable) => {
    const model = trayModel(null, noon, change);
    expect([model.shape, find(model, 'status')?.label, find(model, 'start-agent') !== undefined]).toEqual(['outline', label, startable]);
  });

  test('a service of another version is told, not restarted', () => {
    const snapshot = { ...snapshotOf(), agent: { ...snapshotOf().agent, version: '0.0.9' } };
    const model = trayModel(snapshot, noon, { service: true });
    expect([find(model, 'mismatch'), find(model, 'restart-agent')]).toMatchObject([{ action: null, label: 'The agent is version 0.0.9, this is 0.1.0: an administrator restarts it' }, undefined]);
  });

  test('an agent that is being started is not called gone', () => {
    const model = trayModel(null, noon, { away: 'starting' });
    expect([find(model, 'status')?.label, find(model, 'start-agent'), model.tooltip]).toEqual(['Starting the agent…', undefined, 'Pinlight - starting']);
  });

  test('an agent of another version is named with the way out', () => {
    expect(find(trayModel(snapshotOf(), noon, { version: '0.2.0' }), 'restart-agent')).toMatchObject({
      label: 'The agent is version 0.1.0, this is 0.2.0: start the agent anew', action: { kind: 'restart-agent' },
    });
  });

  test('stores are counted once somebody has looked', () => {
    expect(find(trayModel(snapshotOf(), noon), 'check-trust')?.label).toBe('Check trust');
    expect(find(trayModel(snapshotOf(), noon, { trust: { trusted: 4, checked: 5, fingerprint: 'AA' } }), 'check-trust')?.label).toBe('Check trust (root in 4 of 5 stores)');
  });

  test('log detail is one of two, and the detailed one counts down', () => {
    const snapshot = snapshotOf();
    const detailed = trayModel({ ...snapshot, agent: { ...snapshot.agent, logDetailUntil: noon + 90_000 } }, noon);
    expect([find(detailed, 'log:normal'), find(detailed, 'log:detailed')]).toMatchObject([
      { label: 'Normal', mark: { type: 'radio', checked: false } }, { label: 'Detailed, 2 min left', mark: { checked: true }, action: { kind: 'log-level', level: 'detailed' } },
    ]);
    expect(find(trayModel(snapshot, noon), 'log:detailed')).toMatchObject({ label: 'Detailed for 30 min', mark: { checked: false } });
  });

  test('an app that was learned can be silenced, a silenced one brought back with the others', () => {
    const snapshot = snapshotOf({ apps: [pinnedApp('slack')] });
    expect(find(trayModel(snapshot, noon), 'bypassed:id-slack:silence')).toMatchObject({ action: { kind: 'silence', app: 'id-slack' } });
    const silenced = trayModel(snapshot, noon, { silenced: ['id-slack', 'id-zoom'] });
    expect(find(silenced, 'bypassed:id-slack:silence')).toBeUndefined();
    expect(find(silenced, 'reset-silenced')).toMatchObject({ label: 'Show notices about 2 silenced apps again', action: { kind: 'reset-silenced' } });
  });

  test('each kind of notification has a tick, and so has none at all', () => {
    const ticks = (silencedKinds: TrayFacts['silencedKinds']) => {
      const menu = find(trayModel(snapshotOf(), noon, { silencedKinds }), 'notifications');
      return menu?.kind === 'submenu' ? menu.items.flatMap((item) => (item.kind === 'item' ? [[item.id, item.mark?.checked, item.action?.kind === 'silence-kinds' ? item.action.kinds : null]] : [])) : [];
    };
    expect(ticks([]).map(([, checked]) => checked)).toEqual([true, true, true, true, true, false]);
    expect(ticks(['pause'])).toContainEqual(['notifications:pause', false, []]);
    expect(ticks(['pause'])).toContainEqual(['notifications:apps', true, ['apps', 'pause']]);
    expect(ticks(['pause'])).toContainEqual(['notifications:none', false, ['apps', 'trust', 'policy', 'pause', 'agent']]);
    expect(ticks(['apps', 'trust', 'policy', 'pause', 'agent'])).toContainEqual(['notifications:none', true, []]);
  });

  test('a notice that was put off can be read from here, one that is accepted is not offered', () => {
    const snapshot = snapshotOf();
    const pending = trayModel({ ...snapshot, agent: { ...snapshot.agent, noticePending: true } }, noon);
    expect(find(pending, 'notice')).toMatchObject({ label: 'Read the notice…', action: { kind: 'open-window', place: { screen: 'overview', notice: true } } });
    expect(find(trayModel(snapshot, noon), 'notice')).toBeUndefined();
  });

  test.each<[string, BundleState, readonly (readonly [id: string, label: string])[]]>([
    ['no bundle: one can be collected', { kind: 'none' }, [['save-bundle', 'Collect diagnostics…']]],
    ['sources are asked: by the quarter, with the way to end it', { kind: 'working', phase: 'collecting', done: 5, total: 11 },
      [['bundle', 'Collecting diagnostics: 25 %'], ['cancel-bundle', 'Cancel collecting']]],
    ['how much there is, is not known yet', { kind: 'working', phase: 'collecting', done: 0, total: 0 }, [['bundle', 'Collecting diagnostics: 0 %'], ['cancel-bundle', 'Cancel collecting']]],
    ['secrets are removed', { kind: 'working', phase: 'redacting', done: 7, total: 8 }, [['bundle', 'Removing secrets from diagnostics: 75 %'], ['cancel-bundle', 'Cancel collecting']]],
    ['they are ready, and the window shows what is inside', { kind: 'working', phase: 'ready', done: 8, total: 8 }, [['bundle', 'Diagnostics ready: look at them and save…']]],
    ['it was written', { kind: 'saved', path: '/home/ada/a.zip' }, [['save-bundle', 'Collect diagnostics…'], ['bundle-saved', 'Saved as /home/ada/a.zip (copies the path)']]],
  ])('diagnostics: %s', (_name, bundle, shown) => {
    const { items } = trayModel(snapshotOf(), noon, { bundle });
    expect(items.flatMap((item) => (item.kind === 'item' && item.id.includes('bundle') ? [[item.id, item.label]] : []))).toEqual(shown);
  });

  test('of a long path the end is shown, and all of it is copied', () => {
    const path = `/home/ada/${'x'.repeat(80)}/pinlight-diag.zip`;
    const item = find(trayModel(snapshotOf(), noon, { bundle: { kind: 'saved', path } }), 'bundle-saved');
    expect(item?.label).toMatch(/^Saved as …x+\/pinlight-diag\.zip \(copies the path\)$/u);
    expect(item).toMatchObject({ action: { kind: 'copy', text: path } });
  });

  test('opening at login is offered where the shell may choose', () => {
    expect(find(trayModel(snapshotOf(), noon), 'open-at-login')).toBeUndefined();
    expect(find(trayModel(snapshotOf(), noon, { openAtLogin: false }), 'open-at-login')).toMatchObject({ mark: { type: 'checkbox', checked: false }, action: { kind: 'open-at-login', on: true } });
  });

  test('the same menu in German, with the same items', () => {
    const slack = pinnedApp('slack');
    const hosts = slack.hosts.map((host) => ({ ...host, next: { ...host.next, words: sentence('next.once') } }));
    const snapshot = { ...paused, apps: [{ ...slack, hosts }], recent: [rowOf({ outcome: { kind: 'blocked' } })], warnings: [warningOf('clock-wrong')] };
    const english = trayModel(snapshot, noon);
    const german = trayModel(snapshot, noon, { words: shellWords('de-AT') });
    expect(find(german, 'status')?.label).toBe('Pausiert: noch 13 min');
    expect(find(german, 'device')?.label).toBe('LAPTOP-42 · Richtlinie 3 (mitgeliefert) · Agent 0.1.0');
    expect(find(german, 'bypassed:id-slack:slack.example')?.label).toMatch(/^slack\.example: Wird einmal /u);
    // What a menu line says is English in no other place than names.
    const said = (model: TrayModel): readonly string[] => flat(model.items).flatMap((item) => (item.kind === 'separator' ? [] : [`${item.id}: ${item.label}`]));
    expect(said(german).filter((line) => said(english).includes(line))).toEqual(['log:normal: Normal']);
    expect(flat(german.items).map(({ id }) => id)).toEqual(flat(english.items).map(({ id }) => id));
  });
});

describe('names that come from outside', () => {
  test.each([['a counter', '{{count}} {{app}}'], ['a reference', "$t(status.gone)"], ['an ampersand', 'A&B']])('%s in a name stays what it is', (_name, name) => {
    expect(find(trayModel(snapshotOf({ apps: [{ ...pinnedApp('x'), name }] }), noon), 'bypassed:id-x')?.label).toBe(`${name} - pinned`);
  });

  test.each([
    ['line breaks end no menu line', 'a\nb\r\nc', 'a b c'],
    ['direction marks turn no name around', 'exe.\u202Efdp', 'exe. fdp'],
    ['control characters go', 'a\u0000\u0007b', 'a b'],
    ['long names are cut with a sign', 'x'.repeat(200), `${'x'.repeat(89)}…`],
    ['letters outside the first plane are not cut in two', '😀'.repeat(200), `${'😀'.repeat(89)}…`],
    ['markup is text', '<b>&amp;', '<b>&amp;'],
  ])('%s', (_name, given, shown) => expect(plainText(given)).toBe(shown));

  test('a hostile app name reaches the menu as one line, and its reason stays visible', () => {
    const app = { ...pinnedApp('x'), name: `evil\n- trusted ${'y'.repeat(300)}` };
    expect(find(trayModel(snapshotOf({ apps: [app] }), noon), 'bypassed:id-x')?.label).toMatch(/^evil - trusted y+… - pinned$/);
  });
});

test('the model is a plain value that survives JSON, and the same input gives the same model', () => {
  const snapshot = snapshotOf({ apps: [pinnedApp('slack')], warnings: [warningOf('policy-invalid')], recent: [rowOf({ outcome: { kind: 'blocked' } })] });
  const model = trayModel(snapshot, noon);
  expect(JSON.parse(JSON.stringify(model))).toEqual(model);
  expect(trayModel(snapshot, noon)).toEqual(model);
});

type Labelled = Exclude<TrayItem, { kind: 'separator' }>;

function flat(items: readonly TrayItem[]): readonly TrayItem[] {
  return items.flatMap((item) => (item.kind === 'submenu' ? [item, ...flat(item.items)] : [item]));
}

function find(model: TrayModel, id: string): Labelled | undefined {
  return flat(model.items).find((item): item is Labelled => item.kind !== 'separator' && item.id === id);
}
