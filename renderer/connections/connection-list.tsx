// The list of connections: a grid of which only the visible rows exist, over a window into the log that moves both ways.
// The grid itself has the focus and names its active row, because rows come and go.
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { CSSProperties, KeyboardEvent, MouseEvent, RefObject, UIEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { date } from '../format.ts';
import { columns } from './columns.tsx';
import { findRow } from './row-list.ts';
import type { ColumnId } from './view-store.ts';

type ListProps = {
  readonly rows: readonly ConnectionRow[];
  /** False while older rows can still be asked for. */
  readonly complete: boolean;
  /** Newer rows than these that are not in `rows`; null = an unknown number. */
  readonly skipped: number | null;
  readonly shown: readonly ColumnId[];
  readonly onOpen: (row: ConnectionRow) => void;
  readonly onNearEnd: () => void;
  readonly onNearStart: () => void;
  /** To the first and to the last rows of the log; answers the list that then holds them. */
  readonly onNewest: () => Promise<readonly ConnectionRow[]>;
  readonly onOldest: () => Promise<readonly ConnectionRow[]>;
  readonly onAtTop: (atTop: boolean) => void;
};

/** Asking this many rows before the end hides the wait at ordinary scrolling speed. */
const aheadRows = 60;
/** Rem: one line, two lines in a narrow window, three in one column. */
const rowRem = { wide: 2.75, narrow: 4.5, column: 6 } as const;
const pageRows = 10;
const idStart = 'connection-';

/**
 * Roles of the table's parts. Browsers may drop the implicit ones of elements that CSS lays out as a grid (Firefox and Safari did),
 * so each is given; as data, because a linter that does not know the style sheet takes them for redundant.
 */
const roles = {
  grid: { role: 'grid' }, rowgroup: { role: 'rowgroup' }, row: { role: 'row' }, columnheader: { role: 'columnheader' }, gridcell: { role: 'gridcell' },
} as const;

/** The grid of rows. */
export function ConnectionList({ rows, complete, skipped, shown, onOpen, onNearEnd, onNearStart, onNewest, onOldest, onAtTop }: ListProps) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLTableElement>(null);
  const [active, setActive] = useState<number | null>(null);
  const rowHeight = useRowHeight();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  useEffect(() => { virtualizer.measure(); }, [rowHeight, virtualizer]);

  useStillRows(rows, scroller, rowHeight, skipped === 0);

  const items = virtualizer.getVirtualItems();
  const firstShown = items[0]?.index ?? 0;
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (!complete && lastShown >= rows.length - aheadRows) onNearEnd();
  }, [complete, lastShown, rows.length, onNearEnd]);
  useEffect(() => {
    if (skipped !== 0 && firstShown <= aheadRows) onNearStart();
  }, [skipped, firstShown, rows.length, onNearStart]);

  const today = date(Date.now());
  const activeIndex = active === null ? -1 : findRow(rows, active);
  const activeShown = items.some((item) => item.index === activeIndex);

  function moveTo(index: number): void {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (row === undefined) return;
    setActive(row.id);
    virtualizer.scrollToIndex(findRow(rows, row.id));
  }

  /** To an end of the log, which may have to be asked for first. */
  async function jumpTo(end: 'first' | 'last'): Promise<void> {
    const there = end === 'last' ? (complete ? rows : await onOldest()) : (skipped === 0 ? rows : await onNewest());
    setActive(there.at(end === 'last' ? -1 : 0)?.id ?? null);
    // When the new rows have their height.
    requestAnimationFrame(() => scroller.current?.scrollTo({ top: end === 'last' ? scroller.current.scrollHeight : 0 }));
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[activeIndex];
    switch (event.key) {
      case 'ArrowDown': moveTo(activeIndex + 1); break;
      case 'ArrowUp': moveTo(activeIndex - 1); break;
      case 'PageDown': moveTo(activeIndex + pageRows); break;
      case 'PageUp': moveTo(activeIndex - pageRows); break;
      case 'Home': void jumpTo('first'); break;
      case 'End': void jumpTo('last'); break;
      case 'Enter': case ' ': if (row !== undefined) onOpen(row); break;
      default: return;
    }
    event.preventDefault();
  }

  function onClick(event: MouseEvent<HTMLTableElement>): void {
    const line = event.target instanceof Element ? event.target.closest('tr.log-line') : null;
    const row = rows[findRow(rows, Number(line?.id.slice(idStart.length)))];
    if (row === undefined) return;
    setActive(row.id);
    onOpen(row);
  }

  // The grid answers keyboard and pointer for all its rows: they come and go while it stays.
  const handling = {
    tabIndex: 0, 'aria-activedescendant': activeShown ? `${idStart}${active}` : undefined, onKeyDown, onClick,
    onFocus: () => { if (activeIndex < 0) setActive(rows[0]?.id ?? null); },
    onScroll: (event: UIEvent<HTMLTableElement>) => onAtTop(event.currentTarget.scrollTop < rowHeight / 2),
  };

  return (
    <table
      ref={scroller} className="log" {...roles.grid} {...handling} aria-label={t('connections.table')} aria-colcount={shown.length}
      aria-rowcount={complete && skipped !== null ? skipped + rows.length + 1 : -1} style={gridOf(shown)}
    >
      <thead className="log-head" {...roles.rowgroup}>
        <tr className="log-row" {...roles.row} aria-rowindex={1}>
          {shown.map((id) => <th key={id} className={cellClass(id)} scope="col" {...roles.columnheader}>{t(columns[id].word)}</th>)}
        </tr>
      </thead>
      <tbody className="log-body" {...roles.rowgroup} style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row === undefined ? null : (
            <LogRow
              // By place, not by row: when new rows come in at the top, the lines on the screen are filled anew instead of made anew.
              key={item.index} row={row} index={(skipped ?? 0) + item.index} top={item.start} height={rowHeight} active={row.id === active} shown={shown} today={today}
            />
          );
        })}
      </tbody>
    </table>
  );
}

