// What the unit starts, started as the unit says: its own command line, account, capability, folders and credential, in a copy of /etc and /var/lib.
// Only systemd itself is missing. The watchdog and the agent are real.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../electron/contract/snapshot.ts';
import { servicePrograms } from '../../../electron/cli/own-program.ts';
import { systemUnit } from '../../../native/service/systemd-unit.ts';
import { pinlightFile } from '../../cli/run-pinlight.ts';
import { until } from '../../support/tunnel.ts';
import { openStoreRoom } from '../support/store-room.ts';
import type { Ran, StoreRoom } from '../support/store-room.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('starting what the unit starts', () => undefined);

function suite(room: StoreRoom): void {
  let stop: () => Promise<void> = () => Promise.resolve();
  const inRoom = (script: string): Promise<Ran> => room.run(['sh', '-c', script]);
  const asUser = (uid: number, command: readonly string[]): Promise<Ran> => room.run(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command], { HOME: '/nonexistent' });

  beforeAll(async () => {
    execFileSync('chmod', ['755', room.folder]);
    // Sockets of the service belong in /run, which is this machine's own. A uid apart: userdel in another test would find it in use.
    expect((await inRoom(`
      mount -t tmpfs tmpfs /run && useradd --user-group --uid 59999 --no-create-home pinlight &&
      install -d -o pinlight -g pinlight -m 0700 /var/lib/pinlight && install -d -o pinlight -g pinlight -m 0755 /run/pinlight && install -d -o pinlight -m 0500 /run/credentials &&
      head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > /run/credentials/pinlight-root && chown pinlight /run/credentials/pinlight-root && chmod 0400 /run/credentials/pinlight-root &&
      mkdir -p /etc/pinlight/policies/managed && echo '{"version":1,"network":{"port":0}}' > /etc/pinlight/policies/managed/10.json`)).stderr).toBe('');
    const command = /^ExecStart=(.+)$/m.exec(systemUnit(servicePrograms().machine, true))?.[1]?.split(' ') ?? [];
    const child = room.start([
      'setpriv', '--reuid=pinlight', '--regid=pinlight', '--clear-groups', '--inh-caps=-all,+sys_ptrace', '--ambient-caps=-all,+sys_ptrace', '--bounding-set=-all,+sys_ptrace', '--no-new-privs', ...command,
    ], { CREDENTIALS_DIRECTORY: '/run/credentials', HOME: '/var/lib/pinlight' });
    child.stdin.end();
    child.stdout.resume();
    child.stderr.pipe(process.stderr);
    const ended = once(child, 'exit');
    stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    await until('the agent answers a user', async () => (await asUser(65_534, [process.execPath, pinlightFile, 'status'])).code === 0);
  }, 60_000);
  afterAll(async () => {
    await stop();
    room.close();
  });

  const status = async (uid: number): Promise<Snapshot> => (JSON.parse((await asUser(uid, [process.execPath, pinlightFile, 'status', '--json'])).stdout) as { readonly data: Snapshot }).data;

  describe('the service', () => {
    test('runs under its own account with one capability, and answers a user of the machine', async () => {
      const { agent } = await status(65_534);
      expect(agent.stateFolder).toBe('/var/lib/pinlight');
      const about = (await inRoom(`cat /proc/${agent.pid}/status`)).stdout;
      expect(about).toContain(`Uid:\t${(await inRoom('id -u pinlight')).stdout.trim()}\t`);
      // Bit 19 is CAP_SYS_PTRACE.
      expect(about).toContain('CapEff:\t0000000000080000');
    });
    test('its root key is sealed under the credential, and neither file nor credential is open to a user', async () => {
      expect((await status(65_534)).agent.root.keyProtection).toContain('systemd');
      expect((await inRoom('head -1 /var/lib/pinlight/root.key')).stdout).toBe('pinlight-sealed systemd\n');
      for (const file of ['/var/lib/pinlight/root.key', '/run/credentials/pinlight-root']) expect((await asUser(65_534, ['cat', file])).code).not.toBe(0);
    });
    test('tells whose connection one is, of any account', async () => {
      const { agent } = await status(65_534);
      const port = agent.proxy[0]?.split(':').at(-1) ?? '';
      await asUser(65_533, ['curl', '-sS', '--proxy', `http://127.0.0.1:${port}`, 'https://nobody.invalid/']);
      const rows = (JSON.parse((await room.run([process.execPath, pinlightFile, 'status', '--json'])).stdout) as { readonly data: Snapshot }).data.recent;
      expect(rows[0]).toMatchObject({ host: 'nobody.invalid', appPath: expect.stringContaining('curl') });
    });
  });
}
