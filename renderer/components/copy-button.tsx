// Copies a text and says so, to eyes and to screen readers.
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { addToast } from '../state/ui-store.ts';

type CopyProps = {
  /** A function is asked at the press: for texts with the time in them. */
  readonly text: string | (() => string);
  /** What a screen reader hears, and what is shown unless `quiet`. */
  readonly label: string;
  /** Icon only. */
  readonly quiet?: boolean;
  /** What to do with it now, as a message. */
  readonly then?: string;
};

/** Long enough to be noticed, short enough to be ready for the next copy. */
const shownMs = 2_000;

/** A button that puts `text` on the clipboard. */
export function CopyButton({ text, label, quiet = false, then }: CopyProps) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [copied]);

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
      setCopied(true);
      if (then !== undefined) addToast({ text: then, tone: 'done', action: null });
    } catch {
      addToast({ text: t('copy.failed'), tone: 'failed', action: null });
    }
  }

  const Icon = copied ? Check : Copy;
  return (
    <Button className={quiet ? 'button icon-button' : 'button'} aria-label={quiet ? label : undefined} onPress={() => void copy()}>
      <Icon aria-hidden size={16} />
      {quiet ? null : <span>{label}</span>}
      <output className="unseen">{copied ? t('copy.done') : ''}</output>
    </Button>
  );
}
