// The device's state: recorded texts of /proc, the summary of a network, and real changes in a network namespace of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import type { NetworkInterfaceInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDisturbance, type DeviceReading } from '../../../electron/core/health/disturbance.ts';
import { readDevice, summariseNetwork } from '../../../native/device-state/index.ts';
import { parseRoutes, parseRoutes6, parseUptime } from '../../../native/device-state/linux.ts';
import { repository } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { until } from '../../support/tunnel.ts';

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n';
const row = (...fields: string[]): string => `${fields.join('\t')}\t0\t0\t0                                                                               \n`;
const wired = row('eth0', '00000000', '010200C0', '0003', '0', '0', '100', '00000000');
const wifi = row('wlan0', '00000000', '0101A8C0', '0003', '0', '0', '600', '00000000');
const link = row('eth0', '000200C0', '00000000', '0001', '0', '0', '0', '00FFFFFF');
const zeros = '0'.repeat(32);
const row6 = (destination: string, length: string, via: string, metric: string, flags: string, device: string, used = '00000003'): string =>
  `${destination} ${length} ${zeros} 00 ${via} ${metric} 00000001 ${used} ${flags} ${device.padStart(8)}\n`;
const router = 'fe80000000000000000000000000000a';

describe('recorded texts', () => {
  test.each<[string, string, number | null]>([
    ['a running system', '11547.08 12310.80\n', 11_547_080],
    ['the first moment', '0.00 0.00\n', 0],
    ['years', '94608000.99 1.00\n', 94_608_000_990],
    ['nothing', '', null],
    ['no numbers', 'up 3 days\n', null],
  ])('uptime: %s', (_name, text, expected) => expect(parseUptime(text)).toBe(expected));

  test.each<[string, string, string[]]>([
    ['a default route among links', head + wired + link, ['eth0 010200C0']],
    ['two of them, the preferred one first', head + wifi + wired, ['eth0 010200C0', 'wlan0 0101A8C0']],
    ['a point-to-point link without a gateway', head + row('ppp0', '00000000', '00000000', '0001', '0', '0', '0', '00000000'), ['ppp0 00000000']],
    ['OpenVPN takes the internet in two halves', head + row('tun0', '00000000', '0100080A', '0003', '0', '0', '0', '00000080') + row('tun0', '00000080', '0100080A', '0003', '0', '0', '0', '00000080'), ['tun0 0100080A', 'tun0 0100080A']],
    ['the same halves on a machine of the other byte order', head + row('tun0', '80000000', '0A080001', '0003', '0', '0', '0', '80000000'), ['tun0 0A080001']],
    ['a route that refuses', head + row('*', '00000000', '00000000', '0201', '0', '0', '0', '00000000'), []],
    ['a route that is down', head + row('eth0', '00000000', '010200C0', '0002', '0', '0', '0', '00000000'), []],
    ['no routes', head, []],
    ['nothing', '', []],
    ['a torn line', `${head}eth0\t0000`, []],
  ])('IPv4 routes: %s', (_name, text, expected) => expect(parseRoutes(text).map(({ device, via }) => `${device} ${via}`)).toEqual(expected));

  test.each<[string, string, string[]]>([
    ['a router that announced itself, and the kernel\'s own refusal', row6(zeros, '00', router, '00000400', '00450003', 'eth0') + row6(zeros, '00', zeros, 'ffffffff', '00200200', 'lo'), [`eth0 ${router}`]],
    ['all of today\'s internet through a tunnel', row6(`2${zeros.slice(1)}`, '03', zeros, '00000400', '00000001', 'tun0'), [`tun0 ${zeros}`]],
    ['a link, its own address, multicast', row6(`fd${zeros.slice(2)}`, '40', zeros, '00000100', '00000001', 'eth0') + row6(`fd${zeros.slice(3)}2`, '80', zeros, '00000000', '80200001', 'eth0') + row6(`ff${zeros.slice(2)}`, '08', zeros, '00000100', '00000001', 'eth0'), []],
    ['nothing', '', []],
    ['a torn line', `${zeros} 00 `, []],
  ])('IPv6 routes: %s', (_name, text, expected) => expect(parseRoutes6(text).map(({ device, via }) => `${device} ${via}`)).toEqual(expected));

  test('how often a route was used makes no difference', () => {
    expect(parseRoutes6(row6(zeros, '00', router, '00000400', '00450003', 'eth0', '0000ffff'))).toEqual(parseRoutes6(row6(zeros, '00', router, '00000400', '00450003', 'eth0')));
  });
});

