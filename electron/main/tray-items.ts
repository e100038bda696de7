// The shapes of a tray menu and the few ways to make an item; every text of foreign origin becomes one plain line here. Pure.
// Not for which items there are (tray-model, tray-apps).
import type { NotificationKind } from '../contract/notification-kinds.ts';
import type { StatusShape } from '../contract/status.ts';
import type { WindowPlace } from '../contract/window-place.ts';

export type TrayShape = StatusShape;

/** What a click asks for; null = the item only informs. */
export type TrayAction =
  | { readonly kind: 'copy'; readonly text: string }
  /** Null = wherever the window was. */
  | { readonly kind: 'open-window'; readonly place: WindowPlace | null }
  /** Only ever the policy's own link. */
  | { readonly kind: 'open-link'; readonly url: string }
  | { readonly kind: 'pause'; readonly minutes: number }
  | { readonly kind: 'log-level'; readonly level: 'normal' | 'detailed' }
  | { readonly kind: 'silence'; readonly app: string }
  /** These kinds of notifications, and no others. */
  | { readonly kind: 'silence-kinds'; readonly kinds: readonly NotificationKind[] }
  | { readonly kind: 'open-at-login'; readonly on: boolean }
  | { readonly kind: 'cancel-bundle' | 'start-agent' | 'restart-agent' | 'about' | 'close-icon' | 'resume' | 'reload-policy' | 'check-trust' | 'reset-silenced' };

export type TrayItem =
  | { readonly kind: 'separator'; readonly id: string }
  /** `mark`: one of several (`radio`), or on and off (`checkbox`); absent = neither. */
  | { readonly kind: 'item'; readonly id: string; readonly label: string; readonly action: TrayAction | null; readonly mark?: TrayMark }
  | { readonly kind: 'submenu'; readonly id: string; readonly label: string; readonly items: readonly TrayItem[] };

export type TrayMark = { readonly type: 'radio' | 'checkbox'; readonly checked: boolean };

export type TrayModel = {
  readonly shape: TrayShape;
  /** `Pinlight - inspecting, 3 apps bypassed`. */
  readonly tooltip: string;
  readonly items: readonly TrayItem[];
};

// Native menus cut longer lines themselves, on GNOME without a sign that something is missing.
const longestLabel = 90;
/** Windows shows 127 characters of a tray tooltip. */
export const longestTooltip = 127;

/** Text of foreign origin (app names, hosts) as one line of at most `longest` characters: no line breaks, no direction marks. */
export function plainText(text: string, longest: number = longestLabel): string {
  // Direction marks could make `a.exe` read as another name; control characters break native menus.
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const letters = Array.from(clean);
  return letters.length <= longest ? clean : `${letters.slice(0, longest - 1).join('')}…`;
}

/** A line to read. */
export function info(id: string, label: string): TrayItem {
  return { kind: 'item', id, label: plainText(label), action: null };
}

/** A line to click. */
export function act(id: string, label: string, action: TrayAction): TrayItem {
  return { kind: 'item', id, label: plainText(label), action };
}

/** A line that opens others. */
export function submenu(id: string, label: string, items: readonly TrayItem[]): TrayItem {
  return { kind: 'submenu', id, label: plainText(label), items };
}

export function line(id: string): TrayItem {
  return { kind: 'separator', id };
}
