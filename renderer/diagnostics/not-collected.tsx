// What is missing in a bundle, and why each. Not for what a bundle never holds (bundle-maker.tsx).
import { useTranslation } from 'react-i18next';
import type { Manifest } from '../../electron/core/diagnostics/manifest.ts';
import { findingLine } from '../components/finding.tsx';
import { Prose } from '../components/prose.tsx';
import { visible } from '../format.ts';

/** One line each. */
export function NotCollected({ list }: { readonly list: Manifest['notCollected'] }) {
  const { t } = useTranslation();
  return (
    <ul className="plain-list">
      {list.map(({ name, because }) => <li key={name}><Prose text={t('diagnostics.notCollected', { name: visible(name), because: findingLine(t, because) })} /></li>)}
    </ul>
  );
}
