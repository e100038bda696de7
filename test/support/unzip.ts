// Reads a zip archive whole. Not a product part.
import yauzl from 'yauzl';
import { readAll } from './tunnel.ts';

/** Its files by name, in the archive's order. */
export function unzip(file: string): Promise<Map<string, Buffer>> {
  return new Promise((done, fail) => {
    yauzl.open(file, { lazyEntries: true }, (error, zip) => {
      if (error !== null) return fail(error);
      const files = new Map<string, Buffer>();
      zip.on('entry', (entry: yauzl.Entry) => zip.openReadStream(entry, (failure, stream) => {
        if (failure !== null) return fail(failure);
        readAll(stream).then((bytes) => {
          files.set(entry.fileName, bytes);
          zip.readEntry();
        }, fail);
      }));
      zip.once('end', () => done(files));
      zip.once('error', fail);
      zip.readEntry();
    });
  });
}
