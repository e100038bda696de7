// What the tray shows, as a value: icon shape, tooltip and menu out of what the shell knows. Pure: no Electron, no clock.
// Not for drawing it (tray.ts), for what a click does (app.ts) or for the apps' and problems' submenus (tray-apps.ts).
import { warningWords } from '../contract/sentences.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import type { VisibleWarning } from '../core/health/warnings.ts';
import type { PolicyOrigin } from '../core/policy/policy.ts';
import { bypassedApps } from './bypassed-apps.ts';
import { bypassedItem, recentProblem } from './tray-apps.ts';
import { act, info, line, longestTooltip, plainText, submenu } from './tray-items.ts';
import type { TrayItem, TrayModel, TrayShape } from './tray-items.ts';
import type { BundleState } from './bundle-work.ts';
import type { TrustCount } from './trust-count.ts';
import type { WordKey, Words } from './words.ts';

export type TrayFacts = {
  /** Null while no agent answers. */
  readonly snapshot: Snapshot | null;
  /** ms since the epoch. */
  readonly now: number;
  /** An agent is being started just now. */
  readonly starting: boolean;
  /** The shell's own version. */
  readonly version: string;
  /** As it was when somebody last looked; null = nobody did. */
  readonly trust: TrustCount | null;
  /** Apps whose notices are silenced. */
  readonly silenced: readonly string[];
  /** Null = this system does not let the shell choose. */
  readonly openAtLogin: boolean | null;
  readonly bundle: BundleState;
  readonly words: Words;
};

/** The tray for what is known. */
export function trayModel(facts: TrayFacts): TrayModel {
  const { snapshot, words } = facts;
  if (snapshot === null) return withoutAgent(facts);
  const apps = bypassedApps(snapshot);
  const status = statusOf(snapshot, facts);
  const told = [status.word, ...(apps.length === 0 ? [] : [words('tooltip.bypassed', { count: apps.length })])];
  return {
    shape: status.shape,
    tooltip: plainText(`Pinlight - ${told.join(', ')}`, longestTooltip),
    items: [
      info('status', status.sentence),
      ...managerItem(snapshot, words),
      deviceItem(snapshot, words),
      ...(snapshot.agent.version === facts.version ? []
        : [act('restart-agent', words('status.mismatch', { agent: snapshot.agent.version, own: facts.version }), { kind: 'restart-agent' })]),
      ...warningItems(snapshot.warnings, words),
      line('after-status'),
      bypassedItem(apps, facts.silenced, words),
      ...recentProblem(snapshot, facts.now, words),
      line('after-apps'),
      ...pauseItems(snapshot, facts),
      act('reload-policy', words('tray.reloadPolicy'), { kind: 'reload-policy' }),
      act('check-trust', facts.trust === null ? words('tray.checkTrust') : words('tray.checkedTrust', { trusted: facts.trust.trusted, checked: facts.trust.checked }), { kind: 'check-trust' }),
      line('after-policy'),
      ...bundleItems(facts.bundle, words),
      logItem(snapshot, facts),
      ...closing(facts, words('tray.closeProtected')),
    ],
  };
}

type Status = { readonly shape: TrayShape; readonly word: string; readonly sentence: string };

function withoutAgent(facts: TrayFacts): TrayModel {
  const { starting, words } = facts;
  return {
    shape: 'outline',
    tooltip: `Pinlight - ${words(starting ? 'status.startingWord' : 'status.goneWord')}`,
    items: [
      info('status', words(starting ? 'status.starting' : 'status.gone')),
      ...(starting ? [] : [act('start-agent', words('tray.startAgent'), { kind: 'start-agent' })]),
      line('after-status'),
      ...closing(facts, words('tray.close')),
    ],
  };
}

function statusOf(snapshot: Snapshot, { now, version, words }: TrayFacts): Status {
  const worst = snapshot.warnings[0];
  const titleOf = (warning: VisibleWarning): string => warningWords(words.translate, warning, 'title');
  const { inspect, bypass, block } = snapshot.counts;
  const error = snapshot.warnings.find((warning) => warning.severity === 'error');
  if (error !== undefined) return { shape: 'bar', word: titleOf(error), sentence: titleOf(error) };
  const { active } = snapshot.agent.pause;
  if (active !== null) {
    const left = minutesLeft(active.until, now);
    return { shape: 'half', word: words('status.pausedWord', { left }), sentence: words('status.paused', { left }) };
  }
  if (worst?.severity === 'warning') {
    return { shape: 'half', word: words('status.warningWord', { title: titleOf(worst) }), sentence: words('status.warning', { title: titleOf(worst) }) };
  }
  if (inspect + bypass + block === 0) return { shape: 'half', word: words('status.readyWord'), sentence: words('status.ready') };
  if (inspect + block === 0) return { shape: 'half', word: words('status.nothingWord'), sentence: words('status.nothing', { count: bypass }) };
  return { shape: snapshot.agent.version === version ? 'solid' : 'half', word: words('status.inspectingWord'), sentence: words('status.inspecting', { count: inspect }) };
}

function managerItem({ agent: { policy: { managedBy } } }: Snapshot, words: Words): readonly TrayItem[] {
  if (managedBy === null) return [];
  const label = words('tray.managedBy', { name: managedBy.name });
  return [managedBy.url === null ? info('managed-by', label) : act('managed-by', label, { kind: 'open-link', url: managedBy.url })];
}

