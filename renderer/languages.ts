// Which language a person gets, and how catalogues become i18next's: pure, so that tests need no browser. Not for the catalogues (i18n.ts).

/** The first wish that has a catalogue, and as `locale` how it spells numbers and times (de-AT, en-GB); English where none has. */
export function languageFor(wishes: readonly string[]): { readonly language: 'en' | 'de' | 'en-XA'; readonly locale: string } {
  for (const wish of wishes) {
    if (wish === 'en-XA') return { language: wish, locale: wish };
    const language = wish.split('-')[0];
    if (language === 'en' || language === 'de') return { language, locale: wish };
  }
  return { language: 'en', locale: 'en' };
}

/** Every text with accents, a third longer and in brackets: what stands there without them is in no catalogue, what is cut off is too narrow. */
export function pseudo<T>(words: T): T {
  if (words === '') return words;
  if (typeof words === 'string') {
    const text = words.split(/(\{\{[^}]*\}\})/u).map((part, index) => (index % 2 === 1 ? part : part.replace(/[a-z]/giu, (letter) => accented[letter] ?? letter))).join('');
    // No word is longer than this; the rest breaks like any text.
    const padding = '·'.repeat(Math.ceil(words.length / 3)).replace(/·{8}(?=·)/gu, '$& ');
    return `⟦${text}${padding}⟧` as T;
  }
  return Object.fromEntries(Object.entries(words as Record<string, unknown>).map(([key, value]) => [key, pseudo(value)])) as T;
}

const accented: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú', c: 'ç', n: 'ñ', s: 'š', y: 'ý' };
