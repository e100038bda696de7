// What may come next in a filter that is being typed: fields, operators, values, joining words. Pure; the same for window and CLI.
// Not for whether a filter is right (parse-filter.ts) and not for values that only the store knows (`wanted` says which those are).
import { fields, findField } from './fields.ts';
import type { Field } from './fields.ts';
import { quoteValue } from './format-filter.ts';
import { tokenise } from './tokens.ts';
import type { Token } from './tokens.ts';

export type Suggestion = {
  /** Stands in place of the characters `from` to `to`, with a blank or a colon after it where more must follow. */
  readonly text: string;
  readonly kind: 'field' | 'operator' | 'value' | 'word';
  /** A few words about it; may be empty. */
  readonly help: string;
};

export type Suggestions = {
  /** The part of the text that a suggestion replaces, in characters from 0. */
  readonly from: number;
  readonly to: number;
  readonly options: readonly Suggestion[];
  /** Values of this field in the log that begin with or contain `part` fit here too; null = none are of use. */
  readonly wanted: { readonly field: StoredField; readonly part: string } | null;
};

/** Fields whose values in the log are worth offering, and the column they stand in. */
export const storedFields = {
  app: 'app_name', package: 'package', signer: 'signer', user: 'user', host: 'host', domain: 'domain', sni: 'server_name', ip: 'ip', rule: 'rule',
  tls: 'tls', cipher: 'cipher', alpn: 'alpn', error: 'error',
} as const;
export type StoredField = keyof typeof storedFields;

/** What fits at `caret` (characters from 0) of a text. Never throws. */
export function suggest(text: string, caret: number): Suggestions {
  const before = text.slice(0, caret);
  const { tokens, open } = tokensOf(before);
  const last = tokens.at(-1);
  // The token that is being typed, or nothing yet.
  const typing = open ?? (last !== undefined && last.end === caret && (last.kind === 'word' || last.kind === 'quoted' || isWordy(last, before)) ? last : null);
  const earlier = typing === null ? tokens : tokens.filter((token) => token !== typing);
  const part = typing === null ? '' : open === null && typing.kind === 'word' ? typing.text : before.slice(typing.at + (isQuote(before.charAt(typing.at)) ? 1 : 0), caret);
  const place = { from: typing?.at ?? caret, to: caret };

  const field = fieldBefore(earlier);
  if (field !== null && earlier.at(-1)?.kind === 'operator') return { ...place, ...valuesOf(field, part) };
  if (open !== null || typing?.kind === 'quoted') return { ...place, options: [], wanted: null };
  if (field !== null) return { ...place, options: starting(operatorsOf(field), part), wanted: null };
  const afterTest = isComplete(earlier);
  const joins = afterTest ? joiningWords(earlier) : [{ text: 'not ', kind: 'word', help: joiningHelp.not } as const];
  return { ...place, options: [...starting(joins, part), ...fieldOptions(part)], wanted: null };
}

/** Values that the store has named, as suggestions. */
export function valueOptions(values: readonly string[]): Suggestion[] {
  return values.map((value) => ({ text: `${quoteValue(value)} `, kind: 'value', help: '' }));
}

/** Tokens up to the caret; `open`: a quote that is not closed yet. */
function tokensOf(text: string): { readonly tokens: readonly Token[]; readonly open: Token | null } {
  const split = tokenise(text);
  if (split.kind === 'tokens') return { tokens: split.tokens, open: null };
  const closed = tokenise(text.slice(0, split.at));
  const open: Token = { kind: 'quoted', text: text.slice(split.at + 1), at: split.at, end: text.length };
  return { tokens: closed.kind === 'tokens' ? closed.tokens : [], open };
}

/** `and`, `contains` and the like are letters: they may be the beginning of something else. */
function isWordy(token: Token, text: string): boolean {
  return /^\w+$/u.test(text.slice(token.at, token.end));
}

function isQuote(character: string): boolean {
  return character === '"' || character === "'";
}

/** The field that waits for its operator or value at the end of these tokens. */
function fieldBefore(tokens: readonly Token[]): Field | null {
  const last = tokens.at(-1);
  const name = last?.kind === 'operator' ? tokens.at(-2) : last;
  if (name?.kind !== 'word') return null;
  // A word behind an operator is a value, whatever it is called.
  const operatorBefore = tokens.at(tokens.indexOf(name) - 1);
  if (tokens.indexOf(name) > 0 && operatorBefore?.kind === 'operator') return null;
  return findField(name.text);
}

