// What the tray shows, as a value: icon shape, tooltip and menu out of the agent's snapshot. Pure: no Electron, no clock.
// Not for drawing it (tray.ts) or for what a click does (app.ts).
import type { ConnectionRow, Snapshot } from '../contract/snapshot.ts';
import { duration, explainDecision, explainOutcome } from '../core/explain.ts';
import type { VisibleWarning } from '../core/health/warnings.ts';
import { bypassedApps } from './bypassed-apps.ts';
import type { BypassedApp } from './bypassed-apps.ts';

/** solid: inspecting; half: running, but not inspecting or with a warning; outline: no agent; bar: an error. */
export type TrayShape = 'solid' | 'half' | 'outline' | 'bar';

/** What a click asks for; null = the item only informs. */
export type TrayAction =
  | { readonly kind: 'copy'; readonly text: string }
  | { readonly kind: 'open-window'; readonly screen: WindowScreen }
  | { readonly kind: 'save-bundle' | 'start-agent' | 'about' | 'close-icon' };

/** The window's screens as its address names them (`index.html#apps`); null = wherever it was. */
export type WindowScreen = 'apps' | 'connections' | null;

export type TrayItem =
  | { readonly kind: 'separator'; readonly id: string }
  | { readonly kind: 'item'; readonly id: string; readonly label: string; readonly action: TrayAction | null }
  | { readonly kind: 'submenu'; readonly id: string; readonly label: string; readonly items: readonly TrayItem[] };

export type TrayModel = {
  readonly shape: TrayShape;
  /** `Pinlight - inspecting, 3 apps bypassed`. */
  readonly tooltip: string;
  readonly items: readonly TrayItem[];
};

/** The tray for a snapshot; null = no agent answers. `now`: ms since the epoch. */
export function trayModel(snapshot: Snapshot | null, now: number): TrayModel {
  if (snapshot === null) {
    return {
      shape: 'outline',
      tooltip: 'Pinlight - agent not running',
      items: [
        info('status', 'The agent is not running: nothing is inspected'),
        act('start-agent', 'Start the agent', { kind: 'start-agent' }),
        line('after-status'),
        ...closing('Close icon'),
      ],
    };
  }
  const apps = bypassedApps(snapshot);
  const status = statusOf(snapshot);
  return {
    shape: status.shape,
    tooltip: plainText(`Pinlight - ${status.word}${apps.length === 0 ? '' : `, ${counted(apps.length, 'app')} bypassed`}`, longestTooltip),
    items: [
      info('status', status.sentence),
      deviceItem(snapshot),
      ...warningItems(snapshot.warnings),
      line('after-status'),
      bypassedItem(apps),
      ...recentProblem(snapshot.recent, now),
      line('after-apps'),
      act('save-bundle', 'Collect diagnostics…', { kind: 'save-bundle' }),
      ...closing('Close icon (protection stays on)'),
    ],
  };
}

/** Text of foreign origin (app names, hosts) as one line of at most `longest` characters: no line breaks, no direction marks. */
export function plainText(text: string, longest: number = longestLabel): string {
  // Direction marks could make `a.exe` read as another name; control characters break native menus.
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const letters = Array.from(clean);
  return letters.length <= longest ? clean : `${letters.slice(0, longest - 1).join('')}…`;
}

// Native menus cut longer lines themselves, on GNOME without a sign that something is missing.
const longestLabel = 90;
// Windows shows 127 characters of a tray tooltip.
const longestTooltip = 127;
// A menu longer than this does not fit on a 720-pixel screen; the window has the whole list.
const mostApps = 15;
const mostHosts = 8;
// "Recent": what the person still remembers having seen fail.
const recentProblemMs = 15 * 60_000;

type Status = { readonly shape: TrayShape; readonly word: string; readonly sentence: string };

function statusOf(snapshot: Snapshot): Status {
  const worst = snapshot.warnings[0];
  const { inspect, bypass, block } = snapshot.counts;
  const error = snapshot.warnings.find((warning) => warning.severity === 'error');
  if (error !== undefined) return { shape: 'bar', word: error.title.toLowerCase(), sentence: error.title };
  if (worst?.severity === 'warning') {
    return { shape: 'half', word: `running, ${worst.title.toLowerCase()}`, sentence: `Running, with a warning: ${worst.title}` };
  }
  if (inspect + bypass + block === 0) {
    return { shape: 'half', word: 'ready, no connections yet', sentence: 'Ready: no app has connected through Pinlight yet' };
  }
  if (inspect + block === 0) {
    return { shape: 'half', word: 'nothing inspected so far', sentence: `Nothing inspected so far: ${counted(bypass, 'connection')} let through` };
  }
  return { shape: 'solid', word: 'inspecting', sentence: `Inspecting: ${counted(inspect, 'connection')} since the agent started` };
}

