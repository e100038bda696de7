// What the systems' tools print, as values: recorded output of gsettings and KDE's file, output as documented of the others.
import { describe, expect, test } from 'vitest';
import { parseGsettings } from '../../../native/system-proxy/gnome.ts';
import { editGroup, readGroup } from '../../../native/system-proxy/kde.ts';
import { parseFields, parseServices } from '../../../native/system-proxy/macos.ts';
import { parseRegValue } from '../../../native/system-proxy/policy-elsewhere.ts';
import { parseAdvproxy } from '../../../native/system-proxy/winhttp.ts';

test('gsettings list-recursively, as GLib 2.74 prints it', () => {
  const text = [
    "org.gnome.system.proxy autoconfig-url 'http://corp.example/proxy.pac'", "org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']", "org.gnome.system.proxy mode 'manual'",
    'org.gnome.system.proxy use-same-proxy true', "org.gnome.system.proxy.http host 'proxy.corp.example'", 'org.gnome.system.proxy.http port 8080', '',
  ].join('\n');
  expect(parseGsettings(text)).toEqual({
    'autoconfig-url': "'http://corp.example/proxy.pac'", 'ignore-hosts': "['localhost', '127.0.0.0/8', '::1']", mode: "'manual'", 'use-same-proxy': 'true',
    'http.host': "'proxy.corp.example'", 'http.port': '8080',
  });
});

describe('kioslaverc', () => {
  const steered = { ProxyType: '2', 'Proxy Config Script': 'http://127.0.0.1:18443/pinlight.pac?v=1' };
  const unset = { ProxyType: null, 'Proxy Config Script': null };
  const rows: readonly [string, string][] = [
    ['an empty file', ''],
    ['a file without the group', '[Other]\nkey=value\n'],
    ['a group with other keys', '[Proxy Settings]\nNoProxyFor=corp.example\nhttpProxy=http://proxy 3128\n\n[Other]\nProxyType=9\n'],
  ];
  test.each(rows)('%s: set and read back; taken out, nothing of the rest is lost', (_name, text) => {
    const edited = editGroup(text, steered);
    expect(readGroup(edited)).toMatchObject(steered);
    expect(readGroup(edited)).toEqual({ ...readGroup(text), ...steered });
    const back = editGroup(edited, unset);
    expect(readGroup(back)).toEqual(readGroup(text));
    for (const line of text.split('\n')) expect(back.split('\n')).toContain(line);
  });
  test('a value that was there is replaced, not doubled', () => {
    expect(editGroup('[Proxy Settings]\nProxyType[$i]=1\n', { ProxyType: '2' })).toBe('[Proxy Settings]\nProxyType=2\n');
  });
  test('a key that only begins alike stays', () => {
    expect(editGroup('[Proxy Settings]\nProxyTypeOld=1\n', { ProxyType: '2' })).toBe('[Proxy Settings]\nProxyType=2\nProxyTypeOld=1\n');
  });
  test('the same key of another group is another one', () => {
    expect(readGroup('[Other]\nProxyType=2\n')).toEqual({});
  });
});

test('networksetup -listallnetworkservices: what is switched off does not count', () => {
  expect(parseServices('An asterisk (*) denotes that a network service is disabled.\nWi-Fi\n*Bluetooth PAN\nUSB 10/100/1000 LAN\n')).toEqual(['Wi-Fi', 'USB 10/100/1000 LAN']);
});

test('networksetup -getautoproxyurl and -getwebproxy', () => {
  expect(parseFields('URL: (null)\nEnabled: No\n')).toEqual({ URL: '', Enabled: 'No' });
  expect(parseFields('URL: http://corp.example/p.pac\nEnabled: Yes\n')).toEqual({ URL: 'http://corp.example/p.pac', Enabled: 'Yes' });
  expect(parseFields('Enabled: Yes\nServer: proxy.corp.example\nPort: 3128\nAuthenticated Proxy Enabled: 0\n')).toMatchObject({ Enabled: 'Yes', Server: 'proxy.corp.example', Port: '3128' });
});

test.each<[string, string, ReturnType<typeof parseAdvproxy>]>([
  ['a document with words around it', 'Current WinHTTP advanced proxy settings:\r\n\r\n{\r\n    "Proxy":  "",\r\n    "ProxyBypass":  "",\r\n    "AutoconfigUrl":  "",\r\n    "AutoConfigUrl":  "http://corp.example/p.pac",\r\n    "AutoDetect":  true\r\n}\r\n', { AutoConfigUrl: 'http://corp.example/p.pac', Proxy: null, ProxyBypass: null, AutoDetect: 'true' }],
  ['an older netsh that knows no such command', 'The following command was not found: winhttp show advproxy.\r\n', null],
])('netsh winhttp show advproxy: %s', (_name, text, values) => {
  expect(parseAdvproxy(text)).toEqual(values);
});

test.each<[string, string, string, string | null]>([
  ['a text', '\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome\\List\r\n    18443    REG_SZ    127.0.0.1:18443=public\r\n\r\n', '18443', '127.0.0.1:18443=public'],
  ['a number', '\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome\r\n    QuicAllowed    REG_DWORD    0x0\r\n\r\n', 'QuicAllowed', '0'],
  ['nothing', 'ERROR: The system was unable to find the specified registry key or value.\r\n', 'QuicAllowed', null],
])('reg query: %s', (_name, text, name, value) => {
  expect(parseRegValue(text, name)).toBe(value);
});
