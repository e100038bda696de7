// The agent's handshakes with itself: what a sound device shows, and what a wrong clock or a root of somebody else's does to them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAuthority, type Authority } from '../../../electron/agent/ca/authority.ts';
import type { IssuedLeaf } from '../../../electron/agent/ca/leaf-contexts.ts';
import { testOwnTls } from '../../../electron/agent/ca/tls-selftest.ts';
import { selfTestFaults } from '../../../electron/core/diagnostics/tls-selftest.ts';

const now = Date.now();
const day = 24 * 3600_000;
let folder: string;
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'pinlight-selftest-')); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A root of its own, made at this time. */
function rootMadeAt(at: number, name: string): Authority {
  const loaded = loadAuthority(join(folder, name), 'laptop-7', at);
  if (loaded.kind !== 'authority') throw new Error(loaded.why);
  return loaded.authority;
}

test('a sound device: both versions with the root, neither for a stranger, and one leaf written down', async () => {
  const issued: Omit<IssuedLeaf, 'bytes'>[] = [];
  const rows = await testOwnTls(rootMadeAt(now, 'sound'), now, (leaf) => issued.push(leaf));
  expect(rows.map(({ version, under, outcome }) => `${version} ${under} ${outcome}`)).toEqual([
    'TLSv1.2 the root established', 'TLSv1.3 the root established', 'TLSv1.2 a stranger refused', 'TLSv1.3 a stranger refused',
  ]);
  expect(rows.map(({ cipher }) => cipher?.split('_')[0] ?? null)).toEqual(['TLS', 'TLS', null, null]);
  expect(selfTestFaults(rows)).toEqual([]);
  expect(issued.map(({ host, notAfter }) => [host, notAfter < now + 2 * 3600_000])).toEqual([['localhost', true]]);
});

test('a clock that is wrong: refused, and why', async () => {
  // Root and leaf of next week, as they come out where the clock went a week ahead and back.
  const rows = await testOwnTls(rootMadeAt(now + 7 * day, 'clock'), now + 7 * day, () => undefined);
  expect(selfTestFaults(rows)).toEqual([
    'TLSv1.2, a certificate under the root: refused (CERT_NOT_YET_VALID)', 'TLSv1.3, a certificate under the root: refused (CERT_NOT_YET_VALID)',
  ]);
});

test('a key that is not the root\'s: nobody accepts what it signs', async () => {
  const [one, other] = [rootMadeAt(now, 'one'), rootMadeAt(now, 'other')];
  const rows = await testOwnTls({ ...one, key: other.key }, now, () => undefined);
  expect(selfTestFaults(rows)).toEqual([
    'TLSv1.2, a certificate under the root: refused (CERT_SIGNATURE_FAILURE)', 'TLSv1.3, a certificate under the root: refused (CERT_SIGNATURE_FAILURE)',
  ]);
});

test('a root that has ended signs nothing', async () => {
  await expect(testOwnTls(rootMadeAt(now - 1_000 * day, 'ended'), now, () => undefined)).rejects.toMatchObject({ code: 'root-unusable' });
});
