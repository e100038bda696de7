// What is wrong with a policy, why a predefined exclusion is there, and which exclusion a decision names, known again as sentences for other languages: they travel as English
// words, in files, warnings and rows. What is not known stays as it is. Not for the words themselves (problem-texts.ts).
import { wordReader } from '../known-words.ts';
import { sentence } from '../sentence.ts';
import type { Sentence } from '../sentence.ts';
import { namedTexts, predefinedTexts, problemTexts } from './problem-texts.ts';

/** The sentence of a problem, with its path before it or without; null when its words are not known. */
export function problemSentence(message: string): Sentence | null {
  if (message.length > longest) return null;
  const whole = hinted(message);
  if (whole !== null) return whole;
  const [, path, rest] = /^((?:[^\s:"]|"[^"]*")+): (.+)$/u.exec(message) ?? [];
  const problem = rest === undefined ? null : hinted(rest);
  return path === undefined || problem === null ? null : sentence('problem.at', { path, problem });
}

/** The sentence of a place with a line (policy.ts placeOf); null where there is none. */
export function placeSentence(place: string): Sentence | null {
  const [, file, number] = /^(.+), line (\d+)$/u.exec(place) ?? [];
  return file === undefined || number === undefined ? null : sentence('problem.place', { file, number });
}

/** The sentence of the reason of a predefined exclusion or of the embedded rule; null for any other. */
export function predefinedSentence(reason: string): Sentence | null {
  return reason.length > longest ? null : readReason(reason);
}

/** The sentence of a decision's detail: the exclusion that it names, or the reason of a rule that comes with Pinlight; null for any other. */
export function detailSentence(detail: string): Sentence | null {
  const [, kind, id, verdict] = /^(predefined|managed|user|learned) "(.+)"(?:, ([a-z-]+))?$/u.exec(detail) ?? [];
  if (kind === undefined || id === undefined) return predefinedSentence(detail);
  return verdict === undefined ? sentence('named.exclusion', { kind: named(kind), id }) : sentence('named.learned-as', { kind: named(kind), id, verdict: named(verdict) });
}

function named(word: string): Sentence | string {
  const key = `named.${word}`;
  return key in namedTexts ? { key, values: {} } : word;
}

/** What people wrote stands in such words cut short; nothing of ours is longer. */
const longest = 1_000;

/** A problem, with what may have been meant at its end. */
function hinted(text: string): Sentence | null {
  const [, before, near] = /^(.+); did you mean ("[^"]*")\?$/u.exec(text) ?? [];
  if (before === undefined || near === undefined) return readProblem(text);
  const problem = readProblem(before);
  return problem === null ? null : sentence('problem.hint', { problem, near });
}

/** The shortest that fits; a list is one of words in quotes, or "a path or a list of them" would be one too. */
function shape(name: string): string {
  if (name === 'first') return '"[^"]*"(?:, "[^"]*")*';
  return name === 'last' ? '"[^"]*"' : '.+?';
}

const { 'problem.at': _at, 'problem.hint': _hint, 'problem.place': _place, ...plainProblems } = problemTexts;
const readProblem = wordReader(plainProblems, shape, new Set(['what', 'value', 'why', 'list']));
const readReason = wordReader(predefinedTexts, () => '.+', new Set(['vendor']));
