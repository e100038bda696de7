// `pinlight log [filter...]`: recorded connections, searched with the filter language, and followed with --follow.
// Not for the language itself (core/log-query) or for unfiltered events (watch).
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { exportHead, exportRow, type ExportFormat } from '../../contract/log-export.ts';
import type { ConnectionsAnswer } from '../../contract/routes.ts';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { fields } from '../../core/log-query/fields.ts';
import { suggest, valueOptions } from '../../core/log-query/suggest.ts';
import type { CliContext } from '../context.ts';
import { actionCell, connectionLine, localTime, outcomeWords, reasonWords, sizeWords } from '../phrases.ts';
import { followRows } from '../follow-rows.ts';
import type { Cell, Column } from '../table.ts';

export function addLogCommand(program: Command, context: CliContext): void {
  program.command('log')
    .description('recorded connections, newest last; filters by field, see --help')
    .argument('[filter...]', 'such as `app:slack verdict:pinned since:7d`; words without a field look for a host or an app')
    .option('--limit <n>', 'at most this many rows', rowLimit, 50)
    .option('--follow', 'then go on with connections as they end, until Ctrl-C')
    .addOption(new Option('--csv', 'every matching connection as CSV, newest first').conflicts(['ndjson', 'follow', 'limit']))
    .addOption(new Option('--ndjson', 'every matching connection as one JSON object a line, newest first').conflicts(['csv', 'follow', 'limit']))
    .addOption(new Option('--complete <text>', 'what may come next in a filter, one whole text a line (for shells)').conflicts(['csv', 'ndjson', 'follow']))
    .addHelpText('after', filterHelp())
    .action(async (words: readonly string[], options: LogOptions) => {
      const filter = words.join(' ');
      if (options.complete !== undefined) return complete(context, options.complete);
      if (options.csv === true || options.ndjson === true) return exportAll(context, filter, options.csv === true ? 'csv' : 'ndjson');
      const begun = context.now();
      const { rows, next } = await firstRows(context, filter, options.limit);
      if (options.follow === true) await follow(context, filter, rows, begun);
      else {
        context.output.data({ rows, next });
        if (rows.length === 0) context.output.line(filter === '' ? 'Nothing has been recorded yet.' : 'No connection matches.');
        else context.output.table(columns, rows.toReversed().map(cells));
        if (next !== null) context.output.note(`Older rows match too; --limit shows more than ${options.limit}.`);
      }
    });
}

type LogOptions = { readonly limit: number; readonly follow?: boolean; readonly csv?: boolean; readonly ndjson?: boolean; readonly complete?: string };

const columns: readonly Column[] = [
  { title: 'Time' }, { title: 'App' }, { title: 'Host' }, { title: 'Action' }, { title: 'Outcome' }, { title: 'Up', align: 'right' }, { title: 'Down', align: 'right' }, { title: 'Because' },
];

function cells(row: ConnectionRow): Cell[] {
  return [
    localTime(row.startedAt), row.appName ?? '?', row.port === 443 ? row.host : `${row.host}:${row.port}`, actionCell(row),
    outcomeWords(row), sizeWords(row.bytesUp), sizeWords(row.bytesDown), reasonWords(row),
  ];
}

async function firstRows(context: CliContext, filter: string, limit: number): Promise<{ rows: readonly ConnectionRow[]; next: string | null }> {
  const rows: ConnectionRow[] = [];
  let next: string | null = null;
  do {
    const answer: { rows: readonly ConnectionRow[]; next: string | null } = await context.client.call(
      'connections',
      { filter: filter === '' ? undefined : filter, limit: String(Math.min(limit - rows.length, pageSize)), before: next ?? undefined },
      {},
    );
    rows.push(...answer.rows);
    next = answer.rows.length === 0 ? null : answer.next;
  } while (next !== null && rows.length < limit);
  return { rows: rows.slice(0, limit), next };
}

const pageSize = 500;

/** Page by page, so that a million rows need the memory of a thousand; stops at Ctrl-C and when the reader has seen enough. */
async function exportAll(context: CliContext, filter: string, format: ExportFormat): Promise<void> {
  const stopped = context.interruption();
  let before: string | null = null;
  let head = exportHead(format);
  do {
    const { rows, next }: ConnectionsAnswer = await context.client.call('connections', { filter: filter === '' ? undefined : filter, limit: '1000', before: before ?? undefined }, {});
    await context.output.document(head + rows.map((row) => exportRow(format, row)).join(''));
    head = '';
    before = next;
  } while (before !== null && !stopped.aborted);
}

/** Without an agent there are still fields, operators and fixed values to offer. */
async function complete(context: CliContext, text: string): Promise<void> {
  const { from, options, wanted } = suggest(text, text.length);
  const stored = wanted === null ? [] : await context.client.call('logValues', wanted, {}).then(({ values }) => valueOptions(values), () => []);
  const found = [...options, ...stored].map((option) => text.slice(0, from) + option.text.trimEnd());
  context.output.data({ completions: found });
  for (const line of found) context.output.line(line);
}

/** Line by line instead of as a table: what comes later must fit under what is there. */
async function follow(context: CliContext, filter: string, rows: readonly ConnectionRow[], begun: number): Promise<void> {
  const show = (row: ConnectionRow): void => {
    context.output.item(row);
    context.output.line(connectionLine(row));
  };
  for (const row of rows.toReversed()) show(row);
  await followRows(context, { filter, since: begun, shown: rows.filter((row) => row.durationMs !== null).map((row) => row.id) }, show);
}

function rowLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000) throw new InvalidArgumentError('It must be a whole number from 1 to 100000.');
  return limit;
}

function filterHelp(): string {
  return `
A filter is made of tests, joined by and, or, not and brackets; tests side by side mean and:
  field:value        equal                        verdict:pinned since:7d
  field op value     == != > >= < <= contains matches (also eq neq gt geq lt leq in notin); matches takes * and ?
  word               host or app contains it      slack

Fields:
${fields.map((field) => `${`  ${[field.name, ...field.aliases].join(', ')}`.padEnd(40)}${field.help}\n${' '.repeat(40)}e.g. ${field.example}${field.values === null ? '' : `\n${wrapValues(field.values)}`}`).join('\n')}

Examples:
  $ pinlight log --limit 20
  $ pinlight log disposition:bypass verdict:pinned since:7d
  $ pinlight log 'app contains slack and not host contains edge'
  $ pinlight log 'alert:46 or sign:silent-late' --json | jq '.data.rows[].host'
  $ pinlight log outcome:refused --follow
  $ pinlight log "(error contains 'UnknownCA') and (time_generated in last-24-hrs)"
  $ pinlight log disposition:bypass since:30d --csv > bypassed.csv

Quote filters with brackets, quotes, < or >: the shell reads those itself. A filter that begins with - goes behind --.
`;
}

/** `one of …` over as many indented lines as it takes. */
function wrapValues(values: readonly string[]): string {
  const lines: string[] = [];
  let line = `${' '.repeat(36)}one of`;
  for (const [index, value] of values.entries()) {
    const word = index === values.length - 1 ? value : `${value},`;
    if (line.length + word.length >= 100) {
      lines.push(line);
      line = ' '.repeat(42);
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
