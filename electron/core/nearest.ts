// "Did you mean": the candidate closest to a mistyped word. For messages to people.
// Not for matching: nothing is ever decided by likeness.
import { say, sentence } from './sentence.ts';
import type { Sentence } from './sentence.ts';

/** The candidate with the fewest edits (insert, delete, replace, swap neighbours), at most a third of the word; null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  // A longer word is no typing error, and the distance costs the product of both lengths.
  if (word.length === 0 || word.length > 40) return null;
  const wanted = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // Each letter more or less is an edit.
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `"a", "b" or "c"`, for messages that say what is allowed. */
export function orList(words: readonly string[]): string {
  const list = anyOf(words);
  return typeof list === 'string' ? list : say(list);
}

/** The same as a value of another sentence. */
export function anyOf(words: readonly string[]): string | Sentence {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join('') : sentence('list.or', { first: quoted.slice(0, -1).join(', '), last: quoted.at(-1) ?? '' });
}

/** Optimal string alignment: Levenshtein plus swapped neighbours, three rows at a time. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
