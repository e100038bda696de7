// Names as keyed pseudonyms: none is left in any text, the same is always the same, and nothing else is touched.
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { parse } from 'tldts';
import { describe, expect, it, test } from 'vitest';
import { fromBase32, inGroups, toBase32 } from '../../../electron/core/diagnostics/base32.ts';
import { createPseudonyms, keyCheck, pseudonymOf } from '../../../electron/core/diagnostics/pseudonyms.ts';
import { redactValue } from '../../../electron/core/diagnostics/redact.ts';
import { processorMs } from '../../support/processor-time.ts';

const hash = (text: string): Uint8Array => createHmac('sha256', 'key').update(text).digest();
const pseudonyms = createPseudonyms({
  names: { host: ['shop.contoso.example', '*.bank.example', 'intranet', 'localhost'], address: ['192.0.2.7', '2001:db8::7', '127.0.0.1'], user: ['ann', 'root'], device: ['LAPTOP-42'] },
  hash, isPublicName: (name) => parse(name).isIcann === true,
});
const rename = (text: string): string => pseudonyms.rename(text, () => undefined);
const host = (name: string): string => pseudonymOf('host', name, hash);
const user = (name: string): string => pseudonymOf('user', name, hash);
const address = (name: string): string => pseudonymOf('address', name, hash);
const device = pseudonymOf('device', 'laptop-42', hash);

test.each([
  ['a host in a sentence', 'curl at Shop.Contoso.Example:443 was refused.', `curl at ${host('shop.contoso.example')}:443 was refused.`],
  ['a host in a URL', 'https://shop.contoso.example/sign-in', `https://${host('shop.contoso.example')}/sign-in`],
  ['a host below a known one', 'cdn.shop.contoso.example', host('cdn.shop.contoso.example')],
  ['the rest of a pattern', '*.bank.example', `*.${host('bank.example')}`],
  ['a host nobody named, by its public suffix', 'seen at www.wikipedia.org, twice', `seen at ${host('www.wikipedia.org')}, twice`],
  ['a host with a suffix for private use', 'print.corp', host('print.corp')],
  ['a name without a dot', 'to intranet:8080', `to ${host('intranet')}:8080`],
  ['addresses of both families', '192.0.2.7 and 2001:db8::7 and 198.51.100.9', `${address('192.0.2.7')} and ${address('2001:db8::7')} and ${address('198.51.100.9')}`],
  ['the device in a certificate\'s subject', 'CN=Pinlight root LAPTOP-42', `CN=Pinlight root ${device}`],
  ['a user in words', 'user ann has no rights', `user ${user('ann')} has no rights`],
  ['another user\'s folder', '/home/bob/.cache and C:\\Users\\Bob\\x', `/home/${user('bob')}/.cache and C:\\Users\\${user('bob')}\\x`],
  ['a mail address', 'ann@shop.contoso.example', `${user('ann')}@${host('shop.contoso.example')}`],
])('hides %s', (_name, text, hidden) => {
  expect(rename(text)).toBe(hidden);
});

test.each([
  ['loopback', '127.0.0.1:18443, [::1]:18443, localhost'], ['files', '/usr/lib/libssl.so /etc/ssl/certs/ca-certificates.crt agent.log'], ['versions', 'openssl 3.5.8, node 24.21.0, chrome 120.0.6099.109'],
  ['times', '2026-11-20 10:30:05'], ['fingerprints', Array.from({ length: 32 }, () => 'AB').join(':')], ['policy keys', 'defaults.onPinned and network.upstreamRoots'],
  ['root, who is on every system', 'root certificate of root, /home/root/x'], ['fingerprints of hellos', 't13d1516h2_8daaf6152771_02713d6af862'], ['words with a user in them', 'announce, annual, joann'],
])('leaves %s as they are', (_name, text) => {
  expect(rename(text)).toBe(text);
});

it('does nothing to its own marks, so that twice is once', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('ann', 'shop.contoso.example', '192.0.2.7', ' ', '/', '.', '-', ':', 'x', 'LAPTOP-42', 'wikipedia.org', '\n'), { maxLength: 12 }), (parts) => {
    const once = rename(parts.join(''));
    expect(rename(once)).toBe(once);
  }));
});

it('lets no known name through wherever it stands between signs', () => {
  fc.assert(fc.property(fc.constantFrom('shop.contoso.example', 'ann', '192.0.2.7', 'laptop-42'), fc.constantFrom(' ', '/', '"', '(', ',', '=', '@', '\n'), fc.constantFrom(' ', ':', ')', ',', '/', '"', '.', ''), fc.boolean(), (name, before, after, upper) => {
    const hidden = rename(`x${before}${upper ? name.toUpperCase() : name}${after}`);
    expect(hidden.toLowerCase()).not.toContain(name);
  }));
});

it('takes linear time over a megabyte of hostile text', () => {
  for (const part of ['a.', 'a-', '1.', ':', '::', 'a:', '/home/', '.', 'ann-', 'ann.x-']) {
    expect(processorMs(() => rename(part.repeat(1_000_000 / part.length))), part).toBeLessThan(2_000);
  }
});

it('hides a field for users whatever the name is, keys of objects, and counts what it hid', () => {
  const { value, counts } = redactValue({ user: 'connection', 'shop.contoso.example:443': '192.0.2.7', reason: 'connection refused' }, { homes: [], pseudonyms });
  expect(value).toEqual({ user: user('connection'), [`${host('shop.contoso.example')}:443`]: address('192.0.2.7'), reason: 'connection refused' });
  expect(counts).toEqual({ name: 3 });
});

it('asks without case and final dot, and tells another key by its check', () => {
  expect(host('SHOP.contoso.example.')).toBe(host('shop.contoso.example'));
  expect(host('shop.contoso.example')).toMatch(/^host-[0-9a-z]{10}$/);
  expect(keyCheck(hash)).not.toBe(keyCheck((text) => createHmac('sha256', 'other').update(text).digest()));
});

describe('base 32', () => {
  it('gives the bytes back, in any case, with hyphens and misread signs', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = inGroups(toBase32(bytes, 26));
      expect(text).toMatch(/^(?:[0-9A-Z]{4}-){6}[0-9A-Z]{2}$/);
      expect(fromBase32(text.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l'))?.subarray(0, 16)).toEqual(bytes);
    }));
  });

  it('refuses other signs', () => {
    expect(fromBase32('7K3M-Q2X!')).toBeNull();
  });
});
