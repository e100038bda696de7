// An error in the person's language: what it is, the agent's own message, what to do. Not for where it is shown (states.tsx, form-dialog.tsx).
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { adviceWords, faultWords, messageBeside } from '../../electron/contract/sentences.ts';
import { visible } from '../format.ts';
import { ownCommand, typedHere } from '../own-command.ts';
import { English } from './english.tsx';
import { Prose } from './prose.tsx';

/** What went wrong. */
export function ErrorMessage({ error }: { readonly error: ErrorBody }) {
  const { t } = useTranslation();
  const message = messageBeside(t, error);
  return <>{faultWords(t, error)} {message === null ? null : <English text={message} />}</>;
}

/** What to do about it. */
export function ErrorAdvice({ error }: { readonly error: ErrorBody }) {
  const { t } = useTranslation();
  return <Prose text={adviceWords(t, error, ownCommand)} />;
}

/** Both in one line of plain text, for messages at the edge of the window; without the English message where the code says enough. */
export function errorLine(t: TFunction, error: ErrorBody): string {
  const what = faultWords(t, error);
  return visible(typedHere(`${what === '' ? error.message : what} ${adviceWords(t, error, ownCommand)}`).replaceAll('`', ''));
}

/** Both in one paragraph, or nothing. */
export function ErrorParagraph({ error }: { readonly error: ErrorBody | null }) {
  return error === null ? null : <p className="field-problem" role="alert"><ErrorMessage error={error} /> <ErrorAdvice error={error} /></p>;
}
