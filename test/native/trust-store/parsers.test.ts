// Pure readers of what tools print and of the files of stores, on every system. Roots are real ones of this product's making.
// The texts of `security` and PowerShell are written from documentation, to be replaced by recordings.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import { editPolicy } from '../../../native/trust-store/browser-policy.ts';
import { parseKeytoolList } from '../../../native/trust-store/java-keystore.ts';
import { trustedNames } from '../../../native/trust-store/macos-store.ts';
import { profilePaths } from '../../../native/trust-store/nss-stores.ts';
import { pinlightRootsIn, readPinlightRoot, withoutPinlightRoots } from '../../../native/trust-store/pinlight-roots.ts';
import { parseStoreListing } from '../../../native/trust-store/windows-store.ts';
import { makeRoot } from '../support/clients.ts';

let folder: string;
let der: Buffer;
let pem: string;
let foreign: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'parsers-'));
  const made = loadAuthority(path.join(folder, 'state'), 'laptop', Date.now());
  if (made.kind !== 'authority') throw new Error(made.why);
  der = made.authority.certificate;
  pem = made.authority.certificatePem;
  foreign = readFileSync(makeRoot(folder, 'foreign').pemFile, 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a root of Pinlight\'s is known by its subject, another one is not', () => {
  expect(readPinlightRoot(pem)).toMatchObject({ name: expect.stringContaining('CN=Pinlight root for laptop'), fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(readPinlightRoot(foreign)).toBeNull();
  expect(readPinlightRoot('no certificate')).toBeNull();
});

test.each<[string, () => Buffer, number]>([
  ['a bundle', () => Buffer.from(foreign + pem), 1],
  ['a bundle with the line ends of Windows, and twice', () => Buffer.from((pem + foreign + pem).replaceAll('\n', '\r\n')), 1],
  ['DER alone', () => der, 1],
  ['DER inside a keystore', () => Buffer.concat([Buffer.from('feedfeed00000002', 'hex'), Buffer.alloc(100, 0x30), der, Buffer.alloc(20)]), 1],
  ['Base64 in JSON', () => Buffer.from(JSON.stringify({ CACertificates: [der.toString('base64')] }).replaceAll('/', '\\/')), 1],
  ['a foreign bundle', () => Buffer.from(foreign), 0],
  ['a certificate that is cut', () => der.subarray(0, 200), 0],
  ['nothing', () => Buffer.alloc(0), 0],
])('roots found in %s', (_name, bytes, count) => {
  expect(pinlightRootsIn(bytes())).toHaveLength(count);
});

test('a bundle without its roots of Pinlight\'s keeps every other byte', () => {
  expect(withoutPinlightRoots(`# first\n${foreign}${pem}# last\n`)).toBe(`# first\n${foreign}# last\n`);
});

test('keytool\'s list: alias and certificate, only ours', () => {
  const text = `Keystore type: JKS\n\nAlias name: debian:a.pem\nEntry type: trustedCertEntry\n\n${foreign}\n\n*******\n\nAlias name: pinlight-1 with space\nCreation date: x\n\n${pem}\n`;
  expect(parseKeytoolList(text).map((entry) => entry.alias)).toEqual(['pinlight-1 with space']);
  expect(parseKeytoolList('Your keystore contains 0 entries')).toEqual([]);
});

test('profiles.ini: the path of every profile, relative or not', () => {
  expect(profilePaths('[Install1]\nDefault=a.x\n\n[Profile1]\nName=b\r\nIsRelative=0\r\nPath=/data/b\r\n\n[Profile0]\nName=a\nPath=Profiles/a.x\n[General]\nVersion=2\n')).toEqual(['/data/b', 'Profiles/a.x']);
  expect(profilePaths('')).toEqual([]);
});

test('Firefox\'s policy: our module in and out again, everything else kept; what is no JSON is not touched', () => {
  const theirs = { policies: { DisableTelemetry: true, SecurityDevices: { Add: { card: '/lib/card.so' }, Delete: ['x'] } } };
  const edited = editPolicy(JSON.stringify(theirs), '/lib/p11.so');
  expect(JSON.parse(edited ?? '')).toEqual({ policies: { DisableTelemetry: true, SecurityDevices: { Add: { card: '/lib/card.so', 'Pinlight: the system store': '/lib/p11.so' }, Delete: ['x'] } } });
  expect(JSON.parse(editPolicy(edited ?? '', null) ?? '')).toEqual(theirs);
  expect(editPolicy('{ "policies": ', '/lib/p11.so')).toBeNull();
  expect(editPolicy('[]', '/lib/p11.so')).toBeNull();
});

test('macOS trust settings: names with trust as a root or without any restriction', () => {
  const text = [
    'Number of trusted certs = 3', 'Cert 0: Pinlight root for laptop (2026-11-21)', '   Number of trust settings : 1', '   Trust Setting 0:',
    '      Policy OID            : SSL', '      Result Type           : kSecTrustSettingsResultTrustRoot',
    'Cert 1: Corp CA', '   Number of trust settings : 0', 'Cert 2: Distrusted', '   Number of trust settings : 1', '      Result Type           : kSecTrustSettingsResultDeny', '',
  ].join('\n');
  expect(trustedNames(text)).toEqual(['Pinlight root for laptop (2026-11-21)', 'Corp CA']);
  expect(trustedNames('SecTrustSettingsCopyCertificates: No Trust Settings were found.')).toEqual([]);
});

test('Windows: one certificate a line, and an end that tells a listing from silence', () => {
  expect(parseStoreListing(`${der.toString('base64')}\r\nend\r\n`)).toHaveLength(1);
  expect(parseStoreListing('end\r\n')).toEqual([]);
  expect(parseStoreListing('')).toBeNull();
  expect(parseStoreListing(`${der.toString('base64')}\r\n`)).toBeNull();
});
