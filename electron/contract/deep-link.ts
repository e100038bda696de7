// What a `pinlight://` link may ask for: to show something, from a fixed set. Anybody can make such a link, so it never does anything,
// names no file and no address, and what it brings along is text. Not for showing (main/app).

/** `f` of a link is handed to the filter's own parser; longer ones than people write are refused. */
export const longestLinkFilter = 500;

export type DeepLink = { readonly screen: (typeof screens)[keyof typeof screens]; readonly filter: string | null };

/** `pinlight://open?view=connections&f=app%20contains%20slack`; null for anything else, however near. */
export function readDeepLink(text: string): DeepLink | null {
  const query = text.length > longestLink ? null : /^pinlight:\/\/open\/?(?:\?([^#]*))?$/.exec(text);
  if (query === null) return null;
  const values = new Map<string, string>();
  for (const part of (query[1] ?? '').split('&').filter((one) => one !== '')) {
    const [name, value] = /^(view|f)=(.*)$/s.exec(part)?.slice(1).map(decoded) ?? [];
    if (name == null || value == null || values.has(name)) return null;
    values.set(name, value);
  }
  const view = values.get('view') ?? 'status';
  const filter = values.get('f') ?? null;
  if (!isView(view)) return null;
  const screen = screens[view];
  if (filter !== null && !isFilter(screen, filter)) return null;
  return { screen, filter };
}

/** The link among a program's arguments; null when there is none that can be read. */
export function linkAmong(args: readonly string[]): DeepLink | null {
  for (const arg of args) {
    const link = readDeepLink(arg);
    if (link !== null) return link;
  }
  return null;
}

/** Encoded, a filter of the longest kind still fits. */
const longestLink = 2_000;

const screens = {
  status: 'overview', bypassed: 'apps', apps: 'apps', log: 'connections', connections: 'connections', policy: 'policy', certificates: 'certificates', diagnostics: 'diagnostics',
} as const;

function isView(view: string): view is keyof typeof screens {
  return Object.hasOwn(screens, view);
}

function isFilter(screen: DeepLink['screen'], filter: string): boolean {
  return screen === 'connections' && filter.length <= longestLinkFilter && !/\p{Cc}/u.test(filter);
}

/** Null for escapes that stand for no text. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
