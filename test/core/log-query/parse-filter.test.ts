// The filter language: what it understands, and what it says about what it does not.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fields, findField } from '../../../electron/core/log-query/fields.ts';
import { parseFilter } from '../../../electron/core/log-query/parse-filter.ts';
import type { FilterTree } from '../../../electron/core/log-query/parse-filter.ts';
import type { FilterValue } from '../../../electron/core/log-query/values.ts';
import { say } from '../../../electron/core/sentence.ts';
import { complaints } from './complaints.ts';

/** A tree as one line, to compare by eye. */
function show(tree: FilterTree): string {
  switch (tree.kind) {
    case 'all': return 'all';
    case 'and': case 'or': return `(${tree.parts.map(show).join(` ${tree.kind} `)})`;
    case 'not': return `not ${show(tree.part)}`;
    case 'word': return `"${tree.text}"`;
    case 'test': return `${tree.field.name} ${tree.operator} ${showValue(tree.value)}`;
  }
}

function showValue(value: FilterValue): string {
  switch (value.kind) {
    case 'text': return `"${value.text}"`;
    case 'number': return String(value.number);
    case 'network': return `${value.octets.join('.')}/${value.bits}`;
    case 'ago': return `${value.ms} ms ago`;
    case 'moment': return `${new Date(value.at).toISOString()}+${value.span}${value.zoned ? ' zoned' : ''}`;
  }
}

function parsed(text: string): string {
  const read = parseFilter(text);
  return read.kind === 'filter' ? show(read.tree) : `at ${read.at}+${read.length}: ${say(read.complaint)}`;
}

