// Starts the catalogue of words. English is the only language so far; sentences of the agent come from core/explain.
import { createInstance } from 'i18next';
import type { TFunction } from 'i18next';
import { initReactI18next } from 'react-i18next';
import en from './locales/en.json';

/** Loads the catalogue; resolves before the first paint because the words are part of the bundle. Answers the words for outside React. */
export async function startWords(): Promise<TFunction> {
  return createInstance().use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    // React writes text nodes only; escaping here would show `&amp;` to people.
    interpolation: { escapeValue: false },
  });
}
