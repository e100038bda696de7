// Host patterns and globs, by table and against a naive reference.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob, compileHostPattern, formatHostPort, normaliseHost, readHostPort } from '../../../electron/core/policy/host-pattern.ts';
import { processorMs } from '../../support/processor-time.ts';

function matches(pattern: string, host: string): boolean {
  const compiled = compileHostPattern(pattern);
  if (compiled.kind === 'invalid') throw new Error(`${pattern}: ${compiled.why}`);
  return compiled.matches(host);
}

describe('a host pattern', () => {
  test.each([
    ['a plain name matches itself', 'x.example', 'x.example', true],
    ['a plain name matches nothing below it', 'x.example', 'a.x.example', false],
    ['a leading star matches one level below', '*.x.example', 'a.x.example', true],
    ['a leading star matches any depth below', '*.x.example', 'c.b.a.x.example', true],
    ['a leading star does not match the name itself', '*.x.example', 'x.example', false],
    ['a leading star needs the dot', '*.x.example', 'ax.example', false],
    ['a leading star is no empty label', '*.x.example', '.x.example', false],
    ['a star in the leftmost label matches within it', 'api-*.x.example', 'api-7f.x.example', true],
    ['a star in the leftmost label matches an empty run', 'api-*.x.example', 'api-.x.example', true],
    ['a star in the leftmost label never crosses a dot', 'api-*.x.example', 'api-7.eu.x.example', false],
    ['a star in the leftmost label needs what stands before it', 'api-*.x.example', 'web-7.x.example', false],
    ['a star before text needs what stands after it', '*-api.x.example', 'eu-api.x.example', true],
    ['head and tail may not overlap', 'aa*aa.x', 'aaa.x', false],
    ['a pattern is read in any case', 'X.Example', 'x.example', true],
    ['a trailing dot is the same name', 'x.example.', 'x.example', true],
    ['an IPv4 address matches itself', '192.0.2.7', '192.0.2.7', true],
    ['an IPv4 address matches no other', '192.0.2.7', '192.0.2.70', false],
    ['an IPv6 address matches in its short form', '[2001:DB8:0:0::1]', '2001:db8::1', true],
    ['a lone star matches everything', '*', '192.0.2.7', true],
  ])('%s', (_, pattern, host, expected) => {
    expect(matches(pattern, host)).toBe(expected);
  });

  test.each([
    ['an empty text', '', 'missing'],
    ['a regular expression', '^a.*$', 'regular expressions'],
    ['a star in the middle', 'a.*.example', 'leftmost'],
    ['two stars', '*a*.example', 'only one'],
    ['a star without a name', 'a*', 'needs a name'],
    ['a range of addresses', '10.0.0.0/8', 'address range'],
    ['an address with a star', '*.0.0.1', 'addresses are matched whole'],
    ['a wrong address', '1.2.3.999', 'addresses are matched whole'],
    ['a port', 'x.example:443', 'without port'],
    ['a URL', 'https://x.example/', 'without scheme'],
    ['an empty label', 'a..example', 'check the dots'],
    ['letters outside ASCII', 'bücher.example', 'xn--'],
    ['a label of 64 characters', `${'a'.repeat(64)}.example`, '63'],
    ['a name of 254 characters', `${'a.'.repeat(126)}aa`, '253'],
    ['a million characters', 'a'.repeat(1_000_000), '253'],
  ])('%s is refused with a reason', (_, pattern, words) => {
    const compiled = compileHostPattern(pattern);
    expect(compiled).toMatchObject({ kind: 'invalid', why: expect.stringContaining(words) });
  });

  test('a lone star is refused in an exclusion', () => {
    expect(compileHostPattern('*', 'exclusion').kind).toBe('invalid');
    expect(compileHostPattern('*.example', 'exclusion').kind).toBe('pattern');
  });

  test('agrees with a naive reference that splits at dots', () => {
    const label = fc.stringMatching(/^[ab]{1,3}$/u);
    const names = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const firstLabel = fc.oneof(label, fc.constant('*'), fc.tuple(fc.stringMatching(/^[ab]{0,2}$/u), fc.stringMatching(/^[ab]{0,2}$/u)).map((pair) => pair.join('*')));
    const patterns = fc.tuple(firstLabel, names).map((parts) => parts.join('.'));
    fc.assert(fc.property(patterns, names, (pattern, host) => {
      expect(matches(pattern, host)).toBe(naive(pattern, host));
    }), { numRuns: 5000 });
  });

  test('compiles or refuses any text, and matches any text, without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (pattern, host) => {
      const compiled = compileHostPattern(pattern);
      if (compiled.kind === 'pattern') compiled.matches(normaliseHost(host));
    }), { numRuns: 5000 });
  });
});

