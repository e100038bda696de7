// What a person has open: screen, drawers, toasts. The screen lives in the address (#overview, #apps?app=…), so back, reload and tray work.
// Not for anything the agent says.
import { create } from 'zustand';
import { readFragment, windowScreens } from '../../electron/contract/window-place.ts';
import type { WindowScreen } from '../../electron/contract/window-place.ts';
import type { NoticeAnswer } from '../../electron/contract/routes.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';

export const screens = windowScreens;
export type Screen = WindowScreen;

/** A short message at the window's edge; `action` undoes what it tells of. */
export type Toast = {
  readonly id: number;
  readonly text: string;
  readonly tone: 'done' | 'failed';
  readonly action: { readonly label: string; readonly run: () => void } | null;
};

type UiState = {
  readonly screen: Screen;
  /** AppSummary.id of the open drawer. */
  readonly openApp: string | null;
  readonly openConnection: ConnectionRow | null;
  /** Filter the Connections screen starts with or is told to use; the screen owns it afterwards. */
  readonly filter: string;
  /** Trust store that the Certificates screen puts first; null = none. */
  readonly trustStore: string | null;
  readonly toasts: readonly Toast[];
  /** The first-start notice while it is read; null = it is not open. */
  readonly notice: NoticeAnswer | null;
};

const first = readFragment(window.location.hash);

export const useUi = create<UiState>(() => ({
  screen: first.screen, openApp: first.app ?? null, openConnection: null, filter: first.filter ?? '', trustStore: null, toasts: [], notice: null,
}));

window.addEventListener('hashchange', () => {
  const { screen, app, filter } = readFragment(window.location.hash);
  useUi.setState({ screen, ...(app === undefined ? {} : { openApp: app, openConnection: null }), ...(filter === undefined ? {} : { filter }) });
});

/** Switches the screen and closes what lay over the old one. */
export function goTo(screen: Screen): void {
  useUi.setState({ screen, openApp: null, openConnection: null, trustStore: null });
  window.location.hash = screen;
}

/** Opens the drawer of one app over the present screen. */
export function showApp(id: string): void {
  useUi.setState({ openApp: id, openConnection: null });
}

/** Opens the drawer of one connection over the present screen. */
export function showConnection(row: ConnectionRow): void {
  useUi.setState({ openConnection: row, openApp: null });
}

/** Goes to the Connections screen with this filter. */
export function showFiltered(filter: string): void {
  useUi.setState({ filter });
  goTo('connections');
}

/** Goes to the Certificates screen, with this store first. */
export function showStore(store: string): void {
  goTo('certificates');
  useUi.setState({ trustStore: store });
}

/** Opens the first-start notice over the window. */
export function showNotice(notice: NoticeAnswer): void {
  useUi.setState({ notice });
}

/** Closes it. */
export function closeNotice(): void {
  useUi.setState({ notice: null });
  // Or the same click in the tray would be no change of address.
  if (window.location.hash === '#notice') window.history.replaceState(null, '', '#overview');
}

/** Closes whichever drawer is open. */
export function closeDrawers(): void {
  useUi.setState({ openApp: null, openConnection: null });
  // Or the same click in the tray would be no change of address.
  if (window.location.hash.startsWith('#apps?')) window.history.replaceState(null, '', '#apps');
}

let lastToast = 0;

/** Shows a message; a new one takes the place of the oldest of three. */
export function addToast(toast: Omit<Toast, 'id'>): void {
  lastToast += 1;
  const id = lastToast;
  useUi.setState((state) => ({ toasts: [...state.toasts.slice(-2), { ...toast, id }] }));
}

/** Takes a message away. */
export function dropToast(id: number): void {
  useUi.setState((state) => ({ toasts: state.toasts.filter((toast) => toast.id !== id) }));
}
