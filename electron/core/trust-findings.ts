// Words that come in English and without a key, known again as a sentence so that other languages have theirs: what was found out about a trust
// store, what protects the root's key, what a bundle leaves out, why the agent is lost. What is not known stays as it is.
// Not for finding out (native/trust-store, native/secret-store, client/watch-events).
import { findingTexts, sentence } from './sentence.ts';
import type { Sentence, SentenceKey } from './sentence.ts';

/** The sentence of a finding, in parts where it has some; null when its words are not known. Time: linear in the number of parts. */
export function findingSentence(text: string): Sentence | null {
  const parts = text.length > longestFinding ? [] : text.split(parting);
  // The longest known beginning: some texts have a semicolon of their own.
  for (let length = Math.min(parts.length, mostParts); length > 0; length--) {
    const first = known(parts.slice(0, length).join(parting));
    if (first === null) continue;
    if (length === parts.length) return first;
    const rest = findingSentence(parts.slice(length).join(parting));
    return rest === null ? null : sentence('found.two', { first, rest });
  }
  return null;
}

const parting = '; ';
/** No text of ours has more semicolons than one. */
const mostParts = 2;
/** Paths may be long, but nothing of ours is longer. */
const longestFinding = 2_000;

/** What may hold blanks; every other value is one word, or half of English would be a finding. None holds what parts two findings. */
const wide: ReadonlySet<string> = new Set(['place', 'file', 'source', 'message']);

/** Those with most letters of their own first, so that "X is not set" is not read as "X is …". */
const patterns: readonly (readonly [key: SentenceKey, pattern: RegExp, names: readonly string[]])[] = Object.entries(findingTexts)
  .map(([key, text]) => [key, text] as readonly [keyof typeof findingTexts, string])
  .toSorted(([, a], [, b]) => letters(b) - letters(a))
  .map(([key, text]) => {
    const parts = text.split(/\{(\w+)\}/u);
    const pattern = parts.map((part, index) => (index % 2 === 1 ? (wide.has(part) ? '((?:(?!; ).)+)' : String.raw`([^\s;]+)`) : part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`))).join('');
    return [key, new RegExp(`^${pattern}$`, 'u'), parts.filter((_, index) => index % 2 === 1)];
  });

function letters(text: string): number {
  return text.replaceAll(/\{\w+\}/gu, '').length;
}

function known(text: string): Sentence | null {
  for (const [key, pattern, names] of patterns) {
    const found = pattern.exec(text);
    if (found !== null) return sentence(key, Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ''])));
  }
  return null;
}
