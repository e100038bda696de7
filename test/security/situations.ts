// Servers as they should not be, and some as they should: what each presents. Data; situation-servers.ts serves them. Criteria A (SECURITY.md), badssl.com.
import {
  addressOf, algorithmOf, authority, basic, constraints, criticalSan, day, dns, extension, keyOf, make, nameOf, ocspResponse, oid, pairOf,
  policies, purposes, san, server, tlv, usage, type Made, type Wanted,
} from './workshop.ts';
import { eDellRootKey } from './published-key.ts';

/** What a situation is made from; all roots made by `trust` are in the browser's store and in Pinlight's. */
export type Bench = {
  /** Trusted; ECDSA, and RSA. */
  readonly root: Made;
  readonly rsaRoot: Made;
  /** A sound intermediate of `root`. */
  readonly middle: Made;
  /** Trusted by nobody. */
  readonly stranger: Made;
  /** Pinlight's own root with its key. */
  readonly own: Made;
  trust(root: Made): Made;
};

/** Server's certificate first, then what it sends with it. */
export type Chain = readonly [Made, ...Made[]];

export type Situation = {
  /** Criterion, such as A1 (SECURITY.md). */
  readonly row: string;
  readonly title: string;
  readonly host: string;
  /** `bad`: no leaf of ours may come of it. `good`: must be inspected. `open`: whatever the browser says. */
  readonly kind: 'bad' | 'good' | 'open';
  readonly chain: (bench: Bench) => Chain;
  /** What the server presents from the second connection on. */
  readonly later?: (bench: Bench, host: string) => Chain;
  /** The OCSP response that comes with the chain. */
  readonly staple?: (bench: Bench, chain: Chain) => Buffer;
  readonly program?: 'openssl' | 'gnutls' | 'nginx';
};

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const codeSigning = '1.3.6.1.5.5.7.3.3';
const anyPurpose = '2.5.29.37.0';
const onePolicy = '1.3.6.1.4.1.99999.1';
const otherPolicy = '1.3.6.1.4.1.99999.2';
const ago = (days: number): number => Date.now() - days * day;

type Simple = (host: string, bench: Bench) => Chain;
let count = 0;
/** A situation under a name of its own. */
function at(row: string, kind: Situation['kind'], title: string, chain: Simple, more: Partial<Situation> = {}): Situation {
  count += 1;
  const host = more.host ?? `s${count}.situations.test`;
  return { row, kind, title, chain: (bench) => chain(host, bench), ...more, host };
}
/** The server's certificate under the sound intermediate, with something wrong about it. */
const leaf = (row: string, kind: Situation['kind'], title: string, wanted: Partial<Wanted> & { more?: readonly Buffer[] }, more: Partial<Situation> = {}): Situation =>
  at(row, kind, title, (host, { middle }) => [server([host], middle, wanted), middle], more);
/** The names of the server's certificate, for a host. */
const named = (row: string, kind: Situation['kind'], title: string, host: string, names: readonly string[]): Situation =>
  at(row, kind, title, (_host, { middle }) => [server(names, middle), middle], { host });
/** An intermediate with something about it, above a sound leaf. */
const under = (row: string, kind: Situation['kind'], title: string, wanted: Partial<Wanted> & { more?: readonly Buffer[] }, leafMore: Partial<Wanted> & { more?: readonly Buffer[] } = {}): Situation =>
  at(row, kind, title, (host, { root }) => {
    const middle = authority(title, root, wanted);
    return [server([host], middle, leafMore), middle];
  });
/** A trusted root with something about it. */
const below = (row: string, kind: Situation['kind'], title: string, wanted: Partial<Wanted> & { more?: readonly Buffer[] }, leafMore: Partial<Wanted> = {}): Situation =>
  at(row, kind, title, (host, { trust }) => {
    const root = trust(authority(`root: ${title}`, undefined, wanted));
    return [server([host], root, leafMore)];
  });
/** Name constraints of an intermediate; `names` of the leaf. */
const limited = (kind: Situation['kind'], title: string, limits: Parameters<typeof constraints>[0], names: readonly string[] = [], leafMore: Partial<Wanted> = {}, critical = true): Situation =>
  at('A2', kind, title, (host, { root }) => {
    const middle = authority(title, root, { more: [constraints(limits, critical)] });
    return [server([host, ...names], middle, leafMore), middle];
  });

