// `pinlight uninstall` on a copy of this machine's stores and services: everything goes, one receipt, also with the agent dead. Killed at each step: `npm run check:device`.
// `systemctl` is a stand-in, because no systemd runs on a build machine.
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthority, makeNssDatabase, openStoreRoom } from '../native/support/store-room.ts';
import type { Ran, StoreRoom } from '../native/support/store-room.ts';
import { startTestAgent } from '../support/agent.ts';
import { pinlightFile } from './run-pinlight.ts';

type Receipt = { readonly data: { readonly clean: boolean | null; readonly steps: readonly { readonly step: string; readonly done: string; readonly left: readonly string[] }[] } };

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('uninstalling for real', () => undefined);

function suite(room: StoreRoom): void {
  const bin = path.join(room.folder, 'bin');
  const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, PINLIGHT_HOME: room.state };
  const unit = '/etc/systemd/system/pinlight.service';
  const nss = path.join(room.home, '.pki/nssdb');
  const pinlight = (...args: readonly string[]): Promise<Ran> => room.run([process.execPath, pinlightFile, ...args], env);

  beforeAll(() => {
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh
case "$1" in
  enable) [ -e ${unit} ] && touch ${room.folder}/active ;;
  disable) rm -f ${room.folder}/active ;;
  is-active) [ -e ${room.folder}/active ] && echo active || { echo inactive; exit 3; } ;;
esac
`, { mode: 0o755 });
    makeNssDatabase(nss);
  });
  afterAll(() => room.close());

  /** Root, history, a store that trusts, and a service: as a used device has them. */
  async function installAll(): Promise<void> {
    makeAuthority(room.state);
    for (const name of ['pinlight.db', 'pinlight.db-wal', 'agent.log', 'agent.log.1']) writeFileSync(path.join(room.state, name), 'x');
    expect((await pinlight('trust', 'install', '--store', `nss:${nss}`, '--store', 'environment')).code).toBe(0);
    await room.run(['sh', '-c', `mkdir -p /var/lib/pinlight /etc/systemd/system; echo x > /var/lib/pinlight/root.key; echo x > ${unit}; touch ${room.folder}/active; useradd --system pinlight`]);
  }
  async function whatIsLeft(): Promise<readonly string[]> {
    const found = await room.run(['sh', '-c', `ls -d ${unit} /var/lib/pinlight ${room.state}/* 2>/dev/null; grep ^pinlight: /etc/passwd; certutil -L -d sql:${nss} | grep -i pinlight; find /etc -iname '*pinlight*'`]);
    return found.stdout.split('\n').filter((line) => line !== '');
  }
  const done = (ran: Ran): readonly string[] => (JSON.parse(ran.stdout) as Receipt).data.steps.map((step) => `${step.step}: ${step.done}`);

  test('without a terminal it asks for --yes and changes nothing', async () => {
    await installAll();
    const before = await whatIsLeft();
    const ran = await pinlight('uninstall');
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain('uninstall --yes');
    expect(await whatIsLeft()).toEqual(before);
  }, 60_000);

  test('with the agent dead: everything goes, and the receipt says of each step what was done', async () => {
    const ran = await pinlight('uninstall', '--yes', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, data: { clean: true } });
    expect(done(ran)).toEqual(['steering: nothing there', expect.stringMatching(/^capture: /), 'service: removed', 'agent: nothing there', 'trust: removed', 'files: removed']);
    expect(ran.code).toBe(0);
    expect(await whatIsLeft()).toEqual([]);
  }, 60_000);

  test('again, on a clean device: nothing there, in words too', async () => {
    const ran = await pinlight('uninstall', '--yes');
    expect(ran.stdout).toContain('Pinlight is off this device: nothing of it is left.');
    expect(ran.code).toBe(0);
  }, 60_000);

  test('homes of other users, which root does not look into, are named with what each of them runs, and nothing is called clean', async () => {
    await room.run(['sh', '-c', 'mkdir -p /etc/skel-ann; echo "ann:x:1001:1001::/etc/skel-ann:/bin/sh" >> /etc/passwd']);
    const ran = await pinlight('uninstall', '--yes');
    expect(ran.stdout).toContain('Nothing of Pinlight is left where this looked, which is not everywhere.');
    expect(ran.stdout).toMatch(/1 home of other users was not looked at.*\n {2}ann \(\/etc\/skel-ann\): .*pinlight uninstall\n/);
    expect(ran.code).toBe(0);
    expect(JSON.parse((await pinlight('uninstall', '--yes', '--json')).stdout)).toMatchObject({ data: { clean: null, notLookedAt: [{ user: 'ann', home: '/etc/skel-ann' }] } });
    await room.run(['sh', '-c', 'rm -r /etc/skel-ann; sed -i /^ann:/d /etc/passwd']);
  }, 60_000);

  test('a running agent is ended first', async () => {
    mkdirSync(room.state, { recursive: true, mode: 0o700 });
    const agent = await startTestAgent({}, { home: room.state });
    const gone = once(agent.process, 'exit');
    const ran = await pinlight('uninstall', '--yes', '--json');
    await gone;
    expect(done(ran)).toContain('agent: removed');
    // The policy file of this test is a person's, and stays.
    expect(readdirSync(room.state)).toEqual(['test-policy.json']);
    expect(ran.code).toBe(0);
  }, 60_000);

  test('what it cannot do is named, the rest goes on, and the journal that knows the way back stays', async () => {
    await installAll();
    await room.run(['sh', '-c', `printf 'a password that locks it\\n' > ${room.folder}/pw; echo > ${room.folder}/none; certutil -W -d sql:${nss} -f ${room.folder}/none -@ ${room.folder}/pw`]);
    const ran = await pinlight('uninstall', '--yes', '--json');
    const { data } = JSON.parse(ran.stdout) as Receipt;
    expect(ran.code).toBe(1);
    expect(data.steps.find((step) => step.step === 'trust')?.left.join()).toContain('password');
    expect(existsSync(path.join(room.state, 'root.key'))).toBe(false);
    expect(existsSync(path.join(room.state, 'undo'))).toBe(true);
    await room.run(['sh', '-c', `rm -r ${nss}`]);
    makeNssDatabase(nss);
    expect((await pinlight('uninstall', '--yes')).code).toBe(0);
    expect((await whatIsLeft()).filter((line) => !line.endsWith('test-policy.json'))).toEqual([]);
  }, 90_000);
}
