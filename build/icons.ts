// Draws every icon file from icon-shapes into resources/icons; run it after a change to the shapes and commit what it writes.
// Not part of the build: the files are kept, so that a build needs no browser.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { appIcon, trayIcon, trayShapes } from './icon-shapes.ts';

const folder = join(import.meta.dirname, '..', 'resources', 'icons');

await mkdir(join(folder, 'tray'), { recursive: true });
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium' });
try {
  const page = await browser.newPage();

  async function png(svg: string, size: number): Promise<Buffer> {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
    return page.screenshot({ omitBackground: true });
  }

  async function ico(svg: string, sizes: readonly number[]): Promise<Buffer> {
    const images: Buffer[] = [];
    for (const size of sizes) images.push(await png(svg, size));
    return icoOf(sizes, images);
  }

  await writeFile(join(folder, 'app.svg'), appIcon());
  await writeFile(join(folder, 'app.png'), await png(appIcon(), 1024));
  await writeFile(join(folder, 'app.ico'), await ico(appIcon(), [16, 24, 32, 48, 64, 128, 256]));
  for (const shape of trayShapes) {
    const file = (name: string): string => join(folder, 'tray', name);
    await writeFile(file(`${shape}Template.png`), await png(trayIcon(shape, 'template'), 16));
    await writeFile(file(`${shape}Template@2x.png`), await png(trayIcon(shape, 'template'), 32));
    await writeFile(file(`${shape}.png`), await png(trayIcon(shape, 'toned'), 32));
    await writeFile(file(`${shape}.ico`), await ico(trayIcon(shape, 'toned'), [16, 20, 24, 32]));
  }
} finally {
  await browser.close();
}

/** An .ico file that holds PNG images, as Windows reads since Vista: a 6-byte head, a 16-byte entry per image, the images. */
function icoOf(sizes: readonly number[], images: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(6 + 16 * images.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  for (const [index, image] of images.entries()) {
    const entry = 6 + 16 * index;
    // One byte a side, and 256 is written as 0.
    const side = (sizes[index] ?? 0) % 256;
    head.writeUInt8(side, entry);
    head.writeUInt8(side, entry + 1);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(image.length, entry + 8);
    head.writeUInt32LE(offset, entry + 12);
    offset += image.length;
  }
  return Buffer.concat([head, ...images]);
}
