// The designed states a screen can be in besides showing data: loading, empty, failed.
import { CircleAlert, RotateCw } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { ErrorAdvice, ErrorMessage } from './error-words.tsx';

/** Grey bars in place of what is on its way. */
export function Loading({ label, lines = 3 }: { readonly label: string; readonly lines?: number }) {
  return (
    <output className="loading">
      <span className="unseen">{label}</span>
      {Array.from({ length: lines }, (_, index) => <span key={index} className="bone" aria-hidden="true" />)}
    </output>
  );
}

type EmptyProps = { readonly icon: LucideIcon; readonly title: string; readonly children: ReactNode };

/** Nothing there, and what that means. */
export function Empty({ icon: Icon, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <span className="empty-icon"><Icon aria-hidden size={26} /></span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

type FailureProps = { readonly error: ErrorBody; readonly onRetry: () => void };

/** Something could not be had: what, what to do, and another try. */
export function Failure({ error, onRetry }: FailureProps) {
  const { t } = useTranslation();
  return (
    <div className="failure" role="alert">
      <CircleAlert aria-hidden size={20} />
      <div>
        <p className="strong"><ErrorMessage error={error} /></p>
        <p><ErrorAdvice error={error} /></p>
        <Button className="button" onPress={onRetry}><RotateCw aria-hidden size={16} />{t('failure.retry')}</Button>
      </div>
    </div>
  );
}
