// What a bundle says about the way out of a device: the kernel's tables as recorded, this very device, a proxy that somebody set.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ipv4Defaults, ipv6Defaults, readNetworkFacts } from '../../electron/agent/network-facts.ts';

const folder = mkdtempSync(join(tmpdir(), 'pinlight-network-facts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

describe('default routes', () => {
  it.each([
    ['a gateway', `${head}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n`, [{ family: 'IPv4', interface: 'wlan0', gateway: '192.168.1.1', metric: 600 }]],
    ['a VPN without a gateway beside it', `${head}tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n`,
      [{ family: 'IPv4', interface: 'tun0', gateway: null, metric: 50 }, { family: 'IPv4', interface: 'wlan0', gateway: '192.168.1.1', metric: 600 }]],
    ['a network of its own is none', `${head}wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n`, []],
    ['half of all addresses is none', `${head}tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000080\t0\t0\t0\n`, []],
    ['one that is down is none', `${head}wlan0\t00000000\t0101A8C0\t0002\t0\t0\t600\t00000000\t0\t0\t0\n`, []],
    ['an empty table', '', []],
  ])('IPv4: %s', (_name, table, routes) => {
    expect(ipv4Defaults(table)).toEqual(routes);
  });

  it.each([
    ['a gateway', '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003    wlan0\n',
      [{ family: 'IPv6', interface: 'wlan0', gateway: 'fe80:0:0:0:0:0:0:1', metric: 1024 }]],
    ['the one that refuses is none', '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n', []],
    ['an empty table', '', []],
  ])('IPv6: %s', (_name, table, routes) => {
    expect(ipv6Defaults(table)).toEqual(routes);
  });
});

it('names whose proxy stands in the session, without its password', async () => {
  const facts = await readNetworkFacts({ service: false, home: folder, stateFolder: folder, env: { PATH: '', https_proxy: 'http://ada:hunter2@proxy.corp.example:3128' } });
  const found = facts.proxySettings.filter(({ setBy }) => setBy === 'somebody else');
  expect(found).toEqual([expect.objectContaining({ setting: 'environment', detail: expect.stringContaining('proxy.corp.example:3128') })]);
  expect(JSON.stringify(facts)).not.toContain('hunter2');
  expect(facts.notVisible).toBeNull();
});

it('says that a service sees no person\'s desktop, and asks none', async () => {
  const facts = await readNetworkFacts({ service: true, home: folder, stateFolder: folder, env: { PATH: process.env['PATH'], XDG_CURRENT_DESKTOP: 'KDE' } });
  expect(facts.notVisible).toContain('not visible to the service');
  expect(facts.proxySettings.map(({ setting }) => setting)).not.toEqual(expect.arrayContaining([expect.stringMatching(/gnome|kde/)]));
  expect(facts.interfaces.length).toBeGreaterThan(0);
});