const originWord = {
  embedded: 'origin.embedded', recommended: 'origin.recommended', user: 'origin.user', managed: 'origin.managed',
} as const satisfies Record<PolicyOrigin, WordKey>;

function deviceItem({ agent: { device, policy, version } }: Snapshot, words: Words): TrayItem {
  const text = plainText(words('tray.device', { device, generation: policy.generation, origin: words(originWord[policy.origin]), version }));
  return act('device', text, { kind: 'copy', text });
}

function warningItems(warnings: readonly VisibleWarning[], words: Words): readonly TrayItem[] {
  return warnings.filter((warning) => warning.severity !== 'notice').map((warning) => {
    const id = `warning:${warning.code}:${warning.key}`;
    const said = (part: 'title' | 'text' | 'advice'): string => warningWords(words.translate, warning, part);
    return submenu(id, said('title'), [
      info(`${id}:text`, said('text')),
      info(`${id}:advice`, said('advice')),
      act(`${id}:copy`, words('tray.copy'), { kind: 'copy', text: `${said('title')}: ${said('text')} ${said('advice')}` }),
    ]);
  });
}

// As far as policy lets them; what people want besides they type into the window.
const pauseMinutes = [5, 15, 30, 60, 120, 240, 480];

/** What asks for a word of the person's opens the window: native menus have no field to type into. */
function pauseItems({ agent: { pause } }: Snapshot, { words }: TrayFacts): readonly TrayItem[] {
  if (pause.active !== null) return [act('resume', words('tray.resume'), { kind: 'resume' })];
  if (pause.mode === 'disallow') return [];
  if (pause.left === 0) return [info('pause', words('tray.pauseUsedUp'))];
  const ask = (id: string, label: string): TrayItem => act(id, label, { kind: 'open-window', place: 'pause' });
  if (pause.mode !== 'allow') return [ask('pause', words('tray.pauseAsk'))];
  const offered = [...pauseMinutes.filter((minutes) => minutes < pause.maxMinutes).slice(-3), pause.maxMinutes];
  return [submenu('pause', words('tray.pause'), [
    ...offered.map((minutes) => act(`pause:${minutes}`, words('tray.pauseFor', { count: minutes }), { kind: 'pause', minutes })),
    ask('pause:reason', words('tray.pauseReason')),
  ])];
}

/** A bundle that is being collected, with the way to end it; where the last one lies. */
function bundleItems(bundle: BundleState, words: Words): readonly TrayItem[] {
  if (bundle.kind === 'working') {
    // What is ready waits for the person, in a dialog with a way to cancel of its own.
    if (bundle.phase === 'ready') return [info('bundle', words('tray.bundleReady'))];
    // By the quarter: a menu that changed at every step would be replaced under the pointer.
    const percent = bundle.total === 0 ? 0 : Math.min(4, Math.floor((bundle.done / bundle.total) * 4)) * 25;
    return [
      info('bundle', words(bundle.phase === 'redacting' ? 'tray.bundleRedacting' : 'tray.bundleCollecting', { percent })),
      act('cancel-bundle', words('tray.bundleCancel'), { kind: 'cancel-bundle' }),
    ];
  }
  const again = act('save-bundle', words('tray.diagnostics'), { kind: 'save-bundle' });
  if (bundle.kind === 'none') return [again];
  // The end of a long path says more than its beginning.
  const path = bundle.path.length <= longestPath ? bundle.path : `…${bundle.path.slice(-longestPath)}`;
  return [again, act('bundle-saved', words('tray.bundleSaved', { path }), { kind: 'copy', text: bundle.path })];
}

const longestPath = 50;

function logItem({ agent: { logDetailUntil } }: Snapshot, { now, words }: TrayFacts): TrayItem {
  const detailed = logDetailUntil !== null;
  const choice = (level: 'normal' | 'detailed', label: string, checked: boolean): TrayItem =>
    ({ kind: 'item', id: `log:${level}`, label, action: { kind: 'log-level', level }, mark: { type: 'radio', checked } });
  return submenu('log', words('tray.logDetail'), [
    choice('normal', words('tray.logNormal'), !detailed),
    choice('detailed', logDetailUntil === null ? words('tray.logDetailed') : words('tray.logDetailedLeft', { left: minutesLeft(logDetailUntil, now) }), detailed),
  ]);
}

function closing({ snapshot, silenced, openAtLogin, words }: TrayFacts, closeLabel: string): readonly TrayItem[] {
  const help = snapshot?.agent.policy.managedBy?.url ?? null;
  return [
    ...(silenced.length === 0 ? [] : [act('reset-silenced', words('tray.resetSilenced', { count: silenced.length }), { kind: 'reset-silenced' })]),
    ...(openAtLogin === null ? [] : [{
      kind: 'item', id: 'open-at-login', label: words('tray.openAtLogin'), action: { kind: 'open-at-login', on: !openAtLogin },
      mark: { type: 'checkbox', checked: openAtLogin },
    } as const]),
    act('open-window', words('tray.open'), { kind: 'open-window', place: null }),
    ...(help === null ? [] : [act('help', words('tray.help'), { kind: 'open-link', url: help })]),
    act('about', words('tray.about'), { kind: 'about' }),
    line('before-close'),
    act('close-icon', closeLabel, { kind: 'close-icon' }),
  ];
}

/** By the minute: a menu that changed every second would be replaced under the pointer. */
function minutesLeft(until: number, now: number): string {
  return `${Math.max(1, Math.ceil((until - now) / 60_000))} min`;
}
