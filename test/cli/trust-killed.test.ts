// kill -9 while each tool is at work: the next command waits for it, and finds the store whole, as before or as asked.
// At each line of the journal: `npm run check:device`, of which CI runs every fifth.
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openTrustStand } from '../device/trust.ts';
import { openStoreRoom } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { pinlightFile } from './run-pinlight.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('killing changes of stores', () => undefined);

function suite(room: StoreRoom): void {
  const slow = path.join(room.folder, 'slow');
  const stand = openTrustStand(room);
  const { env, jdk } = stand;
  mkdirSync(slow);
  afterAll(() => room.close());

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
      const [before] = await stand.stores([store]);
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
      const [row] = await stand.stores([store]);
      expect([0, 1]).toContain(row?.roots);
      if (row?.roots === before?.roots) expect(row?.hash).toBe(before?.hash);
      await room.run([process.execPath, pinlightFile, 'trust', 'remove', ...stores], env);
      expect((await stand.stores([store])).map((one) => one.roots)).toEqual([0]);
    }, 60_000);
  });
}
