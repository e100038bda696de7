// How the tests run: real sockets and programs, so files run in separate processes and have time to spare on a slow machine.
import { dirname } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: dirname(import.meta.dirname),
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    // Two cores and many real programs: more files at once only make each other late.
    maxWorkers: 2,
    // Agents of tests leave nothing in the keyring of whoever runs them; a test that wants a session bus starts one.
    env: { DBUS_SESSION_BUS_ADDRESS: 'disabled:' },
    reporters: ['default'],
  },
});
