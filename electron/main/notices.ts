// Shows notices with the system's own notifications. Not for which there are (notification-model).
import { Notification } from 'electron';
import type { Notice } from './notification-model.ts';

/** A click on any of them opens what `onClick` opens. Does nothing where the system shows none. */
export function showNotices(notices: readonly Notice[], onClick: () => void): void {
  if (!Notification.isSupported()) return;
  for (const { title, body } of notices) {
    const notification = new Notification({ title, body });
    notification.on('click', onClick);
    notification.show();
  }
}
