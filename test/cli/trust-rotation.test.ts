// A root that is replaced on a device whose stores hold it: a real agent, the stores of this machine copied, and curl's own judgement of both roots.
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAuthority, loadNextAuthority, type Authority, type AuthorityResult } from '../../electron/agent/ca/authority.ts';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import { fileModeOnly } from '../../electron/core/ca/secret-store.ts';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import type { Handshake } from '../../native/trust-store/handshakes.ts';
import { makeNssDatabase, openStoreRoom, serveHello } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { repository } from '../support/agent.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('replacing a root for real', () => undefined);

const authorityOf = (result: AuthorityResult | null): Authority => {
  if (result?.kind !== 'authority') throw new Error('no root');
  return result.authority;
};

function suite(room: StoreRoom): void {
  const closers: (() => void)[] = [];
  afterAll(() => {
    for (const close of closers) close();
    room.close();
  });
  const status = async (): Promise<Snapshot> => (JSON.parse((await room.pinlight(['status', '--json'])).stdout) as { readonly data: Snapshot }).data;

  describe('ten months into the life of a root', () => {
    let accepted: () => Promise<Record<string, boolean>>;
    let next: Authority;

    test('the agent makes the next one, goes on with the old one, and names the stores that lack the new', async () => {
      const old = authorityOf(loadAuthority(room.state, 'laptop', Date.now() - 300 * 24 * 3600_000));
      makeNssDatabase(path.join(room.home, '.pki/nssdb'));
      expect((await room.pinlight(['trust', 'install'])).code).toBe(0);
      writeFileSync(path.join(room.state, 'policy.json'), '{"version":1,"network":{"port":0}}');
      const agent = room.start([process.execPath, ...agentNodeArguments(repository), path.join(repository, 'electron/agent/main.ts'), '--policy', path.join(room.state, 'policy.json'), '--ready-json'], { PINLIGHT_HOME: room.state });
      closers.push(() => void agent.kill('SIGKILL'));
      await once(agent.stdout, 'data');
      await expect.poll(async () => (await status()).warnings.map((warning) => warning.code), { timeout: 20_000 }).toContain('root-next-missing');
      const snapshot = await status();
      expect(snapshot.agent.root.fingerprint).toBe(old.fingerprint);
      expect(snapshot.warnings.find((warning) => warning.code === 'root-next-missing')?.text).toMatch(/system.*nss:/);

      next = authorityOf(loadNextAuthority(room.state, 'laptop', Date.now(), fileModeOnly, false));
      const servers = await Promise.all([serveHello(old), serveHello(next)]);
      closers.push(...servers.map((server) => () => server.close()));
      accepted = async () => {
        const [byOld, byNext] = await Promise.all(servers.map(async ({ port }) => (await room.run(['curl', '-sS', `https://localhost:${port}/`])).code === 0));
        return { old: byOld === true, next: byNext === true };
      };
      expect(await accepted()).toEqual({ old: true, next: false });
    }, 120_000);

    const handshaken = async (args: readonly string[]): Promise<{ readonly code: number | null; readonly data: { readonly clean?: boolean | null; readonly handshakes: { readonly programs: readonly Handshake[] } } }> => {
      const ran = await room.pinlight(['trust', ...args, '--handshake', '--store', 'system', '--json']);
      return { code: ran.code, ...JSON.parse(ran.stdout) as { readonly data: { readonly handshakes: { readonly programs: readonly Handshake[] } } } };
    };
    test('a store that does not hold the new one yet is not asked about it: nobody refuses what it holds', async () => {
      const { code, data } = await handshaken(['status']);
      expect(data.handshakes.programs.map((one) => [one.program, one.answer])).toContainEqual(['curl', 'trusts']);
      expect(data.handshakes.programs.filter((one) => one.answer === 'refuses')).toEqual([]);
      expect(code).toBe(0);
    }, 120_000);

    test('a program that still trusts either of them is no clean receipt', async () => {
      expect((await room.pinlight(['trust', 'remove', '--store', 'system'])).code).toBe(0);
      expect(await accepted()).toEqual({ old: false, next: false });
      for (const file of ['root.pem', 'root.next.pem']) {
        writeFileSync(path.join(room.home, '.gitconfig'), `[http]\n\tsslCAInfo = ${path.join(room.state, file)}\n`);
        const { code, data } = await handshaken(['receipt']);
        expect(data.handshakes.programs.map((one) => [one.program, one.answer])).toEqual(expect.arrayContaining([['git', 'trusts'], ['curl', 'refuses']]));
        expect({ clean: data.clean, code }).toEqual({ clean: false, code: 1 });
      }
      rmSync(path.join(room.home, '.gitconfig'));
      expect((await handshaken(['receipt'])).data.handshakes.programs.filter((one) => one.answer === 'trusts')).toEqual([]);
    }, 120_000);

    test('`trust install` puts the new one beside the old one in every store, and the agent uses it from then on', async () => {
      const ran = await room.pinlight(['trust', 'install', '--json']);
      const answer: { data: { stores: readonly { kind: string; state: string; roots: number }[]; handshakes: { programs: readonly Handshake[] } } } = JSON.parse(ran.stdout);
      expect(answer.data.stores.filter((row) => row.state !== 'not-checked' && row.roots !== 2)).toEqual([]);
      expect(ran.code).toBe(0);
      // Programs were asked about the next one too, before it is used: curl refuses it until then.
      expect(answer.data.handshakes.programs.map((one) => [one.program, one.answer])).toContainEqual(['curl', 'trusts']);
      expect(answer.data.handshakes.programs.filter((one) => one.answer !== 'trusts' && one.answer !== 'not-asked')).toEqual([]);
      expect(await accepted()).toEqual({ old: true, next: true });
      const snapshot = await status();
      expect(snapshot.agent.root.fingerprint).toBe(next.fingerprint);
      expect(snapshot.warnings.map((warning) => warning.code)).not.toContain('root-next-missing');
      expect(snapshot.warnings.find((warning) => warning.code === 'learning-paused')?.text).toMatch(/root/);
    }, 240_000);

    test('the next `trust install` takes the old one out, and `trust remove` leaves neither', async () => {
      expect((await room.pinlight(['trust', 'install'])).code).toBe(0);
      expect(await accepted()).toEqual({ old: false, next: true });
      expect((await room.pinlight(['trust', 'remove'])).code).toBe(0);
      expect((await room.pinlight(['trust', 'receipt'])).code).toBe(0);
      expect(await accepted()).toEqual({ old: false, next: false });
    }, 240_000);
  });
}
