// Captured users while the agent is away: what the service's unit does, run as it says, with real rules, a real watchdog and agent, and real curl.
// Only systemd itself is a stand-in (run-unit.ts). Not for capture with an agent that answers (capture.test.ts).
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createControlClient } from '../../../electron/client/control-client.ts';
import { servicePrograms } from '../../../electron/cli/own-program.ts';
import { captureFolder } from '../../../native/packet-capture/index.ts';
import { systemUnit } from '../../../native/service/systemd-unit.ts';
import { pinlightFile } from '../../cli/run-pinlight.ts';
import { createTestAuthority } from '../../support/origins.ts';
import { runUnit, type RunningUnit } from '../support/run-unit.ts';
import { startShop } from '../support/shop.ts';
import { openTwoNetworks, type Ran, type TwoNetworks } from '../support/two-networks.ts';

const agentUid = 64_002;
const captured = 65_534;
const shop = 'shop.pinlight.test';
/** Exit codes of curl that trusts the server's own authority alone: it reached the server itself, was inspected, was refused, was broken off. */
const [direct, inspected, refused, broken] = [0, 60, 7, 35];

const opened = await openTwoNetworks();
if (opened !== null) suite(opened);
else test.skip('capture while the agent is away', () => undefined);

function suite(networks: TwoNetworks): void {
  const { folder, here, root, close } = networks;
  const authority = createTestAuthority();
  const unitFile = '/etc/systemd/system/pinlight.service';
  const text = systemUnit(servicePrograms().machine, false);
  const client = createControlClient({ controlPath: path.join(root, 'run/pinlight/control.sock') });
  let server: ChildProcessWithoutNullStreams;
  let unit: RunningUnit | null = null;

  const within = (file: string): string => path.join(root, file);
  const policy = (failMode: 'open' | 'closed', transparentPort = 18_444): void => writeFileSync(within('/etc/pinlight/policies/managed/10.json'), JSON.stringify({
    // Must inspect: a curl that refuses would earn a pass-through, which looks like going direct.
    version: 1, defaults: { failMode, onUnknownApp: 'inspect' }, rules: [{ id: 'web', when: { host: '*.pinlight.test' }, do: 'inspect', mustInspect: true }],
    network: { port: 18_443, transparentPort, upstreamRoots: [authority.rootFile] },
  }));
  const start = (exec = text): RunningUnit => {
    unit = runUnit(exec, here, (command) => [
      'setpriv', `--reuid=${agentUid}`, `--regid=${agentUid}`, '--clear-groups', '--inh-caps=-all,+sys_ptrace', '--ambient-caps=-all,+sys_ptrace', '--bounding-set=-all,+sys_ptrace', '--no-new-privs', ...command,
    ]);
    return unit;
  };
  // HOME and PINLIGHT_HOME of whoever calls have no say in where root keeps what it asked for.
  const pinlight = (...args: readonly string[]): Promise<Ran> => here.run([process.execPath, pinlightFile, ...args], { HOME: path.join(folder, 'roots-home'), PATH: `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin` });
  const curl = async (): Promise<number | null> => (await here.run(['setpriv', `--reuid=${captured}`, `--regid=${captured}`, '--clear-groups',
    'curl', '-sS', '--max-time', '10', '--cacert', authority.rootFile, '--resolve', `${shop}:443:10.77.0.2`, `https://${shop}/`])).code;
  const ruleset = async (): Promise<string> => (await here.run(['nft', 'list', 'ruleset'])).stdout;
  /** Nothing is redirected, and what would be is refused. */
  const refuses = (rules: string): boolean => rules.includes('reject with tcp reset') && !rules.includes('redirect to');
  const agentPid = async (): Promise<number> => (await client.call('status', {}, {})).agent.pid;
  const until = (code: number, timeout = 15_000): Promise<void> => vi.waitFor(async () => expect(await curl()).toBe(code), { timeout, interval: 50 });
  /** Nothing in the unit waits for the agent where no capture is asked for. */
  const active = async (): Promise<void> => {
    await vi.waitFor(() => expect(unit?.state()).toBe('active'), 30_000);
    await vi.waitFor(agentPid, 15_000);
  };
  /** How long until curl ends so, in ms, and how it ended until then. */
  const howLong = async (code: number): Promise<{ readonly ms: number; readonly before: ReadonlySet<number | null> }> => {
    const from = performance.now();
    const before = new Set<number | null>();
    for (let was = await curl(); was !== code; was = await curl()) {
      before.add(was);
      if (performance.now() - from > 30_000) throw new Error(`curl ended with ${[...before].join(', ')}, and not with ${code}`);
    }
    return { ms: Math.round(performance.now() - from), before };
  };

  beforeAll(async () => {
    for (const name of ['roots-home', 'bin']) mkdirSync(path.join(folder, name), { mode: 0o755 });
    expect(await here.run(['sh', '-ec', `
      rm /run/pinlight; install -d -o ${agentUid} -g ${agentUid} -m 0755 /run/pinlight
      chmod 755 ${authority.folder}; install -d -o ${agentUid} -g ${agentUid} -m 0700 /var/lib/pinlight
      mkdir -p /etc/pinlight/policies/managed ${path.dirname(unitFile)}`])).toMatchObject({ stderr: '' });
    writeFileSync(within(unitFile), text);
    // `disable --now` ends the unit, which this process runs.
    writeFileSync(path.join(folder, 'bin/systemctl'), `#!/bin/sh
case "$1" in
  disable) touch ${folder}/disabled; while [ ! -e ${folder}/stopped ]; do sleep 0.05; done ;;
  is-active) [ -e ${folder}/disabled ] && { echo inactive; exit 3; } || echo active ;;
esac
`, { mode: 0o755 });
    server = await startShop(networks, authority.leaf(shop));
  }, 30_000);
  afterAll(async () => {
    await unit?.cutPower();
    server.kill('SIGKILL');
    authority.close();
    close();
  });

  describe('where policy fails open', () => {
    beforeAll(async () => {
      policy('open');
      start();
      await active();
      expect(await pinlight('capture', 'on', '--user', 'nobody')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('the service takes the rules out') });
      expect(await curl()).toBe(inspected);
    }, 60_000);
    // Three crashes within a minute are a loop: each row has a watchdog of its own.
    beforeEach(async () => {
      await unit?.stop();
      start();
      await active();
      await until(inspected);
    }, 60_000);

    test.each([['is killed', 'SIGKILL'], ['hangs', 'SIGSTOP']] as const)('an agent that %s is replaced within seconds; until then its users wait or are refused, and the rules stay', async (what, signal) => {
      // An agent that hangs before the watchdog has had its first answer is taken for one that starts slowly.
      const { pid, startedAt } = (await client.call('status', {}, {})).agent;
      await vi.waitFor(() => expect(Date.now() - startedAt).toBeGreaterThan(3_000), 10_000);
      process.kill(pid, signal);
      const { ms, before } = await howLong(inspected);
      console.log(`an agent ${what}: captured again after ${ms} ms`);
      expect(ms).toBeLessThan(10_000);
      expect([...before].filter((code) => code === direct)).toEqual([]);
    }, 60_000);

    test('a watchdog that is killed: its users go direct within 5 s, and are captured again once the service is back', async () => {
      process.kill(unit?.mainPid() ?? 0, 'SIGKILL');
      const { ms, before } = await howLong(direct);
      console.log(`watchdog killed: direct after ${ms} ms`);
      expect(ms).toBeLessThan(5_000);
      expect([...before].filter((code) => code === null || ![inspected, refused, broken].includes(code))).toEqual([]);
      await until(inspected, 30_000);
      await active();
    }, 60_000);

    test('an agent that crashes again and again: the watchdog gives up, its users go direct, and status and doctor say what is asked for', async () => {
      for (let crash = 0; crash < 3; crash += 1) {
        process.kill(await vi.waitFor(agentPid, 15_000), 'SIGKILL');
        if (crash < 2) await vi.waitFor(async () => expect(await curl()).toBe(inspected), 15_000);
      }
      const { ms } = await howLong(direct);
      console.log(`third crash: direct after ${ms} ms`);
      expect(ms).toBeLessThan(5_000);
      await unit?.ended;
      expect(unit?.state()).toBe('failed');
      expect(await ruleset()).toBe('');
      expect(await pinlight('capture', 'status')).toMatchObject({ code: 1, stdout: expect.stringContaining('It is asked for, for uid 65534') });
      expect((await pinlight('doctor')).stdout).toMatch(/\[ok\] capture +Nothing is captured while no agent is there/);
    }, 60_000);

    test('a stopped service: its users go direct, refused at most while the agent closes', async () => {
      const stopped = unit?.stop();
      const { ms, before } = await howLong(direct);
      console.log(`service stopped: direct after ${ms} ms`);
      expect([...before].filter((code) => code === null || ![inspected, refused, broken].includes(code))).toEqual([]);
      await stopped;
      expect([unit?.state(), await ruleset()]).toEqual(['inactive', '']);
    }, 60_000);

    test('a restart of the system: direct until the agent listens, then captured as before', async () => {
      await unit?.cutPower();
      await here.run(['nft', 'flush', 'ruleset']);
      start();
      const { ms } = await howLong(inspected);
      console.log(`started: captured after ${ms} ms`);
      await active();
    }, 60_000);

    test('rules that somebody took out while the agent listens: status and doctor name the restart, which brings them back', async () => {
      await here.run(['nft', 'flush', 'ruleset']);
      expect(await pinlight('capture', 'status')).toMatchObject({ code: 1, stdout: expect.stringMatching(/It is asked for, for uid 65534\. The service's agent listens, but .*`sudo systemctl restart pinlight`/) });
      expect((await pinlight('doctor')).stdout).toMatch(/\[!!\] capture +Capture is asked for, and its rules are not there\.[^[]*sudo systemctl restart pinlight/);
      await unit?.stop();
      start();
      await until(inspected);
    }, 60_000);

    test('an agent whose policy gives captured connections no port: the start is not held up, and status says what is missing, before and after it is there', async () => {
      await unit?.stop();
      policy('open', 0);
      start();
      await vi.waitFor(agentPid, 15_000);
      const from = performance.now();
      await active();
      console.log(`no port: active ${Math.round(performance.now() - from)} ms after the agent answered`);
      expect(performance.now() - from).toBeLessThan(10_000);
      expect(await curl()).toBe(direct);
      expect(await pinlight('capture', 'status')).toMatchObject({ code: 1, stdout: expect.stringMatching(/has no port for captured connections: .*`sudo systemctl restart pinlight`/) });
      expect((await pinlight('doctor')).stdout).toMatch(/\[!!\] capture .*rules are not there\.[^[]*network\.transparentPort/);
      policy('open');
      await vi.waitFor(async () => expect((await pinlight('capture', 'status')).stdout).toMatch(/does not listen on port 18444 yet.*`sudo systemctl restart pinlight`/), { timeout: 15_000, interval: 200 });
      await unit?.stop();
      start();
      await until(inspected);
    }, 90_000);

    test('rules that stayed while nothing could be run are named by status and doctor, and the next start takes them out', async () => {
      await unit?.cutPower();
      expect(await curl()).toBe(refused);
      expect(await pinlight('capture', 'status')).toMatchObject({ code: 1, stdout: expect.stringContaining('Nobody listens on port 18444') });
      expect((await pinlight('doctor')).stdout).toMatch(/\[!!\] capture +Connections of chosen users are captured\. Nobody listens/);
      start(text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/sleep 60'));
      await until(direct, 5_000);
      await unit?.cutPower();
    }, 60_000);
  });

  describe('where policy fails closed', () => {
    beforeAll(async () => {
      await unit?.cutPower();
      policy('closed');
      // What policy says now is learnt at the next start.
      start();
      await active();
      await until(inspected);
    }, 60_000);

    test('a watchdog that is killed: its users are refused at once and never go direct, until the service is back', async () => {
      process.kill(unit?.mainPid() ?? 0, 'SIGKILL');
      await vi.waitFor(async () => expect(refuses(await ruleset())).toBe(true), 5_000);
      const from = performance.now();
      expect(await curl()).toBe(refused);
      expect(performance.now() - from).toBeLessThan(2_000);
      expect([...(await howLong(inspected)).before].filter((code) => code !== refused)).toEqual([]);
      await active();
    }, 60_000);

    test('whoever takes the agent\'s port while it is away gets nothing', async () => {
      await unit?.stop();
      const taker = here.start(['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups', process.execPath, '-e',
        `require('node:net').createServer((socket) => { console.log('taken'); socket.destroy(); }).listen(18444, '127.0.0.1', () => console.log('listening'))`]);
      const said: string[] = [];
      taker.stdout.on('data', (bytes: Buffer) => said.push(bytes.toString()));
      await vi.waitFor(() => expect(said).toEqual(['listening\n']), 5_000);
      expect(await curl()).toBe(refused);
      taker.kill('SIGKILL');
      expect(said).toEqual(['listening\n']);
      expect((await pinlight('doctor')).stdout).toMatch(/\[!!\] capture .*the policy fails closed/);
    }, 60_000);

    test('a restart of the system: refused from before the agent runs', async () => {
      await here.run(['nft', 'flush', 'ruleset']);
      start(text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/sleep 60'));
      await vi.waitFor(async () => expect(refuses(await ruleset())).toBe(true), 5_000);
      expect(await curl()).toBe(refused);
      await unit?.cutPower();
      start();
      await active();
      expect(await curl()).toBe(inspected);
    }, 60_000);

    test('`capture off` forgets: direct at once, and no start brings it back', async () => {
      expect(await pinlight('capture', 'off')).toMatchObject({ code: 0 });
      expect(await curl()).toBe(direct);
      await unit?.stop();
      start();
      await active();
      expect([await ruleset(), await curl(), existsSync(within(path.join(captureFolder, 'wanted.json')))]).toEqual(['', direct, false]);
      expect(await pinlight('capture', 'on', '--user', 'nobody')).toMatchObject({ code: 0, stdout: expect.stringContaining('has these connections refused') });
    }, 60_000);

    test('only root reads what was asked for', async () => {
      const ran = await here.run(['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups', 'cat', path.join(captureFolder, 'wanted.json')]);
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('Permission denied') });
      expect(JSON.parse(readFileSync(within(path.join(captureFolder, 'wanted.json')), 'utf8'))).toMatchObject({ failMode: 'closed', settings: { uids: [captured] } });
    });

    test('a removed service leaves nobody refused: rules and settings go with it', async () => {
      const removing = pinlight('service', 'remove');
      await vi.waitFor(() => expect(existsSync(path.join(folder, 'disabled'))).toBe(true), 10_000);
      await unit?.stop();
      expect(refuses(await ruleset())).toBe(true);
      writeFileSync(path.join(folder, 'stopped'), '');
      expect(await removing).toMatchObject({ code: 0, stdout: expect.stringContaining('Capture, which the service looked after, is ended') });
      expect([await ruleset(), await curl(), existsSync(within(captureFolder))]).toEqual(['', direct, false]);
    }, 60_000);
  });

  test('uninstall takes rules and settings as well', async () => {
    start();
    await active();
    expect(await pinlight('capture', 'on', '--user', 'nobody')).toMatchObject({ code: 0 });
    await unit?.cutPower();
    const ran = await pinlight('uninstall', '--yes', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ data: { steps: expect.arrayContaining([expect.objectContaining({ step: 'capture', done: 'removed', left: [] })]) } });
    expect([await ruleset(), await curl(), existsSync(within(captureFolder))]).toEqual(['', direct, false]);
  }, 60_000);
}
