// Columns for people: widths from the contents, cut to the terminal, coloured after padding so that escapes never count as width.
// Not for JSON output or for what the cells say.
import { cutText, safeText, textWidth } from './safe-text.ts';

/** `good`, `warn`, `bad` and `dim` only underline what the words already say. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'dim' | 'strong';
export type Cell = string | { readonly text: string; readonly tone: Tone };
export type Column = { readonly title: string; readonly align?: 'left' | 'right' };
export type TableStyle = {
  /** Columns of the terminal; null = not a terminal, nothing is cut. */
  readonly width: number | null;
  readonly paint: (text: string, tone: Tone) => string;
};

/** The table as lines, head first; cell texts may be hostile. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], style: TableStyle): string[] {
  const texts = rows.map((row) => columns.map((_, index) => safeText(textOf(row[index]))));
  const wanted = columns.map((column, index) => Math.max(textWidth(column.title), ...texts.map((row) => textWidth(row[index] ?? ''))));
  const widths = style.width === null ? wanted : shrink(wanted, style.width - gap.length * (columns.length - 1));
  const layOut = (cells: readonly string[], toneOf: (index: number) => Tone): string => cells
    .map((text, index) => pad(cutText(text, widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align ?? 'left', index === columns.length - 1, (cut) => style.paint(cut, toneOf(index))))
    .join(gap)
    .trimEnd();
  return [
    layOut(columns.map((column) => column.title.toUpperCase()), () => 'dim'),
    ...texts.map((row, rowIndex) => layOut(row, (index) => toneOfCell(rows[rowIndex]?.[index]))),
  ];
}

const gap = '  ';
const narrowest = 6;

/** Takes columns from the widest until the sum fits, or none is wider than the narrowest useful width. */
function shrink(wanted: readonly number[], room: number): number[] {
  const widths = [...wanted];
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= narrowest) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function pad(text: string, width: number, align: 'left' | 'right', last: boolean, paint: (text: string) => string): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  if (align === 'right') return space + paint(text);
  return last ? paint(text) : paint(text) + space;
}

function textOf(cell: Cell | undefined): string {
  return cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text;
}

function toneOfCell(cell: Cell | undefined): Tone {
  return cell === undefined || typeof cell === 'string' ? 'plain' : cell.tone;
}
