// The codes of a pause: the same on both ends, other for anything else, and read as people type them. HMAC is Node's own.
import { createHmac, hkdfSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  codeLength, deviceKey, keyText, passcodeOf, readCode, readKey, requestFrom, requestLength, spokenCode, ticketAnswer,
} from '../../../electron/core/policy/pause-code.ts';
import type { Hmac } from '../../../electron/core/policy/pause-code.ts';

const hmac: Hmac = (key, message) => createHmac('sha256', key).update(message).digest();
const organisation = Uint8Array.from({ length: 32 }, (_, index) => index);
const key = deviceKey(hmac, organisation, 'LAPTOP-42');
const about = { device: 'LAPTOP-42', request: 'ABCDEFGH', minutes: 30 };
const answer = ticketAnswer(hmac, key, about);

test('the device key is HKDF-SHA-256 of the organisation\'s, as Node derives it', () => {
  const info = encodeURIComponent(JSON.stringify(['pinlight pause device', 'laptop-42']));
  expect(Buffer.from(key)).toEqual(Buffer.from(hkdfSync('sha256', organisation, new Uint8Array(32), info, 32)));
});

test('known answers: what a helpdesk makes today, a device of another version must take', () => {
  expect([keyText(key).slice(0, 16), answer, passcodeOf(hmac, key, { device: 'LAPTOP-42', hour: 494_000, minutes: 30 })])
    .toMatchInlineSnapshot(`
      [
        "31d6078c3899edec",
        "CVNWQMSXKM",
        "YDE6JHQJSK",
      ]
    `);
});

test('codes have ten letters of base32, requests eight', () => {
  expect(answer).toMatch(/^[A-Z2-7]{10}$/);
  expect([answer.length, requestFrom(Uint8Array.from([255, 1, 2, 3, 4])).length]).toEqual([codeLength, requestLength]);
});

describe('an answer is worth nothing', () => {
  test.each<[string, string]>([
    ['for another device', ticketAnswer(hmac, key, { ...about, device: 'LAPTOP-43' })],
    ['for another request', ticketAnswer(hmac, key, { ...about, request: 'ABCDEFGI' })],
    ['for another number of minutes', ticketAnswer(hmac, key, { ...about, minutes: 31 })],
    ['under another device\'s key', ticketAnswer(hmac, deviceKey(hmac, organisation, 'LAPTOP-43'), about)],
    ['as a passcode', passcodeOf(hmac, key, { device: about.device, hour: 1, minutes: 30 })],
  ])('%s', (_name, other) => expect(other).not.toBe(answer));
});

test('a device has one name in any case', () => {
  expect(ticketAnswer(hmac, deviceKey(hmac, organisation, 'laptop-42'), { ...about, device: ' Laptop-42' })).toBe(answer);
});

describe('typed by people', () => {
  test.each([
    ['in small letters', 'abcdefghij', 'ABCDEFGHIJ'],
    ['in groups', 'ABCDE-FGHIJ', 'ABCDEFGHIJ'],
    ['with spaces around and between', ' abcde fghij\n', 'ABCDEFGHIJ'],
    ['with digits for letters they look like', '0O1I8B', 'OOIIBB'],
  ])('%s', (_name, typed, meant) => expect(readCode(typed)).toBe(meant));

  test('whatever base32 there is survives being spoken and typed', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (random) => {
      const request = requestFrom(random);
      expect(readCode(spokenCode(request).toLowerCase())).toBe(request);
    }));
  });

  test('base32 is RFC 4648\'s', () => {
    expect(requestFrom(Uint8Array.from(Buffer.from('fooba')))).toBe('MZXW6YTB');
  });
});

describe('a key file', () => {
  test('is read as it was written', () => expect(keyText(readKey(`${keyText(key).toUpperCase()}\n`) ?? key)).toBe(keyText(key)));
  test.each([['empty', ''], ['too short', 'ab'.repeat(31)], ['too long', 'ab'.repeat(33)], ['no hex', 'xy'.repeat(32)], ['a PEM file', '-----BEGIN PRIVATE KEY-----']])(
    'that is %s is none', (_name, text) => expect(readKey(text)).toBeNull());
});
