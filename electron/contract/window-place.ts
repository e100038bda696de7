// Where the window opens, as its address names it behind `#`: one of a fixed set of screens, and on it an app, a filter, the pause dialog or the notice.
// Written by the shell for tray, notices and links, read by the window; whatever else stands there is the first screen. Pure.

export const windowScreens = ['overview', 'apps', 'connections', 'policy', 'certificates', 'diagnostics'] as const;
export type WindowScreen = (typeof windowScreens)[number];

export type WindowPlace = {
  readonly screen: WindowScreen;
  /** AppSummary.id of the app whose drawer opens; only with `apps`. An id that nobody has opens none. */
  readonly app?: string;
  /** What the log is filtered by; only with `connections`. The filter's own parser judges it. */
  readonly filter?: string;
  /** Asks for minutes and reason; only with `overview`. */
  readonly pause?: true;
  /** Shows the first-start notice; only with `overview`. */
  readonly notice?: true;
};

/** The fragment, without `#`. */
export function fragmentOf({ screen, app, filter, pause, notice }: WindowPlace): string {
  if (screen === 'apps' && app !== undefined) return `apps?app=${encodeURIComponent(app)}`;
  if (screen === 'connections' && filter !== undefined) return `connections?f=${encodeURIComponent(filter)}`;
  if (screen === 'overview' && notice === true) return 'notice';
  return screen === 'overview' && pause === true ? 'pause' : screen;
}

/** The place that a fragment names, with its `#` or without. */
export function readFragment(fragment: string): WindowPlace {
  const [name = '', query = ''] = fragment.replace(/^#/, '').split('?', 2);
  if (name === 'pause') return { screen: 'overview', pause: true };
  if (name === 'notice') return { screen: 'overview', notice: true };
  const screen = windowScreens.find((one) => one === name) ?? 'overview';
  const [, key, encoded = ''] = /^(app|f)=([^&]*)$/.exec(query) ?? [];
  const value = decoded(encoded);
  if (screen === 'apps' && key === 'app' && value !== null && isId(value)) return { screen, app: value };
  return screen === 'connections' && key === 'f' && value !== null ? { screen, filter: value } : { screen };
}

/** Ids are digests; anything long or with control characters is somebody else's idea. */
function isId(text: string): boolean {
  return text !== '' && text.length <= 128 && !/\p{C}/u.test(text);
}

/** Null for escapes that stand for no text. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
