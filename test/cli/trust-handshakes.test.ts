// `pinlight trust install`, `receipt` and `remove` on this machine's own stores, copied: programs refuse, accept, and refuse again, by real handshakes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeNssDatabase, openStoreRoom, serveHello } from '../native/support/store-room.ts';
import type { Ran, StoreRoom } from '../native/support/store-room.ts';
import { findCommand } from '../support/find-command.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('changing stores for real', () => undefined);

type Client = { readonly name: string; readonly needs: string; readonly command: (url: string) => readonly string[]; readonly accepts: (ran: Ran) => boolean };

function suite(room: StoreRoom): void {
  let server: Awaited<ReturnType<typeof serveHello>>;
  const java = path.join(room.folder, 'C.java');
  const profile = path.join(room.home, '.mozilla/firefox/abc.default');
  const said = (ran: Ran): boolean => ran.code === 0 && ran.stdout.includes('hello');

  /** The variables as the drop-in of the machine gives them to a login shell. */
  const afterLogin = (program: readonly string[]): readonly string[] => ['sh', '-c', '[ ! -e /etc/profile.d/pinlight.sh ] || . /etc/profile.d/pinlight.sh; exec "$@"', 'sh', ...program];
  const python = 'import sys,urllib.request as u\nprint(u.urlopen(sys.argv[1]).read().decode())';
  const clients: readonly Client[] = [
    { name: 'curl', needs: 'curl', command: (url) => ['curl', '-sS', url], accepts: said },
    { name: 'wget', needs: 'wget', command: (url) => ['wget', '-q', '-O', '-', url], accepts: said },
    { name: 'openssl', needs: 'openssl', command: (url) => ['openssl', 's_client', '-verify_return_error', '-connect', new URL(url).host], accepts: (ran) => ran.stdout.includes('Verify return code: 0') },
    { name: 'git', needs: 'git', command: (url) => ['git', 'ls-remote', url], accepts: (ran) => ran.code === 0 },
    { name: 'python3', needs: 'python3', command: (url) => ['/usr/bin/python3', '-c', python, url], accepts: said },
    { name: 'java', needs: 'javac', command: (url) => ['java', java, url], accepts: said },
    { name: 'node, as a new login starts it', needs: 'node', command: (url) => afterLogin([process.execPath, '-e', 'fetch(process.argv[1]).then((r) => r.text()).then(console.log)', url]), accepts: said },
    { name: 'chromium', needs: 'chromium', command: (url) => ['timeout', '40', 'chromium', '--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${room.folder}/chromium`, '--dump-dom', url], accepts: said },
  ];
  const here = clients.filter((client) => findCommand(client.needs) !== null);

  beforeAll(async () => {
    server = await serveHello(makeAuthority(room.state));
    writeFileSync(java, 'public class C { public static void main(String[] a) throws Exception { System.out.println(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }');
    makeNssDatabase(profile);
    makeNssDatabase(path.join(room.home, '.pki/nssdb'));
    mkdirSync(path.join(room.home, '.mozilla/firefox'), { recursive: true });
    writeFileSync(path.join(room.home, '.mozilla/firefox/profiles.ini'), '[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\nDefault=1\n');
  });
  afterAll(() => {
    server.close();
    room.close();
  });

  const bytes = async (): Promise<string> => (await room.run(['sha256sum', '/etc/ssl/certs/ca-certificates.crt'])).stdout;
  const listing = async (): Promise<string> => (await room.run(['ls', '/etc/ssl/certs'])).stdout;
  const handshakes = async (): Promise<Record<string, boolean>> => {
    const found: Record<string, boolean> = {};
    for (const client of here) found[client.name] = client.accepts(await room.run(client.command(`https://localhost:${server.port}/`)));
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
      const firefox = findCommand('firefox-esr') ?? findCommand('firefox');
      if (firefox === null) {
        console.log('skipped: firefox is not installed');
        return;
      }
      const child = room.start([firefox, '--headless', '--no-remote', '--profile', profile, `https://localhost:${server.port}/by-firefox`]);
      try {
        await expect.poll(() => server.asked, { timeout: 60_000 }).toContain('/by-firefox');
      } finally {
        child.kill('SIGTERM');
        await new Promise((resolve) => {
          child.once('close', resolve);
        });
      }
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
