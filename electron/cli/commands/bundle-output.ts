// What the bundle commands share: the list of a bundle's files, and writing a file whole or not at all.
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { PinlightError } from '../../contract/errors.ts';
import type { Manifest } from '../../core/diagnostics/manifest.ts';
import type { Output } from '../output.ts';
import { sizeWords } from '../phrases.ts';

/** What is inside, what was removed, what is missing and why. */
export function showFiles(manifest: Manifest, output: Output): void {
  output.line();
  output.table([{ title: 'FILE' }, { title: 'SIZE', align: 'right' }, { title: 'REMOVED' }], manifest.files.map(({ name, bytes, redactions }) => [
    name, sizeWords(bytes), Object.entries(redactions).map(([kind, count]) => `${String(count)} × ${kind}`).join(', '),
  ]));
  for (const { name, holds } of manifest.files) if (holds !== undefined) output.line(`${name} has ${holds}.`);
  for (const { name, because } of manifest.notCollected) output.line(`${name} is not in it, because ${because}.`, 'warn');
  output.line();
}

/** Under its name only when complete; `wx` never follows a link that somebody left under the temporary name. */
export async function writeWhole(copyTo: (target: Writable) => Promise<void>, file: string): Promise<void> {
  const part = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  try {
    await copyTo(createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, file);
  } catch (thrown) {
    if (!isFileError(thrown)) {
      await rm(part, { force: true });
      throw thrown;
    }
    if (thrown.code !== 'EEXIST') await rm(part, { force: true }).catch(() => undefined);
    throw new PinlightError('bundle-unwritable', `${file} cannot be written (${thrown.code}).`);
  }
}

function isFileError(thrown: unknown): thrown is { readonly code: string; readonly path: string } {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && ('path' in thrown || thrown.code === 'ENOSPC');
}
