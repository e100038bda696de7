// The agent's sentences in a person's language, for window and shell: verdicts, facts, outcomes, reasons, warnings, advice, durations, complaints
// about filters and help on them. Their English is core's and the contract's own and stands nowhere else; the other languages stand in
// resources/locales/sentences.*.json. Not for which sentence is said (core/explain), nor for the window's and the shell's own words.
import { disturbanceSentence } from '../core/explain.ts';
import { warningTable } from '../core/health/warnings.ts';
import type { ActiveWarning } from '../core/health/warnings.ts';
import { suggestionHelp } from '../core/log-query/suggest.ts';
import type { DisturbanceKind } from '../core/model.ts';
import { placeSentence, problemSentence } from '../core/policy/problem-words.ts';
import { sentenceTexts } from '../core/sentence.ts';
import type { Sentence } from '../core/sentence.ts';
import { errorAdvice, sourceAdvice } from './errors.ts';
import type { ErrorBody, ErrorCode } from './errors.ts';
import { ownCommands } from './own-command.ts';
import type { OwnCommand } from './own-command.ts';

/** The English of all of them, by key; `{name}` stands for a value. */
export const englishSentences: Readonly<Record<string, string>> = {
  ...sentenceTexts,
  ...Object.fromEntries(Object.entries(warningTable).flatMap(([code, { title, text, advice }]) => Object.entries({ title, text, advice }).map(([part, words]) => [`warning.${code}.${part}`, words]))),
  ...Object.fromEntries(Object.entries(errorAdvice).map(([code, advice]) => [`advice.${code}`, advice])),
  ...Object.fromEntries(Object.entries(sourceAdvice).map(([code, advice]) => [`advice.${code}.source`, advice])),
  // What an error of this code is, for languages in which its message is foreign; in English the message says more.
  ...Object.fromEntries(Object.keys(errorAdvice).map((code) => [`fault.${code}`, ''])),
  ...Object.fromEntries(suggestionHelp.map((help) => [`help.${help}`, help])),
};

/** The namespace of these texts in i18next. */
export const sentenceNamespace = 'sentences' as const;

/** Core writes `{name}`, i18next `{{name}}`. */
export function ofI18next(sentences: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(sentences).map(([key, text]) => [key, text.replace(/\{(\w+)\}/gu, '{{$1}}')]));
}

/** The part of i18next's `t` that is asked here. */
export type Translate = (key: string, options: {
  readonly ns: typeof sentenceNamespace; readonly keySeparator: false; readonly nsSeparator: false;
  readonly defaultValue: string; readonly replace: Readonly<Record<string, string | number>>; readonly count?: number;
}) => string;

/** The sentence in the person's language. */
export function word(t: Translate, { key, values }: Sentence): string {
  const worded = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'object' ? word(t, value) : value]));
  return look(t, key, worded, key);
}

/** Title, text or advice of a warning; its English where a newer agent knows more warnings than this reader. */
export function warningWords(t: Translate, { code, values, ...english }: ActiveWarning & Readonly<Record<WarningPart, string>>, part: WarningPart): string {
  const { kind, message, place } = values;
  const known = {
    ...(kind === undefined ? {} : { why: disturbanceSentence(kind as DisturbanceKind) }),
    ...(code === 'policy-invalid' ? { message: problemSentence(String(message)), place: placeSentence(String(place)) } : {}),
  };
  const worded = { ...values, ...Object.fromEntries(Object.entries(known).flatMap(([name, words]) => (words === null ? [] : [[name, word(t, words)]]))) };
  return look(t, `warning.${code}.${part}`, worded, english[part]);
}

type WarningPart = 'title' | 'text' | 'advice';

/** What to do about an error; `command`: how `pinlight` is typed here. */
export function adviceWords(t: Translate, { code, advice }: ErrorBody, command: OwnCommand): string {
  return look(t, command === ownCommands.source && code in sourceAdvice ? `advice.${code}.source` : `advice.${code}`, {}, advice);
}

/** What an error is, by its code; empty in English, where its message says so. */
export function faultWords(t: Translate, { code }: ErrorBody): string {
  return look(t, `fault.${code}`, {}, '');
}

/** Errors of which the code says all that the message does. */
const plain: ReadonlySet<ErrorCode> = new Set(['agent-not-running', 'agent-timeout', 'query-too-slow', 'no-such-exclusion', 'no-such-bundle', 'bundle-cancelled', 'listener-too-slow']);

/** The agent's own message, in English; null where `faultWords` has said it. */
export function messageBeside(t: Translate, error: ErrorBody): string | null {
  return plain.has(error.code) && faultWords(t, error) !== '' ? null : error.message;
}

/** A few words about what may come next in a filter. */
export function helpWords(t: Translate, help: string): string {
  return help === '' ? '' : look(t, `help.${help}`, {}, help);
}

/** The keys have full stops and colons in them that divide nothing. */
function look(t: Translate, key: string, values: Readonly<Record<string, string | number>>, unknown: string): string {
  const count = values['count'];
  const options = { ns: sentenceNamespace, keySeparator: false, nsSeparator: false, defaultValue: unknown, replace: values } as const;
  return t(key, typeof count === 'number' ? { ...options, count } : options);
}
