// The way from a server's certificate to a root: found among whatever was sent, and only over signatures that hold.
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createServerTrust } from '../../../electron/agent/ca/server-chain.ts';
import { authority, constraints, day, dns, keyOf, server, type Made } from '../../security/workshop.ts';
import { processorMs } from '../../support/processor-time.ts';

const host = 'shop.example.com';
const root = authority('Root');
const other = authority('Other root');
const middle = authority('Middle', root);
const leaf = server([host], middle);
const now = Date.now();

const trusting = (...roots: readonly Made[]) => createServerTrust(roots.map(({ pem }) => pem), null, null);
const sent = (...certificates: readonly Made[]): X509Certificate[] => certificates.map(({ der }) => new X509Certificate(der));
const judge = (roots: readonly Made[], ...certificates: readonly Made[]): string | null => {
  const trust = trusting(...roots);
  return trust.whyNot(trust.chainOf(sent(...certificates)), host, now);
};
const flipped = (signature: Buffer): Buffer => Buffer.concat([signature.subarray(0, -1), Buffer.from([(signature.at(-1) as number) ^ 1])]);

describe('found', () => {
  const key = keyOf('p256', 'crossed');
  const crossed = authority('Crossed', root, { key });
  test.each<[string, readonly Made[], readonly Made[]]>([
    ['in order', [root], [leaf, middle]],
    ['with the root sent too', [root], [leaf, middle, root]],
    ['behind certificates that do not belong', [root], [leaf, other, leaf, middle]],
    ['in the wrong order', [root], [server([host], authority('Lower', middle, { key: keyOf('p256', 'lower') })), middle, authority('Lower', middle, { key: keyOf('p256', 'lower') })]],
    ['by the second of two ways', [root], [server([host], crossed), authority('Crossed', other, { key }), crossed]],
    ['by the way that has not expired', [root, other], [server([host], crossed), authority('Crossed', other, { key, notBefore: now - 9 * day, notAfter: now - day }), crossed]],
    ['under the root that is still valid, of two with one name and key', [authority('Root', undefined, { key: root.key, notBefore: now - 9 * day, notAfter: now - day }), root], [leaf, middle]],
  ])('%s', (_, roots, certificates) => {
    expect(judge(roots, ...certificates)).toBeNull();
  });
});

describe('not found', () => {
  const narrow = authority('Narrow', root, { more: [constraints({ permitted: [dns('example.org')] })] });
  test.each<[string, readonly Made[], readonly Made[], RegExp]>([
    ['another root', [other], [leaf, middle], /no chain of valid signatures/],
    ['the intermediate is missing', [root], [leaf], /no chain/],
    ['a root of the same name and another key', [authority('Root')], [leaf, middle], /no chain/],
    ['a changed signature', [root], [server([host], middle, { tweakSignature: flipped }), middle], /no chain/],
    ['a changed twin of a limited intermediate does not stand in for it', [root], [server([host], narrow), authority('Narrow', root, { key: narrow.key, tweakSignature: flipped }), narrow], /not allowed/],
    ['no certificate at all', [root], [], /has shown none/],
    ['a certificate that cannot be read', [root], [server([host], middle, { version: 1 }), middle], /cannot be read/],
  ])('%s', (_, roots, certificates, why) => {
    expect(judge(roots, ...certificates)).toMatch(why);
  });
});

test('certificates that all sign each other take no longer than signatures that are counted', () => {
  const keys = Array.from({ length: 6 }, (_, i) => keyOf('p256', `ring ${i}`));
  const plain = keys.map((key, i) => authority(`ring ${i}`, undefined, { key }));
  const web = plain.flatMap((one, i) => plain.filter((by) => by !== one).slice(0, 3).map((by) => authority(`ring ${i}`, by, { key: one.key })));
  expect(processorMs(() => expect(judge([root], server([host], plain[0] as Made), ...web)).toMatch(/no chain/))).toBeLessThan(2_000);
});

test('a chain that was followed before is judged again by its dates', () => {
  const trust = trusting(root);
  const first = trust.chainOf(sent(leaf, middle));
  expect(trust.chainOf(sent(leaf, middle))).toBe(first);
  expect(trust.whyNot(first, host, now)).toBeNull();
  expect(trust.whyNot(first, host, now + 40 * day)).toBe('the certificate has expired');
  expect(trust.whyNot(first, 'elsewhere.test', now)).toMatch(/does not name/);
});
