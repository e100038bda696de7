// Which icon file each system wants for a tray shape. Pure. Not for drawing the icons (build/icons.ts).
import type { TrayShape } from './tray-items.ts';

/** macOS tints files whose name ends in `Template` and finds `@2x` beside them; Windows wants .ico; Linux .png. */
export function trayIconName(shape: TrayShape, platform: NodeJS.Platform): string {
  if (platform === 'darwin') return `${shape}Template.png`;
  return platform === 'win32' ? `${shape}.ico` : `${shape}.png`;
}
