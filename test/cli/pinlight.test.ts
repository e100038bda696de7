// The bin on different Nodes and from different folders.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startContractAgent } from '../client/contract-agent.ts';
import type { ContractAgent } from '../client/contract-agent.ts';
import { linesOf, pinlightFile, runPinlight, startPinlight } from './run-pinlight.ts';

const olderNode = findOlderNode();
let agent: ContractAgent;
beforeAll(async () => {
  agent = await startContractAgent();
});
afterAll(async () => {
  await agent.close();
});

describe.skipIf(olderNode === null)('started on an older Node', () => {
  test.each(['/', tmpdir(), process.cwd()])('it goes on with Node 24, from %s', async (cwd) => {
    const { code, stdout } = await runPinlight(['status', '--json'], { home: agent.home, cwd, node: olderNode ?? '' });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  test('exit codes come through', async () => {
    expect((await runPinlight(['explain', 'nobody'], { home: agent.home, node: olderNode ?? '' })).code).toBe(1);
    expect((await runPinlight(['frob'], { home: agent.home, node: olderNode ?? '' })).code).toBe(2);
  });

  test('SIGTERM reaches the command, and nothing is left behind', async () => {
    const child = startPinlight(['watch'], { home: agent.home, node: olderNode ?? '' });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 1, { timeout: 10_000 });
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(0);
    await vi.waitUntil(() => agent.streams.size === 0, { timeout: 5_000 });
  });

  test.each([{ args: ['status'], stdout: '' }, { args: ['status', '--json'], stdout: '"code":"node-too-old"' }])('without any Node 24 it says what to do ($args)', async ({ args, stdout }) => {
    const folder = await mkdtemp(join(tmpdir(), 'pl-'));
    const file = join(folder, 'pinlight.mjs');
    await cp(pinlightFile, file);
    const result = await runPinlight(args, { home: agent.home, node: olderNode ?? '', file });
    expect(result.code).toBe(1);
    expect(result.stdout).toContain(stdout);
    expect(result.stdout + result.stderr).toContain('Run `npm install`');
    await rm(folder, { recursive: true });
  });
});

function findOlderNode(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'node');
    if (existsSync(file) && /^v(18|20|22)\./.test(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout)) return file;
  }
  process.stderr.write('skipped: the bin on an older Node, because the PATH has no Node 18, 20 or 22\n');
  return null;
}
