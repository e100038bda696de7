// What revocation lists say, by lists made here; changed bytes never throw. Lists of OpenSSL: test/agent/ca/revocation-lists.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import type { ChainLink } from '../../../electron/core/ca/chain.ts';
import { readRevocationList, whyRevoked, type RevocationList } from '../../../electron/core/ca/revocation.ts';
import { authority, day, extension, integer, make, revocationList, revokedEntry, server, tlv, type Made } from '../../security/workshop.ts';

const now = Date.now();
const root = authority('Root');
const middle = authority('Middle', root);
const leaf = server(['a.example'], middle);
const sibling = server(['b.example'], middle);
const partial = extension('2.5.29.28', tlv(0x30), true);
const ofAnother = extension('2.5.29.29', tlv(0x30), true);
const reason = extension('2.5.29.21', tlv(0x0a, Buffer.from([1])));

const numbered = (n: number): Buffer => tlv(0x30, tlv(2, Buffer.from([0x10 + (n >> 16), (n >> 8) & 0xff, n & 0xff])), tlv(0x17, Buffer.from('260101000000Z')));

const listOf = (der: Uint8Array): RevocationList => {
  const read = readRevocationList(der);
  if (read.kind === 'unusable') throw new Error(read.why);
  return read.list;
};

describe('read', () => {
  test.each<[string, Buffer, number]>([
    ['an empty list', revocationList(root, []), 0],
    ['two entries, one with a reason', revocationList(middle, [leaf, revokedEntry(sibling, reason)]), 2],
    ['version 1, which has no extensions', revocationList(middle, [leaf], { version: 0 }), 1],
    ['without an end', revocationList(middle, [leaf], { nextUpdate: null }), 1],
    ['50,000 entries', revocationList(middle, [Buffer.concat(Array.from({ length: 50_000 }, (_, n) => numbered(n)))]), 50_000],
  ])('%s', (_, der, count) => {
    expect(listOf(der).revoked.size).toBe(count);
  });
});

test('the authority, its key and the dates are read', () => {
  const list = listOf(revocationList(middle, [], { thisUpdate: Date.UTC(2026, 0, 2), nextUpdate: Date.UTC(2051, 0, 2) }));
  expect([Buffer.from(list.issuer), Buffer.from(list.keyId ?? []), list.thisUpdate, list.nextUpdate]).toEqual([middle.subject, middle.keyId, Date.UTC(2026, 0, 2), Date.UTC(2051, 0, 2)]);
});

describe('not used', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', Buffer.alloc(0), /no revocation list/],
    ['junk', Buffer.from('junk'), /no revocation list/],
    ['a certificate', leaf.der, /no revocation list|version/],
    ['a list with something behind it', Buffer.concat([revocationList(root, []), Buffer.from([5, 0])]), /no revocation list/],
    ['another version', revocationList(root, [], { version: 2 }), /version/],
    ['a partial one', revocationList(middle, [leaf], { extensions: [partial] }), /not understood/],
    ['a delta', revocationList(middle, [leaf], { extensions: [extension('2.5.29.27', integer(1), true)] }), /not understood/],
    ['one with certificates of another authority', revocationList(middle, [revokedEntry(leaf, ofAnother)]), /other authorities/],
    ['one of more entries than anybody has', revocationList(middle, [Buffer.concat(Array.from({ length: 100_001 }, (_, n) => numbered(n)))]), /more than 100000 entries/],
    ['an entry without number', revocationList(middle, [tlv(0x30, tlv(5))]), /entry/],
  ])('%s', (_, der, why) => {
    expect(readRevocationList(der)).toEqual({ kind: 'unusable', why: expect.stringMatching(why) });
  });

  test('changed bytes never make it throw', () => {
    const whole = revocationList(middle, [leaf, revokedEntry(sibling, reason)]);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [place, value] of changes) bytes[place] = value;
      expect(['list', 'unusable']).toContain(readRevocationList(bytes).kind);
    }), { numRuns: 5_000 });
  });
});

describe('a chain', () => {
  const linkOf = ({ der }: Made): ChainLink => ({ read: readCertificate(der), spkiHash: '', size: der.length });
  const chain = [leaf, middle, root].map(linkOf);
  const judge = (lists: Readonly<Partial<Record<'root' | 'middle', readonly Buffer[]>>>, unknown: 'allow' | 'refuse' = 'allow', vouches = true): string | null => whyRevoked(
    chain, (above) => ((above === chain[1] ? lists.middle : lists.root) ?? []).map((der) => ({ list: listOf(der), vouches })), unknown, now);
  const old = { thisUpdate: now - 9 * day, nextUpdate: now - day };
  const yetToCome = { thisUpdate: now + day };

  test.each<[string, string | null, RegExp | null]>([
    ['no list at all', judge({}), null],
    ['a list without it', judge({ middle: [revocationList(middle, [sibling])] }), null],
    ['a list with it', judge({ middle: [revocationList(middle, [leaf])] }), /^the certificate was revoked by its authority$/],
    ['the second of two lists', judge({ middle: [revocationList(middle, []), revocationList(middle, [leaf])] }), /^the certificate was revoked/],
    ['an old list with it', judge({ middle: [revocationList(middle, [leaf], old)] }), /was revoked/],
    ['its authority in the list of the root', judge({ root: [revocationList(root, [middle])] }), /^an intermediate certificate was revoked/],
    ['its number in the list of another authority', judge({ root: [revocationList(root, [leaf])] }), null],
    ['no list, where one must be', judge({}, 'refuse'), /no current revocation list/],
    ['an old list without it, where one must be', judge({ middle: [revocationList(middle, [], old)] }, 'refuse'), /no current/],
    ['one that has not begun, where one must be', judge({ middle: [revocationList(middle, [], yetToCome)] }, 'refuse'), /no current/],
    ['a current one, where one must be', judge({ middle: [revocationList(middle, [])] }, 'refuse'), null],
    ['one that may not vouch, where one must be', judge({ middle: [revocationList(middle, [])] }, 'refuse', false), /no current/],
    ['one that may not vouch, with it', judge({ middle: [revocationList(middle, [leaf])] }, 'allow', false), /was revoked/],
    ['one without an end, where one must be', judge({ middle: [revocationList(middle, [], { nextUpdate: null })] }, 'refuse'), null],
  ])('%s', (_, why, expected) => {
    if (expected === null) expect(why).toBeNull();
    else expect(why).toMatch(expected);
  });

  test('numbers are compared as they are encoded, the leading zero included', () => {
    const high = make({ subject: 'server', by: middle, serial: Buffer.from([0, 0x80, 1]) });
    const listed = { list: listOf(revocationList(middle, [tlv(0x30, tlv(2, Buffer.from([0, 0x80, 1])), tlv(0x17, Buffer.from('260101000000Z')))])), vouches: true };
    expect(whyRevoked([high, middle, root].map(linkOf), (above) => (above.read.kind === 'certificate' && Buffer.from(above.read.facts.subject).equals(middle.subject) ? [listed] : []), 'allow', now)).toMatch(/revoked/);
  });
});
