// Starts the catalogue of words in the person's language: English, German, and the pseudo-locale en-XA that shows what is not in a catalogue.
// Not for which sentence is said (core/explain, sentences.ts).
import { createInstance } from 'i18next';
import type { TFunction } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { setFormats } from './format.ts';
import de from './locales/de.json';
import en from './locales/en.json';
import germanSentences from './locales/sentences.de.json';
import { englishSentences, sentenceNamespace } from './sentences.ts';

/** Loads the catalogues; resolves before the first paint because the words are part of the bundle. Answers the words for outside React. */
export async function startWords(): Promise<TFunction> {
  const i18n = createInstance();
  const { language, locale } = languageFor(navigator.languages);
  setFormats(locale);
  const sentences = ofI18next(englishSentences);
  const words = await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: {
      en: { translation: en, [sentenceNamespace]: sentences },
      de: { translation: de, [sentenceNamespace]: ofI18next(germanSentences) },
      'en-XA': { translation: pseudo(en), [sentenceNamespace]: pseudo(sentences) },
    },
    // React writes text nodes only; escaping here would show `&amp;` to people.
    interpolation: { escapeValue: false },
  });
  document.documentElement.lang = i18n.language;
  return words;
}

/** The first wish that has a catalogue, and as `locale` how it spells numbers and times (de-AT, en-GB); English where none has. */
export function languageFor(wishes: readonly string[]): { readonly language: 'en' | 'de' | 'en-XA'; readonly locale: string } {
  for (const wish of wishes) {
    if (wish === 'en-XA') return { language: wish, locale: wish };
    const language = wish.split('-')[0];
    if (language === 'en' || language === 'de') return { language, locale: wish };
  }
  return { language: 'en', locale: 'en' };
}

/** Core writes `{name}`, i18next `{{name}}`. */
function ofI18next(sentences: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(sentences).map(([key, text]) => [key, text.replace(/\{(\w+)\}/gu, '{{$1}}')]));
}

/** Every text with accents, a third longer and in brackets: what stands there without them is in no catalogue, what is cut off is too narrow. */
export function pseudo<T>(words: T): T {
  if (words === '') return words;
  if (typeof words === 'string') {
    const text = words.split(/(\{\{[^}]*\}\})/u).map((part, index) => (index % 2 === 1 ? part : part.replace(/[a-z]/giu, (letter) => accented[letter] ?? letter))).join('');
    return `⟦${text}${'·'.repeat(Math.ceil(words.length / 3))}⟧` as T;
  }
  return Object.fromEntries(Object.entries(words as Record<string, unknown>).map(([key, value]) => [key, pseudo(value)])) as T;
}

const accented: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú', c: 'ç', n: 'ñ', s: 'š', y: 'ý' };
