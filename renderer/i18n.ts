// Starts the catalogue of words in the person's language: English, German, and the pseudo-locale en-XA that shows what is not in a catalogue.
// Not for which sentence is said (core/explain, contract/sentences.ts).
import { createInstance } from 'i18next';
import type { TFunction } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { englishSentences, ofI18next, sentenceNamespace } from '../electron/contract/sentences.ts';
import germanSentences from '../resources/locales/sentences.de.json';
import { setFormats } from './format.ts';
import de from './locales/de.json';
import en from './locales/en.json';
import { languageFor, pseudo } from './languages.ts';

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
