// Which certificate names which host, as a browser sees it: security criterion A3 and the badssl list.
import * as fc from 'fast-check';
import { getPublicSuffix } from 'tldts';
import { describe, expect, test } from 'vitest';
import { ipText, type CertificateName } from '../../../electron/core/ca/certificate.ts';
import { checkServerName } from '../../../electron/core/ca/server-name.ts';
import { addressBytes } from '../../../electron/core/policy/address.ts';

const isPublicSuffix = (name: string): boolean => getPublicSuffix(name, { allowPrivateDomains: false }) === name;
const dns = (...names: string[]): CertificateName[] => names.map((name) => ({ kind: 'dns', name }));
const ip = (...texts: string[]): CertificateName[] => texts.map((text) => ({ kind: 'ip', address: ipText(addressBytes(text) ?? new Uint8Array()) ?? '' }));

function check(host: string, names: readonly CertificateName[] | null): boolean {
  const bytes = addressBytes(host);
  return checkServerName(host, bytes === null ? null : ipText(bytes), names, isPublicSuffix).kind === 'match';
}

describe('a certificate', () => {
  test.each<[string, string, readonly CertificateName[] | null, boolean]>([
    ['names its host', 'www.example.com', dns('www.example.com'), true],
    ['names one of several', 'b.example.com', dns('a.example.com', 'b.example.com'), true],
    ['does not name another host', 'example.com', dns('www.example.com'), false],
    ['without subjectAltName names nothing, whatever its common name', 'www.example.com', null, false],
    ['with an empty subjectAltName names nothing', 'www.example.com', [], false],
    ['with addresses only names no host', 'www.example.com', ip('192.0.2.1'), false],
    ['with a trailing dot in its name counts', 'www.example.com', dns('www.example.com.'), true],
    ['with a wildcard names a host one level below', 'www.example.com', dns('*.example.com'), true],
    ['with a wildcard does not name the domain itself', 'example.com', dns('*.example.com'), false],
    ['with a wildcard does not reach two levels (wrong.host)', 'wrong.host.example.com', dns('*.example.com'), false],
    ['with a partial wildcard at the end names nothing', 'www1.example.com', dns('www*.example.com'), false],
    ['with a partial wildcard at the beginning names nothing', 'www.example.com', dns('*w.example.com'), false],
    ['with a wildcard in the middle of a label names nothing', 'www.example.com', dns('w*w.example.com'), false],
    ['with a wildcard in the second label names nothing', 'www.a.example.com', dns('www.*.example.com'), false],
    ['with two wildcards names nothing', 'www.a.example.com', dns('*.*.example.com'), false],
    ['with a lone wildcard names nothing', 'com', dns('*'), false],
    ['with a wildcard over a top-level name names nothing', 'example.com', dns('*.com'), false],
    ['with a wildcard over a public suffix names nothing', 'example.co.uk', dns('*.co.uk'), false],
    ['with a wildcard over another public suffix names nothing', 'city.kawasaki.jp', dns('*.kawasaki.jp'), false],
    ['with a wildcard over a private suffix counts, as in Chromium', 'me.github.io', dns('*.github.io'), true],
    ['with a wildcard over a name of one label names nothing', 'a.localhost', dns('*.localhost'), false],
    ['with an A-label names that A-label', 'xn--n1aae7f7o.example.com', dns('xn--n1aae7f7o.example.com'), true],
    ['with a wildcard names an A-label', 'xn--n1aae7f7o.example.com', dns('*.example.com'), true],
    ['with a wildcard inside an A-label names nothing', 'xn--n1aae7f7o.example.com', dns('xn--*.example.com'), false],
    ['with a literal star asked for literally names nothing', '*.example.com', dns('*.example.com'), false],
    ['with an underscore names it', 'a_b.example.com', dns('a_b.example.com'), true],
    ['with a wildcard does not stand for an empty label', '.example.com', dns('*.example.com'), false],
    ['with an empty name names nothing', 'example.com', dns(''), false],
    ['with a dot as name names nothing', 'example.com', dns('.'), false],
    ['for the suffix of a host does not name it', 'evil-example.com', dns('example.com'), false],
    ['for a host with the name as prefix does not name it', 'example.com.evil.test', dns('example.com'), false],
    ['names an IPv4 address', '192.0.2.1', ip('192.0.2.1'), true],
    ['does not name another address', '192.0.2.2', ip('192.0.2.1'), false],
    ['names an IPv6 address in any spelling', '2001:db8::1', ip('2001:DB8:0:0:0:0:0:1'), true],
    ['with an address as dNSName does not name the address', '192.0.2.1', dns('192.0.2.1'), false],
    ['with a wildcard does not name an address', '192.0.2.1', dns('*.0.2.1'), false],
    ['for the IPv6 form does not name the IPv4 address', '192.0.2.1', ip('::ffff:192.0.2.1'), false],
    ['of 10,000 names finds the last', 'h9999.example.com', dns(...Array.from({ length: 10_000 }, (_, i) => `h${i}.example.com`)), true],
  ])('%s', (_, host, names, expected) => {
    expect(check(host, names)).toBe(expected);
  });

  test('says what is wrong in words', () => {
    expect(checkServerName('a.example', null, null, isPublicSuffix)).toEqual({ kind: 'mismatch', why: 'the certificate has no subjectAltName' });
    expect(checkServerName('a.example', null, dns('b.example'), isPublicSuffix)).toEqual({ kind: 'mismatch', why: 'the certificate does not name a.example' });
    expect(checkServerName('192.0.2.1', '192.0.2.1', dns('b.example'), isPublicSuffix)).toEqual({ kind: 'mismatch', why: 'the certificate does not name the address 192.0.2.1' });
  });

  test('never names more than equality and one whole leftmost label', () => {
    const label = fc.constantFrom('a', 'b', 'www', 'x1');
    const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const pattern = fc.array(fc.oneof(label, fc.constantFrom('*', 'w*', '*w')), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(fc.property(host, pattern, (name, text) => {
      if (!check(name, dns(text))) return;
      if (text === name) return;
      expect(text.startsWith('*.')).toBe(true);
      expect(name.split('.').slice(1).join('.')).toBe(text.slice(2));
    }), { numRuns: 5_000 });
  });
});
