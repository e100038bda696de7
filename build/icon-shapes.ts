// The drawings behind every icon: a shield that holds a pin of light, as SVG text. Not for files or sizes (icons.ts).
import type { TrayShape } from '../electron/main/tray-items.ts';

export const trayShapes: readonly TrayShape[] = ['solid', 'half', 'outline', 'bar'];

/** The application's icon, 32 units square. */
export function appIcon(): string {
  return svg(`
  <defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#12707a"/><stop offset="1" stop-color="#083a40"/></linearGradient></defs>
  <path d="${shield}" fill="url(#g)" stroke="#0a2f33" stroke-width=".6"/>
  <path d="M16 14 9.6 24.6a14 14 0 0 0 12.8 0z" fill="#f3c667" fill-opacity=".5"/>
  <path d="M16 13v12" stroke="#fff" stroke-width="1.7" stroke-linecap="round"/>
  <circle cx="16" cy="10.6" r="4" fill="#f3c667" stroke="#fff" stroke-width="1.4"/>`);
}

/** A tray icon. `template`: black for macOS, which tints it; else one tone that stands 3:1 off light and dark panels alike. */
export function trayIcon(shape: TrayShape, look: 'template' | 'toned'): string {
  const ink = look === 'template' ? '#000' : '#1f8f9c';
  const holes = { solid: pinHole, half: '<rect x="16" y="0" width="16" height="32"/>', outline: '<rect width="32" height="32"/>', bar: barHole }[shape];
  return svg(`
  <mask id="m"><rect width="32" height="32" fill="#fff"/><g fill="#000">${holes}</g></mask>
  <path d="${shield}" fill="${ink}" mask="url(#m)"/>
  <path d="${innerShield}" fill="none" stroke="${ink}" stroke-width="3" stroke-linejoin="round"/>`);
}

const shield = 'M16 2 28 6v9c0 7.4-4.9 12.8-12 15C8.9 27.8 4 22.4 4 15V6z';
// The outline's middle line: 1.5 units inside, so that its outer edge meets the shield's.
const innerShield = 'M16 3.6 26.5 7.1v7.9c0 6.5-4.2 11.3-10.5 13.4C9.7 26.3 5.5 21.5 5.5 15V7.1z';
const pinHole = '<circle cx="16" cy="12.5" r="4.2"/><path d="M16 12 11.5 23h9z"/>';
const barHole = '<rect x="7" y="12" width="18" height="6.5" rx="1"/>';

function svg(content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${content}\n</svg>\n`;
}
