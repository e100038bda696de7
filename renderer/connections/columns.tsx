// The columns of the list: what each is called, how wide it is, what stands in it.
import type { ReactNode } from 'react';
import type { TFunction } from 'i18next';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { DispositionBadge, OutcomeWord } from '../components/badges.tsx';
import { Foreign } from '../components/foreign.tsx';
import { bytes, clock, date, dayAndMonth, lasting, preciseClock, visible } from '../format.ts';
import { ReasonCell } from './reason-cell.tsx';
import type { ColumnId } from './view-store.ts';

type Column = {
  readonly word: string;
  /** A track of the grid. */
  readonly width: string;
  readonly cell: (row: ConnectionRow, t: TFunction, today: string) => ReactNode;
};

export const columns = {
  time: { word: 'connections.columnTime', width: '7.75rem', cell: (row, _t, today) => when(row.startedAt, today) },
  app: { word: 'connections.columnApp', width: 'minmax(7rem, 1.15fr)', cell: (row, t) => appName(row.appName ?? t('app.unknown')) },
  host: { word: 'connections.columnHost', width: 'minmax(9rem, 1.5fr)', cell: (row) => <Foreign className="clip" mono text={row.port === 443 ? row.host : `${row.host}:${row.port}`} /> },
  disposition: { word: 'connections.columnDisposition', width: '8.5rem', cell: (row) => <DispositionBadge value={row.disposition} /> },
  outcome: { word: 'connections.columnOutcome', width: '8.5rem', cell: (row) => <OutcomeWord value={row.outcome} /> },
  reason: { word: 'connections.columnReason', width: 'minmax(0, 1.35fr)', cell: (row) => <ReasonCell row={row} /> },
  user: { word: 'app.user', width: '6rem', cell: (row) => optional(row.user) },
  ip: { word: 'connection.ip', width: '8.5rem', cell: (row) => optional(row.ip) },
  rule: { word: 'connection.rule', width: '8rem', cell: (row) => optional(row.rule) },
  tls: { word: 'connection.tls', width: '4.5rem', cell: (row) => optional(row.tlsVersion) },
  alpn: { word: 'connection.alpn', width: '5rem', cell: (row) => optional(row.alpn) },
  up: { word: 'connection.up', width: '5.5rem', cell: (row) => bytes(row.bytesUp) },
  down: { word: 'connection.down', width: '5.5rem', cell: (row) => bytes(row.bytesDown) },
  lasted: { word: 'connection.lasted', width: '6rem', cell: (row, t) => (row.durationMs === null ? t('outcome.open') : lasting(row.durationMs)) },
} as const satisfies Readonly<Record<ColumnId, Column>>;

/** To the second today, with the day and to the minute before; always whole in the hint. */
function when(at: number, today: string): ReactNode {
  const day = date(at);
  return <time title={`${day} ${preciseClock(at)}`}>{day === today ? preciseClock(at) : <><span className="log-day">{dayAndMonth(at)}</span>{' '}{clock(at)}</>}</time>;
}

/** Of `python3 · report.py` the script first: rows of one interpreter differ in it. */
function appName(name: string): ReactNode {
  const parts = /^(.+?) · (.+)$/su.exec(name);
  if (parts === null) return <Foreign className="clip" text={name} />;
  return <bdi className="foreign clip" title={visible(name)}>{visible(parts[2] ?? '')} <span className="log-runtime">{visible(parts[1] ?? '')}</span></bdi>;
}

function optional(text: string | null): ReactNode {
  return text === null ? '' : <Foreign className="clip" mono text={text} />;
}
