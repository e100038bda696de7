// Files that somebody else chose: a pipe must not stop us, a foreign program must not be started.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mayStart, readStart, readWhole } from '../../../native/procfs/foreign-file.ts';

let folder: string;
const at = (name: string): string => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'foreign-'));
  writeFileSync(at('file'), 'content', { mode: 0o755 });
  mkdirSync(at('folder'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [at('pipe')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test.runIf(process.platform !== 'win32').each([
  ['a regular file', 'file', 'cont', 'content'],
  ['a pipe nobody writes to', 'pipe', null, null],
  ['a folder', 'folder', null, null],
  ['nothing', 'absent', null, null],
])('%s is read without waiting', async (_name, name, start, whole) => {
  expect(readStart(at(name), 4)?.toString() ?? null).toBe(start);
  expect((await readWhole(at(name), 100))?.toString() ?? null).toBe(whole);
});

test('a file above the limit is not read, nor is an endless device', async () => {
  expect(await readWhole(at('file'), 3)).toBeNull();
  expect(await readWhole('/dev/zero', 3)).toBeNull();
  expect(readStart('/dev/zero', 3)).toBeNull();
});

test('only programs of root or of our own user are started, and none that others may write', () => {
  expect(mayStart(at('file'))).toBe(true);
  chmodSync(at('file'), 0o777);
  expect(mayStart(at('file'))).toBe(false);
  expect(mayStart(at('absent'))).toBe(false);
  if (process.getuid?.() !== 0) {
    console.log('skipped: needs root to give a program to another user');
    return;
  }
  chmodSync(at('file'), 0o755);
  chownSync(at('file'), 65534, 65534);
  expect(mayStart(at('file'))).toBe(false);
});
