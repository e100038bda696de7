// What stands above the list besides the filter: the span of time, columns, export, list or chart.
// Not for the rows (connection-list.tsx) or the chart itself (log-chart.tsx).
import { ChartColumn, Columns3, Download, List } from 'lucide-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Button, Checkbox, CheckboxGroup, Dialog, DialogTrigger, Group, Heading, Menu, MenuItem, MenuTrigger, Popover, ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ExportFormat } from '../../electron/contract/log-export.ts';
import { errorLine } from '../components/error-words.tsx';
import { count } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
import { useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';
import { columns } from './columns.tsx';
import { exportLog } from './export-log.ts';
import { columnIds, lastSpans, setColumns, useView } from './view-store.ts';
import type { ColumnId, TimeRange } from './view-store.ts';

const spanWords = { '1h': 'range.hour', '1d': 'range.day', '7d': 'range.week', '30d': 'range.month' } as const;

/** The line of tools; `filter` is what an export asks for. */
export function LogTools({ filter }: { readonly filter: string }) {
  const { t } = useTranslation();
  const chart = useView((view) => view.chart);
  return (
    <div className="log-tools">
      <RangeChoice />
      <div className="buttons">
        <ToggleButtonGroup
          className="segments" aria-label={t('connections.view')} selectionMode="single" disallowEmptySelection
          selectedKeys={[chart ? 'chart' : 'list']} onSelectionChange={(keys) => useView.setState({ chart: keys.has('chart') })}
        >
          <ToggleButton id="list"><List aria-hidden size={16} /> {t('connections.asList')}</ToggleButton>
          <ToggleButton id="chart"><ChartColumn aria-hidden size={16} /> {t('connections.asChart')}</ToggleButton>
        </ToggleButtonGroup>
        {chart ? null : <ColumnChoice />}
        <ExportButton filter={filter} />
      </div>
    </div>
  );
}

function RangeChoice() {
  const { t } = useTranslation();
  const range = useView((view) => view.range);
  const choose = (next: TimeRange): void => useView.setState({ range: next });
  const selected = range.kind === 'last' ? range.span : range.kind;
  return (
    <div className="range">
      <ToggleButtonGroup
        className="segments" aria-label={t('range.label')} selectionMode="single" disallowEmptySelection selectedKeys={[selected]}
        onSelectionChange={(keys) => {
          const key = [...keys][0];
          const span = lastSpans.find((one) => one === key);
          if (span !== undefined) choose({ kind: 'last', span });
          else choose(key === 'between' ? { kind: 'between', from: Date.now() - 86_400_000, to: null } : { kind: 'any' });
        }}
      >
        <ToggleButton id="any">{t('range.any')}</ToggleButton>
        {lastSpans.map((span) => <ToggleButton key={span} id={span}>{t(spanWords[span])}</ToggleButton>)}
        <ToggleButton id="between">{t('range.between')}</ToggleButton>
      </ToggleButtonGroup>
      {range.kind === 'between' ? (
        <Group className="range-ends" aria-label={t('range.between')}>
          <Moment label={t('range.from')} at={range.from} onChange={(from) => choose({ ...range, from })} />
          <Moment label={t('range.to')} at={range.to} onChange={(to) => choose({ ...range, to })} />
        </Group>
      ) : null}
    </div>
  );
}

/** The browser's own field for a date and time in the device's zone. */
function Moment({ label, at, onChange }: { readonly label: string; readonly at: number | null; readonly onChange: (at: number | null) => void }) {
  return (
    <label className="moment">
      <span>{label}</span>
      <input
        type="datetime-local" value={at === null ? '' : localText(at)}
        onChange={(event) => {
          const value = Date.parse(event.currentTarget.value);
          onChange(Number.isNaN(value) ? null : value);
        }}
      />
    </label>
  );
}

function localText(at: number): string {
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function ColumnChoice() {
  const { t } = useTranslation();
  const shown = useView((view) => view.columns);
  return (
    <DialogTrigger>
      <Button className="button"><Columns3 aria-hidden size={16} />{t('connections.columns')}</Button>
      <Popover className="popover column-choice" placement="bottom end">
        <Dialog className="help">
          <Heading slot="title">{t('connections.columns')}</Heading>
          <CheckboxGroup className="checks" aria-label={t('connections.columns')} value={[...shown]} onChange={(ids) => setColumns(ids.filter(isColumn))}>
            {columnIds.map((id) => (
              <Checkbox key={id} value={id} className="check" isDisabled={shown.length === 1 && shown[0] === id}>
                <span className="check-box" aria-hidden="true" />{t(columns[id].word)}
              </Checkbox>
            ))}
          </CheckboxGroup>
          <p className="muted">{t('connections.columnsNarrow')}</p>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function isColumn(id: string): id is ColumnId {
  return columnIds.some((one) => one === id);
}

/** Says how far it has come, in its own place, and stops when asked to. */
function ExportButton({ filter }: { readonly filter: string }) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const [running, setRunning] = useState<{ readonly rows: number; readonly stop: () => void } | null>(null);

  async function run(format: ExportFormat): Promise<void> {
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    setRunning({ rows: 0, stop });
    try {
      const rows = await exportLog(bridge, filter, format, stopped.signal, (soFar) => setRunning({ rows: soFar, stop }));
      addToast({ text: t('export.done', { count: rows, number: count(rows) }), tone: 'done', action: null });
    } catch (thrown) {
      if (!stopped.signal.aborted) addToast({ text: t('export.failed', { why: errorLine(t, errorOf(thrown)) }), tone: 'failed', action: null });
    } finally {
      setRunning(null);
    }
  }

  if (running !== null) {
    return (
      <Working words={t('export.running', { count: running.rows, number: count(running.rows) })}>
        <Button className="button" onPress={running.stop}>{t('export.stop')}</Button>
      </Working>
    );
  }
  return (
    <MenuTrigger>
      <Button className="button"><Download aria-hidden size={16} />{t('export.start')}</Button>
      <Popover className="popover menu-popover" placement="bottom end">
        <Menu className="menu" onAction={(key) => void run(key === 'csv' ? 'csv' : 'ndjson')}>
          <MenuItem id="csv" className="menu-item">{t('export.csv')}</MenuItem>
          <MenuItem id="ndjson" className="menu-item">{t('export.ndjson')}</MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function Working({ words, children }: { readonly words: string; readonly children: ReactNode }) {
  return <span className="working"><output className="muted">{words}</output>{children}</span>;
}