function isComplete(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1)?.kind;
  return last === 'word' || last === 'quoted' || last === 'close';
}

function joiningWords(tokens: readonly Token[]): Suggestion[] {
  const depth = tokens.reduce((sum, { kind }) => sum + (kind === 'open' ? 1 : kind === 'close' ? -1 : 0), 0);
  return [
    ...(depth > 0 ? [{ text: ') ', kind: 'word', help: joiningHelp.close } as const] : []),
    { text: 'and ', kind: 'word', help: joiningHelp.and }, { text: 'or ', kind: 'word', help: joiningHelp.or },
  ];
}

function fieldOptions(part: string): Suggestion[] {
  const wanted = part.toLowerCase();
  const named = fields.filter(({ name }) => name.startsWith(wanted));
  // Palo Alto's names are offered to those who begin to type them.
  const aliased = wanted.length < 2 ? [] : fields.flatMap((field) => field.aliases.filter((alias) => alias.startsWith(wanted)).map((alias) => ({ ...field, name: alias })));
  return [...named, ...aliased].map((field) => ({ text: isDirect(field) ? `${field.name}:` : `${field.name} `, kind: 'field', help: field.help }));
}

/** Fields that are asked for by value alone nearly always. */
function isDirect({ type }: Field): boolean {
  return type === 'choice' || type === 'alert' || type === 'since' || type === 'tls';
}

const operatorHelp: Readonly<Record<string, string>> = {
  '==': 'is', '!=': 'is not', '>': 'more than', '>=': 'at least', '<': 'less than', '<=': 'at most', contains: 'has this in it', matches: 'fits a pattern with * and ?',
  in: 'lies in',
};

function operatorsOf(field: Field): Suggestion[] {
  const words = field.type === 'text' || field.type === 'host' ? field.operators.toReversed() : field.operators;
  return [...words, ...(field.type === 'address' || field.type === 'time' ? ['in'] : [])].map((text) => ({ text: `${text} `, kind: 'operator', help: operatorHelp[text] ?? '' }));
}

const typical: Readonly<Partial<Record<Field['type'], readonly (readonly [value: string, help: string])[]>>> = {
  alert: [['48', 'unknown_ca'], ['46', 'certificate_unknown'], ['42', 'bad_certificate'], ['40', 'handshake_failure'], ['45', 'certificate_expired'], ['70', 'protocol_version']],
  error: [['UnknownCA', 'alert 48'], ['CertificateUnknown', 'alert 46'], ['BadCertificate', 'alert 42'], ['NoAlert', 'a silent refusal']],
  since: [['1h', 'the last hour'], ['1d', 'the last day'], ['7d', 'the last week']],
  time: [['1h', 'an hour ago'], ['1d', 'a day ago'], ['last-7-days', 'the last week']],
  bytes: [['10k', '10,000 bytes'], ['1M', 'a million bytes'], ['1G', 'a billion bytes']],
  duration: [['200ms', ''], ['5s', ''], ['2m', '']],
  tls: [['1.3', ''], ['1.2', '']],
};

function valuesOf(field: Field, part: string): Pick<Suggestions, 'options' | 'wanted'> {
  const known = (field.values?.map((value) => [value, ''] as const) ?? typical[field.type] ?? [])
    .map(([value, help]): Suggestion => ({ text: `${quoteValue(value)} `, kind: 'value', help }));
  return { options: starting(known, part), wanted: isStored(field.name) ? { field: field.name, part } : null };
}

/** Whether the log is worth asking for values of this field. */
export function isStored(name: string | undefined): name is StoredField {
  return name !== undefined && Object.hasOwn(storedFields, name);
}

function starting(options: readonly Suggestion[], part: string): Suggestion[] {
  const wanted = part.toLowerCase();
  return options.filter(({ text }) => text.toLowerCase().startsWith(wanted) || (wanted !== '' && text.toLowerCase().startsWith(`"${wanted}`)));
}

const joiningHelp = { not: 'the opposite', close: 'closes the bracket', and: 'both', or: 'either' } as const;

/** Every text that `help` of a suggestion can be, but for names of alerts: what other languages translate. */
export const suggestionHelp: readonly string[] = [...new Set([
  ...fields.map(({ help }) => help), ...Object.values(operatorHelp), ...Object.values(joiningHelp),
  ...Object.entries(typical).filter(([type]) => type !== 'alert').flatMap(([, values]) => values.map(([, help]) => help)),
])].filter((help) => help !== '' && !/^alert \d+$/u.test(help));
