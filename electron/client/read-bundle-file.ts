// A bundle out of a file, with what Node brings for it. Not for what a bundle is (core/diagnostics/read-bundle).
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { largestBundle, type BundleTools } from '../core/diagnostics/read-bundle.ts';
import { PinlightError } from '../contract/errors.ts';

const inflate = promisify(inflateRaw);

export const nodeBundleTools: BundleTools = {
  inflate: async (packed, most) => {
    try {
      // Zero would mean "no limit".
      return await inflate(packed, { maxOutputLength: Math.max(1, most) });
    } catch {
      return null;
    }
  },
  sha256: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
  text: (bytes) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return null;
    }
  },
};

/** The bytes of an ordinary file. Throws PinlightError `bundle-unreadable` where it is none, or larger than any bundle. */
export async function readBundleBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new PinlightError('bundle-unreadable', `${path} is no file.`);
      if (stat.size > largestBundle) throw new PinlightError('bundle-unreadable', `${path} has ${stat.size} bytes, which is more than any bundle.`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof PinlightError) throw thrown;
    throw new PinlightError('bundle-unreadable', `${path} cannot be read (${thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)}).`);
  }
}