type RowProps = {
  readonly row: ConnectionRow;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly active: boolean;
  readonly shown: readonly ColumnId[];
  /** The date of today, as rows spell it. */
  readonly today: string;
};

const LogRow = memo(function LogRow({ row, index, top, height, active, shown, today }: RowProps) {
  const { t } = useTranslation();
  return (
    <tr
      id={`${idStart}${row.id}`} className={active ? 'log-row log-line log-active' : 'log-row log-line'} {...roles.row}
      aria-rowindex={index + 2} aria-selected={active} style={{ transform: `translateY(${top}px)`, height }}
    >
      {shown.map((id) => <td key={id} {...roles.gridcell} className={cellClass(id)}>{columns[id].cell(row, t, today)}</td>)}
    </tr>
  );
});

/** Rows in the places that a narrow window has for them have classes of their own; the others are left out there. */
const placed: ReadonlySet<ColumnId> = new Set(['time', 'app', 'host', 'disposition', 'outcome', 'reason']);

function cellClass(id: ColumnId): string {
  return placed.has(id) ? `log-${id}` : `log-${id} log-extra`;
}

function gridOf(shown: readonly ColumnId[]): CSSProperties {
  return { '--log-columns': shown.map((id) => columns[id].width).join(' ') } as CSSProperties;
}

/** Rows that come or go before the visible ones must not move those: the scroll position follows. At the top the newest are wanted. */
function useStillRows(rows: readonly ConnectionRow[], scroller: RefObject<HTMLElement | null>, rowHeight: number, fromNewest: boolean): void {
  const before = useRef(rows);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = rows;
    const element = scroller.current;
    if (element === null || old === rows) return;
    const anchor = Math.floor(element.scrollTop / rowHeight);
    const id = old[anchor]?.id;
    if (id === undefined || (fromNewest && element.scrollTop < rowHeight / 2)) return;
    const now = findRow(rows, id);
    if (now >= 0 && now !== anchor) element.scrollBy({ top: (now - anchor) * rowHeight });
  }, [rows, scroller, rowHeight, fromNewest]);
}

/** Height of one row in CSS pixels; follows the person's font size and the width of the window. */
function useRowHeight(): number {
  const [height, setHeight] = useState(rowHeightNow);
  useEffect(() => {
    const update = (): void => setHeight(rowHeightNow());
    window.addEventListener('resize', update);
    return () => window.removeEventListener('resize', update);
  }, []);
  return height;
}

function rowHeightNow(): number {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  // The same limits as in styles.css, where the row gets its second and its third line.
  if (window.matchMedia('(max-width: 36rem)').matches) return rem * rowRem.column;
  return rem * (window.matchMedia('(max-width: 46rem)').matches ? rowRem.narrow : rowRem.wide);
}
