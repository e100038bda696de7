// Fuzz targets for what reads text from outside: request heads, the filter language, lines of the event stream, what goes into a bundle.
import Database from 'better-sqlite3';
import { migrations } from '../../../electron/agent/store/migrations.ts';
import { createLineSplitter } from '../../../electron/contract/lines.ts';
import { redactLog, redactText } from '../../../electron/core/diagnostics/redact.ts';
import { headLimit, readAuthority, readRequestHead } from '../../../electron/core/http/request-head.ts';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';
import { toSql, utcClock } from '../../../electron/core/log-query/to-sql.ts';
import { say } from '../../../electron/core/sentence.ts';
import type { Target } from '../engine.ts';
import { insist, once, textOf, tokens } from '../insist.ts';

const head: Target = {
  name: 'head', files: ['core/http/request-head.ts'], limit: 70_000,
  words: tokens([
    'CONNECT ', 'GET ', 'http://', 'https://', ' HTTP/1.1', ' HTTP/1.0', ' HTTP/2.0', '\r\n', '\n', '\r', '\r\n\r\n', 'Host: ', 'Content-Length: 1', 'Transfer-Encoding: chunked', ' ', '\t', ':', ':443',
    ':0', ':65536', '[::1]', '[fe80::1%25eth0]', '@', '/', '?', '#', '\0', '\x80', 'xn--', '.', '*', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n',
  ]),
  seeds: tokens([
    'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 'CONNECT [2001:db8::1]:8443 HTTP/1.0\r\n\r\nrest', 'GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n',
    'GET http://[::1]:80/ HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ]),
  run: (input) => {
    const read = readRequestHead(input);
    const cut = input.length === 0 ? 0 : (input[input.length - 1] as number) * 5 % input.length;
    const part = readRequestHead(input.subarray(0, cut));
    if (read.kind === 'connect') {
      insist(read.bytes <= input.length && read.bytes <= headLimit, 'a head ends within what there is');
      insist(Buffer.from(input.subarray(0, read.bytes)).toString('latin1').endsWith('\r\n\r\n'), 'a head ends with a blank line');
      insist(part.kind === (cut < read.bytes ? 'incomplete' : 'connect'), `${cut} bytes of a head are ${part.kind}`);
    }
    if (read.kind === 'connect' || read.kind === 'absolute') {
      const { host, port } = read.target;
      insist(port >= 1 && port <= 65_535 && /^[a-z0-9_.:-]{1,253}$/.test(host), `a target is a plain name and a port, not ${JSON.stringify(read.target)}`);
      insist(readAuthority(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)?.host === host, 'a target written down reads the same');
    }
    if (read.kind === 'incomplete') insist(input.length <= headLimit, 'nobody may go on for ever');
  },
};

/** What the filter becomes has to be SQL for the real table. Preparing costs more than all the rest, and most conditions come again. */
const prepared = once(() => {
  const database = new Database(':memory:');
  for (const migration of migrations) database.exec(migration);
  const known = new Map<string, Database.Statement>();
  return (where: string): Database.Statement => {
    const statement = known.get(where) ?? database.prepare(`SELECT id FROM connections WHERE ${where} LIMIT 1`);
    if (known.size < 1_000) known.set(where, statement);
    return statement;
  };
});

/** What SQL of ours has beside lower-case names, numbers and signs. */
const ourWords: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT', 'IS', 'NULL', 'COALESCE', 'LIKE', 'ESCAPE', 'COLLATE', 'NOCASE', 'IN', "'", "'\\'"]);

const filter: Target = {
  name: 'filter', files: ['core/log-query/parse-filter.ts', 'core/log-query/tokens.ts', 'core/log-query/values.ts', 'core/log-query/to-sql.ts'], limit: 5_000,
  words: tokens([
    'and', 'or', 'not', '(', ')', '"', "'", '\\', ':', '==', '!=', '>=', '<=', 'eq', 'neq', 'contains', 'matches', 'app', 'host', 'alert', 'error', 'bytes', 'duration', 'since', 'time_generated', 'action',
    'UnknownCA', 'NoAlert', '2026/08/01', '10:00:00', '7d', '1.5M', '*', '%', '_', ';', '--', '/*', '?', 'x\' OR 1=1 --', 'user', 'verdict', 'pinned', '&&', '||', '-', '!',
  ]),
  seeds: tokens([
    'app contains slack and not (host matches *.example or alert:46)', "time_generated geq '2026/08/01 10:00:00'", 'error eq UnknownCA', 'bytes > 1.5M duration<200ms since:1h', '"a \\" b" host:x', '', 'verdict:pinned action eq bypass',
  ]),
  run: (input) => {
    const text = textOf(input);
    const read = parseFilter(text);
    if (read.kind === 'invalid') {
      insist(read.at >= 0 && say(read.complaint).length > 3, 'says where and what');
      return;
    }
    const { where, params } = toSql(read.tree, utcClock(1_700_000_000_000));
    // Columns, operators and numbers of our own making; whatever a person wrote is a parameter.
    insist((where.match(/[^a-z0-9_ ()?<>=!,+]+/g) ?? []).every((piece) => ourWords.has(piece)), `holds a person's text: ${where}`);
    insist(where.split('?').length - 1 === params.length, 'has a placeholder for each parameter');
    prepared()(where).all(...params);
  },
};

const lines: Target = {
  name: 'lines', files: ['contract/lines.ts'], words: tokens(['\n', '\r\n', '{"kind":"heartbeat"}', ' ']), limit: 4_000,
  seeds: tokens(['{"kind":"heartbeat"}\n{"kind":"snapshot"}\n', 'a\n\n b\n', 'x'.repeat(100)]),
  run: (input) => {
    const text = Buffer.from(input).toString('latin1');
    const whole = createLineSplitter().push(text) ?? [];
    const splitter = createLineSplitter();
    const inPieces = Array.from(text, (letter) => splitter.push(letter) ?? []).flat();
    insist(JSON.stringify(whole) === JSON.stringify(inPieces), 'the cut of the stream changes nothing');
    for (const line of createLineSplitter(50).push(text) ?? []) insist(line.length <= 50, 'no line is longer than allowed');
  },
};

const redact: Target = {
  name: 'redact', files: ['core/diagnostics/redact.ts', 'core/diagnostics/redact-names.ts', 'core/diagnostics/redact-patterns.ts'], limit: 4_000,
  words: tokens([
    'Authorization: Bearer ', 'Cookie: ', 'password=', 'token', 'https://u:p@h/?q=1#f', '-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----', 'eyJhbGciOiJIUzI1NiJ9.', '\n', '{"a":', '}', '"', '=', ':', '/home/ada',
    'AKIA', 'ghp_', '--user', ' ', '\t', '.', '@', '&', '?', '\\', "'",
  ]),
  seeds: tokens([
    'GET https://u:secret@a.example/x?token=abc#f\nAuthorization: Bearer abc.def\nCookie: a=b; c=d', '{"level":30,"authorization":"x","deep":{"password":["a"]}}\nplain text', '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----',
    'curl --user ada:secret /home/ada/x api_key="zzz"',
  ]),
  run: (input) => {
    const text = textOf(input);
    const options = { homes: ['/home/ada'] };
    const first = redactText(text, options).text;
    insist(redactText(first, options).text === first, 'twice is the same as once');
    redactLog(text, options);
  },
};

export const textTargets: readonly Target[] = [head, filter, lines, redact];
