// The DER walk against node:crypto over every certificate of the system's bundle and over generated odd ones; mutations never throw.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipText, readCertificate, type CertificateFacts } from '../../../electron/core/ca/certificate.ts';
import { addressBytes } from '../../../electron/core/policy/address.ts';

const bundle = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'].find((file) => existsSync(file));
let folder = '';
let base: Buffer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-der-'));
  base = generate(['-subj', '/CN=base.example', '-addext', 'subjectAltName=DNS:base.example,DNS:*.base.example,IP:192.0.2.1,IP:2001:db8::1']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A self-signed certificate by openssl. */
function generate(args: readonly string[], key: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']): Buffer {
  const pem = execFileSync('openssl', ['req', '-x509', '-newkey', ...key, '-nodes', '-keyout', join(folder, 'key.pem'), '-days', '10', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  return new X509Certificate(pem).raw;
}

function facts(der: Uint8Array): CertificateFacts {
  const read = readCertificate(der);
  if (read.kind === 'malformed') throw new Error(read.why);
  return read.facts;
}

/** What node:crypto knows about the same certificate, in our words. */
function expectSame(certificate: X509Certificate): void {
  const ours = facts(certificate.raw);
  expect(ours.notBefore).toBe(Date.parse(certificate.validFrom));
  expect(ours.notAfter).toBe(Date.parse(certificate.validTo));
  expect(Buffer.from(ours.spki).equals(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toBe(true);
  expect(namesOf(ours)).toEqual(nodeNames(certificate));
}

const namesOf = (ours: CertificateFacts): string[] | null => ours.names?.map((name) => (name.kind === 'dns' ? `DNS:${name.name}` : `IP:${name.address}`)) ?? null;

function nodeNames(certificate: X509Certificate): string[] | null {
  const text = certificate.subjectAltName;
  if (text === undefined) return null;
  return text.split(', ').flatMap((part) => {
    if (part.startsWith('DNS:')) return [part.toLowerCase().replace('dns:', 'DNS:')];
    return part.startsWith('IP Address:') ? [`IP:${ipText(addressBytes(part.slice('IP Address:'.length)) ?? new Uint8Array()) ?? ''}`] : [];
  });
}

describe('certificates of the system bundle', () => {
  test('are all read as node:crypto reads them', (context) => {
    if (bundle === undefined) {
      console.log('skipped: this system has no certificate bundle in a known place');
      context.skip();
    }
    const pems = readFileSync(bundle ?? '', 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    expect(pems.length).toBeGreaterThan(50);
    for (const text of pems) {
      const certificate = new X509Certificate(text);
      expectSame(certificate);
      const ours = facts(certificate.raw);
      expect(Buffer.from(ours.subject).equals(Buffer.from(ours.issuer))).toBe(certificate.subject === certificate.issuer);
      expect(Buffer.compare(certificate.raw.subarray(certificate.raw.indexOf(ours.subject)).subarray(0, ours.subject.length), ours.subject)).toBe(0);
      expect(ours.keyId === null || certificate.raw.includes(Buffer.from(ours.keyId))).toBe(true);
    }
  });

  test('have the subject hash that openssl computes for the bytes we call the subject', (context) => {
    if (bundle === undefined) {
      console.log('skipped: this system has no certificate bundle in a known place');
      context.skip();
    }
    // openssl's old hash is MD5 over the encoded Name, first four bytes little-endian.
    const text = readFileSync(bundle ?? '', 'utf8');
    const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.slice(0, 8) ?? [];
    for (const pem of pems) {
      const hash = execFileSync('openssl', ['x509', '-noout', '-subject_hash_old', '-issuer_hash_old'], { input: pem, encoding: 'utf8' }).trim().split('\n');
      const ours = facts(new X509Certificate(pem).raw);
      expect([oldHash(ours.subject), oldHash(ours.issuer)]).toEqual(hash);
    }
  });
});

function oldHash(name: Uint8Array): string {
  const digest = execFileSync('openssl', ['dgst', '-md5', '-binary'], { input: Buffer.from(name) });
  return digest.readUInt32LE(0).toString(16).padStart(8, '0');
}

describe('generated certificates', () => {
  test.each<[string, () => Buffer, Partial<{ version: number; names: string[] | null }>]>([
    ['no subjectAltName', () => generate(['-subj', '/CN=a.example']), { version: 3, names: null }],
    ['names, wildcards and addresses in order', () => base, { version: 3, names: ['DNS:base.example', 'DNS:*.base.example', 'IP:192.0.2.1', 'IP:2001:db8:0:0:0:0:0:1'] }],
    ['1,000 names', () => generate(['-subj', '/CN=a', '-config', many(1_000)]), {}],
    ['capitals in a name', () => generate(['-subj', '/CN=a', '-addext', 'subjectAltName=DNS:WWW.Example.COM']), { names: ['DNS:www.example.com'] }],
    ['an A-label', () => generate(['-subj', '/CN=a', '-addext', 'subjectAltName=DNS:xn--n1aae7f7o.example']), { names: ['DNS:xn--n1aae7f7o.example'] }],
    ['an empty subject with a critical subjectAltName', () => generate(['-subj', '/', '-addext', 'subjectAltName=critical,DNS:a.example']), { names: ['DNS:a.example'] }],
    ['mail and URI names, which are left out', () => generate(['-subj', '/CN=a', '-addext', 'subjectAltName=email:a@b.example,URI:https://b.example/,DNS:b.example']), { names: ['DNS:b.example'] }],
    ['mail names only: present, and empty', () => generate(['-subj', '/CN=a', '-addext', 'subjectAltName=email:a@b.example']), { names: [] }],
    ['a subject in Unicode', () => generate(['-utf8', '-subj', '/CN=Bücher/O=Ünïcode', '-addext', 'subjectAltName=DNS:b.example']), { names: ['DNS:b.example'] }],
    ['an end beyond 2050, as GeneralizedTime', () => generate(['-subj', '/CN=a', '-days', '20000']), {}],
    ['version 1', () => version1(), { version: 1, names: null }],
    ['an RSA key', () => generate(['-subj', '/CN=r'], ['rsa:2048']), {}],
  ])('%s', (_, make, expected) => {
    const der = make();
    expectSame(new X509Certificate(der));
    const ours = facts(der);
    if (expected.version !== undefined) expect(ours.version).toBe(expected.version);
    if (expected.names !== undefined) expect(namesOf(ours)).toEqual(expected.names);
  });

  test('a subject key identifier is the one openssl prints', () => {
    const text = execFileSync('openssl', ['x509', '-inform', 'der', '-noout', '-ext', 'subjectKeyIdentifier'], { input: base, encoding: 'utf8' });
    expect(Buffer.from(facts(base).keyId ?? []).toString('hex').toUpperCase()).toBe(/([0-9A-F]{2}:)+[0-9A-F]{2}/.exec(text)?.[0].replaceAll(':', ''));
  });
});

/** An openssl configuration with `count` names. */
function many(count: number): string {
  const file = join(folder, 'many.cnf');
  const names = Array.from({ length: count }, (_, i) => `DNS:h${i}.example.com`).join(',');
  execFileSync('sh', ['-c', `cat > ${file}`], { input: `[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\nsubjectAltName=${names}\n` });
  return file;
}

function version1(): Buffer {
  execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'v1.key'), '-subj', '/CN=v1', '-out', join(folder, 'v1.csr')], { stdio: 'ignore' });
  const pem = execFileSync('openssl', ['x509', '-req', '-in', join(folder, 'v1.csr'), '-signkey', join(folder, 'v1.key'), '-days', '5'], { stdio: ['ignore', 'pipe', 'ignore'] });
  return new X509Certificate(pem).raw;
}

/** The best of three, ms: what the code needs, not what a busy machine adds. */
function fastest(der: Buffer): number {
  return Math.min(...[1, 2, 3].map(() => {
    const before = performance.now();
    readCertificate(der);
    return performance.now() - before;
  }));
}

const tlv = (tag: number, ...contents: Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x10000 ? [0x82, length >> 8, length & 0xff] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
};
const utc = (text: string): Buffer => tlv(0x17, Buffer.from(text));
const generalized = (text: string): Buffer => tlv(0x18, Buffer.from(text));

const oid = (text: string): Buffer => tlv(6, Buffer.from(text, 'hex'));
const p256Key = tlv(0x30, tlv(0x30, oid('2a8648ce3d0201'), oid('2a8648ce3d030107')), tlv(3, Buffer.from([0, 4])));

/** A certificate of the least shape, from parts. */
function made(parts: { dates?: readonly Buffer[]; extensions?: readonly Buffer[]; version?: Buffer; spki?: Buffer; spare?: Buffer } = {}): Buffer {
  const name = tlv(0x30);
  const tbs = tlv(0x30,
    parts.version ?? tlv(0xa0, tlv(2, Buffer.from([2]))), tlv(2, Buffer.from([1])), tlv(0x30), name,
    tlv(0x30, ...(parts.dates ?? [utc('250101000000Z'), utc('260101000000Z')])), name, parts.spki ?? p256Key,
    ...(parts.extensions === undefined ? [] : [tlv(0xa3, tlv(0x30, ...parts.extensions))]));
  return tlv(0x30, tbs, tlv(0x30), tlv(3, Buffer.from([0])), parts.spare ?? Buffer.alloc(0));
}

const extensions = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => tlv(0x30, tlv(6, Buffer.from([0x2a, i >> 8, i & 0xff])), tlv(4)));
const san = (...names: Buffer[]): Buffer => tlv(0x30, tlv(6, Buffer.from([0x55, 0x1d, 0x11])), tlv(4, tlv(0x30, ...names)));
const dnsName = (text: string): Buffer => tlv(0x82, Buffer.from(text, 'latin1'));

describe('odd certificates', () => {
  test.each<[string, Buffer, string]>([
    ['the least shape', made(), 'certificate'],
    ['nothing', Buffer.alloc(0), 'no certificate'],
    ['no sequence', Buffer.from([2, 1, 0]), 'no certificate'],
    ['an indefinite length', Buffer.from([0x30, 0x80, 0, 0]), 'no certificate'],
    ['a length that is not minimal', Buffer.concat([Buffer.from([0x30, 0x81, 3]), Buffer.from([2, 1, 0])]), 'no certificate'],
    ['a length past the end', Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), 'no certificate'],
    ['31 February', made({ dates: [utc('250231000000Z'), utc('260101000000Z')] }), 'validity'],
    ['29 February of a year without one', made({ dates: [utc('250229000000Z'), utc('260101000000Z')] }), 'validity'],
    ['29 February of a leap year', made({ dates: [utc('240229000000Z'), utc('260101000000Z')] }), 'certificate'],
    ['month 13', made({ dates: [utc('251301000000Z'), utc('260101000000Z')] }), 'validity'],
    ['hour 24', made({ dates: [utc('250101240000Z'), utc('260101000000Z')] }), 'validity'],
    ['second 60', made({ dates: [utc('250101000060Z'), utc('260101000000Z')] }), 'validity'],
    ['a date without seconds', made({ dates: [utc('2501010000Z'), utc('260101000000Z')] }), 'validity'],
    ['a date with an offset', made({ dates: [utc('250101000000+0100'), utc('260101000000Z')] }), 'validity'],
    ['a date with fractions', made({ dates: [generalized('20250101000000.5Z'), utc('260101000000Z')] }), 'validity'],
    ['no end: 99991231235959Z', made({ dates: [utc('250101000000Z'), generalized('99991231235959Z')] }), 'certificate'],
    ['the year 50 of long ago', made({ dates: [generalized('00500101000000Z'), utc('260101000000Z')] }), 'validity'],
    ['one date only', made({ dates: [utc('250101000000Z')] }), 'validity'],
    ['a date of 300 kB', made({ dates: [utc('1'.repeat(300_000)), utc('260101000000Z')] }), 'validity'],
    ['a name of 300 kB', made({ extensions: [san(dnsName('a'.repeat(300_000)))] }), 'certificate'],
    ['a NUL in a name', made({ extensions: [san(dnsName('good.example\0.evil.example'))] }), 'subjectAltName'],
    ['Latin-1 bytes in a name', made({ extensions: [san(dnsName('b\xfccher.example'))] }), 'subjectAltName'],
    ['a space in a name', made({ extensions: [san(dnsName('a b'))] }), 'subjectAltName'],
    ['an address of 5 bytes', made({ extensions: [san(tlv(0x87, Buffer.alloc(5)))] }), 'subjectAltName'],
    ['an address with a mask', made({ extensions: [san(tlv(0x87, Buffer.alloc(8)))] }), 'subjectAltName'],
    ['subjectAltName twice', made({ extensions: [san(dnsName('a.example')), san(dnsName('b.example'))] }), 'extensions'],
    ['an unknown extension', made({ extensions: [tlv(0x30, tlv(6, Buffer.from([0x2a, 3])), tlv(1, Buffer.from([0xff])), tlv(4, Buffer.from([5, 0])))] }), 'certificate'],
    ['101 extensions', made({ extensions: extensions(101) }), 'extensions'],
    ['an extension without value', made({ extensions: [tlv(0x30, tlv(6, Buffer.from([0x2a, 3])))] }), 'extensions'],
    ['bytes after the signature', made({ spare: Buffer.from([5, 0]) }), 'signature'],
    ['no key in the place of the key', made({ spki: tlv(0x30) }), 'public key'],
    ['the default version written out', made({ version: tlv(0xa0, tlv(2, Buffer.from([0]))) }), 'version'],
    ['extensions that are none', made({ extensions: [] }), 'extensions'],
    ['a subjectAltName without a name', made({ extensions: [san()] }), 'subjectAltName'],
    ['a name of an unknown kind', made({ extensions: [san(tlv(0x89))] }), 'subjectAltName'],
    ['bytes after the names', made({ extensions: [tlv(0x30, oid('551d11'), tlv(4, tlv(0x30, dnsName('a.example')), tlv(5)))] }), 'subjectAltName'],
    ['critical neither true nor false', made({ extensions: [tlv(0x30, oid('2a03'), tlv(1, Buffer.from([1])), tlv(4))] }), 'extensions'],
    ['a key usage without a use', made({ extensions: [tlv(0x30, oid('551d0f'), tlv(4, tlv(3, Buffer.from([7, 0]))))] }), 'keyUsage'],
    ['purposes that are none', made({ extensions: [tlv(0x30, oid('551d25'), tlv(4, tlv(0x30)))] }), 'extendedKeyUsage'],
    ['name constraints that are none', made({ extensions: [tlv(0x30, oid('551d1e'), tlv(4, tlv(0x30)))] }), 'nameConstraints'],
    ['a network mask with a hole', made({ extensions: [tlv(0x30, oid('551d1e'), tlv(4, tlv(0x30, tlv(0xa0, tlv(0x30, tlv(0x87, Buffer.from([10, 0, 0, 0, 255, 0, 255, 0])))))))] }), 'nameConstraints'],
    ['a place of the issuer that is none', made({ extensions: [tlv(0x30, oid('2b06010505070101'), tlv(4, Buffer.from('junk')))] }), 'authorityInfoAccess'],
    ['a version of two bytes', made({ version: tlv(0xa0, tlv(2, Buffer.from([0, 2]))) }), 'version'],
  ])('%s', (_, der, expected) => {
    const read = readCertificate(der);
    expect(read.kind === 'malformed' ? read.why : read.kind).toBe(expected);
  });

  test.each([
    ['9,000 names', made({ extensions: [san(...Array.from({ length: 9_000 }, (_, i) => dnsName(`h${i}.example`)))] })],
    ['100 extensions', made({ extensions: extensions(100) })],
    ['a name of 60 kB', made({ extensions: [san(dnsName('a'.repeat(60_000)))] })],
  ])('%s take less than 20 ms', (_, der) => {
    expect(readCertificate(der).kind).toBe('certificate');
    expect(fastest(der)).toBeLessThan(20);
  });

  test('mutations never throw, and no run of them takes long', () => {
    const mutation = fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(mutation, fc.nat(2_000), (changes, cut) => {
      const der = Buffer.from(base);
      for (const [at, value] of changes) der[at % der.length] = value;
      const before = performance.now();
      readCertificate(der);
      if (performance.now() - before > 20) expect(fastest(der)).toBeLessThan(20);
      readCertificate(der.subarray(0, cut % der.length));
    }), { numRuns: 10_000 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { readCertificate(bytes); }), { numRuns: 3_000 });
  });
});
