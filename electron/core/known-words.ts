// English words that came without a key, known again as the sentence they were made of: by its text, with what stands at the places of values.
// Not for which texts there are (sentence.ts) and not for words of one's own: those have a key from the start.
import { sentence } from './sentence.ts';
import type { Sentence, SentenceKey } from './sentence.ts';

/**
 * A reader for these texts, null for words of none of them. `shape`: the pattern of the value of that name; `nested`: names of values that may
 * be such words themselves. Time: for each text that of one regular expression, so `shape` should be no worse than linear.
 */
export function wordReader(texts: Readonly<Partial<Record<SentenceKey, string>>>, shape: (name: string) => string, nested: ReadonlySet<string> = new Set()): (text: string) => Sentence | null {
  // Those with most letters of their own first, so that "X is not set" is not read as "X is …".
  const patterns = (Object.entries(texts) as [SentenceKey, string][])
    .toSorted(([, a], [, b]) => letters(b) - letters(a))
    .map(([key, text]) => {
      const parts = text.split(/\{(\w+)\}/u);
      const pattern = parts.map((part, index) => (index % 2 === 1 ? `(${shape(part)})` : part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`))).join('');
      return { key, pattern: new RegExp(`^${pattern}$`, 'u'), names: parts.filter((_, index) => index % 2 === 1) };
    });
  const read = (text: string): Sentence | null => {
    for (const { key, pattern, names } of patterns) {
      const found = pattern.exec(text);
      if (found === null) continue;
      return sentence(key, Object.fromEntries(names.map((name, index) => {
        const value = found[index + 1] ?? '';
        return [name, (nested.has(name) ? read(value) : null) ?? value];
      })));
    }
    return null;
  };
  return read;
}

function letters(text: string): number {
  return text.replaceAll(/\{\w+\}/gu, '').length;
}
