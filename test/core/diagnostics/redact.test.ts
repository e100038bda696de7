// What leaves the redactor: planted secrets never, ordinary facts always, and in time that grows with the text only.
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addCounts, logPieces, redactLog, redactText, redactValue } from '../../../electron/core/diagnostics/redact.ts';
import { plantedSecrets } from './planted-secrets.ts';
import { processorMs } from '../../support/processor-time.ts';

const options = { homes: ['/home/ann', 'C:\\Users\\ann'] };

describe('planted secrets', () => {
  it('are at least fifty', () => {
    expect(plantedSecrets.length).toBeGreaterThanOrEqual(50);
  });

  test.each(plantedSecrets)('in $where are not in the text', ({ text, secret }) => {
    expect(text).toContain(secret);
    expect(redactText(text, options).text).not.toContain(secret);
  });

  test.each(plantedSecrets)('in $where are not in a JSON string, a log line, a key or JSON inside JSON', ({ text, secret }) => {
    const value = { message: text, list: ['x', text], [text]: 1, nested: JSON.stringify({ message: text }) };
    const bare = (out: string): void => {
      expect(out).not.toContain(secret);
      expect(out).not.toContain(JSON.stringify(secret).slice(1, -1));
    };
    bare(JSON.stringify(redactValue(value, options).value));
    bare(redactLog(`{"level":30,"msg":"before"}\n${JSON.stringify(value)}\n${text}\n{"level":30}`, options).text);
    bare(redactText(JSON.stringify({ message: `first line\n${text}` }), options).text);
    bare(redactText(JSON.stringify(JSON.stringify({ message: `first line\r\n${text}` })), options).text);
  });

  test.each(plantedSecrets)('in $where: a second pass changes nothing', ({ text }) => {
    const once = redactText(text, options).text;
    expect(redactText(once, options).text).toBe(once);
  });
});

describe('what is left around a mark and reads as a secret itself goes in the same pass', () => {
  test.each([
    ['a home folder that makes a user name and a password of what is around it', '://:/home/ann@', '://[redacted-userinfo]@'],
    ['a list behind a name that ends with a written-out line feed', 'password:[\\nx y', 'password:[redacted-password] y'],
    ['the same with a carriage return', 'password:[\\r', 'password:[redacted-password]'],
  ])('%s', (_name, text, expected) => {
    const { text: once } = redactText(text, options);
    expect(once).toBe(expected);
    expect(redactText(once, options)).toEqual({ text: once, counts: {} });
  });
});

describe('structures', () => {
  test.each([
    ['a password after its flag in a command line', ['psql', '--password', 'hunter2', '--host', 'db'], ['psql', '--password', '[redacted-password]', '--host', 'db']],
    ['user and password after -u', ['curl', '-u', 'ann:hunter2', 'x'], ['curl', '-u', 'ann:[redacted-password]', 'x']],
    ['raw headers', ['Host', 'a', 'Cookie', 'a=b', 'Accept', '*/*'], ['Host', 'a', 'Cookie', '[redacted-cookie]', 'Accept', '*/*']],
    ['values under a secret name, with their shape', { credentials: { user: 'ann', keys: ['k1', 'k2'] } }, { credentials: { user: '[redacted-token]', keys: ['[redacted-token]', '[redacted-token]'] } }],
    ['numbers under a secret name', { otp: 123456 }, { otp: '[redacted-password]' }],
    ['nothing, yes and no under a secret name', { token: null, password: false }, { token: null, password: false }],
    ['bytes', { body: new Uint8Array(7) }, { body: '[7 bytes]' }],
    ['a key named __proto__', JSON.parse('{"__proto__":{"password":"x1"}}'), JSON.parse('{"__proto__":{"password":"[redacted-password]"}}')],
    ['two keys that become one', { '/home/ann/a': 1, '~/a': 2 }, { '~/a': 1, '~/a#2': 2 }],
  ])('%s', (_name, value: unknown, expected: unknown) => {
    expect(redactValue(value, options).value).toEqual(expected);
  });

  it('cuts values that are too deep or contain themselves', () => {
    let deep: unknown = 'bottom';
    for (let i = 0; i < 100; i++) deep = { deep };
    expect(JSON.stringify(redactValue(deep, options).value)).toContain('[redacted-depth]');
    const self: { a?: unknown; b?: unknown } = {};
    self.a = self;
    self.b = self;
    expect(redactValue<unknown>(self, options).value).toEqual({ a: '[redacted-depth]', b: '[redacted-depth]' });
  });
});

