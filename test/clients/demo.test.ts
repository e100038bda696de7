// The demo as a test: every real program of this machine must get the verdict it must get, and the document must have its shape.
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repository } from '../support/agent.ts';

type Document = {
  apps: { app: string; host: string; attempts: { disposition: string; outcome: string; ok: boolean }[]; verdict: string; because: string[] }[];
  bundle: string; missing: string[]; ok: boolean;
};

describe('npm run demo -- --json', () => {
  it('judges every program right and prints one document on standard output', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(repository, 'test/demo/demo.ts'), '--json'], { maxBuffer: 16 * 1024 * 1024 })
      .catch((error: { stdout: string; stderr: string }) => error);
    const document = JSON.parse(stdout) as Document;
    if (document.missing.length > 0) console.log(`skipped in the demo, not on this machine: ${document.missing.join(', ')}`);
    expect(document.ok).toBe(true);
    expect(document.apps.length).toBeGreaterThanOrEqual(5);
    expect(new Set(document.apps.map((row) => row.verdict))).toEqual(new Set(['inspectable', 'pinned', 'private-trust-store', 'undetermined']));
    const pinned = document.apps.find((row) => row.verdict === 'pinned');
    expect(pinned?.attempts.at(-1)).toMatchObject({ disposition: 'bypass', ok: true });
    for (const row of document.apps) expect(row.because.length).toBeGreaterThan(0);
    expect(existsSync(document.bundle)).toBe(true);
    rmSync(dirname(document.bundle), { recursive: true, force: true });
  }, 240_000);
});