const flip = (signature: Buffer): Buffer => Buffer.concat([signature.subarray(0, -1), Buffer.from([(signature.at(-1) as number) ^ 1])]);
const replace = (from: Buffer, to: Buffer) => (tbs: Buffer): Buffer => {
  const place = tbs.indexOf(from);
  if (place === -1 || from.length !== to.length) throw new Error('nothing to replace');
  return Buffer.concat([tbs.subarray(0, place), to, tbs.subarray(place + from.length)]);
};
const body = (...extensions: readonly Buffer[]) => (host: string): readonly Buffer[] => [san(dns(host)), ...extensions];
/** The server's certificate with exactly these extensions. */
const bare = (row: string, kind: Situation['kind'], title: string, extensions: (host: string) => readonly Buffer[], wanted: Partial<Wanted> = {}): Situation =>
  at(row, kind, title, (host, { middle }) => [make({ subject: 'server', by: middle, extensions: extensions(host), ...wanted }), middle]);

/** All of them. Made once: the hosts are numbered. */
export const situations: readonly Situation[] = [
  // Sound ones.
  leaf('A3', 'good', 'ECDSA P-256 under an intermediate', {}),
  leaf('A3', 'good', 'ECDSA P-384', { key: 'p384' }, { program: 'openssl' }),
  leaf('A3', 'good', 'RSA with 2048 bits', { key: 'rsa2048' }, { program: 'nginx' }),
  leaf('A3', 'good', 'RSA with 4096 bits', { key: 'rsa4096' }, { program: 'gnutls' }),
  at('A3', 'good', 'RSA with SHA-384, RSA root', (host, { rsaRoot }) => [server([host], rsaRoot, { key: 'rsa2048', digest: 'sha384' })]),
  at('A3', 'good', 'RSA-PSS signature', (host, { rsaRoot }) => [server([host], rsaRoot, { digest: 'pss' })]),
  leaf('A12', 'good', 'no common name', { subject: nameOf('Example', 0x0c, '2.5.4.10') }),
  at('A12', 'good', 'empty subject, critical subjectAltName', (host, { middle }) => [make({ subject: '', by: middle, extensions: [criticalSan(dns(host)), purposes(serverAuth)] }), middle]),
  named('A12', 'good', 'a wildcard for one label', 'one.wild.situations.test', ['*.wild.situations.test']),
  named('A12', 'good', 'upper case in the name', 'upper.situations.test', ['UPPER.Situations.TEST']),
  named('A12', 'good', 'an IDN as A-label', 'xn--bcher-kva.situations.test', ['xn--bcher-kva.situations.test']),
  named('A12', 'good', 'an IPv4 address', '192.0.2.10', ['192.0.2.10']),
  named('A12', 'good', 'an underscore in the name', 'under_score.situations.test', ['under_score.situations.test']),
  at('A11', 'good', '1,000 names', (host, { middle }) => [server([host, ...Array.from({ length: 1_000 }, (_, i) => `n${i}.situations.test`)], middle), middle]),
  bare('A4', 'good', 'no extendedKeyUsage', body(basic(false))),
  limited('good', 'inside permitted DNS names', { permitted: [dns('situations.test')] }),
  limited('good', 'outside excluded DNS names', { excluded: [dns('elsewhere.test')] }),
  at('A10', 'good', 'the root is sent too', (host, { root, middle }) => [server([host], middle), middle, root]),
  at('A10', 'good', 'a stranger\'s certificate is sent too', (host, { middle, stranger }) => [server([host], middle), middle, stranger]),
  leaf('A3', 'good', '1,200 days under a root that was added by hand', { notAfter: ago(-1_199) }),

  // A1: trust, dates, signatures, names.
  at('A1', 'bad', 'self-signed', (host) => [make({ extensions: [san(dns(host)), purposes(serverAuth)] })]),
  at('A1', 'bad', 'self-signed authority', (host) => [make({ extensions: [san(dns(host)), basic(true)] })]),
  at('A1', 'bad', 'untrusted root', (host, { stranger }) => [server([host], stranger), stranger], { program: 'nginx' }),
  at('A1', 'bad', 'untrusted root that is not sent', (host, { stranger }) => [server([host], stranger)]),
  at('A1', 'bad', 'untrusted root of the trusted one\'s name', (host, { root }) => {
    const twin = authority(root.subject);
    return [server([host], twin), twin];
  }),
  leaf('A1', 'bad', 'broken signature', { tweakSignature: flip }, { program: 'openssl' }),
  under('A1', 'bad', 'broken signature of the intermediate', { tweakSignature: flip }),
  leaf('A1', 'bad', 'another algorithm named outside than inside', { outerAlgorithm: algorithmOf(keyOf('p256').privateKey, 'sha384') }),
  leaf('A1', 'bad', 'expired', { notBefore: ago(60), notAfter: ago(1) }, { program: 'gnutls' }),
  leaf('A1', 'bad', 'not valid yet', { notBefore: ago(-2) }),
  leaf('A1', 'bad', 'ends before it begins', { notBefore: ago(1), notAfter: ago(3) }),
  under('A1', 'bad', 'expired intermediate', { notBefore: ago(60), notAfter: ago(1) }),
  under('A1', 'bad', 'intermediate that is not valid yet', { notBefore: ago(-2) }),
  below('A1', 'bad', 'expired root', { notBefore: ago(60), notAfter: ago(1) }),
  below('A1', 'bad', 'root that is not valid yet', { notBefore: ago(-2) }),
  named('A1', 'bad', 'another name', 'asked.situations.test', ['other.situations.test']),
  named('A1', 'bad', 'the name above', 'sub.parent.situations.test', ['parent.situations.test']),
  named('A1', 'bad', 'the name below', 'parent2.situations.test', ['www.parent2.situations.test']),

  // A2: authorities that are none, constraints, unknown and broken extensions.
  under('A2', 'bad', 'issuer that says it is no authority', { extensions: [basic(false), usage(0x06, 1)] }),
  under('A2', 'bad', 'issuer without basicConstraints', { extensions: [usage(0x06, 1)] }),
  under('A2', 'bad', 'issuer not for signing certificates', { extensions: [basic(true), usage(0x80, 7)] }),
  under('A2', 'bad', 'X.509 v1 intermediate', { version: 1, extensions: [] }),
  at('A2', 'bad', 'X.509 v1 leaf', (host, { middle }) => [make({ subject: host, by: middle, version: 1 }), middle]),
  at('A2', 'bad', 'X.509 v1 with extensions', (host, { middle }) => [server([host], middle, { version: 1 }), middle]),
  at('A2', 'bad', 'path length exceeded', (host, { root }) => {
    const first = authority('first', root, { extensions: [basic(true, 0), usage(0x06, 1)] });
    const second = authority('second', first);
    return [server([host], second), second, first];
  }),
  at('A2', 'bad', 'path length of the root exceeded', (host, { trust }) => {
    const root = trust(authority('root with path length 0', undefined, { extensions: [basic(true, 0), usage(0x06, 1)] }));
    const middle = authority('under it', root);
    return [server([host], middle), middle];
  }),
  at('A2', 'bad', 'a server\'s certificate as authority', (host, { middle }) => {
    const fake = server(['innocent.situations.test'], middle);
    return [server([host], fake), fake, middle];
  }),
  limited('bad', 'outside permitted DNS names', { permitted: [dns('elsewhere.test')] }),
  limited('bad', 'inside excluded DNS names', { excluded: [dns('situations.test')] }),
  limited('bad', 'outside permitted DNS names, extension not critical', { permitted: [dns('elsewhere.test')] }, [], {}, false),
  limited('bad', 'one of two names outside the permitted', { permitted: [dns('situations.test')] }, ['also.elsewhere.test']),
  limited('bad', 'a wildcard over an excluded name', { excluded: [dns('secret.wide.test')] }, ['*.wide.test']),
  limited('open', 'a permitted name with a dot in front', { permitted: [dns('.situations.test')] }),
  limited('bad', 'an address where only other addresses are permitted', { permitted: [dns('situations.test'), tlv(0x87, addressOf('10.0.0.0'), addressOf('255.0.0.0'))] }, ['192.0.2.1']),
  limited('bad', 'a network mask with a hole', { permitted: [dns('situations.test'), tlv(0x87, addressOf('10.0.0.0'), addressOf('255.0.255.0'))] }),
  limited('bad', 'a subject outside the permitted directory', { permitted: [dns('situations.test'), tlv(0xa4, nameOf('only this', 0x0c, '2.5.4.10'))] }),
  limited('bad', 'a subject in the excluded directory', { excluded: [tlv(0xa4, nameOf('banned', 0x0c, '2.5.4.10'))] }, [], { subject: nameOf('banned', 0x0c, '2.5.4.10') }),
  limited('bad', 'a subject in the excluded directory, in other letters and another string type', { excluded: [tlv(0xa4, nameOf('banned  one', 0x0c, '2.5.4.10'))] }, [], { subject: nameOf('BANNED one', 0x13, '2.5.4.10') }),
  limited('good', 'a subject in the permitted directory', { permitted: [dns('situations.test'), tlv(0xa4, nameOf('this one', 0x0c, '2.5.4.10'))] }, [], { subject: nameOf('this one', 0x0c, '2.5.4.10') }),
  at('A2', 'bad', 'mail limits and a mail name', (host, { root }) => {
    const middle = authority('mail limits', root, { more: [constraints({ permitted: [tlv(0x86, Buffer.from('elsewhere.test'))] })] });
    return [make({ subject: 'server', by: middle, extensions: [san(dns(host), tlv(0x86, Buffer.from('https://evil.test/'))), purposes(serverAuth)] }), middle];
  }),
  limited('open', 'nothing permitted and nothing excluded', {}),
  limited('bad', 'an empty list of permitted names', { permitted: [] }),
  below('A2', 'bad', 'name constraints of the root itself', { more: [constraints({ permitted: [dns('elsewhere.test')] })] }),
  leaf('A2', 'bad', 'unknown critical extension', { more: [extension('1.2.3.4.5', tlv(5), true)] }),
  under('A2', 'bad', 'unknown critical extension of the intermediate', { more: [extension('1.2.3.4.5', tlv(5), true)] }),
  below('A2', 'bad', 'unknown critical extension of the root', { more: [extension('1.2.3.4.5', tlv(5), true)] }),
  leaf('A2', 'bad', 'the poison of a precertificate', { more: [extension('1.3.6.1.4.1.11129.2.4.3', tlv(5), true)] }),
  leaf('A2', 'bad', 'an extension twice', { more: [purposes(serverAuth)] }),
  at('A2', 'bad', 'subjectAltName twice, the second with the name', (host, { middle }) => [make({ by: middle, extensions: [san(dns('a.test')), san(dns(host))] }), middle]),
  bare('A2', 'bad', 'broken keyUsage', body(extension('2.5.29.15', Buffer.from([3, 3, 1])))),
  bare('A2', 'bad', 'empty keyUsage', body(extension('2.5.29.15', tlv(3, Buffer.from([7, 0])), true))),
  bare('A2', 'bad', 'empty extendedKeyUsage', body(extension('2.5.29.37', tlv(0x30)))),
  bare('A2', 'bad', 'broken basicConstraints', body(extension('2.5.29.19', tlv(0x30, tlv(4))))),
  bare('A2', 'bad', 'broken authorityInfoAccess', body(extension('1.3.6.1.5.5.7.1.1', Buffer.from('junk')))),
  bare('A2', 'bad', 'empty authorityInfoAccess', body(extension('1.3.6.1.5.5.7.1.1', tlv(0x30)))),
  bare('A2', 'bad', 'broken certificatePolicies', body(extension('2.5.29.32', tlv(0x30)))),
  bare('A2', 'bad', 'a policy twice', body(policies(onePolicy, onePolicy))),
  bare('A2', 'open', 'a policy is demanded by the certificate itself', body(extension('2.5.29.36', tlv(0x30, tlv(0x80, Buffer.from([0]))), true))),
  bare('A2', 'open', 'name constraints in the server\'s certificate', body(constraints({ permitted: [dns('elsewhere.test')] }))),
  limited('open', 'limits for mail addresses, and none there', { permitted: [tlv(0x81, Buffer.from('elsewhere.test'))] }),
  bare('A2', 'open', 'broken authorityKeyIdentifier', body(extension('2.5.29.35', tlv(0x30, tlv(0x81))))),
  bare('A2', 'open', 'broken subjectKeyIdentifier', body(extension('2.5.29.14', tlv(5)))),
  bare('A2', 'open', 'critical authorityKeyIdentifier', body(extension('2.5.29.35', tlv(0x30), true))),
  bare('A2', 'bad', 'critical authorityInfoAccess', body(extension('1.3.6.1.5.5.7.1.1', tlv(0x30, tlv(0x30, oid('1.3.6.1.5.5.7.48.1'), tlv(0x86, Buffer.from('http://a.test/')))), true))),
  bare('A2', 'open', 'half an authority: keyCertSign, but no authority', body(basic(false), usage(0x84, 2))),
  bare('A2', 'open', 'half an authority: a path length, but no authority', body(basic(false, 0))),
  bare('A2', 'open', 'an authority as the server', body(basic(true), usage(0x86, 1))),
  bare('A2', 'bad', 'not for signatures', body(usage(0x20, 5))),
  at('A2', 'bad', 'a policy is demanded and the chain has none', (host, { root }) => {
    const middle = authority('demanding', root, { more: [extension('2.5.29.36', tlv(0x30, tlv(0x80, Buffer.from([0]))), true)] });
    return [server([host], middle), middle];
  }),
  at('A2', 'bad', 'a policy is demanded and the chain shows two', (host, { root }) => {
    const middle = authority('demanding', root, { more: [policies(onePolicy), extension('2.5.29.36', tlv(0x30, tlv(0x80, Buffer.from([0]))), true)] });
    return [server([host], middle, { more: [policies(otherPolicy)] }), middle];
  }),
  at('A2', 'good', 'a policy is demanded and runs through', (host, { root }) => {
    const middle = authority('demanding', root, { more: [policies(onePolicy), extension('2.5.29.36', tlv(0x30, tlv(0x80, Buffer.from([0]))), true)] });
    return [server([host], middle, { more: [policies(onePolicy)] }), middle];
  }),

  // A3, A12: names and forms as browsers read them.
  at('A3', 'bad', 'common name only', (host, { middle }) => [make({ subject: host, by: middle, extensions: [basic(false), purposes(serverAuth)] }), middle]),
  at('A3', 'bad', 'common name right, subjectAltName wrong', (host, { middle }) => [server(['elsewhere.test'], middle, { subject: host }), middle]),
  at('A3', 'bad', 'subjectAltName without a name', (host, { middle }) => [make({ subject: host, by: middle, extensions: [san()] }), middle]),
  at('A3', 'bad', 'mail address only', (host, { middle }) => [make({ subject: host, by: middle, extensions: [san(tlv(0x81, Buffer.from(`a@${host}`)))] }), middle]),
  at('A3', 'bad', 'empty subject, subjectAltName not critical', (host, { middle }) => [make({ subject: '', by: middle, extensions: [san(dns(host))] }), middle]),
  at('A3', 'bad', 'a name of an unknown kind beside the right one', (host, { middle }) => [make({ by: middle, extensions: [san(dns(host), tlv(0x89, Buffer.from('x')))] }), middle]),
  named('A3', 'bad', 'partial wildcard', 'partial.situations.test', ['part*.situations.test']),
  named('A3', 'bad', 'partial wildcard in front', 'xfront.situations.test', ['*front.situations.test']),
  named('A3', 'bad', 'wildcard in the second label', 'www.mid.situations.test', ['www.*.situations.test']),
  named('A3', 'bad', 'wildcard over two labels', 'a.b.two.situations.test', ['*.two.situations.test']),
  named('A3', 'bad', 'two wildcards', 'a.b.three.situations.test', ['*.*.three.situations.test']),
  named('A3', 'bad', 'wildcard for the name itself', 'bare.situations.test', ['*.bare.situations.test']),
  named('A3', 'bad', 'wildcard over a top-level name', 'situations-top.test', ['*.test']),
  named('A3', 'bad', 'wildcard over a public suffix', 'shop.co.uk', ['*.co.uk']),
  named('A3', 'bad', 'wildcard alone', 'lonely.situations.test', ['*']),
  named('A3', 'open', 'wildcard over a private suffix', 'pinlight-situation.github.io', ['*.github.io']),
  named('A3', 'open', 'partial wildcard of an IDN', 'xn--bcher2-kva.situations.test', ['xn--*.situations.test']),
  named('A3', 'bad', 'a NUL in the name', 'nul.situations.test', ['nul.situations.test\0.evil.test']),
  named('A3', 'bad', 'a space after the name', 'space.situations.test', ['space.situations.test ']),
  named('A12', 'bad', 'an IDN as U-label', 'xn--bcher3-kva.situations.test', ['b\xfccher3.situations.test']),
  named('A12', 'open', 'a dot after the name', 'dotted.situations.test', ['dotted.situations.test.']),
  at('A12', 'bad', 'an IPv4 address as DNS name', (host, { middle }) => [make({ by: middle, extensions: [san(dns(host))] }), middle], { host: '192.0.2.11' }),
  named('A12', 'bad', 'another IPv4 address', '192.0.2.12', ['192.0.2.99']),
  at('A12', 'bad', 'a wildcard over an address', (_host, { middle }) => [make({ by: middle, extensions: [san(dns('*.0.2.13'))] }), middle], { host: '192.0.2.13' }),
  named('A12', 'bad', 'an address for a name', 'addressed.situations.test', ['192.0.2.14']),
  leaf('A3', 'open', 'an asterisk in a PrintableString of the subject', { subject: nameOf('*.situations.test', 0x13) }),
  leaf('A3', 'open', 'Latin-1 in an IA5String of the subject', { subject: tlv(0x30, tlv(0x31, tlv(0x30, oid('2.5.4.3'), tlv(0x16, Buffer.from([0xfc, 0x62]))))) }),
  leaf('A3', 'open', 'Latin-1 in a PrintableString of the subject', { subject: tlv(0x30, tlv(0x31, tlv(0x30, oid('2.5.4.3'), tlv(0x13, Buffer.from([0xfc, 0x62]))))) }),
  leaf('A3', 'open', 'Latin-1 in a TeletexString of the subject', { subject: tlv(0x30, tlv(0x31, tlv(0x30, oid('2.5.4.3'), tlv(0x14, Buffer.from([0xfc, 0x62]))))) }),
  leaf('A3', 'open', 'an empty set in the subject', { subject: tlv(0x30, tlv(0x31)) }),
  leaf('A3', 'open', 'a compressed point as key', { compressed: true }),
  leaf('A3', 'open', 'a serial number of 21 bytes', { serial: Buffer.alloc(21, 0x41) }),
  leaf('A3', 'open', 'a negative serial number', { serial: Buffer.from([0x81, 1]) }),
  leaf('A3', 'open', 'the serial number 0', { serial: Buffer.from([0]) }),
  leaf('A3', 'bad', 'a date without seconds', { tweakTbs: (tbs) => shortDate(tbs) }),
  at('A3', 'bad', 'the issuer is not the next subject', (host, { middle }) => [server([host], middle, { issuer: nameOf('somebody else') }), middle]),
  at('A3', 'open', 'the issuer in another string type', (host, { root }) => {
    const middle = authority(nameOf('Typed Name', 0x0c), root);
    return [server([host], middle, { issuer: nameOf('Typed Name', 0x13) }), middle];
  }),
  below('A3', 'open', 'root without extensions, version 1', { version: 1, extensions: [] }),
  below('A3', 'bad', 'root that says it is no authority', { extensions: [basic(false), usage(0x06, 1)] }),
  below('A3', 'bad', 'root for clients only', { more: [purposes(clientAuth)] }),
  below('A3', 'open', 'root not for signing certificates', { extensions: [basic(true), usage(0x80, 7)] }),
  at('A3', 'open', 'a trusted root as the server', (host, { trust }) => [trust(make({ subject: 'root as server', extensions: [basic(true), usage(0x86, 1), san(dns(host))] }))]),

  // A4: purposes.
  bare('A4', 'bad', 'for clients only', body(purposes(clientAuth))),
  bare('A4', 'bad', 'for signing code only', body(purposes(codeSigning))),
  bare('A4', 'open', 'for any purpose', body(purposes(anyPurpose))),
  bare('A4', 'good', 'for servers and clients', body(purposes(serverAuth, clientAuth))),
  under('A4', 'bad', 'intermediate for clients only', { more: [purposes(clientAuth)] }),
  under('A4', 'bad', 'intermediate for signing code only', { more: [purposes(codeSigning)] }),
  under('A4', 'good', 'intermediate for servers', { more: [purposes(serverAuth)] }),

  // A5: keys and hashes.
  leaf('A5', 'bad', 'RSA with 1024 bits', { key: 'rsa1024' }),
  leaf('A5', 'bad', 'RSA with 2040 bits', { key: 'rsa2040' }),
  under('A5', 'bad', 'intermediate: RSA with 1024 bits', { key: 'rsa1024' }),
  leaf('A5', 'bad', 'curve secp256k1', { key: 'secp256k1' }),
  under('A5', 'bad', 'intermediate: curve secp256k1', { key: 'secp256k1' }),
  leaf('A5', 'bad', 'curve P-521', { key: 'p521' }),
  under('A5', 'good', 'intermediate: curve P-521', { key: 'p521' }),
  leaf('A5', 'bad', 'Ed25519', { key: 'ed25519' }),
  under('A5', 'bad', 'intermediate: Ed25519', { key: 'ed25519' }),
  under('A5', 'bad', 'intermediate: DSA', { key: 'dsa2048' }),
  below('A5', 'bad', 'root: DSA', { key: 'dsa2048' }),
  leaf('A5', 'open', 'RSA exponent 3', { key: 'rsa2048e3' }),
  ...(['md5', 'sha1', 'sha224'] as const).flatMap((digest) => [
    at('A5', 'bad', `${digest} with RSA`, (host, { rsaRoot }) => [server([host], rsaRoot, { digest })]),
    at('A5', 'bad', `${digest} with RSA in the intermediate`, (host, { rsaRoot }) => {
      const middle = authority(`by ${digest}`, rsaRoot, { digest });
      return [server([host], middle), middle];
    }),
  ]),
  leaf('A5', 'bad', 'sha1 with ECDSA', { digest: 'sha1' }),
  at('A5', 'open', 'a root that signed itself with SHA-1', (host, { trust }) => [server([host], trust(authority('old root', undefined, { key: 'rsa2048', digest: 'sha1' })))]),

  // A6, A7: roots that count for nothing.
  at('A6', 'bad', 'signed by Pinlight\'s own root', (host, { own }) => [server([host], own), own]),
  at('A6', 'bad', 'an authority under Pinlight\'s own root', (host, { own }) => {
    const middle = authority('under ours', own);
    return [server([host], middle), middle, own];
  }),
  at('A7', 'bad', 'signed by eDellRoot, which the device trusts', (host, { trust }) => [server([host], trust(authority('eDellRoot', undefined, { key: pairOf(eDellRootKey) })))]),
  at('A7', 'bad', 'an intermediate with eDellRoot\'s key', (host, { root }) => {
    const middle = authority('harmless', root, { key: pairOf(eDellRootKey) });
    return [server([host], middle), middle];
  }),
  at('A7', 'bad', 'a server with eDellRoot\'s key', (host, { middle }) => [server([host], middle, { key: pairOf(eDellRootKey) }), middle]),

  // A8: what the server itself shows about revocation.
  leaf('A8', 'bad', 'stapled answer: revoked', {}, { staple: ({ middle }, chain) => ocspResponse(chain[0], middle, 'revoked') }),
  leaf('A8', 'good', 'stapled answer: good', {}, { staple: ({ middle }, chain) => ocspResponse(chain[0], middle, 'good') }),
  leaf('A8', 'open', 'stapled answer that cannot be read', {}, { staple: () => Buffer.from('junk') }),
  leaf('A8', 'open', 'stapled answer: revoked, by a stranger', {}, { staple: ({ middle, stranger }, chain) => ocspResponse(chain[0], { ...stranger, subject: middle.subject }, 'revoked') }),
  leaf('A8', 'open', 'a staple is promised and does not come', { more: [extension('1.3.6.1.5.5.7.1.24', tlv(0x30, tlv(2, Buffer.from([5]))))] }),

  // A10: chains.
  at('A10', 'bad', 'the intermediate is missing', (host, { middle }) => [server([host], middle)], { program: 'openssl' }),
  at('A10', 'bad', 'the wrong intermediate', (host, { root, middle }) => [server([host], middle), authority('another', root)]),
  at('A10', 'open', 'two intermediates in the wrong order', (host, { root }) => {
    const first = authority('upper', root);
    const second = authority('lower', first);
    return [server([host], second), first, second];
  }),
  at('A10', 'open', 'two authorities that certify each other, and a way out', (host, { root }) => {
    const keyA = keyOf('p256', 'loop a');
    const keyB = keyOf('p256', 'loop b');
    const plainA = authority('loop a', undefined, { key: keyA });
    const plainB = authority('loop b', undefined, { key: keyB });
    return [server([host], plainA), authority('loop a', plainB, { key: keyA }), authority('loop b', plainA, { key: keyB }), authority('loop b', root, { key: keyB })];
  }),
  at('A10', 'bad', 'two authorities that certify each other, and no way out', (host) => {
    const keyA = keyOf('p256', 'circle a');
    const keyB = keyOf('p256', 'circle b');
    const plainA = authority('circle a', undefined, { key: keyA });
    const plainB = authority('circle b', undefined, { key: keyB });
    return [server([host], plainA), authority('circle a', plainB, { key: keyA }), authority('circle b', plainA, { key: keyB })];
  }),
  at('A10', 'open', 'cross-signed: the untrusted way first', (host, { root, stranger }) => {
    const key = keyOf('p256', 'crossed');
    const trusted = authority('crossed', root, { key });
    return [server([host], trusted), authority('crossed', stranger, { key }), trusted];
  }),
  at('A10', 'bad', 'a twin of the limited intermediate in front of it', (host, { root }) => {
    const key = keyOf('p256', 'twin');
    const narrow = authority('twin', root, { key, more: [constraints({ permitted: [dns('elsewhere.test')] })] });
    return [server([host], narrow), authority('twin', root, { key, tweakSignature: flip }), narrow];
  }),
  at('A10', 'bad', 'a chain of 20', (host, { root }) => deep(host, root, 20)),
  at('A10', 'good', 'a chain of 5', (host, { root }) => deep(host, root, 5)),

  // A11: size.
  at('A11', 'bad', '10,000 names', (host, { middle }) => [server([host, ...Array.from({ length: 10_000 }, (_, i) => `name${i}.situations.test`)], middle), middle]),
  leaf('A11', 'bad', 'an extension of 120 kB', { more: [extension('1.2.3.4.6', tlv(4, Buffer.alloc(120_000)))] }),

  // A13: another certificate on the second connection.
  at('A13', 'bad', 'good first, then of a stranger', (host, { middle }) => [server([host], middle), middle], { later: ({ stranger }, host) => [server([host], stranger)] }),
  at('A13', 'bad', 'good first, then expired', (host, { middle }) => [server([host], middle), middle], { later: ({ middle }, host) => [server([host], middle, { notBefore: ago(9), notAfter: ago(1) }), middle] }),
];

function deep(host: string, root: Made, length: number): Chain {
  const authorities: Made[] = [];
  for (let i = 0; i < length - 2; i += 1) authorities.unshift(authority(`depth ${i}`, authorities[0] ?? root));
  return [server([host], authorities[0] ?? root), ...authorities];
}

/** The first UTCTime loses its seconds; the lengths around it are made anew. */
function shortDate(tbs: Buffer): Buffer {
  const place = tbs.indexOf(Buffer.from([0x17, 13]));
  const text = tbs.subarray(place + 2, place + 15).toString();
  return replace(Buffer.concat([Buffer.from([0x17, 13]), Buffer.from(text)]), Buffer.concat([Buffer.from([0x17, 13]), Buffer.from(`${text.slice(0, 10)}+00`)]))(tbs);
}
