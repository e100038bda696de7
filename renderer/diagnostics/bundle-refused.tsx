// Why a file that was chosen as a bundle is not shown. Not for bundles that are shown (bundle-opener.tsx).
import { CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { word } from '../../electron/contract/sentences.ts';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import type { BundleFile } from './use-bundle-file.ts';

/** Its name and the reason. */
export function BundleRefused({ file }: { readonly file: Extract<BundleFile, { kind: 'refused' }> }) {
  const { t } = useTranslation();
  return (
    <div className="failure" role="alert">
      <CircleAlert aria-hidden size={20} />
      <div>
        <p className="strong"><Foreign text={file.name} /></p>
        <p><Prose text={file.sealed ? t('diagnostics.isSealed') : t('diagnostics.refused', { why: word(t, file.why) })} /></p>
      </div>
    </div>
  );
}
