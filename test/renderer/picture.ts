// Pictures of the window for people to look at, kept in test/out/shots; none where nobody looks (CI). Not for comparing: no test reads them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { repository } from '../support/agent.ts';

const shots = join(repository, 'test', 'out', 'shots');
mkdirSync(shots, { recursive: true });

/** What the main part would need to show all of itself; what lies over it stays as it is, in the window's own size. */
const wanted = `(() => {
  const main = document.querySelector('main');
  return document.querySelector('.veil, .popover, .suggestions') !== null || main === null ? 0 : main.scrollHeight - main.clientHeight;
})()`;

/** In pixels: up to here the page itself scrolls, not its main part (styles.css). */
const oneColumn = 576;

/** The whole page: the window scrolls inside its frame, so it is made as tall as that needs for the moment of the picture. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (process.env['CI'] !== undefined) return;
  const size = page.viewportSize();
  const more = await page.evaluate<number>(wanted);
  if (size !== null && more > 0) await page.setViewportSize({ width: size.width, height: size.height + more });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: size !== null && size.width <= oneColumn });
  if (size !== null && more > 0) await page.setViewportSize(size);
}
