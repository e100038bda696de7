// A bundle reaches its place whole or not at all.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ControlClient } from '../../electron/client/control-client.ts';
import { PinlightError } from '../../electron/contract/errors.ts';
import { writeBundle } from '../../electron/main/bundle-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinlight-save-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('it lies there whole, readable by its owner only', async () => {
  const path = join(folder, 'b.zip');
  await writeBundle(bundleOf(['PK', 'rest']), path, 'job-1');
  expect(await readFile(path, 'utf8')).toBe('PKrest');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['b.zip']);
});

test('an agent that goes in the middle leaves nothing, not even over an older file', async () => {
  const path = join(folder, 'b.zip');
  await writeFile(path, 'older');
  const broken = bundleOf(['PK', new PinlightError('agent-not-running', 'gone')]);
  await expect(writeBundle(broken, path, 'job-1')).rejects.toMatchObject({ code: 'agent-not-running' });
  expect([await readdir(folder), await readFile(path, 'utf8')]).toEqual([['b.zip'], 'older']);
});

test('a place that cannot be written is said to be one', async () => {
  await expect(writeBundle(bundleOf(['PK']), join(folder, 'absent', 'b.zip'), 'job-1')).rejects.toMatchObject({ code: 'bundle-unwritable' });
});

/** The client's one method that matters here, with the bytes or the failure that the agent would send. */
function bundleOf(parts: readonly (string | Error)[]): Pick<ControlClient, 'downloadBundle'> {
  return {
    async downloadBundle(target) {
      await pipeline(Readable.from((function* read() {
        for (const part of parts) {
          if (part instanceof Error) throw part;
          yield part;
        }
      })()), target);
      return parts.length;
    },
  };
}
