// The shell's words (tray, notices, dialogs) in the person's language. The catalogues lie in resources/locales, one file a language.
// Not for the window's words (renderer/locales) or for the agent's sentences, which come ready.
import { createInstance } from 'i18next';
import de from '../../resources/locales/shell.de.json' with { type: 'json' };
import en from '../../resources/locales/shell.en.json' with { type: 'json' };

type Key = keyof typeof en;
/** A key of the catalogue; plurals without their ending. */
export type WordKey = Key extends infer K ? (K extends `${infer Stem}_${'one' | 'other'}` ? Stem : K) : never;

/** The words behind a key; `count` chooses the plural. */
export type Words = (key: WordKey, values?: Readonly<Record<string, string | number>>) => string;

export const catalogues: Readonly<Record<string, Readonly<Record<string, string>>>> = { en, de };

/** Words for a locale such as `de-AT`; English where there is no catalogue for it. */
export function shellWords(locale: string): Words {
  const i18n = createInstance();
  void i18n.init({
    lng: locale, fallbackLng: 'en', load: 'languageOnly', initAsync: false,
    // Flat keys, and no escaping: native menus show text.
    keySeparator: false, nsSeparator: false, interpolation: { escapeValue: false, skipOnVariables: true },
    resources: Object.fromEntries(Object.entries(catalogues).map(([language, translation]) => [language, { translation }])),
  });
  return (key, values = {}) => i18n.t(key, values);
}
