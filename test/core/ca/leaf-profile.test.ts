// What a leaf may say, and which hellos our downstream leg can answer: over tables, real hellos and any times.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cipherList, leafBackdateMs, leafBeginsEveryMs, leafKeyFor, leafLifetimeMs, leafValidity, offersBulk, signatureList, whyUnanswerable } from '../../../electron/core/ca/leaf-profile.ts';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import { hellos } from '../tls/hello-builder.ts';

const hour = 3600_000;
const day = 24 * hour;
/** Eight in the morning, UTC. */
const now = Date.UTC(2027, 0, 15, 8);
const root = { notBefore: now - 100 * day, notAfter: now + 600 * day };

describe('the life of a leaf', () => {
  test.each<[string, number, number, { notBefore: number; notAfter: number }, string]>([
    ['seven days, from noon of yesterday', now, now + 90 * day, root, '-20 148'],
    ['from midnight of yesterday where that is a day back', now - 8 * hour, now + 90 * day, root, '-24 144'],
    ['and not from noon of today, which is less than half a day back', now + 16 * hour - 1, now + 90 * day, root, `${-24 + 1 / hour} ${144 + 1 / hour}`],
    ['not past the end of the server certificate', now, now + 2 * day, root, '-20 48'],
    ['not past the end of the root', now, now + 90 * day, { ...root, notAfter: now + 3 * day }, '-20 72'],
    ['not before the beginning of the root', now, now + 90 * day, { ...root, notBefore: now }, '0 148'],
    ['none for a server certificate that has ended', now, now, root, 'the server certificate has ended'],
    ['none before the root begins', root.notBefore - 1, now + 90 * day, root, 'the clock is outside the life of the root'],
    ['none after the root has ended', root.notAfter, root.notAfter + 90 * day, root, 'the clock is outside the life of the root'],
  ])('%s', (_, at, upstream, within, expected) => {
    const life = leafValidity(at, upstream, within);
    expect(life.kind === 'valid' ? `${(life.notBefore - at) / hour} ${(life.notAfter - at) / hour}` : life.why).toBe(expected);
  });

  test('a leaf that is possible is valid now, short, and inside server certificate and root', () => {
    const time = fc.integer({ min: 0, max: 4e12 });
    fc.assert(fc.property(time, time, time, time, (at, upstream, notBefore, notAfter) => {
      const life = leafValidity(at, upstream, { notBefore, notAfter });
      if (life.kind !== 'valid') return;
      expect(life.notBefore).toBeLessThanOrEqual(at);
      expect(life.notAfter).toBeGreaterThan(at);
      expect(life.notAfter - life.notBefore).toBeLessThanOrEqual(leafLifetimeMs);
      expect(at - life.notBefore).toBeLessThanOrEqual(leafBackdateMs);
      expect(life.notAfter).toBeLessThanOrEqual(Math.min(upstream, notAfter));
      expect(life.notBefore).toBeGreaterThanOrEqual(notBefore);
    }), { numRuns: 3_000 });
  });

  test('the dates tell which half of a day a leaf was made in, and no more', () => {
    const halves = new Set<string>();
    for (let at = now; at < now + 3 * day; at += 7 * 60_000 + 13) halves.add(JSON.stringify(leafValidity(at, now + 90 * day, root)));
    expect(halves.size).toBe(3 * day / leafBeginsEveryMs + 1);
  });
});

const modern = { versions: [0x0304, 0x0303], cipherSuites: [0x1301, 0xc02b, 0xc02f], signatureAlgorithms: [0x0403], groups: [0x001d] };

