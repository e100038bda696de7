// Numbers, times and foreign text as people read them in the window's language. Not for sentences (locales, sentences.ts).

let formats = formatsOf(undefined);

/** Numbers and times are spelled as in this locale from now on (`de-AT`); before, as in the system's. */
export function setFormats(locale: string): void {
  formats = formatsOf(locale);
}

function formatsOf(locale: string | undefined) {
  const fraction = (digits: number) => new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });
  return {
    time: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
    timeWithSeconds: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    day: new Intl.DateTimeFormat(locale, { year: 'numeric', month: '2-digit', day: '2-digit' }),
    weekday: new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric' }),
    dayAndMonth: new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' }),
    number: new Intl.NumberFormat(locale),
    whole: fraction(0), tenths: fraction(1),
  };
}

/** `10:32`. */
export function clock(at: number): string {
  return formats.time.format(at);
}

/** `10:32:07`. */
export function preciseClock(at: number): string {
  return formats.timeWithSeconds.format(at);
}

/** Date alone, in the language's order. */
export function date(at: number): string {
  return formats.day.format(at);
}

/** Day of the week and of the month, short. */
export function weekday(at: number): string {
  return formats.weekday.format(at);
}

/** Day and month, short. */
export function dayAndMonth(at: number): string {
  return formats.dayAndMonth.format(at);
}

/** Time alone for today, with the date before it otherwise. */
export function moment(at: number, now: number): string {
  return date(at) === date(now) ? clock(at) : `${date(at)} ${clock(at)}`;
}

/** `12,345` in the language's spelling. */
export function count(value: number): string {
  return formats.number.format(value);
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
  const spelling = unit === 0 || value >= 10 ? formats.whole : formats.tenths;
  return `${spelling.format(value)} ${units[unit]}`;
}

/** `340 ms`, `2.4 s`, `3 min 20 s`. */
export function lasting(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${formats.tenths.format(ms / 1000)} s`;
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
