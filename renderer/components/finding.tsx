// What the agent found out about trust stores, keys and bundles, and why it is lost, in the person's language as far as its words are known; else in English.
// Not for sentences that come with a key (contract/sentences).
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { word } from '../../electron/contract/sentences.ts';
import { findingSentence } from '../../electron/core/trust-findings.ts';
import { visible } from '../format.ts';
import { English } from './english.tsx';
import { Prose } from './prose.tsx';

/** Such words as text; English is marked as such. */
export function Finding({ text }: { readonly text: string }) {
  const { t } = useTranslation();
  const known = findingSentence(text);
  return known === null ? <English text={text} /> : <Prose text={word(t, known)} />;
}

/** The same as a value of another sentence. */
export function findingLine(t: TFunction, text: string): string {
  const known = findingSentence(text);
  return visible(known === null ? text : word(t, known));
}
