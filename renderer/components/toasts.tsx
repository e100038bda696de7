// Short messages at the lower edge, with undo. They stay while pointer or focus is on them.
import { CircleAlert, CircleCheck, Undo2, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { dropToast, useUi } from '../state/ui-store.ts';
import type { Toast } from '../state/ui-store.ts';

/** Undo needs time to be found (WCAG 2.2.1): longer than messages that only tell. */
const undoMs = 20_000;
const tellMs = 6_000;

/** All present messages. Lies outside the modal layer's reach, so that undo works while a drawer is open. */
export function Toasts() {
  const { t } = useTranslation();
  const toasts = useUi((state) => state.toasts);
  useUndoKey();
  return (
    <section className="toasts" aria-label={t('toast.region')} aria-live="polite" data-react-aria-top-layer="true">
      {toasts.map((toast) => <ToastCard key={toast.id} toast={toast} />)}
    </section>
  );
}

/** Ctrl/Cmd+Z takes the newest message's way back: a drawer keeps the focus to itself, so Tab does not lead out to the button. */
function useUndoKey(): void {
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.key !== 'z' || !(event.ctrlKey || event.metaKey) || event.target instanceof HTMLInputElement) return;
      const newest = useUi.getState().toasts.findLast((toast) => toast.action !== null);
      if (newest === undefined || newest.action === null) return;
      event.preventDefault();
      dropToast(newest.id);
      newest.action.run();
    }
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
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
          <Undo2 aria-hidden size={16} />{action.label}<kbd aria-hidden="true">{t('toast.undoKey')}</kbd>
        </Button>
      )}
      <Button className="button icon-button toast-button" aria-label={t('toast.dismiss')} onPress={() => dropToast(id)}>
        <X aria-hidden size={16} />
      </Button>
    </div>
  );
}
