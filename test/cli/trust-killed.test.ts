// kill -9 at each line of the journal, and while each tool is at work: the next command finds every store whole, as before or as asked.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeNssDatabase, openStoreRoom } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { pinlightFile } from './run-pinlight.ts';

type Row = { readonly store: string; readonly kind: string; readonly path: string; readonly read: boolean; readonly roots: number };

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('killing changes of stores', () => undefined);

function suite(room: StoreRoom): void {
  const journal = path.join(room.state, 'undo/trust.jsonl');
  const jdk = path.join(room.folder, 'jdk');
  const slow = path.join(room.folder, 'slow');
  const env = { PINLIGHT_HOME: room.state, JAVA_HOME: jdk };
  // Those that need no slow tool; the machine's own system and Java stores have rows of their own below.
  const quick = [`java:${jdk}`, `nss:${room.home}/.pki/nssdb`, `firefox:${room.home}/.mozilla/firefox/p`, 'browser-policy', 'environment'].flatMap((name) => ['--store', name]);

  beforeAll(() => {
    makeAuthority(room.state);
    makeNssDatabase(path.join(room.home, '.pki/nssdb'));
    makeNssDatabase(path.join(room.home, '.mozilla/firefox/p'));
    writeFileSync(path.join(room.home, '.mozilla/firefox/profiles.ini'), '[Profile0]\nName=p\nIsRelative=1\nPath=p\n');
    mkdirSync(path.join(jdk, 'lib/security'), { recursive: true });
    cpSync('/etc/ssl/certs/java/cacerts', path.join(jdk, 'lib/security/cacerts'));
    mkdirSync(slow);
  });
  afterAll(() => room.close());

  const lines = (): number => {
    try {
      return readFileSync(journal, 'utf8').split('\n').length - 1;
    } catch {
      // Its end removes it, at any moment.
      return 0;
    }
  };
  const hashes = async (rows: readonly Row[]): Promise<Map<string, string>> => {
    const found = await Promise.all(rows.filter((row) => row.read).map(async (row) => [row.store, createHash('sha256').update((await room.run(['cat', row.path])).stdout).digest('hex')] as const));
    return new Map(found);
  };
  const receipt = async (stores: readonly string[]): Promise<readonly Row[]> => {
    const ran = await room.run([process.execPath, pinlightFile, 'trust', 'receipt', '--json', ...stores], env);
    const answer: { data: { stores: readonly Row[]; recovered: readonly { left: readonly string[] }[] } } = JSON.parse(ran.stdout);
    expect(answer.data.recovered.flatMap((one) => one.left)).toEqual([]);
    return answer.data.stores;
  };
  const litter = async (): Promise<string> => (await room.run(['sh', '-c', `find /etc /usr/local/share "${room.home}" "${jdk}" -name '.*.pinlight-*'; ls "${room.state}/undo/scratch" 2>/dev/null; true`])).stdout;

  /** Runs the verb and kills it when the journal has grown by `after` lines; false when it ended before. */
  async function killAfter(verb: string, after: number, stores: readonly string[]): Promise<boolean> {
    const from = lines();
    const child = room.start([process.execPath, pinlightFile, 'trust', verb, ...stores], env);
    child.stdin.end();
    const closed = once(child, 'close');
    child.stdout.resume();
    child.stderr.resume();
    while (child.exitCode === null && lines() < from + after) await new Promise(setImmediate);
    const killed = child.exitCode === null && child.kill('SIGKILL');
    await closed;
    return killed;
  }

  async function wholeAfterKills(verb: 'install' | 'remove', stores: readonly string[]): Promise<number> {
    const rootsBefore = verb === 'install' ? 0 : 1;
    let rows: readonly Row[] = [];
    for (let after = 1; ; after += 1) {
      if (verb === 'remove') expect((await room.run([process.execPath, pinlightFile, 'trust', 'install', ...stores], env)).code).toBe(0);
      // Where the stores are stays the same; what is in them the receipt says once, their bytes each time.
      if (after === 1) rows = await receipt(stores);
      const before = await hashes(rows);
      expect(rows.filter((row) => row.read && row.roots !== rootsBefore)).toEqual([]);
      const killed = await killAfter(verb, after, stores);
      const rowsAfter = await receipt(stores);
      const now = await hashes(rowsAfter);
      for (const row of rowsAfter.filter((one) => one.read)) {
        expect([0, 1], `${verb}, line ${after}: ${row.store}`).toContain(row.roots);
        // Debian's hook writes Java's own keystore anew whenever the system's changes: its list is compared by the receipt, not its bytes.
        if (row.roots === rootsBefore && row.path !== '/etc/ssl/certs/java/cacerts') expect(now.get(row.store), `${verb}, line ${after}: ${row.store}`).toBe(before.get(row.store));
      }
      expect(await litter()).toBe('');
      expect((await room.run([process.execPath, pinlightFile, 'trust', 'remove', ...stores], env)).code).toBe(0);
      if (killed) continue;
      expect((await receipt(stores)).filter((row) => row.roots > 0)).toEqual([]);
      return after;
    }
  }

  describe('killed at each line of the journal', () => {
    test('install of keystore, databases, policy and variables', async () => {
      expect(await wholeAfterKills('install', quick)).toBeGreaterThan(15);
    }, 300_000);

    test('remove of the same', async () => {
      expect(await wholeAfterKills('remove', quick)).toBeGreaterThan(10);
    }, 300_000);

    test('install into the system\'s store and the keystore that its tool fills', async () => {
      expect(await wholeAfterKills('install', ['--store', 'system', '--store', 'java:/usr/lib/jvm/java-17-openjdk-amd64'])).toBeGreaterThan(3);
    }, 300_000);

    test('remove of the same two', async () => {
      expect(await wholeAfterKills('remove', ['--store', 'system', '--store', 'java:/usr/lib/jvm/java-17-openjdk-amd64'])).toBeGreaterThan(3);
    }, 300_000);
  });

  describe('killed while a tool is at work', () => {
    const rows = [
      { tool: 'certutil', verb: 'install', store: `nss:${room.home}/.pki/nssdb`, argument: '-A' },
      { tool: 'certutil', verb: 'remove', store: `nss:${room.home}/.pki/nssdb`, argument: '-D' },
      { tool: 'keytool', verb: 'install', store: `java:${jdk}`, argument: '-importcert' },
      { tool: 'update-ca-certificates', verb: 'install', store: 'system', argument: '' },
      { tool: 'update-ca-certificates', verb: 'remove', store: 'system', argument: '' },
    ].flatMap((row) => (['before', 'after'] as const).map((when) => ({ ...row, when })));

    test.each(rows)('$tool $argument, $when its work, $verb: the next command waits for it', async ({ tool, verb, store, argument, when }) => {
      const stores = ['--store', store];
      if (verb === 'remove') await room.run([process.execPath, pinlightFile, 'trust', 'install', ...stores], env);
      const before = await hashes(await receipt(stores));
      const [started, go] = [path.join(room.folder, `started-${tool}-${verb}-${when}`), path.join(room.folder, `go-${tool}-${verb}-${when}`)];
      const real = (await room.run(['which', tool])).stdout.trim();
      const wait = `touch ${started}; while [ ! -e ${go} ]; do sleep 0.05; done`;
      writeFileSync(path.join(slow, tool), [
        '#!/bin/sh', `case " $* " in *" ${argument} "*|*"${argument}"*) ;; *) exec ${real} "$@";; esac`,
        ...(when === 'before' ? [wait, `exec ${real} "$@"`] : [`${real} "$@"; code=$?`, wait, 'exit $code']), '',
      ].join('\n'), { mode: 0o755 });
      const slowEnv = { ...env, PATH: `${slow}:/usr/sbin:/usr/bin:/sbin:/bin` };
      const child = room.start([process.execPath, pinlightFile, 'trust', verb, ...stores], slowEnv);
      const closed = once(child, 'exit');
      await expect.poll(() => existsSync(started), { timeout: 20_000, interval: 10 }).toBe(true);
      child.kill('SIGKILL');
      await closed;
      writeFileSync(path.join(slow, tool), `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o755 });

      const next = room.start([process.execPath, pinlightFile, 'trust', 'status', ...stores], env);
      const nextEnded = once(next, 'exit');
      let said = '';
      next.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      next.stdout.resume();
      await expect.poll(() => said, { timeout: 20_000 }).toContain('taking back what an interrupted run left');
      expect(next.exitCode).toBeNull();
      writeFileSync(go, '');
      await nextEnded;
      expect(said).toContain('an interrupted change was put right');
      const [row] = await receipt(stores);
      expect([0, 1]).toContain(row?.roots);
      if (row?.roots === (verb === 'install' ? 0 : 1)) expect((await hashes([row])).get(store)).toBe(before.get(store));
      await room.run([process.execPath, pinlightFile, 'trust', 'remove', ...stores], env);
      expect((await receipt(stores)).map((one) => one.roots)).toEqual([0]);
    }, 60_000);
  });
}
