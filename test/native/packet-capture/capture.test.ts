// Transparent capture for real: rules of the kernel, a real agent under a user of its own, real curl of two users, servers behind a cable.
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createControlClient } from '../../../electron/client/control-client.ts';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { captureFolder, type CaptureSettings } from '../../../native/packet-capture/index.ts';
import { systemUnit } from '../../../native/service/systemd-unit.ts';
import { pinlightFile } from '../../cli/run-pinlight.ts';
import { repository } from '../../support/agent.ts';
import { createTestAuthority } from '../../support/origins.ts';
import { startShop } from '../support/shop.ts';
import { openTwoNetworks, type Ran, type TwoNetworks } from '../support/two-networks.ts';

const agentUid = 64_001;
const captured = 65_534;
const other = 65_533;
const port = 18_444;
const shop = 'shop.pinlight.test';

const opened = await openTwoNetworks();
if (opened !== null) suite(opened);
else test.skip('transparent capture', () => undefined);

function suite(networks: TwoNetworks): void {
  const { folder, here, root: hereRoot, agentRun, close } = networks;
  const authority = createTestAuthority();
  chmodSync(authority.folder, 0o755);
  const state = path.join(folder, 'agent');
  const rootHome = path.join(folder, 'root');
  const client = createControlClient({ controlPath: path.join(agentRun, 'control.sock') });
  const journal = path.join(hereRoot, captureFolder, 'undo/capture.jsonl');
  const servers: ChildProcessWithoutNullStreams[] = [];
  let agent: ChildProcessWithoutNullStreams;

  beforeAll(async () => {
    chownSync(state, agentUid, agentUid);
    mkdirSync(rootHome, { mode: 0o700 });
    servers.push(await startShop(networks, authority.leaf(shop)));
    agent = await startAgent();
  }, 30_000);
  afterAll(() => {
    for (const child of [...servers, agent]) child.kill('SIGKILL');
    authority.close();
    close();
  });

  async function startAgent(): Promise<ChildProcessWithoutNullStreams> {
    const policy = path.join(folder, 'policy.json');
    writeFileSync(policy, JSON.stringify({
      version: 1,
      // On a busy machine the first look-up of an owner may be late.
      defaults: { onUnknownApp: 'inspect' },
      rules: [
        { id: 'private', when: { host: 'private.pinlight.test' }, do: 'bypass' }, { id: 'no', when: { host: 'blocked.pinlight.test' }, do: 'block' },
        { id: 'web', when: { host: '*.pinlight.test' }, do: 'inspect' }, { id: 'address', when: { host: ['10.77.0.2', 'fd77::2'] }, do: 'inspect' },
      ],
      network: { port: 18_443, transparentPort: port, upstreamRoots: [authority.rootFile] },
    }));
    // As the service runs: a user of its own that may see whose socket is whose. Without the second right /proc/PID/fd cannot be opened.
    const child = here.start([
      'setpriv', `--reuid=${agentUid}`, `--regid=${agentUid}`, '--clear-groups', '--inh-caps=+sys_ptrace,+dac_read_search', '--ambient-caps=+sys_ptrace,+dac_read_search',
      process.execPath, ...agentNodeArguments(repository), path.join(repository, 'electron/agent/main.ts'), '--policy', policy, '--ready-json',
    ], { PINLIGHT_HOME: state });
    child.stderr.on('data', (bytes: Buffer) => void process.stderr.write(bytes));
    await once(child.stdout, 'data');
    return child;
  }

  const pinlight = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams =>
    here.start([process.execPath, pinlightFile, ...args], { HOME: rootHome, ...env });
  const capture = (...args: string[]): Promise<Ran> => here.run([process.execPath, pinlightFile, 'capture', ...args], { HOME: rootHome });
  const as = (uid: number, command: readonly string[], env = {}): Promise<Ran> => here.run(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command], env);
  const curl = (uid: number, address: string, roots: string, ...more: string[]): Promise<Ran> =>
    as(uid, ['curl', '-sS', '--max-time', '10', '--cacert', roots, '--resolve', `${shop}:443:${address}`, ...more, `https://${shop}/`]);
  const rows = async (): Promise<readonly ConnectionRow[]> => (await client.call('connections', { limit: '50' }, {})).rows;
  /** As if a service had been asked. */
  const remember = (failMode = 'open'): void => writeFileSync(path.join(hereRoot, captureFolder, 'wanted.json'), JSON.stringify({ settings: { uids: [captured], gids: [], ports: [443], listenerPort: port, agentUid }, failMode }));
  /** Past the command, which asks the agent first. Gives what the statements print. */
  const withCapture = async (statements: string): Promise<string> => (await here.run([process.execPath, '--input-type=module', '-e', `
    import { openCapture, readWantedCapture } from ${JSON.stringify(path.join(repository, 'native/packet-capture/index.ts'))};
    const { capture } = await openCapture({ env: process.env, now: Date.now });
    ${statements}
    capture.close();`])).stdout.trim();
  const install = async (settings: CaptureSettings): Promise<void> =>
    expect(await withCapture(`console.log((await capture.install({ settings: ${JSON.stringify(settings)}, failMode: 'open' }, false)).kind);`)).toBe('done');
  /** Another table that translates what begins here. */
  const others = (rule: string): Promise<Ran> => here.run(['nft', `table ip others { chain theirs { type nat hook output priority -100; ${rule}; }; }`]);
  const ruleset = async (): Promise<string> => (await here.run(['nft', 'list', 'ruleset'])).stdout;
  const root = (): string => {
    // For curl under another user: the state folder is the agent's alone.
    const copy = path.join(folder, 'root.pem');
    if (!existsSync(copy)) writeFileSync(copy, readFileSync(path.join(state, 'root.pem')), { mode: 0o644 });
    return copy;
  };

  const askByUdp = (type: string, address: string): string => `
    const s = require('node:dgram').createSocket('${type}'); s.on('error', (e) => { console.log(e.code); s.close(); }).on('message', () => { console.log('answered'); s.close(); });
    s.connect(443, '${address}', () => s.send('x')); setTimeout(() => process.exit(3), 5000).unref();`;
  /** A connection of this user's to the shop, past any proxy, and what is said over it later. */
  type Opened = { ask(): Promise<string>; reset(): Promise<void> };
  async function openShop(uid: number, localPort = 0): Promise<Opened> {
    const child = here.start(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, '-e', `
      const raw = require('node:net').connect({ host: '10.77.0.2', port: 443, localPort: ${localPort} });
      const socket = require('node:tls').connect({ socket: raw, servername: '${shop}', rejectUnauthorized: false }, () => console.log('open'));
      socket.on('data', (bytes) => console.log(bytes.toString().trim().split('\\n').at(-1))).on('error', (error) => console.log(error.code));
      process.stdin.on('data', (line) => { if (line.toString() === 'ask') socket.write('GET / HTTP/1.1\\r\\nHost: ${shop}\\r\\n\\r\\n'); else { raw.resetAndDestroy(); process.exit(); } });`]);
    servers.push(child);
    const said = async (): Promise<string> => String((await once(child.stdout, 'data') as [Buffer])[0]).trim().split('\n').at(-1) ?? '';
    expect(await said()).toBe('open');
    return {
      ask: () => {
        child.stdin.write('ask');
        return said();
      },
      reset: async () => {
        child.stdin.write('reset');
        await once(child, 'close');
      },
    };
  }

  test('nothing is captured before anybody asks, and status says so', async () => {
    expect(await capture('status', '--json')).toMatchObject({ code: 1, stdout: expect.stringContaining('"on":false') });
    expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 0, stdout: 'hello from ::ffff:10.77.0.1\n' });
    expect(await rows()).toEqual([]);
  });

  test.each([
    ['nobody is named', ['on'], 5, 'Name whose connections'],
    ['the user does not exist', ['on', '--user', 'no-such-user'], 5, 'There is no user'],
    ['a name that looks like an option', ['on', '--user=--help'], 5, 'There is no user'],
    ['the port is none', ['on', '--user', 'nobody', '--port', '0'], 5, 'A port is'],
    ['the agent itself would be captured', ['on', '--user', 'nobody', '--user', String(agentUid)], 5, 'The agent itself runs as uid'],
  ])('capture is refused in words where %s', async (_name, args, code, words) => {
    expect(await capture(...args)).toMatchObject({ code, stderr: expect.stringContaining(words) });
    expect(await ruleset()).toBe('');
  });

  describe('captured', () => {
    let earlier: Opened;
    beforeAll(async () => {
      earlier = await openShop(captured);
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('uid 65534') });
    });

    test('a connection that was open before goes on as it was', async () => {
      expect(await earlier.ask()).toBe('hello from ::ffff:10.77.0.1');
    });

    test.each([['IPv4', '10.77.0.2'], ['IPv6', '[fd77::2]']])('curl of the chosen user is inspected over %s, with its own address, name and process', async (_name, address) => {
      await vi.waitFor(async () => {
        expect(await curl(captured, address, root())).toMatchObject({ code: 0, stdout: expect.stringContaining('hello from') });
        const [row] = await rows();
        expect(row).toMatchObject({
          host: address.replace(/[[\]]/g, ''), ip: address.replace(/[[\]]/g, ''), serverName: shop, port: 443, disposition: 'inspect', rule: 'web',
          outcome: { kind: 'established' }, appName: 'curl', pid: expect.any(Number),
        });
      }, { timeout: 15_000, interval: 500 });
    }, 20_000);

    test('another user reaches the server itself', async () => {
      const before = (await rows()).length;
      expect(await curl(other, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 0 });
      expect(await rows()).toHaveLength(before);
    });

    test('a name that the server cannot prove gets no certificate of ours: the app sees the server\'s own', async () => {
      const claimed = 'bank.pinlight.test';
      const ran = await as(captured, ['curl', '-sS', '-k', '-v', '--max-time', '10', '--resolve', `${claimed}:443:10.77.0.2`, `https://${claimed}/`]);
      expect(ran.stderr).toContain('CN=Test origins');
      expect((await rows())[0]).toMatchObject({ serverName: claimed, ip: '10.77.0.2', decided: 'inspect', disposition: 'bypass', reason: { code: 'upstream-invalid' } });
    });

    test.each([
      ['a rule of its own lets through', 'private.pinlight.test', { disposition: 'bypass', rule: 'private' }],
      ['no rule matches', 'else.example', { disposition: 'bypass', reason: { code: 'no-match' } }],
    ])('a name that %s passes unread, whatever is said of its address', async (_name, host, row) => {
      const ran = await as(captured, ['curl', '-sS', '-k', '-v', '--max-time', '10', '--resolve', `${host}:443:10.77.0.2`, `https://${host}/`]);
      expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('CN=Test origins') });
      expect((await rows())[0]).toMatchObject({ serverName: host, ...row });
    });

    test('a name that is blocked gets an alert', async () => {
      const ran = await as(captured, ['curl', '-sS', '-k', '--max-time', '10', '--resolve', 'blocked.pinlight.test:443:10.77.0.2', 'https://blocked.pinlight.test/']);
      expect(ran).toMatchObject({ code: 35, stderr: expect.stringContaining('access denied') });
      expect((await rows())[0]).toMatchObject({ serverName: 'blocked.pinlight.test', disposition: 'block', rule: 'no' });
    });

    test('without a name the address is what rules are about, and what the server has to prove', async () => {
      expect(await as(captured, ['curl', '-sS', '-k', '--max-time', '10', 'https://10.77.0.2/'])).toMatchObject({ code: 0 });
      expect((await rows())[0]).toMatchObject({ host: '10.77.0.2', serverName: null, decided: 'inspect', rule: 'address', disposition: 'bypass', reason: { code: 'upstream-invalid' } });
    });

    test.each([['IPv4', 'udp4', '10.77.0.2'], ['IPv6', 'udp6', 'fd77::2']])('QUIC of the chosen user is refused at once over %s, and another user\'s is answered', async (_name, type, address) => {
      const ask = [process.execPath, '-e', askByUdp(type, address)];
      expect((await as(captured, ask)).stdout).toMatch(/ECONNREFUSED|EPERM/);
      expect((await as(other, ask)).stdout).toBe('answered\n');
    });

    test('whoever comes to the port by itself is turned away, and the device\'s own addresses are left alone', async () => {
      expect((await as(other, ['curl', '-sS', '--max-time', '5', `http://127.0.0.1:${port}/`])).stderr).toMatch(/Empty reply|reset by peer/);
      const own = await startShop({ folder, there: here }, authority.leaf(shop));
      for (const address of ['10.77.0.1', '127.0.0.1', '[fd77::1]']) {
        expect(await as(captured, ['curl', '-sS', '--max-time', '5', '-k', `https://${address}/`])).toMatchObject({ code: 0, stdout: expect.stringContaining('hello from') });
      }
      expect((await as(captured, [process.execPath, '-e', askByUdp('udp4', '10.77.0.1')])).stdout).toBe('answered\n');
      own.kill('SIGKILL');
      // As for a container whose port is published.
      await others('ip daddr 10.77.0.1 tcp dport { 443, 8443 } dnat to 10.77.0.2:443');
      for (const published of ['10.77.0.1', '10.77.0.1:8443']) {
        expect(await as(captured, ['curl', '-sS', '--max-time', '5', '-k', `https://${published}/`])).toMatchObject({ code: 0, stdout: expect.stringContaining('hello from') });
      }
      expect(await here.run(['nft', 'delete', 'table', 'ip', 'others'])).toMatchObject({ code: 0 });
    });

    test('status says whose connections go where, and nothing is remembered for a service that is not there', async () => {
      const ran = await capture('status', '--json');
      expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, data: { on: true, wanted: null, resumes: null, settings: { uids: [captured], gids: [], ports: [443], listenerPort: port, agentUid } } });
    });

    test('a dead agent: the chosen user is refused at once, nobody slips past, and off works without it', async () => {
      agent.kill('SIGKILL');
      await once(agent, 'close');
      const from = performance.now();
      expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 7 });
      expect(performance.now() - from).toBeLessThan(5_000);
      expect(await capture('status')).toMatchObject({ code: 1, stdout: expect.stringContaining(`Nobody listens on port ${port}`) });
      expect(await capture('off')).toMatchObject({ code: 0, stderr: '' });
      expect(await ruleset()).toBe('');
      expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 0 });
      agent = await startAgent();
    }, 30_000);
  });

  describe('a service that is installed later', () => {
    const unitFile = path.join(hereRoot, '/etc/systemd/system/pinlight.service');
    afterEach(async () => {
      rmSync(unitFile, { force: true });
      expect(await capture('off')).toMatchObject({ code: 0 });
    });

    test('begins without what an agent started by hand had captured: the rules go with its start, and its agent brings none', async () => {
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0, stdout: expect.stringContaining('which rules of the kernel do not do by themselves') });
      mkdirSync(path.dirname(unitFile), { recursive: true });
      writeFileSync(unitFile, systemUnit({ file: 'node', args: [], folder: '/', cli: 'cli' }, false));
      expect(await capture('release')).toMatchObject({ code: 0 });
      expect(await capture('resume')).toMatchObject({ code: 0, stderr: '' });
      expect(await ruleset()).toBe('');
      expect((await capture('status')).stdout).toBe('No connection is captured.\n');
    });

    test('a wish that no service looks after any more is named, with both ways out', async () => {
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0 });
      await here.run(['nft', 'flush', 'ruleset']);
      remember();
      expect((await capture('status')).stdout).toMatch(/It is asked for, for uid 65534\. No service looks after it any more: as root, `.*pinlight capture off` forgets it/);
    });
  });

  test('a group is captured as well', async () => {
    expect(await capture('on', '--group', 'nogroup')).toMatchObject({ code: 0 });
    const ran = await curl(captured, '10.77.0.2', root());
    expect(await capture('off')).toMatchObject({ code: 0 });
    expect(ran).toMatchObject({ code: 0 });
  });

  describe('whatever the kernel makes of a connection, it is redirected or refused', () => {
    const localPort = 45_678;
    /** Inspected, as root's certificate counts alone. */
    const inspected = (): Promise<Ran> => curl(captured, '10.77.0.2', root());
    afterEach(async () => {
      await here.run(['sh', '-c', 'nft delete table ip others; ip link del pl9']);
      expect(await capture('off')).toMatchObject({ code: 0 });
      expect(await ruleset()).toBe('');
    });

    test('in the moment of a change, when the redirection is there no longer or not yet', async () => {
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0 });
      expect(await here.run(['nft', 'flush', 'chain', 'inet', 'pinlight', 'redirected'])).toMatchObject({ code: 0 });
      expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 7 });
      expect(await curl(other, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 0 });
    });

    // The kernel stops to follow connections with the last rule that asks for it: one that ends then is open for it, for days, and counts for its port.
    test.each([['redirected', port, 0], ['refused', null, 7]])('from a port of which it remembers another connection, while they are %s', async (_how, listenerPort, code) => {
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0 });
      const forgotten = await openShop(other, localPort);
      expect(await capture('off')).toMatchObject({ code: 0 });
      await forgotten.reset();
      await install({ uids: [captured], gids: [], ports: [443], listenerPort, agentUid });
      expect(await curl(captured, '10.77.0.2', authority.rootFile, '--local-port', String(localPort))).toMatchObject({ code: 7 });
      expect(await inspected()).toMatchObject({ code });
    });

    test('where another table would send it elsewhere first', async () => {
      // Of two at the same place the later one is asked first.
      const theirs = (): Promise<Ran> => others(`meta skuid ${captured} ip daddr 10.77.0.2 tcp dport 443 dnat to 10.77.0.2:9`);
      await theirs();
      expect(await inspected()).toMatchObject({ code: 7 });
      expect(await capture('on', '--user', 'nobody')).toMatchObject({ code: 0 });
      expect(await inspected()).toMatchObject({ code: 0 });
      await here.run(['nft', 'delete', 'table', 'ip', 'others']);
      await theirs();
      expect(await inspected()).toMatchObject({ code: 0 });
    });

    test('to an address that the device has as well, on another interface', async () => {
      await networks.there.run(['ip', 'addr', 'add', 'fe80::77/64', 'dev', 'pl1', 'nodad']);
      expect(await here.run(['sh', '-ec', 'ip link add pl9 type veth peer name pl8; ip link set pl9 up; ip addr add fe80::77/64 dev pl9 nodad; ip addr add fe80::76/64 dev pl0 nodad'])).toMatchObject({ stderr: '' });
      const far = ['curl', '-sS', '-k', '--max-time', '5', '--interface', 'pl0', 'https://[fe80::77%25pl0]/'];
      expect(await as(other, far)).toMatchObject({ code: 0, stdout: expect.stringContaining('hello from') });
      for (const listenerPort of [port, null]) {
        await install({ uids: [captured], gids: [], ports: [443], listenerPort, agentUid });
        expect(await as(captured, far)).toMatchObject({ stdout: '' });
        expect((await as(captured, [process.execPath, '-e', askByUdp('udp6', 'fe80::77%pl0')])).stdout).toMatch(/ECONNREFUSED|EPERM/);
      }
    });

    test('rules are filled where they stand, and what was redirected before goes on while new connections are refused', async () => {
      const table = async (): Promise<string> => (await here.run(['nft', '-a', 'list', 'table', 'inet', 'pinlight'])).stdout.split('\n')[0] ?? '';
      const settings = { uids: [captured], gids: [], ports: [443], agentUid };
      await install({ ...settings, listenerPort: port });
      const [first, open] = [await table(), await openShop(captured)];
      await install({ ...settings, listenerPort: null });
      expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 7 });
      expect(await open.ask()).toBe('hello from ::ffff:10.77.0.1');
      expect(first).toMatch(/^table inet pinlight \{ # handle \d+$/);
      expect(await table()).toBe(first);
      expect((await rows())[0]).toMatchObject({ serverName: shop, disposition: 'inspect' });
    });
  });

  test('rules that forget to spare the agent make no loop: its own connection is refused when it comes back', async () => {
    const before = (await rows()).length;
    await install({ uids: [agentUid], gids: [], ports: [443], listenerPort: port, agentUid: 1 });
    // An agent of a user's own serves that user and root.
    expect((await as(0, ['curl', '-sS', '-k', '--max-time', '10', '-x', 'http://127.0.0.1:18443', '--resolve', `${shop}:443:10.77.0.2`, 'https://10.77.0.2/'])).code).not.toBe(0);
    expect(await capture('off')).toMatchObject({ code: 0 });
    const made = (await rows()).length - before;
    expect(made).toBeGreaterThan(1);
    expect(made).toBeLessThan(10);
    expect((await rows()).some(({ reason }) => reason.code === 'refused-target' && reason.detail?.includes('Pinlight\'s own') === true)).toBe(true);
  });

  describe('killed with kill -9', () => {
    const slow = path.join(folder, 'slow');
    const lines = (): number => {
      try {
        return readFileSync(journal, 'utf8').split('\n').length - 1;
      } catch {
        return 0;
      }
    };
    /** What the next command finds when it has taken back what was left. */
    const next = (): Promise<string> => withCapture(`
      const state = await capture.check();
      console.log(JSON.stringify([state.kind, state.settings?.uids ?? [], readWantedCapture()?.settings.uids ?? [], capture.recovered.flatMap(({ left }) => left)]));`);
    const nobody = ['on', '--user', 'nobody'];
    const before = async (from: readonly string[], remembered: boolean): Promise<void> => {
      await capture('off');
      if (from.length > 0) expect(await capture(...from)).toMatchObject({ code: 0 });
      if (remembered) remember();
    };
    const rowsOfKills = [
      { from: [], remembered: false, verb: nobody, may: ['["off",[],[],[]]', '["on",[65534],[],[]]'] },
      { from: nobody, remembered: true, verb: ['on', '--user', 'daemon'], may: ['["on",[65534],[65534],[]]', '["on",[1],[],[]]'] },
      { from: nobody, remembered: true, verb: ['off'], may: ['["on",[65534],[65534],[]]', '["off",[],[],[]]'] },
      { from: nobody, remembered: true, verb: ['release'], may: ['["on",[65534],[65534],[]]', '["off",[],[65534],[]]'] },
    ];

    test.each(rowsOfKills)('at each line of the journal: from "$from", "$verb" leaves the device as before or as asked', async ({ from, remembered, verb, may }) => {
      for (let after = 1; ; after += 1) {
        await before(from, remembered);
        const begun = lines();
        const child = pinlight(['capture', ...verb]);
        child.stdout.resume();
        child.stderr.resume();
        const closed = once(child, 'close');
        while (child.exitCode === null && lines() < begun + after) await new Promise(setImmediate);
        const killed = child.exitCode === null && child.kill('SIGKILL');
        await closed;
        expect(may, `line ${after}`).toContain(await next());
        if (!killed) break;
      }
      expect(await capture('off')).toMatchObject({ code: 0 });
      expect(await ruleset()).toBe('');
    }, 120_000);

    test.each(rowsOfKills.flatMap((row) => (['before', 'after'] as const).map((when) => ({ ...row, when }))))(
      'while nft is at work, $when it: from "$from", "$verb"', async ({ from, remembered, verb, may, when }) => {
        mkdirSync(slow, { recursive: true });
        const [at, go] = [path.join(slow, 'at'), path.join(slow, 'go')];
        const wait = `touch ${at}; while [ ! -e ${go} ]; do sleep 0.01; done`;
        writeFileSync(path.join(slow, 'nft'), `#!/bin/sh\nif [ "$1" = -f ]; then\n${when === 'before' ? `${wait}; exec /usr/sbin/nft "$@"` : `/usr/sbin/nft "$@"; code=$?; ${wait}; exit $code`}\nfi\nexec /usr/sbin/nft "$@"\n`, { mode: 0o755 });
        await before(from, remembered);
        await here.run(['rm', '-f', at, go]);
        const child = pinlight(['capture', ...verb], { PATH: `${slow}:/usr/sbin:/usr/bin:/sbin:/bin` });
        const closed = once(child, 'close');
        child.stdout.resume();
        child.stderr.resume();
        while (!existsSync(at)) await new Promise(setImmediate);
        child.kill('SIGKILL');
        const answer = next();
        writeFileSync(go, '');
        await closed;
        expect(may).toContain(await answer);
        expect(await capture('off')).toMatchObject({ code: 0 });
        expect(await ruleset()).toBe('');
      }, 60_000);
  });

  test('a connection that leaves from an address the device has lost is closed, and one from an address it keeps is not', async () => {
    const hold = (address: string): ChildProcessWithoutNullStreams => here.start([process.execPath, '-e', `
      const net = require('node:net'); const tls = require('node:tls');
      const raw = net.connect(18443, '127.0.0.1', () => raw.write('CONNECT ${address}:443 HTTP/1.1\\r\\n\\r\\n'));
      raw.once('data', () => tls.connect({ socket: raw, servername: 'else.example', rejectUnauthorized: false }, () => console.log('open')).on('error', () => {}).on('close', () => console.log('closed')));`]);
    const said = (child: ChildProcessWithoutNullStreams): string[] => {
      const words: string[] = [];
      child.stdout.on('data', (bytes: Buffer) => words.push(...bytes.toString().trim().split('\n')));
      servers.push(child);
      return words;
    };
    const [lost, kept] = [said(hold('10.77.0.2')), said(hold('[fd77::2]'))];
    await vi.waitFor(() => expect([lost, kept]).toEqual([['open'], ['open']]), 10_000);
    expect(await here.run(['sh', '-c', 'ip addr add 10.77.0.3/24 dev pl0; ip addr del 10.77.0.1/24 dev pl0'])).toMatchObject({ stderr: '' });
    await vi.waitFor(() => expect(lost).toEqual(['open', 'closed']), 10_000);
    expect(kept).toEqual(['open']);
    expect((await client.call('status', {}, {})).warnings.map(({ code }) => code)).toContain('learning-paused');
    await here.run(['sh', '-c', 'ip addr add 10.77.0.1/24 dev pl0']);
  }, 30_000);

  test('a device without any address says so', async () => {
    await here.run(['sh', '-c', 'ip link set pl0 down; ip addr flush dev pl0']);
    await vi.waitFor(async () => expect((await client.call('status', {}, {})).warnings.map(({ code }) => code)).toContain('offline'), 10_000);
    await here.run(['sh', '-c', 'ip link set pl0 up; ip addr add 10.77.0.1/24 dev pl0; ip addr add fd77::1/64 dev pl0 nodad']);
    await vi.waitFor(async () => expect((await client.call('status', {}, {})).warnings.map(({ code }) => code)).not.toContain('offline'), 10_000);
  }, 30_000);

  test('a table of an earlier version whose replacement fails leaves what policy wants without an agent', async () => {
    const failing = path.join(folder, 'failing');
    mkdirSync(failing, { recursive: true });
    writeFileSync(path.join(failing, 'nft'), `#!/bin/sh\nif [ "$1" = -f ] && [ ! -e ${failing}/once ]; then touch ${failing}/once; echo no >&2; exit 1; fi\nexec /usr/sbin/nft "$@"\n`, { mode: 0o755 });
    remember('closed');
    await here.run(['nft', 'table inet pinlight { chain refused { type filter hook output priority 0; policy accept; meta skuid 65534 tcp dport 443 reject with tcp reset; }; }']);
    const child = pinlight(['capture', 'release'], { PATH: `${failing}:/usr/sbin:/usr/bin:/sbin:/bin` });
    child.stdout.resume();
    child.stderr.resume();
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(await curl(captured, '10.77.0.2', authority.rootFile)).toMatchObject({ code: 7 });
    expect(await capture('off')).toMatchObject({ code: 0 });
    expect(await ruleset()).toBe('');
  });

  test('a table of our name that is not ours is shown as such, and off takes it away', async () => {
    await here.run(['nft', 'add', 'table', 'inet', 'pinlight']);
    expect(await capture('status')).toMatchObject({ code: 1, stdout: expect.stringContaining('not as Pinlight makes it') });
    expect(await capture('off')).toMatchObject({ code: 0 });
    expect(await ruleset()).toBe('');
  });

  test('an ordinary user is told that only root may', async () => {
    expect(await as(other, [process.execPath, pinlightFile, 'capture', 'off'], { HOME: '/nonexistent' })).toMatchObject({ code: 4 });
  });
}