function deviceItem(snapshot: Snapshot): TrayItem {
  const { device, policy, version } = snapshot.agent;
  const text = plainText(`${device} · policy ${policy.generation} (${policy.origin}) · agent ${version}`);
  return act('device', text, { kind: 'copy', text });
}

function warningItems(warnings: readonly VisibleWarning[]): readonly TrayItem[] {
  return warnings.filter((warning) => warning.severity !== 'notice').map((warning) => {
    const id = `warning:${warning.code}:${warning.key}`;
    return {
      kind: 'submenu', id, label: plainText(warning.title), items: [
        info(`${id}:text`, warning.text),
        info(`${id}:advice`, warning.advice),
        act(`${id}:copy`, 'Copy', { kind: 'copy', text: `${warning.title}: ${warning.text} ${warning.advice}` }),
      ],
    };
  });
}

function bypassedItem(apps: readonly BypassedApp[]): TrayItem {
  if (apps.length === 0) return info('bypassed', 'No app is bypassed');
  const shown = apps.slice(0, mostApps).map((app): TrayItem => {
    const id = `bypassed:${app.id}`;
    const hosts = app.hosts.slice(0, mostHosts).map((host) => info(`${id}:${host.host}`, `${host.host}: ${host.sentence}`));
    const more = app.hosts.length - hosts.length;
    return {
      // The reason stays whole, whatever the app calls itself.
      kind: 'submenu', id, label: `${plainText(app.name, 50)} - ${app.why}`,
      items: more === 0 ? hosts : [...hosts, info(`${id}:more`, `and ${counted(more, 'other host')}`)],
    };
  });
  return {
    kind: 'submenu', id: 'bypassed', label: `Bypassed apps (${apps.length})`,
    items: [...shown, line('bypassed:end'), act('bypassed:all', 'Show all', { kind: 'open-window', screen: 'apps' })],
  };
}

function recentProblem(recent: readonly ConnectionRow[], now: number): readonly TrayItem[] {
  const row = recent.find((candidate) => isProblem(candidate) && now - candidate.startedAt <= recentProblemMs);
  if (row?.outcome == null) return [];
  const app = row.appName ?? 'An unknown program';
  const what = row.outcome.kind === 'blocked' ? explainDecision(row) : explainOutcome(row.outcome);
  const age = `${duration(now - row.startedAt)} ago`;
  return [{
    kind: 'submenu', id: 'recent-problem', label: plainText(`Recent problem: ${app} at ${row.host}`), items: [
      info('recent-problem:what', what),
      // By the minute: a menu that changed every second would be replaced under the pointer.
      info('recent-problem:when', now - row.startedAt < 60_000 ? 'Less than a minute ago' : age),
      act('recent-problem:copy', 'Copy for the ticket', {
        kind: 'copy',
        text: `${plainText(`${app} at ${row.host}:${row.port}`, 400)} - ${what} Connection ${row.id}${row.error === null ? '' : ` (${plainText(row.error, 400)})`}`,
      }),
      act('recent-problem:open', 'Show in Pinlight', { kind: 'open-window', screen: 'connections' }),
    ],
  }];
}

function isProblem(row: ConnectionRow): boolean {
  const kind = row.outcome?.kind;
  return kind === 'refused' || kind === 'incompatible' || kind === 'agent-fault' || kind === 'upstream' || kind === 'blocked';
}

function closing(closeLabel: string): readonly TrayItem[] {
  return [
    act('open-window', 'Open Pinlight', { kind: 'open-window', screen: null }),
    act('about', 'About Pinlight', { kind: 'about' }),
    line('before-close'),
    act('close-icon', closeLabel, { kind: 'close-icon' }),
  ];
}

function info(id: string, label: string): TrayItem {
  return { kind: 'item', id, label: plainText(label), action: null };
}

function act(id: string, label: string, action: TrayAction): TrayItem {
  return { kind: 'item', id, label, action };
}

function line(id: string): TrayItem {
  return { kind: 'separator', id };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
