// Shows notices with the system's own notifications. Not for which there are (notification-model).
import { Notification } from 'electron';
import type { WindowPlace } from '../contract/window-place.ts';
import type { Notice } from './notification-model.ts';

/** Nobody else holds them, and one that is collected hears no click and leaves macOS's list. Not every one is told that it was closed: the newest stay. */
const shown = new Set<Notification>();
const mostShown = 20;

/** A click hands the notice's place to `open`. Does nothing where the system shows none. */
export function showNotices(notices: readonly Notice[], open: (place: WindowPlace) => void): void {
  if (!Notification.isSupported()) return;
  for (const { title, body, place } of notices) {
    const notification = new Notification({ title, body });
    shown.add(notification);
    for (const oldest of [...shown].slice(0, -mostShown)) shown.delete(oldest);
    notification.on('click', () => {
      shown.delete(notification);
      open(place);
    });
    notification.on('close', () => shown.delete(notification));
    notification.show();
  }
}
