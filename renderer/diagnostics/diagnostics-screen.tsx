// The Diagnostics screen: record a problem, collect a bundle, look at it before it is saved, open one that somebody sent; check the device; log in detail.
import { useTranslation } from 'react-i18next';
import { BundleMaker } from './bundle-maker.tsx';
import { BundleOpener } from './bundle-opener.tsx';
import { DetailedLogging } from './detailed-logging.tsx';
import { DeviceCheck } from './device-check.tsx';

export function DiagnosticsScreen() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{t('nav.diagnostics')}</h1>
          <p className="muted">{t('diagnostics.lead')}</p>
        </div>
      </header>
      <BundleMaker />
      <BundleOpener />
      <DeviceCheck />
      <DetailedLogging />
    </div>
  );
}