describe('hellos we can answer', () => {
  test.each(hellos.map(({ program, version, bytes }) => [program, version, bytes] as const))('%s %s', (_, __, bytes) => {
    const read = readClientHello(bytes);
    if (read.kind !== 'client-hello') throw new Error(read.kind);
    expect(whyUnanswerable(read.hello)).toBeNull();
    expect(leafKeyFor(read.hello, 'TLSv1.3')).toBe('ec');
  });

  test.each<[string, Partial<typeof modern>, string | null]>([
    ['a modern one', {}, null],
    ['TLS 1.2 only', { versions: [0x0303] }, null],
    ['TLS 1.1 only', { versions: [0x0302] }, 'no TLS 1.2 or 1.3'],
    ['no ECDSA', { signatureAlgorithms: [0x0804, 0x0401] }, 'no ECDSA with SHA-256'],
    ['no curve we know', { groups: [0x0100] }, 'no elliptic curve in common'],
    ['TLS 1.2 with static RSA only', { versions: [0x0303], cipherSuites: [0x009c, 0x002f] }, 'no cipher suite with forward secrecy and authenticated encryption'],
    ['TLS 1.2 with CBC only', { versions: [0x0303], cipherSuites: [0xc009, 0xc013] }, 'no cipher suite with forward secrecy and authenticated encryption'],
    ['TLS 1.3 suites without TLS 1.3', { versions: [0x0303], cipherSuites: [0x1301] }, 'no cipher suite with forward secrecy and authenticated encryption'],
    ['TLS 1.2 with ECDHE-RSA only', { versions: [0x0303], cipherSuites: [0xc02f] }, null],
    ['TLS 1.2 with ECDHE-ECDSA only and no P-256', { versions: [0x0303], cipherSuites: [0xc02b], groups: [0x0018] }, 'no cipher suite with forward secrecy and authenticated encryption'],
  ])('%s', (_, change, expected) => {
    expect(whyUnanswerable({ ...modern, ...change })).toBe(expected);
  });

  test.each<[string, Partial<typeof modern>, 'TLSv1.2' | 'TLSv1.3', 'ec' | 'rsa']>([
    ['TLS 1.3', { cipherSuites: [0x1301] }, 'TLSv1.3', 'ec'],
    ['TLS 1.2 with ECDHE-ECDSA', { cipherSuites: [0xc02b], groups: [0x001d, 0x0017] }, 'TLSv1.2', 'ec'],
    ['TLS 1.2 with both, but without P-256 for certificates', { cipherSuites: [0xc02b, 0xc02f], groups: [0x001d, 0x0018] }, 'TLSv1.2', 'rsa'],
    ['TLS 1.2 with ECDHE-RSA only', { cipherSuites: [0xc02f] }, 'TLSv1.2', 'rsa'],
    ['TLS 1.3 suites under a server of TLS 1.2, else ECDHE-RSA only', { cipherSuites: [0x1301, 0xc02f] }, 'TLSv1.2', 'rsa'],
  ])('%s takes a leaf key of the right kind', (_, change, max, expected) => {
    expect(leafKeyFor({ ...modern, ...change }, max)).toBe(expected);
  });

  test('both lists name nine suites and no old hash', () => {
    expect(cipherList.split(':')).toHaveLength(9);
    expect(signatureList).not.toMatch(/sha1|sha224|dsa_sha|_md5/i);
  });
});

test.each<[string, readonly number[], 'TLSv1.2' | 'TLSv1.3', string]>([
  ['everything', [0x1301, 0x1302, 0x1303, 0xc02b, 0xc030, 0xcca8], 'TLSv1.2', 'AES128 AES256 CHACHA20'],
  ['one of TLS 1.3', [0x1302, 0xc02b], 'TLSv1.3', 'AES256'],
  ['another of TLS 1.2', [0x1302, 0xc02b], 'TLSv1.2', 'AES128'],
  ['static RSA', [0x009c, 0x009d], 'TLSv1.2', ''],
])('bulk ciphers of an app that offers %s', (_, cipherSuites, version, expected) => {
  expect((['AES128', 'AES256', 'CHACHA20'] as const).filter((bulk) => offersBulk({ cipherSuites }, version, bulk)).join(' ')).toBe(expected);
});
