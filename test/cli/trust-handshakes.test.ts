// `pinlight trust install`, `receipt` and `remove` on this machine's own stores, copied: programs refuse, accept, and refuse again, by real handshakes.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeClients } from '../native/support/store-clients.ts';
import type { StoreClient } from '../native/support/store-clients.ts';
import { makeAuthority, openStoreRoom, serveHello } from '../native/support/store-room.ts';
import type { HelloServer, StoreRoom } from '../native/support/store-room.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('changing stores for real', () => undefined);

function suite(room: StoreRoom): void {
  let server: HelloServer;
  let here: readonly StoreClient[];
  let firefox: StoreClient | undefined;
  beforeAll(async () => {
    server = await serveHello(makeAuthority(room.state));
    const clients = storeClients(room, server);
    // Firefox has a test of its own below: it starts slowly.
    here = clients.filter((client) => client.name !== 'firefox');
    firefox = clients.find((client) => client.name === 'firefox');
  });
  afterAll(() => {
    server.close();
    room.close();
  });

  const bytes = async (): Promise<string> => (await room.run(['sha256sum', '/etc/ssl/certs/ca-certificates.crt'])).stdout;
  const listing = async (): Promise<string> => (await room.run(['ls', '/etc/ssl/certs'])).stdout;
  const handshakes = async (): Promise<Record<string, boolean>> => {
    const found: Record<string, boolean> = {};
    for (const client of here) found[client.name] = await client.accepts();
    return found;
  };
  const all = (value: boolean): Record<string, boolean> => Object.fromEntries(here.map((client) => [client.name, value]));

  describe('on the stores of this machine', () => {
    let before: readonly unknown[];
    test('before it, every program refuses', async () => {
      before = [await bytes(), await listing()];
      expect(await handshakes()).toEqual(all(false));
    }, 120_000);

    test('a rehearsal changes nothing', async () => {
      const ran = await room.pinlight(['trust', 'install', '--dry-run']);
      expect(ran.stdout).toContain('Nothing was changed. The root would be installed in');
      expect([await bytes(), await listing()]).toEqual(before);
    }, 60_000);

    test('installed: every store reads back as trusted, and every program accepts', async () => {
      const ran = await room.pinlight(['trust', 'install', '--json']);
      const answer: { data: { stores: readonly { store: string; kind: string; state: string; detail: string }[] } } = JSON.parse(ran.stdout);
      expect(answer.data.stores.filter((row) => row.state !== 'trusted' && row.state !== 'not-checked')).toEqual([]);
      expect(answer.data.stores.map((row) => row.kind)).toEqual(expect.arrayContaining(['system', 'java', 'nss', 'firefox', 'environment']));
      expect(answer.data.stores.find((row) => row.kind === 'system')?.detail).toContain('accepted by openssl');
      expect(answer.data.stores.find((row) => row.kind === 'firefox')?.detail).toContain('accepted by certutil');
      expect(ran.code).toBe(0);
      expect(await handshakes()).toEqual(all(true));
    }, 180_000);

    test('Firefox visits the page with the profile', async () => {
      if (firefox === undefined) console.log('skipped: firefox is not installed');
      else expect(await firefox.accepts()).toBe(true);
    }, 90_000);

    test('the receipt names what is left, with exit code 1', async () => {
      const ran = await room.pinlight(['trust', 'receipt']);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toContain('Roots of Pinlight\'s are left in');
    }, 60_000);

    test('a later root takes the place of the earlier one in every store', async () => {
      const next = path.join(room.folder, 'next');
      makeAuthority(next, 'laptop-two');
      const ran = await room.pinlight(['trust', 'install', '--json', '--root', path.join(next, 'root.pem')]);
      const answer: { data: { stores: readonly { state: string; roots: number; kind: string }[] } } = JSON.parse(ran.stdout);
      expect(answer.data.stores.filter((row) => row.state !== 'not-checked').map((row) => [row.kind, row.state, row.roots]).filter(([, state, roots]) => state !== 'trusted' || roots !== 1)).toEqual([]);
      expect((await room.run(['curl', '-sS', `https://localhost:${server.port}/`])).code).not.toBe(0);
    }, 120_000);

    test('removed: nothing is left in any store, the bundle is what it was byte for byte, and every program refuses', async () => {
      const removed = await room.pinlight(['trust', 'remove']);
      expect(removed.code).toBe(0);
      const ran = await room.pinlight(['trust', 'receipt', '--json']);
      expect(JSON.parse(ran.stdout)).toMatchObject({ data: { clean: true } });
      expect(ran.code).toBe(0);
      expect([await bytes(), await listing()]).toEqual(before);
      expect((await room.run(['find', '/etc', '-iname', '*pinlight*'])).stdout).toBe('');
      expect((await room.run(['keytool', '-list', '-cacerts', '-storepass', 'changeit'])).stdout).not.toMatch(/pinlight/i);
      expect(await handshakes()).toEqual(all(false));
      expect(readFileSync(path.join(room.state, 'undo/trust.jsonl'), 'utf8')).toBe('');
    }, 180_000);
  });
}
