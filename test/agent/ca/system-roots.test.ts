// The system's roots while they change: read again, by another process, once it is quiet (A9).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemRoots } from '../../../electron/agent/ca/system-roots.ts';
import { createTestAuthority, type TestAuthority } from '../../support/origins.ts';
import { until } from '../../support/tunnel.ts';

const kept = { file: process.env['SSL_CERT_FILE'], folder: process.env['SSL_CERT_DIR'] };
let folder: string;
let authority: TestAuthority;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-system-roots-'));
  authority = createTestAuthority();
  process.env['SSL_CERT_FILE'] = join(folder, 'system.pem');
  process.env['SSL_CERT_DIR'] = join(folder, 'none');
  writeFileSync(join(folder, 'system.pem'), '');
});
afterEach(() => {
  for (const [name, value] of [['SSL_CERT_FILE', kept.file], ['SSL_CERT_DIR', kept.folder]] as const) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  authority.close();
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(process.platform === 'linux')('a root that is added counts, and a new generation says so', async () => {
  const roots = createSystemRoots(() => [], 20);
  try {
    writeFileSync(join(folder, 'system.pem'), readFileSync(authority.rootFile));
    await until('read again', () => roots.generation() === 1);
    expect(roots.current().map((pem) => pem.trim())).toEqual([authority.rootPem.trim()]);
  } finally {
    roots.close();
  }
});
test('a file of the organisation\'s that is replaced makes a new generation too', async () => {
  const own = join(folder, 'own.pem');
  // A path of the policy that nobody can look at is as good as none.
  const roots = createSystemRoots(() => [own, `/${'x'.repeat(300)}`], 20);
  try {
    writeFileSync(own, authority.rootPem);
    await until('noticed', () => roots.generation() === 1);
  } finally {
    roots.close();
  }
});
