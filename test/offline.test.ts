// Nothing of Pinlight needs a network: the routes again in a namespace that has only loopback.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { findCommand } from './support/find-command.ts';
import { repository } from './support/agent.ts';

const may = findCommand('unshare') !== null && findCommand('ip') !== null && spawnSync('unshare', ['--net', 'true']).status === 0;
if (!may) console.log('skipped: no unshare --net here (needs root or user namespaces, Debian: util-linux iproute2)');

describe.skipIf(!may)('without a network', () => {
  it('the agent starts, inspects, bypasses and bundles with loopback alone', () => {
    const tests = ['test/routes/inspect.test.ts', 'test/routes/bundle.test.ts'];
    const run = spawnSync('unshare', ['--net', 'sh', '-c', `ip link set lo up && exec "$0" node_modules/vitest/vitest.mjs run --config test/vitest.config.ts ${tests.join(' ')}`, process.execPath], {
      cwd: repository, encoding: 'utf8', env: { ...process.env, VITEST: undefined, VITEST_POOL_ID: undefined, VITEST_WORKER_ID: undefined, FORCE_COLOR: undefined, NO_COLOR: '1' }, timeout: 150_000,
    });
    expect(run.stdout + run.stderr).toMatch(/Test Files\s+2 passed/);
    expect(run.status).toBe(0);
  }, 160_000);
});
