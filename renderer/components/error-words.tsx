// An error in the person's language: what it is, the agent's own message, what to do. Not for where it is shown (states.tsx, form-dialog.tsx).
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { adviceWords, faultWords } from '../sentences.ts';
import { English } from './english.tsx';
import { Prose } from './prose.tsx';

/** What went wrong. */
export function ErrorMessage({ error }: { readonly error: ErrorBody }) {
  const { t } = useTranslation();
  return <>{faultWords(t, error)} <English text={error.message} /></>;
}

/** What to do about it. */
export function ErrorAdvice({ error }: { readonly error: ErrorBody }) {
  const { t } = useTranslation();
  return <Prose text={adviceWords(t, error)} />;
}

/** Both in one paragraph, or nothing. */
export function ErrorParagraph({ error }: { readonly error: ErrorBody | null }) {
  return error === null ? null : <p className="field-problem" role="alert"><ErrorMessage error={error} /> <ErrorAdvice error={error} /></p>;
}
