// The agent's own log: its mode, its end, its parts, and a disk that refuses. Real files.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogFile } from '../../electron/agent/log-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-log-'));
  path = join(folder, 'agent.log');
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

test('a line can be read back at once, by its owner only', async () => {
  const file = openLogFile(path, 'info');
  file.log.info({ answer: 42 }, 'hello');
  file.log.debug('not at this level');
  const tail = await file.tail(10_000);
  expect(JSON.parse(tail)).toMatchObject({ msg: 'hello', answer: 42 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await file.close();
});
test('the tail is the newest part only', async () => {
  const file = openLogFile(path, 'info');
  for (let i = 0; i < 1_000; i += 1) file.log.info(`line ${i}`);
  const tail = await file.tail(200);
  expect(tail.length).toBe(200);
  expect(tail).toContain('line 999');
  await file.close();
});
test('what was logged before the close is on the disk after it', async () => {
  const file = openLogFile(path, 'info');
  file.log.info('last words');
  const closed = file.close();
  file.log.info('said too late');
  await closed;
  expect(readFileSync(path, 'utf8')).toContain('last words');
  expect(readFileSync(path, 'utf8')).not.toContain('said too late');
});
test('a part of 10 MB is set aside at the next start, five are kept', async () => {
  for (let round = 1; round <= 7; round += 1) {
    writeFileSync(path, Buffer.alloc(10 * 1024 * 1024, 0x30 + round));
    await openLogFile(path, 'info').close();
  }
  expect([1, 5].map((part) => readFileSync(`${path}.${part}`).subarray(0, 1).toString())).toEqual(['7', '3']);
  expect(() => statSync(`${path}.6`)).toThrow();
});
test('a place that cannot be written costs the lines and nothing else', async () => {
  mkdirSync(path);
  const file = openLogFile(path, 'info');
  file.log.info('nowhere');
  await expect(file.tail(100)).rejects.toThrow();
  file.log.info('still nowhere');
  await file.close();
});
