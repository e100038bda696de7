// The list of connections: a grid of which only the visible rows exist, so that a hundred thousand rows scroll like twenty.
// The grid itself has the focus and names its active row, because rows come and go.
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, MouseEvent, UIEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { explainReason } from '../../electron/core/explain.ts';
import { DispositionBadge, OutcomeWord } from '../components/badges.tsx';
import { Foreign } from '../components/foreign.tsx';
import { preciseClock, visible } from '../format.ts';
import { findRow } from './row-list.ts';

type ListProps = {
  readonly rows: readonly ConnectionRow[];
  /** False while older rows can still be asked for. */
  readonly complete: boolean;
  readonly onOpen: (row: ConnectionRow) => void;
  readonly onNearEnd: () => void;
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

const columns = [
  'connections.columnTime', 'connections.columnApp', 'connections.columnHost',
  'connections.columnDisposition', 'connections.columnOutcome', 'connections.columnReason',
] as const;

/** The grid of rows. */
export function ConnectionList({ rows, complete, onOpen, onNearEnd, onAtTop }: ListProps) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLTableElement>(null);
  const [active, setActive] = useState<number | null>(null);
  const rowHeight = useRowHeight();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  useEffect(() => { virtualizer.measure(); }, [rowHeight, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (!complete && lastShown >= rows.length - aheadRows) onNearEnd();
  }, [complete, lastShown, rows.length, onNearEnd]);

  const activeIndex = active === null ? -1 : findRow(rows, active);
  const activeShown = items.some((item) => item.index === activeIndex);

  function moveTo(index: number): void {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (row === undefined) return;
    setActive(row.id);
    virtualizer.scrollToIndex(findRow(rows, row.id));
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[activeIndex];
    switch (event.key) {
      case 'ArrowDown': moveTo(activeIndex + 1); break;
      case 'ArrowUp': moveTo(activeIndex - 1); break;
      case 'PageDown': moveTo(activeIndex + pageRows); break;
      case 'PageUp': moveTo(activeIndex - pageRows); break;
      case 'Home': moveTo(0); break;
      case 'End': moveTo(rows.length - 1); break;
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
      ref={scroller} className="log" {...roles.grid} {...handling} aria-label={t('connections.table')} aria-colcount={6}
      aria-rowcount={complete ? rows.length + 1 : -1}
    >
      <thead className="log-head" {...roles.rowgroup}>
        <tr className="log-row" {...roles.row} aria-rowindex={1}>
          {columns.map((word) => <th key={word} scope="col" {...roles.columnheader}>{t(word)}</th>)}
        </tr>
      </thead>
      <tbody className="log-body" {...roles.rowgroup} style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row === undefined ? null : (
            <LogRow
              key={row.id} row={row} index={item.index} top={item.start} height={rowHeight} active={row.id === active}
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
};

const LogRow = memo(function LogRow({ row, index, top, height, active }: RowProps) {
  const { t } = useTranslation();
  const reason = visible(explainReason(row.reason, row.rule));
  return (
    <tr
      id={`${idStart}${row.id}`} className={active ? 'log-row log-line log-active' : 'log-row log-line'} {...roles.row}
      aria-rowindex={index + 2} aria-selected={active} style={{ transform: `translateY(${top}px)`, height }}
    >
      <td {...roles.gridcell} className="log-time">{preciseClock(row.startedAt)}</td>
      <td {...roles.gridcell} className="log-app"><Foreign className="clip" text={row.appName ?? t('app.unknown')} /></td>
      <td {...roles.gridcell} className="log-host"><Foreign className="clip" mono text={row.port === 443 ? row.host : `${row.host}:${row.port}`} /></td>
      <td {...roles.gridcell} className="log-disposition"><DispositionBadge value={row.disposition} /></td>
      <td {...roles.gridcell} className="log-outcome"><OutcomeWord value={row.outcome} /></td>
      <td {...roles.gridcell} className="log-reason clip muted" title={reason}>{reason}</td>
    </tr>
  );
});

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
