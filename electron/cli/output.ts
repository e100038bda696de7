// Where the commands write: words for people, or with --json one envelope (or one object a line for streams). Quiet on a closed pipe.
// Not for what is said (commands/, phrases.ts).
import { adviceHere } from '../contract/errors.ts';
import type { ErrorBody } from '../contract/errors.ts';
import { asTyped } from '../contract/own-command.ts';
import type { OwnCommand } from '../contract/own-command.ts';
import type { Envelope } from '../contract/routes.ts';
import { safeJson, safeText } from './safe-text.ts';
import { formatTable } from './table.ts';
import type { Cell, Column, Tone } from './table.ts';

export type Output = {
  readonly json: boolean;
  /** One line for people; the text may be hostile. Nothing with --json. */
  line(text?: string, tone?: Tone): void;
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void;
  /** The command's answer with --json; nothing without. */
  data(value: unknown): void;
  /** One object of a stream with --json; nothing without. */
  item(value: unknown): void;
  /** To standard error, for people only. */
  note(text: string): void;
  /** A line on standard error that replaces itself; nothing where that is no terminal. `null` clears it. */
  progress(text: string | null): void;
  fail(error: ErrorBody): void;
  /** Bytes as they are: documents (`trust status --pem`) and help texts. */
  raw(text: string): void;
  /** The same for a part of a long document: resolves when there is room for the next. */
  document(text: string): Promise<void>;
};

type Streams = { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream };

/** Output to these streams, commands in it as `command` is typed; colour only on a terminal, and never with NO_COLOR (no-color.org) or TERM=dumb. */
export function createOutput({ stdout, stderr }: Streams, env: NodeJS.ProcessEnv, json: boolean, command: OwnCommand): Output {
  for (const stream of [stdout, stderr]) stream.on('error', leaveQuietly);
  const plainTerminal = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const paintFor = (stream: NodeJS.WriteStream) => (text: string, tone: Tone): string =>
    stream.isTTY && !plainTerminal && tone !== 'plain' && text !== '' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text;
  const paint = paintFor(stdout);
  const people = (text: string): void => {
    if (!json) stdout.write(`${text}\n`);
  };
  return {
    json,
    line: (text = '', tone = 'plain') => people(paint(safeText(asTyped(text, command)), tone)),
    table: (columns, rows) => {
      const style = { width: stdout.isTTY ? stdout.columns : null, paint };
      for (const line of formatTable(columns, rows, style)) people(line);
    },
    data: (value) => {
      if (json) stdout.write(`${safeJson({ ok: true, data: value } satisfies Envelope<unknown>)}\n`);
    },
    item: (value) => {
      if (json) stdout.write(`${safeJson(value)}\n`);
    },
    note: (text) => {
      if (!json) stderr.write(`${safeText(asTyped(text, command))}\n`);
    },
    progress: (text) => {
      if (!json && stderr.isTTY) stderr.write(`\r\u001b[K${text === null ? '' : safeText(text)}`);
    },
    fail: (found) => {
      const error = { ...found, message: asTyped(found.message, command), advice: adviceHere(found, command) };
      if (json) stdout.write(`${safeJson({ ok: false, error } satisfies Envelope<never>)}\n`);
      else stderr.write(`${paintFor(stderr)('pinlight:', 'bad')} ${safeText(error.message)}\n  ${safeText(error.advice)}\n`);
    },
    raw: (text) => {
      stdout.write(text);
    },
    document: (text) => new Promise((resolve) => {
      if (stdout.write(text)) resolve();
      else stdout.once('drain', resolve);
    }),
  };
}

const codes: Readonly<Record<Exclude<Tone, 'plain'>, number>> = { good: 32, warn: 33, bad: 31, dim: 2, strong: 1 };

/** Node ignores SIGPIPE; `pinlight log | head` then ends in EPIPE, which is how a reader says it has seen enough. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
