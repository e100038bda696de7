// Shows notices with the system's own notifications. Not for which there are (notification-model).
import { Notification } from 'electron';
import type { WindowPlace } from '../contract/window-place.ts';
import type { Notice } from './notification-model.ts';

/** A click hands the notice's place to `open`. Does nothing where the system shows none. */
export function showNotices(notices: readonly Notice[], open: (place: WindowPlace) => void): void {
  if (!Notification.isSupported()) return;
  for (const { title, body, place } of notices) {
    const notification = new Notification({ title, body });
    notification.on('click', () => open(place));
    notification.show();
  }
}
