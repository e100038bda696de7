// The small pieces the report's page is put together from: escaping, tables, times, the style sheet.
// Not for what the page says (report).

/** A piece of HTML that is already escaped; only `esc` and the helpers here make one. */
export type Html = { readonly html: string };

/**
 * Any string as text. Besides the five signs of HTML, control and direction signs are shown by number:
 * a right-to-left override in a host's or certificate's name would make it read as another one.
 */
export function esc(text: string): Html {
  return {
    html: text
      .replace(/[&<>"']/g, (sign) => entities[sign] ?? '')
      .replace(/[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, (sign) => (
        sign === '\n' || sign === '\t' ? ' ' : `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`
      )),
  };
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Template for HTML: strings are escaped, pieces and lists of pieces go in as they are. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  let out = strings[0] ?? '';
  for (const [i, value] of values.entries()) {
    if (typeof value === 'string' || typeof value === 'number') out += esc(String(value)).html;
    else if ('html' in value) out += value.html;
    else out += value.map((piece) => piece.html).join('');
    out += strings[i + 1] ?? '';
  }
  return { html: out };
}

/** A table with a caption for screen readers; rows beyond `most` are counted and `rest` names the file that has them. */
export function table(
  caption: string, heads: readonly string[], rows: readonly (readonly (string | Html)[])[],
  limit: { readonly most: number; readonly rest: string },
): Html {
  const body = rows.slice(0, limit.most).map((cells) => html`<tr>${cells.map((cell) => (typeof cell === 'string' && hasLongWord(cell) ? html`<td class="long">${cell}</td>` : html`<td>${cell}</td>`))}</tr>`);
  const more = rows.length > limit.most ? html`<p class="more">${rows.length - limit.most} more in ${limit.rest}.</p>` : html``;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>${more}
`;
}

/** Ordinary host names stay in one piece; a longer word may break anywhere, or one hostile name would push the table off the page. */
function hasLongWord(text: string): boolean {
  return /\S{41}/.test(text);
}

/** `2026-11-20 10:30` in UTC out of ms since the epoch; `never` for null. */
export function utc(at: number | null): string {
  if (at === null) return 'never';
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 16).replace('T', ' ');
}

/** `2026-11-20 10:30:05` in UTC. */
export function utcSeconds(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** The whole style sheet. Paper leaves out what is only worth looking up, to be two pages: all but the first findings and rows, and three sections.
 * Its hash stands in the page's policy, so nothing else can style the page. Type in rem: it grows with the reader's. */
export const reportStyle = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#4d5661;--line:#d5dae0;--page:#fff;--panel:#f5f7f9;--problem:#a4161a;--attention:#7a4b00;--note:#175a9c}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebee;--soft:#b0b8c1;--line:#3b434c;--page:#15191d;--panel:#1f252b;--problem:#ff9a94;--attention:#f1bf62;--note:#8cc4ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:2rem 1.5rem 3rem;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
header p,.more,.soft{color:var(--soft)}
h1{font-size:1.35rem;line-height:1.25;margin:0}
h2{font-size:1.1rem;margin:2.25rem 0 .6rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:0}
p{margin:.35rem 0}
.id{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;font-weight:600;color:var(--ink);white-space:nowrap}
.verdict{font-size:1.3rem;line-height:1.35;margin:1.1rem 0 .4rem;font-weight:600;max-width:52rem}
ol.findings{list-style:none;margin:0;padding:0;display:grid;gap:.75rem}
ol.findings>li{background:var(--panel);border-radius:8px;padding:.8rem 1rem}
.level{font-weight:600;font-size:.875rem}
.problem .level{color:var(--problem)}.attention .level{color:var(--attention)}.note .level{color:var(--note)}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem .9rem;margin:.5rem 0 0}
dt{color:var(--soft)}dd{margin:0}
dd ul{margin:0;padding-left:1.1rem}
ul.checks{list-style:none;margin:.5rem 0;padding:0;font-size:.875rem}ul.checks>li{padding:.2rem 0}.checks .wrong code:first-child{color:var(--problem)}.checks .unknown code:first-child{color:var(--attention)}
.tell{font-weight:600}
.scroll{overflow-x:auto;margin:.5rem 0}
.scroll:focus-visible{outline:2px solid var(--note);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.4;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
td ul{margin:0;padding-left:1rem}
td.long,td code{overflow-wrap:anywhere}td.long,td.code{min-width:14rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
dl.facts{grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr));gap:.3rem 1.5rem}
.facts dt{font-size:.875rem}
.apps td:first-child{min-width:11rem}
code{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;font-size:.8125rem;overflow-wrap:anywhere}
.nowrap{white-space:nowrap}
.paper-only{display:none}
@media (max-width:40rem){body{padding:1.25rem 1rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.35rem}}
@media print{
@page{margin:12mm}
:root{color-scheme:light;--ink:#000;--soft:#333;--line:#bbb;--page:#fff;--panel:#fff;--problem:#8d0d11;--attention:#663f00;--note:#0d3f75}
body{max-width:none;padding:0;font-size:8pt;line-height:1.25}
h1{font-size:12pt}h2{font-size:10pt;margin:6pt 0 1pt;padding-top:3pt;break-after:avoid}h3{font-size:8.5pt}
.verdict{font-size:11pt;margin:5pt 0 2pt;max-width:none}
ol.findings{gap:3pt}ol.findings>li{border:1px solid var(--line);border-radius:4px;padding:2pt 6pt;break-inside:avoid}
table,.level,ul.checks{font-size:7pt;line-height:1.2}ul.checks{margin:2pt 0}ul.checks>li{padding:0}code{font-size:6.5pt}
th,td{padding:1pt 6pt 1pt 0}td.long,td.code{min-width:0}tr{break-inside:avoid}
.apps,.recent,.screen-only,.checks>.ok,.checks>li:nth-child(n+7),ol.findings>li:nth-child(n+5),tbody tr:nth-child(n+9),.files tbody tr td:nth-child(3),.files th:nth-child(3){display:none}.paper-only{display:block}.files tbody tr:nth-child(n+9){display:table-row}.files table,.files tbody,.files tr,.files td{display:inline}.files thead{display:none}.files td{border:0;padding:0 3pt 0 0}.files tr{margin-right:6pt}
dl{gap:0 6pt;margin-top:2pt}dl.facts{grid-template-columns:repeat(4,1fr);gap:1pt 8pt}.facts dt,.facts dd{font-size:7pt;line-height:1.2}td ul,dd ul{padding-left:8pt}p{margin:2pt 0}.scroll{overflow:visible;margin:2pt 0}
}
`;
