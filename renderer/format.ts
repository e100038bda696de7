// Numbers, times and foreign text as people read them. Pure besides the system's locale. Not for sentences (locales, core/explain).

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const timeWithSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: '2-digit', day: '2-digit' });
const number = new Intl.NumberFormat();

/** `10:32`. */
export function clock(at: number): string {
  return time.format(at);
}

/** `10:32:07`. */
export function preciseClock(at: number): string {
  return timeWithSeconds.format(at);
}

/** Date alone, in the system's order. */
export function date(at: number): string {
  return day.format(at);
}

/** Time alone for today, with the date before it otherwise. */
export function moment(at: number, now: number): string {
  return day.format(at) === day.format(now) ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

/** `12,345` in the system's spelling. */
export function count(value: number): string {
  return number.format(value);
}

/** `0 B`, `4.1 kB`, `12 MB`: decimal units, as the systems' own file managers show them. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `340 ms`, `2.4 s`, `3 min 20 s`. */
export function lasting(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/**
 * Text that a stranger chose (host, app, path) made visible: control characters and those that turn the reading direction
 * are spelled out as `⟨U+202E⟩`, so that `exe.gpj` tricks show.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `⟨U+${code}⟩`;
  });
}