test.each([
  ['nothing is everything', '  ', 'all'],
  ['a bare word', 'slack', '"slack"'],
  ['a quoted phrase', '"two words"', '"two words"'],
  ['a word with a dash inside', 'slack-desktop', '"slack-desktop"'],
  ['side by side means and', 'disposition:bypass verdict:pinned since:7d', '(disposition == "bypass" and verdict == "pinned" and since == 604800000 ms ago)'],
  ['and binds closer than or', 'a or b and c', '("a" or ("b" and "c"))'],
  ['symbols for words', '!a && -b || not c', '((not "a" and not "b") or not "c")'],
  ['brackets', '(a or b) and not (c or d)', '(("a" or "b") and not ("c" or "d"))'],
  ['words in capitals', 'a AND b OR NOT c', '(("a" and "b") or not "c")'],
  ['contains', 'app contains slack and not host contains edge', '(app contains "slack" and not host contains "edge")'],
  ['a colon on text means contains', 'app:slack', 'app contains "slack"'],
  ['a colon elsewhere means is', 'port:443', 'port == 443'],
  ['a glob', 'host matches *.Example.com', 'host matches "*.example.com"'],
  ['an alert by number or name', 'alert:46 or alert == unknown_ca or alert:BadCertificate', '(alert == 46 or alert == 48 or alert == 42)'],
  ['no blanks around an operator', 'port>=1024', 'port >= 1024'],
  ['a single equals sign', 'user=ada', 'user == "ada"'],
  ['a choice in capitals', 'outcome == REFUSED', 'outcome == "refused"'],
  ['a keyword as value', 'app contains and', 'app contains "and"'],
  ['an address as value', 'ip == 2001:DB8::1', 'ip == "2001:db8::1"'],
  ['a quoted value with escapes', 'app == "a \\"b\\" \\\\ c"', 'app == "a "b" \\ c"'],
  ['an empty quoted value', 'app contains ""', 'app contains ""'],
  ['bytes', 'bytes > 1.5M', 'bytes > 1500000'],
  ['binary bytes', 'up >= 4KiB', 'up >= 4096'],
  ['a duration', 'dur > 5s and dur < 200ms', '(dur > 5000 and dur < 200)'],
  ['a duration without unit counts milliseconds', 'dur > 5', 'dur > 5'],
  ['how long ago', 'time > 1h', 'time > 3600000 ms ago'],
  ['a day', 'time:2026-08-01', 'time == 2026-08-01T00:00:00.000Z+86400000'],
  ['a minute with a zone', 'time >= 2026-08-01T10:00+02:00', 'time >= 2026-08-01T08:00:00.000Z+60000 zoned'],
  ['29 February of a leap year', 'time:2028-02-29', 'time == 2028-02-29T00:00:00.000Z+86400000'],
  ['Palo Alto: error', "(error contains 'UnknownCA')", 'error contains "UnknownCA"'],
  ['Palo Alto: action and eq', '( action eq block ) and ( port neq 443 )', '(disposition == "block" and port != 443)'],
  ['Palo Alto: time_generated', "( time_generated geq '2026/08/01 10:00:00' ) and ( time_generated leq '2026/08/01 11:00:00' )", '(time >= 2026-08-01T10:00:00.000Z+1000 and time <= 2026-08-01T11:00:00.000Z+1000)'],
  ['Palo Alto: BadCertificate', "(error contains 'BadCertificate')", 'error contains "BadCertificate"'],
  ['Palo Alto: app and action', "(app eq 'curl') and (action neq 'bypass')", '(app == "curl" and disposition != "bypass")'],
  ['Palo Alto: a day in November', "( time_generated geq '2026/11/20 00:00:00' )", 'time >= 2026-11-20T00:00:00.000Z+1000'],
  ['Palo Alto: a destination network', '( addr.dst in 192.0.2.0/24 ) and !( port.dst eq 80 )', '(ip == 192.0.2.0/24 and not port == 80)'],
  ['Palo Alto: an address, not in', "( addr notin '10.1.2.3/9' )", 'ip != 10.0.0.0/9'],
  ['Palo Alto: a port', 'port.dst eq 443', 'port == 443'],
  ['Palo Alto: user, rule, session', "( user.src eq 'ada' ) and ( rule eq 'web' ) or ( sessionid eq 4711 )", '((user == "ada" and rule == "web") or id == 4711)'],
  ['Palo Alto: spans of time', '( receive_time in last-60-seconds ) or ( time_generated in last-6-hrs ) or ( receive_time notin last-hour )', '(time == 60000 ms ago or time == 21600000 ms ago or time != 3600000 ms ago)'],
  ['Palo Alto: actions', '( action eq decrypt ) or ( action eq no-decrypt ) or ( action eq reset-both )', '(disposition == "inspect" or disposition == "bypass" or disposition == "block")'],
  ['Palo Alto: TLS version', "( tls_version eq 'TLS1.3' )", 'tls == "TLSv1.3"'],
  ['Palo Alto: bytes and duration', '( bytes geq 1000000 ) and ( elapsed gt 5s ) and ( bytes_sent lt 10 )', '(bytes >= 1000000 and dur > 5000 and up < 10)'],
  ['a network behind a colon', 'ip:10.0.0.0/8', 'ip == 10.0.0.0/8'],
])('%s', (_, text, expected) => {
  expect(parsed(text)).toBe(expected);
});

test.each(complaints)('it says what is wrong: %s', (_, text, at, length, words, suggestion) => {
  const read = parseFilter(text);
  expect(read).toMatchObject({ kind: 'invalid', at, length });
  expect(read.kind === 'invalid' ? say(read.complaint) : '').toContain(words);
  expect(read.kind === 'invalid' ? read.suggestion : null).toBe(suggestion);
});

describe('any text', () => {
  const piece = fc.oneof(
    fc.constantFrom('(', ')', ' ', 'and', 'or', 'not', '!', '-', ':', '==', '!=', '>', '<=', '&&', '||', "'", '"', '\\', 'contains', 'matches', 'geq', '*', '%', '1h', '46', 'pinned'),
    fc.constantFrom(...fields.flatMap((field) => [field.name, ...field.aliases, field.example])),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  test('is a filter or a complaint that points into the text, never an exception', () => {
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(' ').slice(0, 5000)), (text) => {
      const read = parseFilter(text);
      if (read.kind === 'filter') return;
      expect(say(read.complaint).length).toBeGreaterThan(5);
      expect(read.at >= 0 && read.length >= 0 && read.at + read.length <= text.length).toBe(true);
    }), { numRuns: 10_000 });
  });
});

test('every field has a name of its own and an example that is understood', () => {
  const names = fields.flatMap((field) => [field.name, ...field.aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const field of fields) {
    expect(parsed(field.example)).not.toMatch(/^at /u);
    for (const name of [field.name, ...field.aliases]) expect(findField(name.toUpperCase())).toBe(field);
  }
});
