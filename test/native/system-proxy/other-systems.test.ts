// Steering on macOS and Windows: the same command, with networksetup, netsh, reg and wininet played by values that they change as documented.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSteering } from '../../../native/system-proxy/steering.ts';
import type { SteerRequest, SteerRow, Steering } from '../../../native/system-proxy/steering.ts';
import type { RunTool, ToolResult } from '../../../native/trust-store/run-tool.ts';
import type { ConnectionOptions } from '../../../native/system-proxy/wininet.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'steering-'));
  mkdirSync(path.join(folder, 'state'), { mode: 0o700 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const request: SteerRequest = { port: 18_443, failMode: 'open', tools: false, quicOff: ['chrome'], browsersByPolicy: false, chained: false };
const ended = (output: string, code = 0): ToolResult => ({ kind: 'ended', code, output, errors: '' });
const short = (rows: readonly SteerRow[]): readonly (readonly string[])[] => rows.map((row) => [row.setting, row.state, row.done]);

async function steering<T>(platform: 'darwin' | 'win32', run: RunTool, use: (steering: Steering) => Promise<T>, wininet?: { options: ConnectionOptions }): Promise<T> {
  const opened = await openSteering({
    stateFolder: path.join(folder, 'state'), home: folder, env: {}, only: [], now: () => 1, platform,
    caller: {
      home: folder, env: {}, machine: false, folder: path.join(folder, 'state/steer'), tools: { run, find: () => null, outlived: () => [] },
      wininet: () => ({ query: () => wininet?.options ?? { flags: 1, proxy: '', bypass: '', pac: '' }, set: (options) => { if (wininet !== undefined) wininet.options = options; } }),
    },
  });
  if (opened.kind !== 'steering') throw new Error(opened.why);
  try {
    return await use(opened.steering);
  } finally {
    opened.steering.close();
  }
}

type Service = { url: string; on: boolean; web: string };

/** networksetup over these services; `calls` are those that change something. */
function networksetup(services: Record<string, Service>, calls: string[][], refuse = false): RunTool {
  return (_tool, args) => {
    const [verb = '', name = '', value = ''] = args;
    const service = services[name];
    if (verb === '-listallnetworkservices') return Promise.resolve(ended(`An asterisk (*) denotes that a network service is disabled.\n${Object.keys(services).join('\n')}\n*Bluetooth PAN\n`));
    if (service === undefined) return Promise.resolve(ended(`${name} is not a recognized network service.\n** Error: The parameters were not valid.\n`, 4));
    if (verb.startsWith('-set')) {
      calls.push([...args]);
      if (refuse) return Promise.resolve(ended('You must run this command with root access.\n', 14));
      if (verb === '-setautoproxyurl') Object.assign(service, { url: value, on: true });
      if (verb === '-setautoproxystate') service.on = value === 'on';
      return Promise.resolve(ended(''));
    }
    if (verb === '-getautoproxyurl') return Promise.resolve(ended(`URL: ${service.url === '' ? '(null)' : service.url}\nEnabled: ${service.on ? 'Yes' : 'No'}\n`));
    if (verb === '-getsecurewebproxy' && service.web !== '') return Promise.resolve(ended(`Enabled: Yes\nServer: ${service.web}\nPort: 3128\nAuthenticated Proxy Enabled: 0\n`));
    if (verb === '-getproxyautodiscovery') return Promise.resolve(ended('Auto Proxy Discovery: Off\n'));
    return Promise.resolve(ended('Enabled: No\nServer: \nPort: 0\nAuthenticated Proxy Enabled: 0\n'));
  };
}

test('macOS: every service is steered and put back, a PAC that was set and switched off too', async () => {
  const services = { 'Wi-Fi': { url: '', on: false, web: '' }, LAN: { url: 'http://old.example/p.pac', on: false, web: '' } };
  const before = structuredClone(services);
  const calls: string[][] = [];
  const run = networksetup(services, calls);
  expect(short((await steering('darwin', run, (one) => one.on(request))).rows)).toEqual([['macos:Wi-Fi', 'steered', 'steered'], ['macos:LAN', 'steered', 'steered']]);
  expect(calls).toEqual(['Wi-Fi', 'LAN'].flatMap((name) => [['-setautoproxyurl', name, 'http://127.0.0.1:18443/pinlight.pac?v=1'], ['-setautoproxystate', name, 'on']]));
  expect(short(await steering('darwin', run, (one) => one.off()))).toEqual([['macos:Wi-Fi', 'off', 'restored'], ['macos:LAN', 'off', 'restored']]);
  expect(services).toEqual(before);
});

test('macOS: a manual proxy goes before a PAC, so steering stands down', async () => {
  const services = { 'Wi-Fi': { url: '', on: false, web: 'proxy.corp.example' } };
  const calls: string[][] = [];
  expect(await steering('darwin', networksetup(services, calls), (one) => one.on(request))).toMatchObject({ kind: 'stood-down', plain: true, found: [{ words: 'HTTP proxy proxy.corp.example:3128' }] });
  expect(calls).toEqual([]);
});

test('macOS: without the rights it says so, and nothing is steered', async () => {
  const services = { 'Wi-Fi': { url: '', on: false, web: '' } };
  const { rows } = await steering('darwin', networksetup(services, [], true), (one) => one.on(request));
  expect(rows).toMatchObject([{ state: 'off', done: 'refused', needsRights: true }]);
});

/** reg.exe and netsh.exe over plain values. */
function windowsTools(registry: Record<string, string>, winhttp: Record<string, unknown>): RunTool {
  return (tool, args) => {
    if (tool === 'netsh') {
      const settings = args.find((arg) => arg.startsWith('settings='));
      if (settings !== undefined) Object.assign(winhttp, JSON.parse(settings.slice('settings='.length)));
      return Promise.resolve(ended(`Current WinHTTP advanced proxy settings:\r\n\r\n${JSON.stringify(winhttp)}\r\n`));
    }
    const [verb, key = '', , name = '', , type = '', , data = ''] = args;
    const place = `${key}\\${name}`;
    if (verb === 'add') registry[place] = `${type}    ${type === 'REG_DWORD' ? `0x${Number(data).toString(16)}` : data}`;
    else if (verb === 'delete') Reflect.deleteProperty(registry, place);
    else return Promise.resolve(registry[place] === undefined ? ended('', 1) : ended(`\r\n${key}\r\n    ${name}    ${registry[place]}\r\n\r\n`));
    return Promise.resolve(ended('The operation completed successfully.\r\n'));
  };
}

test('Windows: policy, WinINET and WinHTTP are steered and put back; what the organisation set beside it stays', async () => {
  const registry: Record<string, string> = { 'HKLM\\SOFTWARE\\Policies\\Google\\Chrome\\LocalNetworkAccessIpAddressSpaceOverrides\\1': 'REG_SZ    10.0.0.1=public' };
  const winhttp = { Proxy: '', ProxyBypass: '<local>', AutoConfigUrl: '', AutoDetect: false };
  const wininet = { options: { flags: 9, proxy: '', bypass: '<local>', pac: '' } };
  const before = structuredClone({ registry, winhttp, wininet });
  const run = windowsTools(registry, winhttp);
  const result = await steering('win32', run, (one) => one.on(request), wininet);
  expect(result.rows.map((row) => [row.setting, row.state])).toEqual(['browser-policy:chromium', 'browser-policy:chrome', 'browser-policy:edge', 'browser-policy:brave', 'wininet', 'winhttp'].map((name) => [name, 'steered']));
  expect(wininet.options).toEqual({ flags: 5, proxy: '', bypass: '<local>', pac: 'http://127.0.0.1:18443/pinlight.pac?v=1' });
  expect(winhttp).toEqual({ Proxy: '', ProxyBypass: '<local>', AutoConfigUrl: 'http://127.0.0.1:18443/pinlight.pac?v=1', AutoDetect: false });
  expect(registry).toMatchObject({
    'HKLM\\SOFTWARE\\Policies\\Google\\Chrome\\LocalNetworkAccessIpAddressSpaceOverrides\\18443': 'REG_SZ    127.0.0.1:18443=public',
    'HKLM\\SOFTWARE\\Policies\\Google\\Chrome\\QuicAllowed': 'REG_DWORD    0x0',
  });
  // Only the browser that policy inspects loses QUIC.
  expect(Object.keys(registry).filter((name) => name.endsWith('QuicAllowed'))).toHaveLength(1);
  await steering('win32', run, (one) => one.off(), wininet);
  expect({ registry, winhttp, wininet }).toEqual(before);
});

test.each<[string, ConnectionOptions, object]>([
  ['a PAC of the organisation', { flags: 5, proxy: '', bypass: '', pac: 'http://corp.example/p.pac' }, { plain: true, found: [{ words: 'PAC http://corp.example/p.pac' }] }],
  ['a proxy of the organisation', { flags: 3, proxy: 'proxy.corp.example:3128', bypass: '<local>', pac: '' }, { plain: true, found: [{ words: 'proxy proxy.corp.example:3128' }] }],
  ['a SOCKS proxy', { flags: 3, proxy: 'socks=corp.example:1080', bypass: '', pac: '' }, { plain: false }],
])('Windows: %s is left alone', async (_name, options, answer) => {
  const wininet = { options };
  expect(await steering('win32', windowsTools({}, {}), (one) => one.on(request), wininet)).toMatchObject({ kind: 'stood-down', ...answer });
  expect(wininet.options).toBe(options);
});
