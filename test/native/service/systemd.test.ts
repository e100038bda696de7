// The systemd service: how hardened its unit is, and installing and removing it in a copy of /etc, killed at each line of its journal too.
// `systemctl` is a stand-in, because no systemd runs on a build machine; useradd and systemd-creds are real.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentStartMs } from '../../../electron/contract/agent-arguments.ts';
import type { ServiceState } from '../../../native/service/index.ts';
import { bootUnit, releasesCapture, systemUnit, userUnit } from '../../../native/service/systemd-unit.ts';
import { repository } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { openStoreRoom } from '../support/store-room.ts';
import type { Ran, StoreRoom } from '../support/store-room.ts';

const program = { file: '/opt/pinlight/node', args: ['--openssl-config=/opt/pinlight/resources/openssl.cnf', '/opt/pinlight/watchdog.mjs', '--service'], folder: '/opt/pinlight', cli: '/opt/pinlight/pinlight.mjs' };

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
    expect(systemUnit(program, true)).toContain('\nExecStart=/opt/pinlight/node --openssl-config=/opt/pinlight/resources/openssl.cnf /opt/pinlight/watchdog.mjs --service\n');
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
  const bin = path.join(room.folder, 'bin');
  const install = path.join(room.folder, 'opt');
  const said = path.join(room.folder, 'systemctl.log');
  const unit = '/etc/systemd/system/pinlight.service';
  const journal = path.join(room.state, 'undo/service.jsonl');
  const driver = path.join(room.folder, 'driver.ts');
  const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` };

  beforeAll(() => {
    mkdirSync(bin);
    // 0755 and root's, on a way that is root's: as a package installs it.
    for (const folder of [room.folder, install]) mkdirSync(folder, { recursive: true });
    execFileSync('chmod', ['755', room.folder, install]);
    for (const name of ['node', 'watchdog.mjs', 'pinlight.mjs']) writeFileSync(path.join(install, name), '', { mode: 0o755 });
    writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh
echo "$*" >> ${said}
case "$1" in
  enable) [ -e ${unit} ] && touch ${room.folder}/active ;;
  disable) rm -f ${room.folder}/active ;;
  is-active) if [ -e ${room.folder}/active ] && [ ! -e ${room.folder}/broken ]; then echo active; else echo inactive; exit 3; fi ;;
esac
`, { mode: 0o755 });
    writeFileSync(driver, `
import { openService } from '${repository}native/service/index.ts';
const [verb, folder] = process.argv.slice(2);
const program = { file: folder + '/node', args: [folder + '/watchdog.mjs', '--service'], folder, cli: folder + '/pinlight.mjs' };
const opened = await openService({ stateFolder: process.env.PINLIGHT_HOME, home: process.env.HOME, env: process.env, programs: { machine: program, user: program }, now: Date.now });
if (opened.kind !== 'service') throw new Error(opened.why);
const { service } = opened;
console.log(JSON.stringify({ left: service.left, answer: await service[verb]() }));
service.close();
`);
  });
  afterAll(() => room.close());

  const run = async (verb: string, folder = install): Promise<{ readonly left: readonly string[]; readonly answer: unknown }> => {
    const ran = await room.run([process.execPath, driver, verb, folder], { PINLIGHT_HOME: room.state, ...env });
    expect(ran.stderr).toBe('');
    return JSON.parse(ran.stdout);
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

  describe('killed at each line of the journal', () => {
    const lines = (): number => {
      try {
        return readFileSync(journal, 'utf8').split('\n').length - 1;
      } catch {
        return 0;
      }
    };
    test.each(['install', 'remove'])('%s: the next command leaves it whole, and it completes', async (verb) => {
      for (let after = 1; ; after += 1) {
        if (verb === 'remove') expect(await run('install')).toMatchObject({ answer: { kind: 'done' } });
        const from = lines();
        const child = room.start([process.execPath, driver, verb, install], { PINLIGHT_HOME: room.state, ...env });
        child.stdin.end();
        child.stdout.resume();
        const closed = once(child, 'close');
        while (child.exitCode === null && lines() < from + after) await new Promise(setImmediate);
        const killed = child.exitCode === null && child.kill('SIGKILL');
        await closed;
        expect((await run('status')).left).toEqual([]);
        const next = await status();
        expect(next.running).toBe(next.installed);
        await run(verb);
        expect((await status()).installed).toBe(verb === 'install');
        await run('remove');
        await run('forget');
        expect(await traces()).toBe('0\n');
        if (!killed) return expect(after).toBeGreaterThan(3);
      }
    }, 300_000);
  });
}
