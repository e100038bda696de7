// Draws a TrayModel with Electron's one Tray. Not for deciding what it shows (tray-model) or what a click does (app).
import { join } from 'node:path';
import { Menu, Tray } from 'electron';
import type { MenuItemConstructorOptions } from 'electron';
import { trayIconName } from './tray-icon.ts';
import type { TrayAction, TrayItem, TrayModel } from './tray-items.ts';

export type TrayHandle = { show(model: TrayModel): void; close(): void };

/** Puts the icon up. `iconFolder`: absolute path of the tray icons. */
export function createTray(iconFolder: string, first: TrayModel, onAction: (action: TrayAction) => void): TrayHandle {
  const icon = (model: TrayModel): string => join(iconFolder, trayIconName(model.shape, process.platform));
  const tray = new Tray(icon(first));
  let shown = '';

  const show = (model: TrayModel): void => {
    // A menu that is replaced while open closes under the pointer, so only real changes are drawn.
    const text = JSON.stringify(model);
    if (text === shown) return;
    shown = text;
    tray.setImage(icon(model));
    tray.setToolTip(model.tooltip);
    // Linux shows changes of a menu only when the menu is set again.
    tray.setContextMenu(Menu.buildFromTemplate(model.items.map((item) => template(item, onAction))));
  };
  // Windows opens the menu with the right button only; the left one opens the window there.
  tray.on('click', () => {
    if (process.platform === 'win32') onAction({ kind: 'open-window', place: null });
  });
  show(first);
  return { show, close: () => tray.destroy() };
}

function template(item: TrayItem, onAction: (action: TrayAction) => void): MenuItemConstructorOptions {
  switch (item.kind) {
    case 'separator': return { type: 'separator', id: item.id };
    case 'submenu': return { id: item.id, label: literal(item.label), submenu: item.items.map((entry) => template(entry, onAction)) };
    case 'item': {
      const { action } = item;
      if (action === null) return { id: item.id, label: literal(item.label), enabled: false };
      return { id: item.id, label: literal(item.label), ...item.mark, click: () => onAction(action) };
    }
  }
}

/** An app called `A&B` is no keyboard shortcut. */
function literal(label: string): string {
  return label.replaceAll('&', '&&');
}
