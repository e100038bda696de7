// Spellings of addresses: what kind each is, what the system's resolver makes of the odd ones, and that none of them reaches loopback.
import { lookup } from 'node:dns/promises';
import { isIP, SocketAddress } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, addressKind, type AddressKind } from '../../../electron/core/policy/address.ts';

function kind(text: string): AddressKind | 'no address' {
  const bytes = addressBytes(text);
  return bytes === null ? 'no address' : addressKind(bytes);
}

describe('an address literal', () => {
  test.each<[string, AddressKind | 'no address']>([
    ['127.0.0.1', 'loopback'], ['127.255.255.254', 'loopback'], ['0.0.0.0', 'unspecified'], ['0.1.2.3', 'unspecified'],
    ['10.0.0.1', 'private'], ['172.16.0.1', 'private'], ['172.31.255.255', 'private'], ['172.32.0.1', 'public'], ['172.15.255.255', 'public'],
    ['192.168.1.1', 'private'], ['100.64.0.1', 'private'], ['100.127.255.255', 'private'], ['100.128.0.1', 'public'], ['100.63.255.255', 'public'],
    ['169.254.1.1', 'link-local'], ['169.254.169.254', 'metadata'], ['100.100.100.200', 'metadata'], ['192.0.0.192', 'metadata'], ['168.63.129.16', 'metadata'],
    ['192.0.0.1', 'reserved'], ['224.0.0.251', 'multicast'], ['239.255.255.255', 'multicast'], ['240.0.0.1', 'reserved'], ['255.255.255.255', 'reserved'],
    ['8.8.8.8', 'public'], ['126.255.255.255', 'public'], ['128.0.0.1', 'public'],
    ['::', 'unspecified'], ['::1', 'loopback'], ['0:0:0:0:0:0:0:1', 'loopback'], ['::0001', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'], ['::ffff:7f00:1', 'loopback'], ['::FFFF:7F00:0001', 'loopback'], ['0:0:0:0:0:ffff:127.0.0.1', 'loopback'],
    ['::127.0.0.1', 'loopback'], ['::7f00:1', 'loopback'], ['::ffff:0.0.0.0', 'unspecified'], ['::ffff:169.254.169.254', 'metadata'], ['::ffff:10.0.0.1', 'private'],
    ['::ffff:8.8.8.8', 'public'], ['64:ff9b::127.0.0.1', 'loopback'], ['64:ff9b::7f00:1', 'loopback'], ['64:ff9b::a9fe:a9fe', 'metadata'], ['64:ff9b:1::10.0.0.1', 'private'],
    ['64:ff9b::8.8.8.8', 'public'], ['2002:7f00:1::', 'loopback'], ['2002:0a00:0001::1', 'private'], ['2002:0808:0808::1', 'public'],
    ['fe80::1', 'link-local'], ['febf::1', 'link-local'], ['fec0::1', 'private'], ['fc00::1', 'private'], ['fd12:3456::1', 'private'],
    ['fd00:ec2::254', 'metadata'], ['fd20:ce::254', 'metadata'], ['ff02::1', 'multicast'], ['2001:db8::1', 'public'], ['2606:4700::1111', 'public'],
    ['100::1', 'reserved'], ['4000::1', 'reserved'], ['::ffff:0:7f00:1', 'reserved'],
    ['127.1', 'no address'], ['127.0.1', 'no address'], ['2130706433', 'no address'], ['0x7f000001', 'no address'], ['0x7f.1', 'no address'], ['0177.0.0.1', 'no address'],
    ['017700000001', 'no address'], ['127.0.0.01', 'no address'], ['127.0.0.1.', 'no address'], ['1.2.3', 'no address'], ['1.2.3.4.5', 'no address'], ['256.0.0.1', 'no address'],
    ['1.2.3.-4', 'no address'], ['１２７.0.0.1', 'no address'], [' 127.0.0.1', 'no address'], ['127.0.0.1 ', 'no address'], ['', 'no address'], ['localhost', 'no address'],
    ['fe80::1%eth0', 'no address'], ['[::1]', 'no address'], ['::1::', 'no address'], [':::', 'no address'], [':', 'no address'], ['1:2:3:4:5:6:7', 'no address'],
    ['1:2:3:4:5:6:7:8:9', 'no address'], ['::1:2:3:4:5:6:7:8', 'no address'], ['1::2:3:4:5:6:7:8', 'no address'], [':1:2:3:4:5:6:7:8', 'no address'], ['1:2:3:4:5:6:7:8:', 'no address'],
    ['::12345', 'no address'], ['::g', 'no address'], ['::1.2.3', 'no address'], ['::1.2.3.256', 'no address'], ['1.2.3.4::', 'no address'], ['::1.2.3.4:5', 'no address'], ['127.0.0.1:80', 'no address'],
  ])('%j is %s', (text, expected) => {
    expect(kind(text)).toBe(expected);
  });

  test('every text is an address for us exactly when it is one for Node, with the same bytes', () => {
    const hex = fc.stringMatching(/^[0-9a-fA-F]{0,5}$/);
    const odd = fc.oneof(
      fc.ipV4(), fc.ipV6(), fc.array(hex, { maxLength: 10 }).map((groups) => groups.join(':')), fc.stringMatching(/^[0-9.]{1,16}$/), fc.stringMatching(/^[0-9a-f:.]{1,24}$/),
      fc.tuple(fc.array(hex, { maxLength: 7 }), fc.ipV4()).map(([groups, v4]) => `${groups.join(':')}:${v4}`),
    );
    fc.assert(fc.property(odd, (text) => {
      const bytes = addressBytes(text);
      expect(bytes === null ? 0 : bytes.length === 4 ? 4 : 6).toBe(isIP(text));
      if (bytes === null || bytes.length === 4) return;
      const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address;
      expect(addressBytes(canonical)).toEqual(bytes);
    }), { numRuns: 20_000 });
  });

  test('every sixteen bytes and every four have a kind', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })), (bytes) => {
      expect(['public', 'private', 'loopback', 'link-local', 'unspecified', 'metadata', 'multicast', 'reserved']).toContain(addressKind(bytes));
    }), { numRuns: 5_000 });
  });
});

describe('names that look like addresses', () => {
  // What getaddrinfo makes of them differs by system; what counts is that none of the answers passes for public.
  test.each([
    '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0x7F.0.0.0x1', '0177.0.0.1', '017700000001', '0177.1', '127.0.0.01', '0', '0.0', '0x0', '00000000000',
    'localhost', 'LOCALHOST', 'localhost.',
  ])('%s never resolves to a public address', async (name) => {
    let answers: { address: string }[] = [];
    try {
      answers = await lookup(name, { all: true, verbatim: true });
    } catch {
      // No such name on this system: nothing is dialled.
    }
    for (const { address } of answers) expect(['loopback', 'unspecified']).toContain(kind(address));
  });

  test.each([['2852039166', '0xa9fea9fe'], ['167772161', '0x0a000001']])('%s and %s are judged by the address they stand for', async (...names) => {
    for (const name of names) {
      const answers = await lookup(name, { all: true }).catch(() => []);
      for (const { address } of answers) expect(['metadata', 'private']).toContain(kind(address));
    }
  });
});
