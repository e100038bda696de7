// What a person has open: screen, drawers, toasts. The screen lives in the address (#overview), so back and reload work.
// Not for anything the agent says.
import { create } from 'zustand';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';

export const screens = ['overview', 'apps', 'connections', 'policy', 'certificates', 'diagnostics'] as const;
export type Screen = (typeof screens)[number];

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
  readonly toasts: readonly Toast[];
};

export const useUi = create<UiState>(() => ({
  screen: screenOf(window.location.hash), openApp: null, openConnection: null, filter: filterOf(window.location.hash) ?? '', toasts: [],
}));

window.addEventListener('hashchange', () => {
  const filter = filterOf(window.location.hash);
  useUi.setState({ screen: screenOf(window.location.hash), ...(filter === null ? {} : { filter }) });
});

/** Switches the screen and closes what lay over the old one. */
export function goTo(screen: Screen): void {
  useUi.setState({ screen, openApp: null, openConnection: null });
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

/** Closes whichever drawer is open. */
export function closeDrawers(): void {
  useUi.setState({ openApp: null, openConnection: null });
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

function screenOf(hash: string): Screen {
  return screens.find((screen) => hash.split('?', 1)[0] === `#${screen}`) ?? 'overview';
}

/** What a link filters the log by (`#connections?f=…`); null = nothing is said. The filter's own parser judges it. */
function filterOf(hash: string): string | null {
  return hash.startsWith('#connections?') ? new URLSearchParams(hash.slice('#connections?'.length)).get('f') : null;
}
