// The shell's words (tray, notices, dialogs) in the person's language. The catalogues lie in resources/locales, one file a language.
// The agent's sentences are worded in the same language. Not for the window's words (renderer/locales).
import { createInstance } from 'i18next';
import { englishSentences, ofI18next, sentenceNamespace } from '../contract/sentences.ts';
import type { Translate } from '../contract/sentences.ts';
import germanSentences from '../../resources/locales/sentences.de.json' with { type: 'json' };
import de from '../../resources/locales/shell.de.json' with { type: 'json' };
import en from '../../resources/locales/shell.en.json' with { type: 'json' };

type Key = keyof typeof en;
/** A key of the catalogue; plurals without their ending. */
export type WordKey = Key extends infer K ? (K extends `${infer Stem}_${'one' | 'other'}` ? Stem : K) : never;

/** The words behind a key; `count` chooses the plural. */
export type Words = {
  (key: WordKey, values?: Readonly<Record<string, string | number>>): string;
  /** For the agent's sentences (contract/sentences). */
  readonly translate: Translate;
};

export const catalogues: Readonly<Record<string, Readonly<Record<string, string>>>> = { en, de };
const sentences: Readonly<Record<string, Readonly<Record<string, string>>>> = { en: englishSentences, de: germanSentences };

/** Words for a locale such as `de-AT`; English where there is no catalogue for it. */
export function shellWords(locale: string): Words {
  const i18n = createInstance();
  void i18n.init({
    lng: locale, fallbackLng: 'en', load: 'languageOnly', initAsync: false,
    // Flat keys, and no escaping: native menus show text.
    keySeparator: false, nsSeparator: false, interpolation: { escapeValue: false, skipOnVariables: true },
    resources: Object.fromEntries(Object.entries(catalogues).map(([language, translation]) => [language, { translation, [sentenceNamespace]: ofI18next(sentences[language] ?? {}) }])),
  });
  const words = (key: WordKey, values: Readonly<Record<string, string | number>> = {}): string => i18n.t(key, values);
  return Object.assign(words, { translate: (key: string, options: Parameters<Translate>[1]) => i18n.t(key, options) });
}
