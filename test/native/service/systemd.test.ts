// The systemd service: how hardened its unit is, and installing and removing it in a copy of /etc, killed at each line of its journal too.
// `systemctl` is a stand-in, because no systemd runs on a build machine; useradd and systemd-creds are real.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { agentStartMs } from '../../../electron/contract/agent-arguments.ts';
import type { ServiceState } from '../../../native/service/index.ts';
import { bootUnit, releasesCapture, systemUnit, userUnit } from '../../../native/service/systemd-unit.ts';
import { doses } from '../../device/kill-runs.ts';
import { measureService, openServiceStand, serviceUnit } from '../../device/service.ts';
import { findCommand } from '../../support/find-command.ts';
import { openJournal } from '../../../native/undo-journal/index.ts';
import { openStoreRoom } from '../support/store-room.ts';
import type { Ran, StoreRoom } from '../support/store-room.ts';

const program = { file: '/opt/pinlight/node', args: ['/opt/pinlight/watchdog.mjs', '--service'], folder: '/opt/pinlight', cli: '/opt/pinlight/pinlight.mjs' };

describe('the unit', () => {
  const analyze = findCommand('systemd-analyze');
  test.runIf(analyze !== null)('of the machine scores below 4.0 in `systemd-analyze security`', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pinlight-unit-'));
    try {
      writeFileSync(path.join(folder, 'pinlight.service'), systemUnit(program, true));
      const ran = spawnSync(analyze ?? '', ['security', '--offline=true', '--no-pager', path.join(folder, 'pinlight.service')], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', SYSTEMD_COLORS: '0' } });
      const score = Number(/exposure level for pinlight\.service: ([\d.]+)/.exec(ran.stdout)?.[1]);
      console.log(`systemd-analyze security: ${score}`);
      expect(score).toBeLessThan(4);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  test.runIf(analyze !== null).each([
    ['as it is, no cycle', (text: string) => text, /^$/],
    ['put before what it comes after, a cycle: the check sees one', (text: string) => text.replace(/^Before=.*$/m, 'Before=sysinit.target'), /ordering cycle/],
  ])('is ordered among this system\'s units, with the one that comes before logins: %s', (_name, changed, says) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pinlight-unit-'));
    try {
      const own = { ...program, file: process.execPath, folder: '/' };
      for (const [name, text] of [['pinlight.service', systemUnit(own, false)], ['pinlight-boot.service', changed(bootUnit(own))]] as const) {
        writeFileSync(path.join(folder, name), text);
        mkdirSync(path.join(folder, 'multi-user.target.wants'), { recursive: true });
        symlinkSync(`../${name}`, path.join(folder, 'multi-user.target.wants', name));
      }
      const ran = spawnSync(analyze ?? '', ['verify', '--man=no', 'multi-user.target'], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', SYSTEMD_UNIT_PATH: `${folder}:` } });
      expect(ran.stderr).toMatch(says);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  if (analyze === null) console.log('skipped: systemd-analyze is not installed');
  test('what fails closed is refused before anybody can log in, by a unit of its own that may fail and is given up soon; logins never wait for the agent', () => {
    const unit = bootUnit(program);
    expect(unit).toContain('\nBefore=systemd-user-sessions.service pinlight.service\n');
    expect(unit).toContain('\nRemainAfterExit=yes\nExecStart=-/opt/pinlight/node /opt/pinlight/pinlight.mjs capture release\nTimeoutStartSec=15\n');
    expect(systemUnit(program, true)).toMatch(/\nAlso=pinlight-boot\.service\n$/);
    expect(systemUnit(program, true)).not.toContain('Before=');
  });
  test('is given more time to start than the wait for its agent takes', () => {
    expect(Number(/^TimeoutStartSec=(\d+)$/m.exec(systemUnit(program, true))?.[1]) * 1000).toBeGreaterThan(agentStartMs + 20_000);
  });
  test('starts the watchdog with the arguments of the machine\'s service', () => {
    expect(systemUnit(program, true)).toContain('\nExecStart=/opt/pinlight/node /opt/pinlight/watchdog.mjs --service\n');
  });
  test('has root look after captured connections: before the start, after any end, and again once it runs; a user\'s unit cannot', () => {
    const unit = systemUnit(program, true);
    const release = '=-+/opt/pinlight/node /opt/pinlight/pinlight.mjs capture release\n';
    for (const when of ['ExecStartPre', 'ExecStopPost']) expect(unit).toContain(`\n${when}${release}`);
    expect(unit).toContain(`\nExecStartPost${release.replace('release', 'resume')}`);
    expect([releasesCapture(unit), releasesCapture(userUnit(program))]).toEqual([true, false]);
  });
  test('asks for the credential only where there is one', () => {
    expect(systemUnit(program, true)).toContain('LoadCredentialEncrypted=pinlight-root:');
    expect(systemUnit(program, false)).not.toContain('LoadCredential');
  });
  test.each([
    ['a space', '/home/ada/my apps/node', '"/home/ada/my apps/node"'], ['a specifier', '/srv/50%/node', '/srv/50%%/node'],
    ['a variable', '/srv/$HOME/node', '/srv/$$HOME/node'], ['a quote', '/srv/"x"/node', '"/srv/\\"x\\"/node"'],
  ])('takes a path with %s literally', (_name, file, word) => {
    expect(userUnit({ ...program, file, args: [] })).toContain(`\nExecStart=${word}\n`);
  });
});

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('installing a service for real', () => undefined);

function suite(room: StoreRoom): void {
  const stand = openServiceStand(room);
  const { install, said } = stand;
  const unit = serviceUnit;
  afterAll(() => room.close());

  const run = async (verb: string, folder = install): Promise<{ readonly left: readonly string[]; readonly answer: unknown }> => {
    const { errors, ...answer } = await stand.run(verb, folder);
    expect(errors).toBe('');
    return answer;
  };
  const status = async (): Promise<ServiceState> => (await run('status')).answer as ServiceState;
  const inRoom = (script: string): Promise<Ran> => room.run(['sh', '-c', script]);
  const traces = async (): Promise<string> => (await inRoom(`ls ${unit} /etc/systemd/system/pinlight-boot.service 2>/dev/null; grep -c ^pinlight: /etc/passwd; ls /etc/systemd/system/.*pinlight* 2>/dev/null; true`)).stdout;

  describe('on this machine\'s /etc, copied', () => {
    test('installed: account, sealed credential, unit, enabled and running', async () => {
      expect(await status()).toMatchObject({ installed: false, running: false });
      expect(await run('install')).toMatchObject({ answer: { kind: 'done', state: { installed: true, running: true } } });
      expect((await inRoom(`cat ${unit}`)).stdout).toContain(`ExecStart=${install}/node ${install}/watchdog.mjs --service`);
      expect((await inRoom('cat /etc/systemd/system/pinlight-boot.service')).stdout).toContain(`${install}/pinlight.mjs capture release`);
      expect((await inRoom('grep ^pinlight: /etc/passwd')).stdout).toMatch(/:\/var\/lib\/pinlight:\/usr\/sbin\/nologin$/m);
      expect((await inRoom('stat -c %a /etc/credstore.encrypted/pinlight-root')).stdout.trim()).toBe('600');
      const key = await inRoom('systemd-creds decrypt --name=pinlight-root /etc/credstore.encrypted/pinlight-root -');
      expect(key.stdout).toMatch(/^[0-9a-f]{64}$/);
      expect(readFileSync(said, 'utf8')).toMatch(/daemon-reload\nenable --now pinlight\.service\nrestart pinlight\.service\n/);
    }, 60_000);
    test('installed again, the credential stays the same', async () => {
      const before = (await inRoom('sha256sum /etc/credstore.encrypted/pinlight-root')).stdout;
      expect(await run('install')).toMatchObject({ answer: { kind: 'done' } });
      expect((await inRoom('sha256sum /etc/credstore.encrypted/pinlight-root')).stdout).toBe(before);
    }, 60_000);
    test('removed: stopped and gone, what opens the root key stays; forgotten: nothing stays', async () => {
      expect(await run('remove')).toMatchObject({ answer: { kind: 'done', state: { installed: false } } });
      expect((await inRoom('ls /etc/credstore.encrypted')).stdout).toContain('pinlight-root');
      expect(await run('forget')).toMatchObject({ answer: [] });
      expect((await inRoom('ls -A /etc/credstore.encrypted 2>/dev/null')).stdout).toBe('');
      expect(await traces()).toBe('0\n');
      expect(await run('remove')).toMatchObject({ answer: { kind: 'done' } });
    }, 60_000);
    test('a service that does not come up is put back, with the reason', async () => {
      writeFileSync(path.join(room.folder, 'broken'), '');
      const { answer } = await run('install');
      expect(answer).toMatchObject({ kind: 'refused', why: expect.stringContaining('inactive') });
      rmSync(path.join(room.folder, 'broken'));
      expect(await traces()).toBe('0\n');
    }, 60_000);
    test('a program that others may write keeps nothing from being removed', async () => {
      expect(await run('install')).toMatchObject({ answer: { kind: 'done' } });
      const open = path.join(room.folder, 'open');
      execFileSync('sh', ['-c', `cp -a ${install} ${open} && chmod 777 ${open}`]);
      expect(await run('remove', open)).toMatchObject({ answer: { kind: 'done', state: { installed: false } } });
      rmSync(open, { recursive: true });
    }, 60_000);
    test.each([
      ['that others may write', 'chmod 777', 'can be changed by others than root'], ['of another user', 'chown 65534', 'can be changed by others than root'],
      ['with a link that leads out of it', 'ln -s /usr/bin/env', 'env is a link that leads out of'],
    ['in which one file is another user\'s', 'install -o 65534 /dev/null', 'null can be changed by others than root'],
      ['that only root reads', 'chmod 700', 'cannot be read by the service\'s own account'],
    ])('a program in a folder %s is refused', async (_name, change, why) => {
      const open = path.join(room.folder, 'open');
      execFileSync('sh', ['-c', `cp -a ${install} ${open} && ${change} ${open}`]);
      expect(await run('install', open)).toMatchObject({ answer: { kind: 'refused', why: expect.stringContaining(why) } });
      rmSync(open, { recursive: true });
    }, 60_000);
  });

  describe('killed with kill -9', () => {
    test('at each line of the journal, installing and removing: the next start finds it there and running, or not there at all', async () => {
      const { runs, killed, bad, details, steps } = await measureService(room, doses.once);
      console.log(`${killed} of ${runs} runs were killed`);
      expect({ bad, details }).toEqual({ bad: 0, details: [] });
      expect(steps).toBeGreaterThan(3);
      await run('remove');
      await run('forget');
      expect(await traces()).toBe('0\n');
    }, 300_000);

    test.each([
      { verb: 'install', tool: 'useradd', from: 'nothing' }, { verb: 'install', tool: 'systemctl', from: 'nothing' }, { verb: 'remove', tool: 'systemctl', from: 'the service' },
    ])('while $tool is at work, $verb: the next command waits for it, and nothing is there in part', async ({ verb, tool, from }) => {
      if (from !== 'nothing') expect(await run('install')).toMatchObject({ answer: { kind: 'done' } });
      const real = path.join(stand.bin, tool === 'systemctl' ? 'systemctl.real' : '../none');
      const [at, go] = [path.join(room.folder, `at-${tool}-${verb}`), path.join(room.folder, `go-${tool}-${verb}`)];
      if (tool === 'systemctl') renameSync(path.join(stand.bin, tool), real);
      const command = tool === 'systemctl' ? real : `/usr/sbin/${tool}`;
      // Held until it is told to go on; what only looks is not held.
      writeFileSync(path.join(stand.bin, tool), `#!/bin/sh\n[ "$1" = is-active ] || [ -e ${at} ] || { touch ${at}; while [ ! -e ${go} ]; do sleep 0.01; done; }\nexec ${command} "$@"\n`, { mode: 0o755 });
      const child = room.start(stand.command(verb), stand.env);
      const closed = once(child, 'exit');
      await expect.poll(() => existsSync(at), { timeout: 20_000, interval: 10 }).toBe(true);
      child.kill('SIGKILL');
      await closed;
      const next = run('status');
      let answered = false;
      void next.then(() => { answered = true; });
      await expect.poll(() => {
        const journal = openJournal(path.join(room.state, 'undo'), 'service', Date.now);
        if (journal.kind === 'journal') journal.journal.close();
        return journal.kind;
      }, { timeout: 20_000, interval: 10 }).toBe('in-use');
      expect(answered).toBe(false);
      writeFileSync(go, '');
      expect((await next).left).toEqual([]);
      rmSync(path.join(stand.bin, tool));
      if (tool === 'systemctl') renameSync(real, path.join(stand.bin, tool));
      const after = await status();
      expect(after.running).toBe(after.installed);
      if (!after.installed) expect(await traces()).toBe('0\n');
      await run('remove');
      await run('forget');
      expect(await traces()).toBe('0\n');
    }, 60_000);
  });
}
