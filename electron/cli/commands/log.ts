// `pinlight log [filter...]`: recorded connections, searched with the filter language, and followed with --follow.
// Not for the language itself (core/log-query) or for unfiltered events (watch).
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { fields } from '../../core/log-query/fields.ts';
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
    .addHelpText('after', filterHelp())
    .action(async (words: readonly string[], options: { limit: number; follow?: boolean }) => {
      const filter = words.join(' ');
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
  field op value     == != > >= < <= contains matches (also eq neq gt geq lt leq); matches takes * and ?
  word               host or app contains it      slack

Fields:
${fields.map((field) => `${`  ${[field.name, ...field.aliases].join(', ')}`.padEnd(36)}${field.help}\n${' '.repeat(36)}e.g. ${field.example}${field.values === null ? '' : `\n${wrapValues(field.values)}`}`).join('\n')}

Examples:
  $ pinlight log --limit 20
  $ pinlight log disposition:bypass verdict:pinned since:7d
  $ pinlight log 'app contains slack and not host contains edge'
  $ pinlight log 'alert:46 or sign:silent-late' --json | jq '.data.rows[].host'
  $ pinlight log outcome:refused --follow

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