describe('summariseNetwork', () => {
  const v4 = (address: string, internal = false): NetworkInterfaceInfo => ({ family: 'IPv4', address, netmask: '', mac: '', internal, cidr: null });
  const v6 = (address: string): NetworkInterfaceInfo => ({ family: 'IPv6', address, netmask: '', mac: '', internal: false, cidr: null, scopeid: 0 });
  const home = { eth0: [v4('192.0.2.4'), v6('2001:db8:1:2:aaaa::1'), v6('fe80::1')], lo: [v4('127.0.0.1', true)] };
  const route = [{ device: 'eth0', via: '010200C0' }];
  const summary = summariseNetwork(home, route);

  test('reads as one line', () => expect(summary).toBe('eth0 192.0.2.4, eth0 2001:db8:1:2::/64, eth0 via 010200C0'));

  test.each<[string, Record<string, NetworkInterfaceInfo[]>, typeof route]>([
    ['a container starts', { ...home, docker0: [v4('172.17.0.1')], veth1a2b3c: [v4('172.17.0.9')], 'br-0123456789ab': [v4('172.18.0.1')] }, route],
    ['a virtual machine starts', { ...home, virbr0: [v4('192.168.122.1')], vmnet8: [v4('172.16.1.1')], vboxnet0: [v4('192.168.56.1')], 'vEthernet (WSL (Hyper-V firewall))': [v4('172.30.0.1')] }, route],
    ['a new temporary IPv6 address of the same network', { ...home, eth0: [...home.eth0, v6('2001:db8:1:2:bbbb:cccc:dddd:eeee')] }, route],
    ['a link-local address comes', { ...home, awdl0: [v6('fe80::9')], eth1: [v4('169.254.3.4')] }, route],
    ['another address of loopback', { ...home, lo: [v4('127.0.0.1', true), v4('198.51.100.7', true)] }, route],
    ['the same in another order', { lo: home.lo, eth0: home.eth0.toReversed() }, route],
  ])('the same network: %s', (_name, interfaces, routes) => expect(summariseNetwork(interfaces, routes)).toBe(summary));

  test.each<[string, Record<string, NetworkInterfaceInfo[]>, typeof route]>([
    ['another address', { ...home, eth0: [v4('192.0.2.5')] }, route],
    ['another IPv6 network', { ...home, eth0: [v4('192.0.2.4'), v6('2001:db8:1:3:aaaa::1')] }, route],
    ['the same address at another interface', { lo: home.lo, eth1: home.eth0 }, route],
    ['a VPN\'s interface comes', { ...home, wg0: [v4('10.8.0.2')] }, route],
    ['a bridge of one\'s own', { ...home, br0: [v4('10.9.0.2')] }, route],
    ['another router', home, [{ device: 'eth0', via: 'FE0200C0' }]],
    ['another preferred route', home, [{ device: 'wlan0', via: '0101A8C0' }, ...route]],
    ['no route any more', home, []],
    ['a guest\'s interface that carries the default route', { ...home, veth0: [v4('10.0.0.2')] }, [...route, { device: 'veth0', via: '0100000A' }]],
    ['no interface at all', {}, []],
  ])('another network: %s', (_name, interfaces, routes) => expect(summariseNetwork(interfaces, routes)).not.toBe(summary));

  test.each<[string, string]>([
    ['2001:db8::1', '2001:db8:0:0::/64'], ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'], ['::1', '0:0:0:0::/64'], ['2001:db8:1:2::', '2001:db8:1:2::/64'], ['fd00::', 'fd00:0:0:0::/64'],
    ['not an address', 'not an address::/64'], ['1:2:3:4:5:6:7:8::9:a', '1:2:3:4::/64'],
  ])('the network of %s is %s', (address, expected) => expect(summariseNetwork({ eth0: [v6(address)] }, [])).toBe(`eth0 ${expected}`));
});

