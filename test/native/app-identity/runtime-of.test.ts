import { describe, expect, test } from 'vitest';
import { hasPerCallTrust, runtimeOf, tlsLibraryOf } from '../../../native/app-identity/runtime-of.ts';

const clues = { neighbours: [], readAt: () => null, maps: null };
const map = (...files: string[]): string => files.map((file) => `7f60-7f61 r-xp 00000000 08:01 42   /usr/lib/x86_64-linux-gnu/${file}\n`).join('');

describe('runtimeOf', () => {
  test.each([
    ['Node by name', { ...clues, path: '/usr/bin/node' }, 'node'],
    ['Python by name with version', { ...clues, path: '/usr/bin/python3.11' }, 'python'],
    ['Java by name', { ...clues, path: '/usr/lib/jvm/j/bin/java' }, 'java'],
    ['Chromium by name', { ...clues, path: '/usr/lib/chromium/chromium' }, 'chromium'],
    ['Chrome by name', { ...clues, path: '/opt/google/chrome/chrome' }, 'chromium'],
    ['Firefox by name', { ...clues, path: '/usr/lib/firefox-esr/firefox-esr' }, 'firefox'],
    ['an Electron app by its neighbours', { ...clues, path: '/usr/share/code/code', neighbours: ['code', 'icudtl.dat', 'resources.pak', 'resources'] }, 'electron'],
    ['a renamed browser by its neighbours', { ...clues, path: '/opt/b/b', neighbours: ['b', 'icudtl.dat', 'resources.pak', 'locales'] }, 'chromium'],
    ['Deno by name', { ...clues, path: '/home/ann/.deno/bin/deno' }, 'deno'],
    ['Node on Windows', { ...clues, path: 'C:\\Program Files\\nodejs\\Node.EXE' }, 'node'],
    ['Python without a console on Windows', { ...clues, path: 'C:\\Python312\\pythonw.exe' }, 'python'],
    ['Edge on Windows', { ...clues, path: 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe' }, 'chromium'],
    ['an Electron app on Windows', { ...clues, path: 'C:\\App\\Slack.exe', neighbours: ['icudtl.dat', 'resources.pak', 'resources'] }, 'electron'],
    ['Chrome\'s helper on macOS, which holds its sockets', { ...clues, path: '/Applications/Google Chrome.app/Contents/Frameworks/x/Helpers/Google Chrome Helper.app/Contents/MacOS/Google Chrome Helper' }, 'chromium'],
    ['Python\'s framework on macOS', { ...clues, path: '/Library/Frameworks/Python.framework/Versions/3.12/Resources/Python.app/Contents/MacOS/Python' }, 'python'],
    ['an Electron app on macOS by its frameworks', { ...clues, path: '/Applications/Slack.app/Contents/MacOS/Slack', neighbours: ['Slack', 'Electron Framework.framework'] }, 'electron'],
    ['Firefox\'s kin on macOS', { ...clues, path: '/Applications/Tor Browser.app/Contents/MacOS/tor-browser', neighbours: ['XUL'] }, 'firefox'],
    ['GnuTLS by what is mapped', { ...clues, path: '/usr/bin/wget', maps: map('libgnutls.so.30.34.3', 'libc.so.6') }, 'gnutls'],
    ['the name counts before the maps', { ...clues, path: '/usr/bin/python3', maps: map('libssl.so.3') }, 'python'],
    ['nothing known', { ...clues, path: '/usr/bin/nc', maps: map('libc.so.6') }, null],
    ['nothing readable', { ...clues, path: '/usr/bin/x' }, null],
  ] as const)('%s', (_name, given, expected) => {
    expect(runtimeOf(given)).toBe(expected);
  });
});

test.each([
  ['curl with OpenSSL maps GnuTLS too, for RTMP', map('libcurl.so.4.8.0', 'libssl.so.3', 'librtmp.so.1', 'libgnutls.so.30'), 'openssl'],
  ['git uses the GnuTLS flavour of libcurl', map('libcurl-gnutls.so.4.8.0', 'libgnutls.so.30', 'libssl.so.3'), 'gnutls'],
  ['a program with NSS', map('libnss3.so', 'libssl.so.3'), 'nss'],
  ['OpenSSL alone', map('libssl.so.3'), 'openssl'],
  ['no TLS library', map('libc.so.6'), null],
])('%s', (_name, maps, expected) => {
  expect(tlsLibraryOf(maps)).toBe(expected);
});

test('trust is chosen per call in curl, openssl, wget and gnutls-cli', () => {
  expect(['/usr/bin/curl', '/usr/bin/openssl', '/usr/bin/wget', '/usr/bin/gnutls-cli', 'C:\\Windows\\System32\\curl.exe', '/usr/bin/git', '/opt/curly'].map(hasPerCallTrust)).toEqual([true, true, true, true, true, false, false]);
});
