// What the tray shows, as a value: icon shape, tooltip and menu out of what the shell knows. Pure: no Electron, no clock.
// Not for drawing it (tray.ts), for what a click does (app.ts) or for the apps' and problems' submenus (tray-apps.ts).
import { bypassedApps } from '../contract/bypassed-apps.ts';
import { notificationKinds } from '../contract/notification-kinds.ts';
import type { NotificationKind } from '../contract/notification-kinds.ts';
import { warningWords, word } from '../contract/sentences.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import { statusLook, statusOf } from '../contract/status.ts';
import { durationSentence } from '../core/explain.ts';
import type { VisibleWarning } from '../core/health/warnings.ts';
import type { PolicyOrigin } from '../core/policy/policy.ts';
import { bypassedItem, recentProblem } from './tray-apps.ts';
import { act, info, line, longestTooltip, plainText, submenu } from './tray-items.ts';
import type { TrayItem, TrayModel, TrayShape } from './tray-items.ts';
import type { Away } from './agent-supervision.ts';
import type { BundleState } from './bundle-work.ts';
import type { TrustCount } from './trust-count.ts';
import type { WordKey, Words } from './words.ts';

export type TrayFacts = {
  /** Null while no agent answers. */
  readonly snapshot: Snapshot | null;
  /** ms since the epoch. */
  readonly now: number;
  /** How it stands with an agent that does not answer. */
  readonly away: Away;
  /** The system starts and ends the agent: people here do not. */
  readonly service: boolean;
  /** The shell's own version. */
  readonly version: string;
  /** As it was when somebody last looked; null = nobody did. */
  readonly trust: TrustCount | null;
  /** Apps whose notices are silenced. */
  readonly silenced: readonly string[];
  /** Kinds of notifications that are silenced. */
  readonly silencedKinds: readonly NotificationKind[];
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
  const status = statusLine(snapshot, facts);
  const told = [status.word, ...(apps.length === 0 ? [] : [words('tooltip.bypassed', { count: apps.length })])];
  return {
    shape: status.shape,
    tooltip: plainText(`Pinlight - ${told.join(', ')}`, longestTooltip),
    items: [
      info('status', status.sentence),
      ...(snapshot.agent.noticePending ? [act('notice', words('tray.notice'), { kind: 'open-window', place: { screen: 'overview', notice: true } })] : []),
      ...managerItem(snapshot, words),
      deviceItem(snapshot, words),
      ...(snapshot.agent.version === facts.version ? []
        : [facts.service ? info('mismatch', words('status.mismatchService', { agent: snapshot.agent.version, own: facts.version }))
          : act('restart-agent', words('status.mismatch', { agent: snapshot.agent.version, own: facts.version }), { kind: 'restart-agent' })]),
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

type StatusLine = { readonly shape: TrayShape; readonly word: string; readonly sentence: string };

const awayWord = {
  gone: 'status.gone', starting: 'status.starting', waiting: 'status.waiting', service: 'status.service',
} as const satisfies Record<Away, WordKey>;

function withoutAgent(facts: TrayFacts): TrayModel {
  const { away, words } = facts;
  return {
    shape: statusLook.lost.shape,
    tooltip: `Pinlight - ${words(away === 'starting' ? 'status.startingWord' : 'status.goneWord')}`,
    items: [
      info('status', words(awayWord[away])),
      ...(away === 'gone' || away === 'waiting' ? [act('start-agent', words('tray.startAgent'), { kind: 'start-agent' })] : []),
      line('after-status'),
      ...closing(facts, words('tray.close')),
    ],
  };
}

function statusLine(snapshot: Snapshot, { now, version, words }: TrayFacts): StatusLine {
  const status = statusOf(snapshot, now);
  const { shape } = statusLook[status.kind];
  switch (status.kind) {
    case 'lost': return { shape, word: words('status.goneWord'), sentence: words('status.gone') };
    case 'error': case 'offline': case 'untrusted': {
      const title = warningWords(words.translate, status.warning, 'title');
      return { shape, word: title, sentence: title };
    }
    case 'warning': {
      const title = warningWords(words.translate, status.warning, 'title');
      return { shape, word: words('status.warningWord', { title }), sentence: words('status.warning', { title }) };
    }
    case 'paused': {
      const left = minutesLeft(status.until, now);
      return { shape, word: words('status.pausedWord', { left }), sentence: words('status.paused', { left }) };
    }
    case 'notice-pending': return { shape, word: words('status.noticeWord'), sentence: words('status.notice') };
    case 'no-rules': return { shape, word: words('status.noRulesWord'), sentence: words('status.noRules') };
    case 'unused': return { shape, word: words('status.unusedWord'), sentence: words('status.unused').replaceAll('`', '') };
    case 'quiet': {
      // By the hour: a menu that changed more often would be replaced under the pointer.
      const hours = Math.floor((now - status.last) / hourMs) * hourMs;
      const sentence = words('status.quiet', { duration: word(words.translate, durationSentence(hours)) });
      return { shape, word: sentence, sentence };
    }
    case 'ready': return { shape, word: words('status.readyWord'), sentence: words('status.ready') };
    case 'nothing': return { shape, word: words('status.nothingWord'), sentence: words('status.nothing', { bypassed: status.bypassed, blocked: status.blocked }) };
    case 'inspecting': return {
      shape: snapshot.agent.version === version ? shape : 'half',
      word: words('status.inspectingWord'), sentence: words('status.inspecting', { count: status.inspected }),
    };
  }
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
  const ask = (id: string, label: string): TrayItem => act(id, label, { kind: 'open-window', place: { screen: 'overview', pause: true } });
  if (pause.mode !== 'allow') return [ask('pause', words('tray.pauseAsk'))];
  const offered = [...pauseMinutes.filter((minutes) => minutes < pause.maxMinutes).slice(-3), pause.maxMinutes];
  return [submenu('pause', words('tray.pause'), [
    ...offered.map((minutes) => act(`pause:${minutes}`, words('tray.pauseFor', { count: minutes }), { kind: 'pause', minutes })),
    ask('pause:reason', words('tray.pauseReason')),
  ])];
}

/** The way to the window that makes bundles and shows what is inside first; one that it is collecting, with the way to end it; where the last one lies. */
function bundleItems(bundle: BundleState, words: Words): readonly TrayItem[] {
  if (bundle.kind === 'working') {
    if (bundle.phase === 'ready') return [act('bundle', words('tray.bundleReady'), { kind: 'open-window', place: { screen: 'diagnostics' } })];
    // By the quarter: a menu that changed at every step would be replaced under the pointer.
    const percent = bundle.total === 0 ? 0 : Math.min(4, Math.floor((bundle.done / bundle.total) * 4)) * 25;
    return [
      info('bundle', words(bundle.phase === 'redacting' ? 'tray.bundleRedacting' : 'tray.bundleCollecting', { percent })),
      act('cancel-bundle', words('tray.bundleCancel'), { kind: 'cancel-bundle' }),
    ];
  }
  const again = act('save-bundle', words('tray.diagnostics'), { kind: 'open-window', place: { screen: 'diagnostics' } });
  if (bundle.kind === 'none') return [again];
  // The end of a long path says more than its beginning.
  const path = bundle.path.length <= longestPath ? bundle.path : `…${bundle.path.slice(-longestPath)}`;
  return [again, act('bundle-saved', words('tray.bundleSaved', { path }), { kind: 'copy', text: bundle.path })];
}

const longestPath = 50;
const hourMs = 3600_000;

function logItem({ agent: { logDetailUntil } }: Snapshot, { now, words }: TrayFacts): TrayItem {
  const detailed = logDetailUntil !== null;
  const choice = (level: 'normal' | 'detailed', label: string, checked: boolean): TrayItem =>
    ({ kind: 'item', id: `log:${level}`, label, action: { kind: 'log-level', level }, mark: { type: 'radio', checked } });
  return submenu('log', words('tray.logDetail'), [
    choice('normal', words('tray.logNormal'), !detailed),
    choice('detailed', logDetailUntil === null ? words('tray.logDetailed') : words('tray.logDetailedLeft', { left: minutesLeft(logDetailUntil, now) }), detailed),
  ]);
}

/** A tick for each kind that is told, and one for none at all. */
function notificationItem({ silencedKinds, words }: TrayFacts): TrayItem {
  const tick = (id: string, label: string, checked: boolean, kinds: readonly NotificationKind[]): TrayItem =>
    ({ kind: 'item', id: `notifications:${id}`, label, action: { kind: 'silence-kinds', kinds }, mark: { type: 'checkbox', checked } });
  const none = silencedKinds.length === notificationKinds.length;
  return submenu('notifications', words('tray.notifications'), [
    ...notificationKinds.map((kind) => {
      const silent = silencedKinds.includes(kind);
      return tick(kind, words(`notifications.${kind}`), !silent, notificationKinds.filter((one) => (one === kind ? !silent : silencedKinds.includes(one))));
    }),
    line('notifications:end'),
    tick('none', words('notifications.none'), none, none ? [] : notificationKinds),
  ]);
}

function closing(facts: TrayFacts, closeLabel: string): readonly TrayItem[] {
  const { snapshot, silenced, openAtLogin, words } = facts;
  const help = snapshot?.agent.policy.managedBy?.url ?? null;
  return [
    notificationItem(facts),
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