test('two looks at this very device see no disturbance', () => {
  const [before, after] = [readDevice(), readDevice()];
  expect(after.monotonicMs).toBeGreaterThanOrEqual(before.monotonicMs);
  expect(after.bootMs === null).toBe(process.platform !== 'linux');
  expect(readDisturbance(before, after)).toBeNull();
});

const may = findCommand('unshare') !== null && findCommand('ip') !== null && spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
if (!may) console.log('skipped: a network namespace of its own needs root, unshare and ip');

describe.skipIf(!may)('a real network', () => {
  type Look = { readonly reading: DeviceReading; readonly names: readonly string[] };
  let child: ChildProcess;
  let ask: (command: string) => Promise<Look>;

  beforeAll(() => {
    // Runs each line it is given, then looks.
    const script = `
      import { execSync } from 'node:child_process';
      import { networkInterfaces } from 'node:os';
      import { createInterface } from 'node:readline';
      import { readDevice } from ${JSON.stringify(join(repository, 'native/device-state/index.ts'))};
      createInterface({ input: process.stdin }).on('line', (line) => {
        execSync(line, { stdio: ['ignore', 'ignore', 'inherit'] });
        console.log(JSON.stringify({ reading: readDevice(), names: Object.keys(networkInterfaces()) }));
      });`;
    child = spawn('unshare', ['--net', process.execPath, '--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
    const answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    ask = async (command) => {
      child.stdin?.write(`${command}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error('the reader has ended');
      return JSON.parse(value) as Look;
    };
  });
  afterAll(async () => {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill();
    await gone;
  });

  /** Two ends of a cable, both up; a carrier is noticed by the kernel a moment later. */
  const cable = (name: string, address: string): string =>
    `ip link add ${name} type veth peer name ${name}-far && ip addr add ${address} dev ${name} && ip link set ${name} up && ip link set ${name}-far up`;
  const listed = (name: string): Promise<Look> => until(`${name} is up`, async () => {
    const look = await ask('true');
    return look.names.includes(name) && look;
  });

  test('a cable, a route and their end are network changes; a container is none', async () => {
    const none = (await ask('ip link set lo up')).reading;
    expect(none.network).toBe('');
    await ask(cable('uplink0', '198.51.100.7/24'));
    const plugged = (await listed('uplink0')).reading;
    expect(plugged.network).toBe('uplink0 198.51.100.7');
    expect(readDisturbance(none, plugged)).toBe('network');

    const routed = (await ask('ip route add default via 198.51.100.1')).reading;
    expect(readDisturbance(plugged, routed)).toBe('network');
    const moved = (await ask('ip route replace default via 198.51.100.2')).reading;
    expect(readDisturbance(routed, moved)).toBe('network');
    const other = (await ask('ip route add 203.0.113.0/24 via 198.51.100.9')).reading;
    expect(readDisturbance(moved, other)).toBeNull();

    await ask(cable('veth1a2b', '172.17.0.1/16'));
    expect(readDisturbance(moved, (await listed('veth1a2b')).reading)).toBeNull();

    const unplugged = (await ask('ip link set uplink0 down')).reading;
    expect(unplugged.network).toBe('');
    expect(readDisturbance(moved, unplugged)).toBe('network');
  });
});
