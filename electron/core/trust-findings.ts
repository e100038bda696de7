// Words that come in English and without a key, known again as a sentence so that other languages have theirs: what was found out about a trust
// store, what protects the root's key, what a bundle leaves out, why the agent is lost. What is not known stays as it is.
// Not for finding out (native/trust-store, native/secret-store, client/watch-events).
import { wordReader } from './known-words.ts';
import { findingTexts, sentence } from './sentence.ts';
import type { Sentence } from './sentence.ts';

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

const known = wordReader(findingTexts, (name) => (wide.has(name) ? '(?:(?!; ).)+' : String.raw`[^\s;]+`));
