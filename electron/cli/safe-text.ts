// Text from the network or from other programs made harmless for a terminal, and its width on one.
// Not for layout (table.ts) or for redaction (core/diagnostics).

// Controls (C0 and C1) move the cursor, retitle the window or answer queries as if typed; format characters (bidirectional
// marks, zero-width ones) and line separators make one host look like another.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text on one line, with every control or invisible character written out as `\u{1b}`. */
export function safeText(text: string): string {
  return text.replace(harmful, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** JSON on one line that is safe to show on a terminal: what JSON leaves raw (C1, DEL, bidirectional marks) is escaped too. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(harmful, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}

/** Columns the (safe) text takes on a terminal: East Asian wide characters and emoji take two, combining marks none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The text cut to `width` columns, with `…` in the last one where something was cut. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide = /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

function graphemeWidth(segment: string): number {
  return wide.test(segment) ? 2 : /^\p{M}+$/u.test(segment) ? 0 : 1;
}
