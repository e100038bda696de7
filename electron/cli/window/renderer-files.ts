// The built window as a map from URL path to file, read once: a path that is not a key does not exist, so none can lead elsewhere.
// Not for who may have them (serve-window).
import { readFile, readdir } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PinlightError } from '../../contract/errors.ts';

export type RendererFile = { readonly body: Buffer; readonly type: string };

/** Where `npm run build` puts the window. */
export const builtRenderer = fileURLToPath(new URL('../../../build/out/renderer', import.meta.url));

/** Every servable file under `folder`, by URL path (`/index.html`). PinlightError `window-not-built` without an index.html. */
export async function readRendererFiles(folder: string): Promise<ReadonlyMap<string, RendererFile>> {
  const files = new Map<string, RendererFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const type = types[extname(entry.name)];
    // Links are left out (isFile is false for them): a build has none, and one could point anywhere.
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(`/${relative(folder, path).split(sep).join('/')}`, { body: await readFile(path), type });
  }
  if (!files.has('/index.html')) throw new PinlightError('window-not-built', `There is no built window in ${folder}.`);
  return files;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
