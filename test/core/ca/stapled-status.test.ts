// What a stapled OCSP response says, by responses made here; changed bytes never throw.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { saysRevoked } from '../../../electron/core/ca/stapled-status.ts';
import { authority, ocspResponse, server, tlv } from '../../security/workshop.ts';

const issuer = authority('Issuer');
const leaf = server(['a.example'], issuer);
const revoked = ocspResponse(leaf, issuer, 'revoked');

test.each<[string, Uint8Array, boolean]>([
  ['revoked', revoked, true],
  ['good', ocspResponse(leaf, issuer, 'good'), false],
  ['an error of the responder', tlv(0x30, tlv(0x0a, Buffer.from([6]))), false],
  ['nothing', Buffer.alloc(0), false],
  ['junk', Buffer.from('junk'), false],
  ['revoked, cut short', revoked.subarray(0, -1), false],
])('%s', (_, response, expected) => {
  expect(saysRevoked(response)).toBe(expected);
});

test('changed bytes never make it throw', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(revoked.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
    const bytes = Buffer.from(revoked);
    for (const [place, value] of changes) bytes[place] = value;
    expect(typeof saysRevoked(bytes)).toBe('boolean');
  }), { numRuns: 5_000 });
});
