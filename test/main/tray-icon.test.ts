// Each tray shape has a file for each system, in the sizes that system reads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { trayIconName } from '../../electron/main/tray-icon.ts';

const folder = join(import.meta.dirname, '..', '..', 'resources', 'icons');
const shapes = ['solid', 'half', 'outline', 'bar'] as const;

test.each(shapes)('%s: macOS has 16 pixels and 32 beside it, in black on transparent', (shape) => {
  const name = trayIconName(shape, 'darwin');
  expect(name).toMatch(/Template\.png$/);
  expect([pngSide(`tray/${name}`), pngSide(`tray/${name.replace('.png', '@2x.png')}`)]).toEqual([16, 32]);
});

test.each(shapes)('%s: Linux has 32 pixels', (shape) => expect(pngSide(`tray/${trayIconName(shape, 'linux')}`)).toBe(32));

test.each(shapes)('%s: Windows has 16 to 32 pixels in one file', (shape) => {
  expect(icoSides(`tray/${trayIconName(shape, 'win32')}`)).toEqual([16, 20, 24, 32]);
});

test('the four shapes are four pictures on every system', () => {
  for (const platform of ['darwin', 'linux', 'win32'] as const) {
    const pictures = shapes.map((shape) => readFileSync(join(folder, 'tray', trayIconName(shape, platform))).toString('base64'));
    expect(new Set(pictures).size).toBe(4);
  }
});

test('the application has its icon', () => {
  expect([pngSide('app.png'), icoSides('app.ico')]).toEqual([1024, [16, 24, 32, 48, 64, 128, 256]]);
});

function pngSide(name: string): number {
  const bytes = readFileSync(join(folder, name));
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  return bytes.readUInt32BE(16);
}

function icoSides(name: string): readonly number[] {
  const bytes = readFileSync(join(folder, name));
  return Array.from({ length: bytes.readUInt16LE(4) }, (_, index) => {
    const entry = 6 + 16 * index;
    const offset = bytes.readUInt32LE(entry + 12);
    expect(bytes.subarray(offset + 1, offset + 4).toString('latin1')).toBe('PNG');
    return bytes.readUInt8(entry) || 256;
  });
}