function naive(pattern: string, host: string): boolean {
  const wanted = pattern.split('.');
  const given = host.split('.');
  if (wanted[0] === '*') return given.length >= wanted.length && given.slice(given.length - wanted.length + 1).join('.') === wanted.slice(1).join('.');
  if (given.length !== wanted.length || given.slice(1).join('.') !== wanted.slice(1).join('.')) return false;
  return naiveGlob(wanted[0] ?? '', given[0] ?? '');
}

function naiveGlob(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) return naiveGlob(pattern.slice(1), text) || (text !== '' && naiveGlob(pattern, text.slice(1)));
  return text !== '' && pattern[0] === text[0] && naiveGlob(pattern.slice(1), text.slice(1));
}

describe('normaliseHost', () => {
  test.each([
    ['lower case', 'WWW.Example.COM', 'www.example.com'],
    ['one trailing dot goes', 'example.com.', 'example.com'],
    ['brackets go', '[::1]', '::1'],
    ['an IPv6 address is shortened', '2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['the longest run of zeros is the one shortened', '1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['a single zero is not shortened', '1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['a mapped address keeps its dots', '::FFFF:C000:0207', '::ffff:192.0.2.7'],
    ['a zone stays', 'fe80:0::1%eth0', 'fe80::1%eth0'],
    ['letters outside ASCII stay', '\u212Aelvin.example', '\u212Aelvin.example'],
    ['what is no host stays', ':::', ':::'],
    ['empty stays', '', ''],
    ['a lone dot stays', '.', '.'],
  ])('%s', (_, name, expected) => expect(normaliseHost(name)).toBe(expected));

  test('gives an IPv6 address one spelling, whichever it had', () => {
    fc.assert(fc.property(fc.ipV6(), (address) => {
      const short = normaliseHost(address);
      expect(normaliseHost(short)).toBe(short);
      // Node's URL parser is the second opinion.
      const url = new URL(`http://[${address}]/`).hostname.slice(1, -1);
      expect(normaliseHost(url)).toBe(short);
    }), { numRuns: 2000 });
  });
});

test.each([
  ['name:443', { host: 'name', port: 443 }], ['[::1]:9443', { host: '::1', port: 9443 }], ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
  ['name', null], ['name:0', null], ['name:65536', null], ['::1:443', null], ['*.x:443', null], [':443', null], ['name:+1', null], ['[name]:1', null],
])('readHostPort reads %s', (text, expected) => {
  const read = readHostPort(text);
  expect(read).toEqual(expected);
  if (read !== null) expect(formatHostPort(read.host, read.port)).toBe(text);
});

describe('a glob', () => {
  test.each([
    ['a star crosses slashes', '/usr/*', '/usr/lib/a/b', true],
    ['a star matches nothing too', '/usr/bin/*', '/usr/bin/', true],
    ['no star is equality', '/usr/bin/curl', '/usr/bin/curl2', false],
    ['a question mark is a question mark', 'a?', 'ab', false],
    ['parts come in order', '*b*a*', 'ab', false],
    ['prefix and suffix may not overlap', 'ab*ba', 'aba', false],
  ])('%s', (_, pattern, text, expected) => expect(compileGlob(pattern)(text)).toBe(expected));

  test('agrees with a naive reference', () => {
    fc.assert(fc.property(fc.stringMatching(/^[ab*]{0,8}$/u), fc.stringMatching(/^[ab]{0,10}$/u), (pattern, text) => {
      expect(compileGlob(pattern)(text)).toBe(naiveGlob(pattern, text));
    }), { numRuns: 5000 });
  });

  test('stays linear where backtracking would explode', () => {
    const text = 'a'.repeat(1_000_000);
    for (const glob of [`${'*a'.repeat(300)}*b*`, `*${'a'.repeat(900)}b*`]) expect(processorMs(() => expect(compileGlob(glob)(text)).toBe(false))).toBeLessThan(2_000);
  });
});
