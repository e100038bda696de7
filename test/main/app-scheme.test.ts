// Which addresses the window may load. Not for reading files (window.ts).
import { expect, test } from 'vitest';
import { appIndex, assetOf, contentSecurityPolicy, isOwnPage } from '../../electron/main/app-scheme.ts';

test.each([
  ['the page', appIndex, 'index.html'],
  ['the bare origin is the page', 'app://pinlight/', 'index.html'],
  ['a fragment does not matter', 'app://pinlight/index.html#apps', 'index.html'],
  ['a script', 'app://pinlight/assets/index-D4f_x-9.js', 'assets/index-D4f_x-9.js'],
  ['dots that go up are resolved before they arrive', 'app://pinlight/../../index.html', 'index.html'],
])('%s is served', (_name, address, path) => expect(assetOf(address)?.path).toBe(path));

test.each([
  ['another host', 'app://evil/index.html'],
  ['a host that only begins like ours', 'app://pinlight.evil/index.html'],
  ['another scheme', 'https://pinlight/index.html'],
  ['a file', 'file:///etc/passwd'],
  ['a user in front of the host', 'app://ada@pinlight/index.html'],
  ['a port', 'app://pinlight:80/index.html'],
  ['encoded dots that go up', 'app://pinlight/assets/..%2f..%2fpackage.json'],
  ['a backslash', 'app://pinlight/assets\\..\\package.json%5c'],
  ['a hidden file', 'app://pinlight/.env'],
  ['a zero byte', 'app://pinlight/index.html%00.js'],
  ['a doubled slash', 'app://pinlight//index.html'],
  ['a type that the window does not use', 'app://pinlight/main.mjs'],
  ['no type', 'app://pinlight/assets'],
  ['no address', 'nonsense'],
])('%s is not served', (_name, address) => expect(assetOf(address)).toBeNull());

test('every answer carries the policy that allows nothing inline and nothing remote', () => {
  expect(contentSecurityPolicy).toBe("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    + "connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  expect(assetOf(appIndex)?.headers).toMatchObject({ 'content-security-policy': contentSecurityPolicy, 'x-content-type-options': 'nosniff' });
});

test('only the page itself may ask main, no other file of ours', () => {
  expect([appIndex, `${appIndex}#apps`, 'app://pinlight/mark.svg', 'app://evil/index.html', 'about:blank', ''].map(isOwnPage))
    .toEqual([true, true, false, false, false, false]);
});
