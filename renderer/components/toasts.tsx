// Short messages at the lower edge, with undo. They stay while pointer or focus is on them.
import { CircleAlert, CircleCheck, Undo2, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { dropToast, useUi } from '../state/ui-store.ts';
import type { Toast } from '../state/ui-store.ts';

/** Undo needs time to be found (WCAG 2.2.1): longer than messages that only tell. */
const undoMs = 12_000;
const tellMs = 6_000;

/** All present messages. Lies outside the modal layer's reach, so that undo works while a drawer is open. */
export function Toasts() {
  const { t } = useTranslation();
  const toasts = useUi((state) => state.toasts);
  return (
    <section className="toasts" aria-label={t('toast.region')} aria-live="polite" data-react-aria-top-layer="true">
      {toasts.map((toast) => <ToastCard key={toast.id} toast={toast} />)}
    </section>
  );
}

function ToastCard({ toast }: { readonly toast: Toast }) {
  const { t } = useTranslation();
  const [held, setHeld] = useState(false);
  const { id, action } = toast;
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dropToast(id), action === null ? tellMs : undoMs);
    return () => clearTimeout(timer);
  }, [held, id, action]);

  const Icon = toast.tone === 'done' ? CircleCheck : CircleAlert;
  return (
    <div
      className={`toast toast-${toast.tone}`}
      onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}
    >
      <Icon aria-hidden size={18} />
      <p>{toast.text}</p>
      {action === null ? null : (
        <Button className="button toast-button" onPress={() => { dropToast(id); action.run(); }}>
          <Undo2 aria-hidden size={16} />{action.label}
        </Button>
      )}
      <Button className="button icon-button toast-button" aria-label={t('toast.dismiss')} onPress={() => dropToast(id)}>
        <X aria-hidden size={16} />
      </Button>
    </div>
  );
}
