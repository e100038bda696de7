// The panel at the right edge that holds the details of one thing. Escape, the button and a press beside it close it.
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { scrolling } from './scrolling.ts';

type DrawerProps = {
  readonly title: ReactNode;
  /** Small line above the title that says what kind of thing this is. */
  readonly kind: string;
  readonly onClose: () => void;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
};

/** A modal panel; render it only while it is open. */
export function Drawer({ title, kind, onClose, actions, children }: DrawerProps) {
  const { t } = useTranslation();
  return (
    <ModalOverlay className="veil" isOpen isDismissable onOpenChange={(open) => { if (!open) onClose(); }}>
      <Modal className="drawer">
        <Dialog className="drawer-dialog">
          <header className="drawer-head">
            <div className="drawer-title">
              <p className="kicker">{kind}</p>
              <Heading slot="title" level={2}>{title}</Heading>
            </div>
            <Button className="button icon-button" aria-label={t('drawer.close')} onPress={onClose}><X aria-hidden size={18} /></Button>
          </header>
          <div className="drawer-body" {...scrolling}>{children}</div>
          {actions === undefined ? null : <footer className="drawer-foot">{actions}</footer>}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