describe('what is no secret stays as it is', () => {
  test.each([
    'curl 8.5.0 at api.example.com:443 was bypassed: an exclusion names it (learned)',
    'TLS 1.3, TLS_AES_128_GCM_SHA256, JA4 t13d1516h2_8daaf6152771_02713d6af862',
    'SHA256 Fingerprint=AB:CD:EF:01:23:45:67:89',
    '/usr/lib/jvm/java-17-openjdk-amd64/lib/security/cacerts holds the root',
    'https://example.com/path/@scope/pkg is not reachable',
    'https://[::1]:8443/status',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'pass-through-worked, bypass: 3, passed',
    'Basic authentication is offered by the proxy',
    'bearer tokens are not accepted',
    '/home/anna/project and /home/bob are other folders',
    'rule "inspect-all" when {"host":"*.example.com","port":443}',
    'user ann on LAPTOP-42',
    'npm_config_registry and npm_lifecycle_script are set',
    'ECONNREFUSED 10.0.0.1:443',
    '2026-11-20T10:30:00.000Z [12345] listening on [::1]:18443',
    '{"keyProtection":"file mode 0600","private-trust-store":1,"passThroughDue":true}',
  ])('%s', (text) => {
    expect(redactText(text, options)).toEqual({ text, counts: {} });
  });
});

it('writes home folders as ~ in every spelling and counts them', () => {
  const read = redactText('/home/ann/.ssh, file:///home/ann, C:\\Users\\ann\\x, c:/users/Ann/x, "C:\\\\Users\\\\ann\\\\x"', options);
  expect(read).toEqual({ text: '~/.ssh, file://~, ~\\x, ~/x, "~\\\\x"', counts: { home: 5 } });
});

it('never takes a root folder for a home', () => {
  expect(redactText('/usr/bin', { homes: ['/', ''] }).text).toBe('/usr/bin');
});

describe('logPieces', () => {
  it('put together are the log, whatever it is', () => {
    const line = fc.oneof(fc.constantFrom('{"a":1}', '{', 'text', '', '-----BEGIN PRIVATE KEY-----'), fc.string());
    fc.assert(fc.property(fc.array(line), fc.integer({ min: 1, max: 40 }), (lines, size) => {
      const log = lines.join('\n');
      const pieces = logPieces(log, size);
      expect(pieces.join('')).toBe(log);
      for (const piece of pieces.slice(1)) expect(piece.startsWith('{')).toBe(true);
    }));
  });

  it('never cut a key block that stands on lines of its own', () => {
    const log = '{"a":1}\n-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n{"b":1}\n';
    expect(logPieces(log, 1)).toEqual([log.slice(0, -8), '{"b":1}\n']);
  });
});

it('adds counts of several files', () => {
  expect(addCounts([{ home: 1, token: 2 }, {}, { home: 3 }])).toEqual({ home: 4, token: 2 });
});

describe('time and totality', () => {
  it('any text: never throws, and a second pass changes nothing', () => {
    const pieces = fc.constantFrom(
      'password', '=', ':', ' ', '"', "'", '\\', '\n', '@', '://', '?', '&', 'Cookie', 'eyJ', '.', '-u', '-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----',
      'Bearer ', 'a', 'secret', '<token>', '[', ']', '{', '}', ',', '--', '/home/ann', 'AKIA', 'x'.repeat(20), 'login ', '\\n', '\\"', '%', '[redacted-token]',
    );
    fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 40 }), (parts) => {
      const once = redactText(parts.join(''), options).text;
      expect(redactText(once, options)).toEqual({ text: once, counts: {} });
    }), { numRuns: 2_000 });
  });

  it('a planted password survives no surroundings made of blanks and signs', () => {
    const around = fc.string({ unit: fc.constantFrom(' ', ',', ';', '(', '{', '\n', 'x '), maxLength: 12 });
    const password = fc.string({ unit: fc.constantFrom(...'abcXYZ0189!#$%*+-_'.split('')), minLength: 8, maxLength: 20 }).map((text) => `Q${text}Q`);
    const form = fc.constantFrom(
      (p: string) => `password=${p}`, (p: string) => `"password": "${p}"`, (p: string) => `--password ${p}`, (p: string) => `--password='${p}'`,
      (p: string) => `DB_PASSWORD=${p}`, (p: string) => `Authorization: Bearer ${p}`, (p: string) => `http://ann:${encodeURIComponent(p)}@proxy:3128/`,
    );
    fc.assert(fc.property(around, password, form, around, (before, secret, write, after) => {
      expect(redactText(`${before} ${write(secret)} ${after}`, options).text).not.toContain(secret);
    }), { numRuns: 2_000 });
  });

  const units = [
    'a', ' ', '\\', '"', "'", '-', ':', '://', '@', 'a:', 'a:b@', 'a@', '?', '/', '/a', ' /a', '?a=', 'password', 'password=', 'password: "', 'password=\\"', 'Cookie: ',
    '"Cookie: ', 'eyJ', 'eyJaaaaaaaa', 'eyJaaaaaaaa.', ' eyJaaaaaa', 'AKIA', 'ghp_', '-u ', '-u a', '--user a:', '-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----',
    '-----BEGIN ', 'bearer ', 'basic a', 'login a ', 'mysql ', 'redis-cli -', 'CLIENT_RANDOM ', '<password>', 'http://a:b/', '/home/ann', 'pass:', 'x-api-key', '[redacted-',
    'password=[', 'token,', "'token', '", 'sshpass -p "', 'AAAA\n',
  ];
  test.each(units)('a megabyte of %j takes less than two seconds', (unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    expect(processorMs(() => void redactText(text, options))).toBeLessThan(2_000);
  });
});
